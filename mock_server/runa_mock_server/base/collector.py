"""The pauses of Python's garbage collector, in a process that does nothing but serve."""

import gc
from collections.abc import Callable
from itertools import count

ACCOUNTS_AT_ONCE = 1_000


def freezes_accounts() -> Callable[[object], None]:
    """Keep full collections short, however many accounts there are.

    A full collection walks every object, which takes half a second with 100,000 accounts. Accounts
    are no part of cycles, so the collector need not walk them: their reference counts free them.

    Returns:
        To be called with each new account; of each thousand the last has the collector leave out
        whatever exists then. Garbage in cycles that exists at that time is never freed: some
        kilobytes for a thousand accounts.
    """
    numbers = count(1)

    def note(_account: object) -> None:
        if next(numbers) % ACCOUNTS_AT_ONCE == 0:
            gc.freeze()

    return note
