"""Faults: what goes wrong on the way between a caller and the service, when, and how often.

A fault stands outside idempotency: whatever it does to an answer, the service remembers what it
did, and a retry meets a clean server. What strikes, and where, is decided here; doing it to a
connection is the edge's business.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from runa_mock_server.base.clock import Clock
from runa_mock_server.base.path_table import fits_pattern
from runa_mock_server.contract.processing import NEVER

if TYPE_CHECKING:
    from runa_mock_server.server_state.fault_spec import (
        FaultSpec,  # a server starts without loading pydantic
    )

_REMEMBERED = 1_000


class Target(NamedTuple):
    """A request, as far as faults look at it.

    Attributes:
        account: the API key.
        method: the HTTP method.
        path: the path.
        idempotency_key: ``X-Idempotency-Key``.
    """

    account: str | None
    method: str
    path: str
    idempotency_key: str | None


class Fault:
    """A fault that was armed.

    Attributes:
        id: its name, ``F-1``.
        spec: what it does, and to which requests.
        account: the API key whose requests it hits, ``None`` for everybody's.
        matched: the requests that it was meant for so far.
        struck: how many of them it hit.
    """

    def __init__(
        self, id_: str, spec: "FaultSpec", account: str | None, clock: Clock, random: Random
    ) -> None:
        self.id = id_
        self.spec = spec
        self.account = account
        self.matched = 0
        self.struck = 0
        self._clock = clock
        self._random = random
        life = spec.expires_after
        self._ends_at = NEVER if life is None else clock.now() + round(life * 1_000_000)
        self._is_removed = False
        self._waiting: set[Callable[[], None]] = set()

    @property
    def is_armed(self) -> bool:
        """Whether it can still strike."""
        times = self.spec.times
        nth = self.spec.nth
        is_spent = (times is not None and self.struck >= times) or (
            nth is not None and self.matched >= max(nth)
        )
        return not (self._is_removed or is_spent) and self._clock.now() < self._ends_at

    def fits(self, target: Target) -> bool:
        """Whether a request is one that it was meant for."""
        spec = self.spec
        return (
            (spec.method is None or spec.method == target.method)
            and (spec.path is None or fits_pattern(target.path, spec.path))
            and (spec.idempotency_key is None or spec.idempotency_key == target.idempotency_key)
        )

    def strikes(self) -> bool:
        """Whether it hits this one of the requests it was meant for; counts it as matched."""
        self.matched += 1
        wanted = self.spec.nth
        if wanted is not None and self.matched not in wanted:
            return False
        return self.spec.probability == 1 or self._random.random() < self.spec.probability

    def seconds(self) -> float:
        """How long this delay is, or how long the slow body takes."""
        return self.spec.seconds(self._random)

    @property
    def holds_up(self) -> bool:
        """Whether requests wait for its removal."""
        return bool(self._waiting)

    def when_removed(self, call: Callable[[], None]) -> Callable[[], None]:
        """Have ``call`` called when the fault is removed, or at once; the result undoes that."""
        if self._is_removed:  # while the request that it hit was still coming in, say
            call()
        self._waiting.add(call)
        return lambda: self._waiting.discard(call)

    def release(self) -> None:
        """Never strike again, and let go of the requests that it holds up."""
        self._is_removed = True
        self.let_go()

    def let_go(self) -> None:
        """Let the requests go on that it holds up."""
        for call in tuple(self._waiting):
            call()


class Faults:
    """The faults of one server.

    Args:
        seed: makes chance repeatable, for each account by itself; ``None`` leaves it to chance.
    """

    def __init__(self, seed: int | str | None) -> None:
        self._seed = seed
        self._chances: dict[str | None, Random] = {}
        self._numbers = count(1)
        self.armed: dict[str | None, list[Fault]] = {}
        self._spent: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        """Those that can strike, oldest first, then those that cannot any more."""
        faults = [fault for account in tuple(self.armed) for fault in self._of(account)]
        return iter([*sorted(faults, key=lambda fault: int(fault.id[2:])), *self._spent])

    def arm(self, spec: "FaultSpec", account: str | None, clock: Clock) -> Fault:
        """Have a fault strike from now on.

        Args:
            spec: what it does, and to which requests.
            account: the API key whose requests it hits; ``None`` for everybody's.
            clock: tells when it expires.
        """
        random = self._chances.get(account)
        if random is None:
            seed = None if self._seed is None else f"{self._seed}/faults/{account}"
            random = self._chances[account] = Random(seed)  # noqa: S311 - repeatable on purpose
        fault = Fault(f"F-{next(self._numbers)}", spec, account, clock, random)
        self.armed.setdefault(account, []).append(fault)
        return fault

    def strike(self, target: Target, *, inside: bool = False) -> Fault | None:
        """The fault that hits a request: of those that could, the one that was armed first.

        Args:
            target: the request.
            inside: whether it is inside the idempotent section, where some faults wait for it;
                the others strike outside.
        """
        hit: Fault | None = None
        for fault in self._candidates(target.account):
            # Each one counts, also where another has struck already.
            fits = (fault.spec.place == "inside") == inside and fault.fits(target)
            if fits and fault.strikes() and hit is None:
                hit = fault
        if hit is not None:
            hit.struck += 1
        return hit

    def may_strike(self, target: Target, *, inside: bool) -> bool:
        """Whether a fault is meant for a request; counts nothing."""
        return any(
            (fault.spec.place == "inside") == inside and fault.fits(target)
            for fault in self._candidates(target.account)
        )

    def let_go(self) -> None:
        """Let the requests go on that faults hold up; the faults stay armed."""
        for fault in tuple(self):
            fault.let_go()

    def _candidates(self, account: str | None) -> Sequence[Fault]:
        faults = self._of(None)
        return faults if account is None else [*self._of(account), *faults]

    def _of(self, account: str | None) -> list[Fault]:
        """The faults of an account that are still armed; the others are put away."""
        faults = self.armed.get(account, [])
        spent = [fault for fault in faults if not fault.is_armed]
        if spent:
            self._put_away(spent)
        return self.armed.get(account, [])

    def _put_away(self, faults: Sequence[Fault]) -> None:
        gone = {fault.id for fault in faults}
        for account in {fault.account for fault in faults}:
            left = [fault for fault in self.armed.pop(account, ()) if fault.id not in gone]
            if left:
                self.armed[account] = left
        self._spent.extend(faults)
        forgettable = sum(not fault.holds_up for fault in self._spent) - _REMEMBERED
        if forgettable > 0:
            idle = [fault for fault in self._spent if not fault.holds_up]
            forgotten = {fault.id for fault in idle[:forgettable]}
            self._spent = [fault for fault in self._spent if fault.id not in forgotten]

    def remove(self, faults: Sequence[Fault]) -> None:
        """Disarm faults, forget them, and let go of what they hold up."""
        gone = {fault.id for fault in faults}
        for account, armed in list(self.armed.items()):
            left = [fault for fault in armed if fault.id not in gone]
            if left:
                self.armed[account] = left
            else:
                del self.armed[account]
        self._spent = [fault for fault in self._spent if fault.id not in gone]
        for fault in faults:
            fault.release()
