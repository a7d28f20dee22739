"""The server that is checked: an HTTP session with it, and whether it is a payouts API."""

import time
from typing import TypedDict

from runa_client import ConfigurationError, Timeout, checked_header, make_settings
from runa_conformance._failures import TargetError, UnreachableError
from runa_conformance._http import HttpSession, OnWait, Sleep
from runa_conformance._messages import Request

DEFAULT_TIMEOUT = 30.0
_REFUSED_KEY = {401, 403}


class TargetOptions(TypedDict, total=False):
    """How a server is asked.

    Attributes:
        allow_orders: whether orders may be placed, which costs money where money is real.
        other_api_key: the key of another account, for the checks that need one.
        timeout: seconds for an answer, from the connection to its last byte; 30 if absent.
        sleep: pauses for a number of seconds; a test may move a clock instead.
        on_wait: is told in a sentence of each long pause, before it.
    """

    allow_orders: bool
    other_api_key: str | None
    timeout: float
    sleep: Sleep
    on_wait: OnWait


def open_session(base_url: str | None, api_key: str | None, options: TargetOptions) -> HttpSession:
    """Open an HTTP session with a server.

    Raises:
        TargetError: the address or a key is missing or cannot work.
    """
    seconds = options.get("timeout", DEFAULT_TIMEOUT)
    other = options.get("other_api_key")
    try:
        connect = min(seconds, Timeout().connect)
        timeout = Timeout(connect=connect, read=seconds, total=seconds)
        settings = make_settings(base_url, api_key, {"timeout": timeout})
    except (ConfigurationError, ValueError) as error:
        raise TargetError(str(error)) from None
    if other is not None:
        try:
            checked_header("the other API key", other)
        except ConfigurationError as error:  # its message shows the value
            raise TargetError(str(error).partition(":")[0]) from None
    if other == settings.api_key:
        raise TargetError("the other API key is the first one; it has to be of another account")
    return HttpSession(
        settings,
        other,
        options.get("sleep", time.sleep),
        on_wait=options.get("on_wait", _nobody_listens),
        allow_orders=options.get("allow_orders", False),
    )


def check_target(session: HttpSession) -> None:
    """Check that a service answers there and accepts the key.

    Raises:
        TargetError: there is none, or it does not.
    """
    url = session.settings.base_url
    try:
        answer = session.send(Request("GET", "/ping"))
    except UnreachableError as error:
        raise TargetError(f"{url} cannot be reached: {error}") from None
    if answer.media_type != "application/json":
        told = f"GET /ping answers {answer.status} {answer.media_type!a}"
        raise TargetError(f"{url} is no payouts API: {told}")
    if answer.status in _REFUSED_KEY:
        raise TargetError(f"{url} refuses the API key: {answer.status} {answer.error_type}")


def _nobody_listens(sentence: str) -> None:
    """Take a sentence that nobody asked for."""
