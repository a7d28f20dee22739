"""The door to the control API: who may call it, and how it is called over HTTP.

A web page in the browser of somebody who runs this server must not be able to use it. A page on
another origin shows in ``Origin`` and ``Sec-Fetch-Site``; one whose host name was made to point
here shows in ``Host``. No CORS header is ever sent.
"""

import hmac
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from runa_mock_server.base.errors import ApiError, quoted
from runa_mock_server.base.redaction import Redactor
from runa_mock_server.base.slices import finish_in_slices
from runa_mock_server.contract.own_headers import OWN_HEADERS, check_own_names, check_single
from runa_mock_server.control.health import health_of
from runa_mock_server.control.problems import ControlError, refusal
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.store.engine import StoreError
from runa_mock_server.web.answers import answer_to, json_answer, redacted, send, unavailable
from runa_mock_server.web.body import read_limited
from runa_mock_server.web.query import query_of

if TYPE_CHECKING:
    from runa_mock_server.control.api import ControlApi
    from runa_mock_server.web.events import EventStreams

CONTROL_PREFIX = "/_mock"
_HEALTH = "/health"
# An account of a million orders can be put back in one piece; health is open to everybody.
_LONGEST_STATE = 4 * 1024 * 1024 * 1024
_LONGEST_HEALTH = 64 * 1024
_LONGEST_BODY = 64 * 1024 * 1024
_REFUSALS = 400
_METHOD_NOT_ALLOWED = 405
_EVENTS = "/events"
_INDEX = ("", "/")
_FILES = "/dashboard/"


class ControlGate:
    """Answers requests under ``/_mock``.

    Args:
        server_state: the server's state.
    """

    def __init__(self, server_state: ServerState) -> None:
        self._server_state = server_state

    @cached_property
    def api(self) -> "ControlApi":
        """The control API; made when it is first called, for many servers never need it."""
        from runa_mock_server.control.api import ControlApi  # noqa: PLC0415 - see above

        return ControlApi(self._server_state)

    @cached_property
    def events(self) -> "EventStreams":
        """Who listens to what changes; made when somebody does."""
        from runa_mock_server.web.events import EventStreams  # noqa: PLC0415 - as above

        return EventStreams(self._server_state)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request under ``/_mock``."""
        path = request.path[len(CONTROL_PREFIX) :]
        headers = {"Cache-Control": "no-store"}
        if path in _INDEX:
            headers["Vary"] = "Accept"
        try:
            is_health = path.rstrip("/") == _HEALTH
            if not is_health:  # which load balancers ask for by any name
                self._check_host(request)
            shown = self._dashboard(request, path)
            if shown is not None:
                return shown
            _check_origin(request, self._server_state.public_url)
            _check_names(request)
            if not is_health:
                self._check_on()
                self._check_token(request)
            if path == _EVENTS and request.method == "GET":
                return await self.events.serve(request)
            answer = await self._answer(request, path)
        except ControlError as refusal:
            answer = answer_to(refusal)
        except StoreError as error:
            answer = unavailable(error)
        if answer.status >= _REFUSALS:
            api_key = request.headers.get("X-Api-Key", "")
            answer = redacted(answer, Redactor(api_key, self._server_state.known_keys))
        if answer.status == _METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(self.api.methods(path))
        return await send(request, answer, headers)

    def stop(self) -> None:
        """End what would go on for ever."""
        if "events" in vars(self):
            self.events.end()

    def _dashboard(self, request: web.BaseRequest, path: str) -> web.StreamResponse | None:
        """The dashboard, or a file of it, if that is what is asked for."""
        is_file = path.startswith(_FILES)
        if request.method not in ("GET", "HEAD") or not (is_file or path in _INDEX):
            return None
        from runa_mock_server.web.dashboard import files as dashboard  # noqa: PLC0415 - few servers show it

        if not is_file and not dashboard.prefers_page(request.headers.get("Accept", "")):
            return None
        if is_file or not _is_followed_link(request):
            _check_origin(request, self._server_state.public_url)
        self._check_on()
        if is_file:
            return dashboard.file(path.removeprefix(_FILES))
        return dashboard.page(request.path)

    async def _answer(self, request: web.BaseRequest, path: str) -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        log = self._server_state.log
        body = b""
        # What is refused for its path or method is not read.
        if path == _HEALTH or method in self.api.methods(path):
            limit = _LONGEST_HEALTH if path == _HEALTH else _LONGEST_BODY
            if (method, path.rstrip("/")) == ("PUT", "/state"):
                limit = _LONGEST_STATE
            try:
                body = await read_limited(request, limit)
            except ApiError as error:
                raise refusal(error.status, error.type, "body", "", error.message) from None
        if (method, path) == ("GET", _HEALTH) and not (body or request.query_string):
            return await self._health()
        from runa_mock_server.control.operation import ControlRequest  # noqa: PLC0415 - loads pydantic

        asked = ControlRequest(
            method=method,
            path=path,
            query=query_of(request),
            body=body,
            api_key=request.headers.get("X-Api-Key"),
            host=request.headers.get("Host"),
        )
        if log is not None:
            from runa_mock_server.control import stored  # noqa: PLC0415 - few servers have a store

            return await stored.answer(self.api, self._server_state, log, asked)
        return await finish_in_slices(self.api.slices(asked))

    async def _health(self) -> Answer:
        """The answer to who asks whether the server can be used."""
        log = self._server_state.log
        if log is not None:
            try:
                await log.check()
            except StoreError as error:
                return json_answer(
                    {"status": "unavailable", "store": log.engine.place, "message": f"{error}."},
                    503,
                )
        return json_answer(health_of(self._server_state))

    def _check_on(self) -> None:
        """Refuse where the settings close the API."""
        if not self._server_state.settings.control:
            raise ControlError(404, "not_found", "The control API is switched off.")

    def _check_token(self, request: web.BaseRequest) -> None:
        """Refuse where the settings ask for a token and another one is sent."""
        settings = self._server_state.settings
        if settings.control_token is None:
            return
        given = request.headers.get("X-Mock-Token", "").encode(errors="replace")
        if not hmac.compare_digest(given, settings.control_token.encode()):
            raise refusal(
                401,
                "unauthorized",
                "header",
                "x-mock-token",
                "is not the token that this server was started with",
                help_="Send what --control-token says as the header X-Mock-Token.",
            )

    def _check_host(self, request: web.BaseRequest) -> None:
        given = request.headers.get("Host")
        if given is None:  # HTTP/1.0 needs none, but every browser sends one
            return
        settings = self._server_state.settings
        host = _host_of(f"//{given}")
        named = (*settings.hosts, *settings.control_hosts)
        own = (_host_of(settings.public_url or ""), *(name.lower() for name in named))
        # A name without a dot is no domain that a stranger could own.
        if host and (_is_address(host) or "." not in host or host.endswith(".localhost")):
            return
        if not host or host not in own:
            raise refusal(
                403,
                "forbidden_host",
                "header",
                "host",
                f"{quoted(given)} is no name of this server",
                help_="Use its address or localhost, or start it with --control-host NAME.",
            )


def is_control(path: str) -> bool:
    """Whether a path is the control API's."""
    return path.startswith(CONTROL_PREFIX) and path[len(CONTROL_PREFIX) :][:1] in ("", "/")


def _check_names(request: web.BaseRequest) -> None:
    """Refuse a header of this mock that does not exist, or one with two different values."""
    try:
        check_own_names(name.lower() for name in request.headers)
        for name in ("X-Api-Key", *OWN_HEADERS):
            check_single(request.headers, name)
    except ApiError as error:
        raise refusal(
            error.status, error.type, "header", "", error.message, help_=error.help
        ) from None


def _check_origin(request: web.BaseRequest, public_url: str) -> None:
    """Refuse what a web page on another origin sends."""
    origin = request.headers.get("Origin")
    host, public = request.headers.get("Host"), urlsplit(public_url)
    allowed = (f"http://{host}", f"https://{host}", f"{public.scheme}://{public.netloc}")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if (origin is not None and origin not in allowed) or site not in ("same-origin", "none"):
        field, value = ("origin", origin) if origin is not None else ("sec-fetch-site", site)
        reason = f"a page of {quoted(value)} may not control this server"
        raise refusal(403, "forbidden_origin", "header", field, reason)


def _is_followed_link(request: web.BaseRequest) -> bool:
    """Whether a browser opens this as a page of its own: by a link, wherever that is.

    Only for what holds no data: a link may lead to the dashboard, but not to what it shows.
    """
    headers = request.headers
    mode, destination = headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")
    return (mode, destination) == ("navigate", "document") and "Origin" not in headers


def _host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
