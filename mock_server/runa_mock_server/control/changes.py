"""Whether something has changed since one last looked, told by counters and not by the things."""

from collections.abc import Callable, Mapping

from runa_mock_server.server_state.server_state import World

Mark = tuple[object, ...]


def _requests(world: World) -> Mark:
    journals = [world.journal, *(account.journal for account in world.accounts)]
    return (
        sum(len(journal) + journal.dropped for journal in journals),
        sum(journal.corrected for journal in journals),
    )


def _orders(world: World) -> Mark:
    accounts = world.accounts
    return (
        world.clock_moves,
        sum(account.state.version for account in accounts),
    )


def _emails(world: World) -> Mark:
    return _orders(world)  # a mail belongs to an order, and changes by a commit


def _faults(world: World) -> Mark:
    faults = list(world.faults)
    return (
        sum(fault.is_armed for fault in faults),
        sum(fault.matched for fault in faults),
        sum(fault.struck for fault in faults),
    )


def _webhooks(world: World) -> Mark:
    webhooks = world.webhooks
    return (
        len(webhooks.endpoints),
        len(webhooks.messages) + webhooks.dropped,
        webhooks.attempted,
    )


_PARTS: Mapping[str, Callable[[World], Mark]] = {
    "accounts": lambda world: (len(world.accounts),),
    "clock": lambda world: (world.clock_moves, world.clock.speed),
    "emails": _emails,
    "faults": _faults,
    "orders": _orders,
    "products": lambda _: (),
    "requests": _requests,
    "settings": lambda _: (),
    "webhooks": _webhooks,
}

PARTS = tuple(_PARTS)
"""What can change, as the views of the dashboard divide it."""


def marks(world: World) -> dict[str, Mark]:
    """For each part what is another value once it has changed.

    Reading them costs nothing that grows with orders or requests. Whatever is changed through the
    control API counts as a change of every part.
    """
    return {name: (world.commands, *mark(world)) for name, mark in _PARTS.items()}
