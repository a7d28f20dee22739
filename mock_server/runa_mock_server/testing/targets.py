"""The server and the account that a test calls: an own mock server, a shared one, a real service.

The pytest plugin builds on this module, which does not depend on any test framework.
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
from runa_mock_server.control_client.client import ControlClient
from runa_mock_server.control_client.clock import ClockControl
from runa_mock_server.control_client.remote import RemoteServer, connect
from runa_mock_server.server import MockServer

if TYPE_CHECKING:
    from runa_client import AsyncRunaClient

Server = MockServer | RemoteServer

_PRODUCTION_HOST = "api.runa.io"
_PRODUCTION_PREFIX = PROFILES["production"].key_prefix
_LONGEST_NAME = 16
# The objects that ``MockServer`` takes where a setting has a plain value.
_OBJECTS: Mapping[str, tuple[type, ...]] = {
    "catalogue": (Catalogue, os.PathLike),
    "clock": (Clock,),
}


class UnsupportedError(Exception):
    """The target does not support what a test asks for; the message says what and why."""


class Secret(str):
    """An API key that tracebacks do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[API key]'"


class Endpoint(NamedTuple):
    """The base URL and the account that a test calls.

    Attributes:
        base_url: the base URL for a client, with ``/v2``.
        api_key: the API key of the test's account.
        account: controls the account; ``None`` on a real service.
        stopped_clock: the clock that client sleeps advance; ``None`` if the clock is running.
    """

    base_url: str
    api_key: Secret
    account: ControlClient | None = None
    stopped_clock: ClockControl | None = None

    def client(self) -> RunaClient:
        """A client of the account."""
        clock = self.stopped_clock
        if clock is None:
            return RunaClient(self.base_url, self.api_key)
        return RunaClient(self.base_url, self.api_key, sleep=clock.advance, clock=_seconds(clock))

    def async_client(self) -> "AsyncRunaClient":
        """An asyncio client of the account, to be opened with ``async with``."""
        from runa_client import AsyncRunaClient  # noqa: PLC0415 - loads slowly, rarely needed

        clock = self.stopped_clock
        if clock is None:
            return AsyncRunaClient(self.base_url, self.api_key)

        async def sleep(seconds: float) -> None:
            clock.advance(seconds)

        return AsyncRunaClient(self.base_url, self.api_key, sleep=sleep, clock=_seconds(clock))


def _seconds(clock: ClockControl) -> Callable[[], float]:
    return lambda: clock.now().timestamp()


class ExternalTarget(NamedTuple):
    """A server that the tests did not start.

    Attributes:
        base_url: the base URL for a client, with ``/v2``.
        api_key: the API key of every test; ``None``: a new key for each test.
        mock: controls the server; ``None`` if the server cannot be controlled.
        obstacle: why the server cannot be controlled.
    """

    base_url: str
    api_key: Secret | None
    mock: RemoteServer | None
    obstacle: str = ""

    def control(self) -> RemoteServer:
        """The controls of the mock server.

        Raises:
            UnsupportedError: if the target is no mock server, or cannot be controlled.
        """
        if self.mock is None:
            raise UnsupportedError(self.obstacle)
        return self.mock

    def endpoint(self, test: str, wanted: Mapping[str, Any]) -> Endpoint:
        """The account of a test: a new one on a mock server, the configured one on a real service.

        Args:
            test: the test's unique name.
            wanted: the settings that the test asks for.

        Raises:
            UnsupportedError: if the target does not support the settings.
            SettingsError: for unknown or invalid settings.
        """
        if self.mock is not None:
            return on_shared_server(self.mock, test, wanted, self.api_key)
        if self.api_key is None:
            raise UnsupportedError(self.obstacle)
        for name in _differing(wanted, Settings()):
            raise UnsupportedError(
                f"{name}: the test wants {wanted[name]!r}, but it {self.obstacle}"
            )
        return Endpoint(self.base_url, self.api_key)


def resolve(url: str, api_key: str | None) -> ExternalTarget:
    """Find out whether a URL is a mock server or a real service.

    Args:
        url: the URL of a mock server or a real service, with or without ``/v2``.
        api_key: the API key of every test. A real service needs one.

    Raises:
        ConnectionError: if no server answers, if the API key is missing or refused, or if URL or
            API key belong to the production environment, where orders cost money.
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
        found = ExternalTarget(base_url, key, None, f"needs a mock server: {error}")
    else:
        found = ExternalTarget(base_url, key, mock)
        try:
            _ = mock.settings
        except ValueError as refusal:
            mock.close()
            found = ExternalTarget(base_url, key, None, f"needs the control API: {refusal}")
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
    """The account of a test on its own server.

    The same test always gets the same API key and, with the setting ``seed``, the same responses.
    """
    key = _key(server.settings, test)
    return _endpoint(server, server.account(key), server)


def on_shared_server(
    server: Server, test: str, wanted: Mapping[str, Any], api_key: str | None = None
) -> Endpoint:
    """A new account for a test on a shared server.

    Args:
        server: the server.
        test: the test's unique name.
        wanted: the settings that the test asks for; different ones are changed for the account.
        api_key: the API key of the account, which is reset; by default a new key.

    Raises:
        UnsupportedError: for a different setting that cannot be changed at run time.
        SettingsError: for unknown or invalid settings.
    """
    present = server.settings
    changes = {name: wanted[name] for name in _differing(wanted, present)}
    freezes = changes.get("clock") == "manual" and changes.pop("clock")
    for name in changes.keys() - RUN_TIME:
        there = getattr(present, name)
        raise UnsupportedError(
            f"{name}: the test wants {wanted[name]!r}, {server.url} has {there!r}"
        )
    # Another process may run the same tests on the same server at the same time.
    salt = b"" if isinstance(server, MockServer) else os.urandom(16)
    account = server.account(api_key or _key(present, test, salt))
    account.reset()
    if changes:
        account.configure(**changes)
    if freezes:
        account.clock.freeze()
    return _endpoint(server, account, account)


def _endpoint(server: Server, account: ControlClient, advanced: ControlClient) -> Endpoint:
    is_stopped = 0 in (server.clock.speed, account.clock.speed)
    key = Secret(account.api_key)
    return Endpoint(server.base_url, key, account, advanced.clock if is_stopped else None)


def _differing(wanted: Mapping[str, Any], present: Settings) -> list[str]:
    """The names of the wanted settings whose values differ from those of a server."""
    checked = check(wanted)
    return [
        name
        for name, value in wanted.items()
        if _is_object(name, value) or getattr(checked, name) != getattr(present, name)
    ]


def check(wanted: Mapping[str, Any]) -> Settings:
    """Validate the settings of a test; clock and catalogue objects are left out.

    Raises:
        SettingsError: for unknown or invalid settings.
    """
    return make_settings(**{n: v for n, v in wanted.items() if not _is_object(n, v)})


def _is_object(name: str, value: object) -> bool:
    return isinstance(value, _OBJECTS.get(name, ()))


def _key(settings: Settings, test: str, salt: bytes = b"") -> str:
    """The API key of a test's account; the start of the key names the test in the journal."""
    if settings.api_keys:
        return settings.api_keys[0]
    prefix = PROFILES[settings.profile].key_prefix
    name = re.sub(r"[^A-Za-z0-9]+", "-", test.rpartition("::")[2])[:_LONGEST_NAME]
    digest = hashlib.blake2b(test.encode(errors="backslashreplace"), key=salt, digest_size=8)
    return f"{prefix}-{name}.{digest.hexdigest()}"
