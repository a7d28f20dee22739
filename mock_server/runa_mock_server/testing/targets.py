"""Where, and as whom, a test calls the service: a mock server of its own, a shared one, a real one.

Test frameworks build on this; it knows none of them.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runa_client import RetryPolicy, RunaClient, RunaError
from runa_mock_server.base.clock import Clock
from runa_mock_server.catalogue.catalogue import Catalogue
from runa_mock_server.config.settings import RUN_TIME, Settings, make_settings
from runa_mock_server.contract.profiles import PROFILES
from runa_mock_server.control_client.client import Controls
from runa_mock_server.control_client.handles import ClockControl
from runa_mock_server.control_client.remote import RemoteServer, connect
from runa_mock_server.server import MockServer

if TYPE_CHECKING:
    from runa_client import AsyncRunaClient

Server = MockServer | RemoteServer

_PRODUCTION_HOST = "api.runa.io"
_PRODUCTION_PREFIX = PROFILES["production"].key_prefix
_LONGEST_NAME = 16
# What ``MockServer`` takes beside plain settings.
_OBJECTS: Mapping[str, tuple[type, ...]] = {
    "catalogue": (Catalogue, os.PathLike),
    "clock": (Clock,),
}


class NotHereError(Exception):
    """What a test asks for cannot be had where it is aimed; the message says what and why."""


class Secret(str):
    """An API key that no traceback shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[API key]'"


class Endpoint(NamedTuple):
    """Where and as whom a test calls the service.

    Attributes:
        base_url: what a client takes, with ``/v2``.
        api_key: the key of the test's account.
        account: controls the account; ``None`` on a real service.
        still: the clock that a client's pauses move, because time stands still there; ``None``
            where it passes.
    """

    base_url: str
    api_key: Secret
    account: Controls | None = None
    still: ClockControl | None = None

    def client(self) -> RunaClient:
        """A client of the account."""
        if self.still is None:
            return RunaClient(self.base_url, self.api_key)
        return RunaClient(
            self.base_url, self.api_key, sleep=self.still.advance, clock=_seconds(self.still)
        )

    def async_client(self) -> "AsyncRunaClient":
        """A client of the account for asyncio, to be opened with ``async with``."""
        from runa_client import AsyncRunaClient  # noqa: PLC0415 - loads slowly, and few need it

        still = self.still
        if still is None:
            return AsyncRunaClient(self.base_url, self.api_key)

        async def pause(seconds: float) -> None:
            still.advance(seconds)

        return AsyncRunaClient(self.base_url, self.api_key, sleep=pause, clock=_seconds(still))


def _seconds(clock: ClockControl) -> Callable[[], float]:
    return lambda: clock.now().timestamp()


class Elsewhere(NamedTuple):
    """A server that the tests did not start.

    Attributes:
        base_url: what a client takes, with ``/v2``.
        api_key: the only key to use; ``None``: a new one for each test.
        mock: controls it; ``None`` if it cannot be controlled.
        obstacle: why it cannot be controlled.
    """

    base_url: str
    api_key: Secret | None
    mock: RemoteServer | None
    obstacle: str = ""

    def control(self) -> RemoteServer:
        """The mock server.

        Raises:
            NotHereError: if it is none, or cannot be controlled.
        """
        if self.mock is None:
            raise NotHereError(self.obstacle)
        return self.mock

    def endpoint(self, test: str, wanted: Mapping[str, Any]) -> Endpoint:
        """The account of a test: a fresh one on a mock server, everybody's on a real service.

        Args:
            test: the test's unique name.
            wanted: the settings that the test wants.

        Raises:
            NotHereError: if that needs a mock server, or another one.
            SettingsError: naming each setting that is unknown or does not fit.
        """
        if self.mock is not None:
            return on_shared_server(self.mock, test, wanted, self.api_key)
        if self.api_key is None:
            raise NotHereError(self.obstacle)
        for name in _differing(wanted, Settings()):
            raise NotHereError(f"{name}: the test wants {wanted[name]!r}, but it {self.obstacle}")
        return Endpoint(self.base_url, self.api_key)


def reach(url: str, api_key: str | None) -> Elsewhere:
    """Find out what a URL leads to.

    Args:
        url: of a mock server or a real service, with or without ``/v2``.
        api_key: the only key to use, which must be accepted there. A real service needs one.

    Raises:
        ConnectionError: if nothing answers, the key is missing or not accepted, or this is the
            environment that moves money.
    """
    base_url = url.rstrip("/").removesuffix("/v2") + "/v2"
    key = None if api_key is None else Secret(api_key)
    try:
        mock = connect(base_url)
    except ConnectionError as error:
        if key is None:
            raise ConnectionError(f"{error}; a real service needs an API key") from None
        if _PRODUCTION_HOST in url or key.lower().startswith(_PRODUCTION_PREFIX):
            raise ConnectionError(
                "URL or API key is of production, where orders cost money"
            ) from None
        found = Elsewhere(base_url, key, None, f"needs a mock server: {error}")
    else:
        found = Elsewhere(base_url, key, mock)
        try:
            _ = mock.settings
        except ValueError as refusal:
            mock.close()
            found = Elsewhere(base_url, key, None, f"needs the control API: {refusal}")
    if key is not None:
        _check_key(base_url, key)
    return found


def _check_key(base_url: str, key: Secret) -> None:
    try:
        with RunaClient(base_url, key, retry=RetryPolicy(attempts=1)) as client:
            client.ping()
    except RunaError as error:
        raise ConnectionError(str(error)) from None


def on_own_server(server: MockServer, test: str) -> Endpoint:
    """The account of a test that has a server to itself.

    The same test has the same key each time: with the setting ``seed``, the same answers.
    """
    key = _key(server.settings, test)
    return _endpoint(server, server.account(key), server)


def on_shared_server(
    server: Server, test: str, wanted: Mapping[str, Any], api_key: str | None = None
) -> Endpoint:
    """A fresh account for a test on a server that others use too.

    Args:
        server: the server.
        test: the test's unique name.
        wanted: the settings that the test wants; those that differ are changed for the account.
        api_key: the key of the account; by default a new one.

    Raises:
        NotHereError: naming the setting that differs and is chosen when a server starts.
        SettingsError: naming each setting that is unknown or does not fit.
    """
    present = server.settings
    changes = {name: wanted[name] for name in _differing(wanted, present)}
    stands = changes.get("clock") == "manual" and changes.pop("clock")
    for name in changes.keys() - RUN_TIME:
        there = getattr(present, name)
        raise NotHereError(f"{name}: the test wants {wanted[name]!r}, {server.url} has {there!r}")
    # Whoever shares a server over the network may run the same tests at the same time.
    salt = b"" if isinstance(server, MockServer) else os.urandom(16)
    account = server.account(api_key or _key(present, test, salt))
    account.reset()
    if changes:
        account.configure(**changes)
    if stands:
        account.clock.freeze()
    return _endpoint(server, account, account)


def _endpoint(server: Server, account: Controls, mover: Controls) -> Endpoint:
    stands = 0 in (server.clock.speed, account.clock.speed)
    key = Secret(account.api_key)
    return Endpoint(server.base_url, key, account, mover.clock if stands else None)


def _differing(wanted: Mapping[str, Any], present: Settings) -> list[str]:
    """The names of the wanted settings that a server does not have."""
    asked = check(wanted)
    return [
        name
        for name, value in wanted.items()
        if _is_object(name, value) or getattr(asked, name) != getattr(present, name)
    ]


def check(wanted: Mapping[str, Any]) -> Settings:
    """The settings that a test wants; a clock or a catalogue that is an object is left out.

    Raises:
        SettingsError: naming each setting that is unknown or does not fit.
    """
    return make_settings(**{n: v for n, v in wanted.items() if not _is_object(n, v)})


def _is_object(name: str, value: object) -> bool:
    return isinstance(value, _OBJECTS.get(name, ()))


def _key(settings: Settings, test: str, salt: bytes = b"") -> str:
    """The key of a test's account: what it starts with tells the test in the journal."""
    if settings.api_keys:
        return settings.api_keys[0]
    prefix = PROFILES[settings.profile].key_prefix
    name = re.sub(r"[^A-Za-z0-9]+", "-", test.rpartition("::")[2])[:_LONGEST_NAME]
    digest = hashlib.blake2b(test.encode(errors="backslashreplace"), key=salt, digest_size=8)
    return f"{prefix}-{name}.{digest.hexdigest()}"
