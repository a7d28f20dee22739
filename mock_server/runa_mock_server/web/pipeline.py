"""The way of a request: route, header checks in their order, handler, journal, response."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import lru_cache
from itertools import chain
from time import monotonic, time
from types import MappingProxyType

from aiohttp import web

from runa_mock_server.base.errors import ApiError, ServiceError
from runa_mock_server.base.redaction import Redactor
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.entry import BETWEEN_HEADERS, Flat
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.server_state.stored_journal import Delivery, entry_record
from runa_mock_server.store.engine import StoreError
from runa_mock_server.store.log import StaleError
from runa_mock_server.web.answers import answer_to, redacted, to_response, unavailable
from runa_mock_server.web.call import Call, ForgottenError, Route
from runa_mock_server.web.checks import IDEMPOTENCY_KEY, ORDERING
from runa_mock_server.web.connection import Connection, connection_of, hang_up
from runa_mock_server.web.control_gate import CONTROL_PREFIX, ControlGate, is_control
from runa_mock_server.web.later_version import as_later_version
from runa_mock_server.web.routing import no_route, table_of

log = logging.getLogger(__name__)

_OK = range(200, 300)
_REFUSALS = 400
_PATIENCE = 4.0
"""Seconds for which a call is decided again while other processes are quicker."""
_NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


class Pipeline:
    """Answers the requests to one server.

    Args:
        server_state: the state of the server.
        control: answers what is for the control API.
        routes: every operation of the service.

    Attributes:
        inject: answers the requests to the service instead, while faults are armed.
    """

    inject: Callable[[Call], Awaitable[web.StreamResponse]]

    def __init__(
        self, server_state: ServerState, control: ControlGate, routes: Collection[Route]
    ) -> None:
        self._server_state = server_state
        self._control = control
        self._literal = {(route.method, route.path): route for route in routes}
        self._paths = table_of(routes)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request; whatever goes wrong, it is one that the contract knows."""
        connection = request.protocol
        if not isinstance(connection, Connection):
            raise TypeError(f"a connection of this server, not {connection!r}")
        message = connection.message
        route = self._literal.get((message.method, message.path))
        parameters: Mapping[str, str] = _NO_PARAMETERS
        if route is None:
            path = request.path
            if path.startswith(CONTROL_PREFIX) and is_control(path):
                response = await self._control(request)
                connection.leave_unread(request, response)
                return response
            methods, parameters = self._paths.find(path)
            route = methods.get(message.method) or no_route(message.method, path, methods)
        state = self._server_state
        call = Call(
            state,
            request,
            route,
            parameters,
            message.method,
            message.path,
            message.headers,
            state.journal,
        )
        connection.call = call
        if state.faults.armed:
            return await self.inject(call)
        try:
            if self._server_state.log is None:
                answer = await self.answer(call)
                self.record(call, answer, answer.status)
            else:
                answer = await self.settled(call)
        except ForgottenError:
            return hang_up(request)
        return self.respond(call, answer)

    async def settled(
        self, call: Call, *, record: Callable[[Answer], object] | None = None
    ) -> Answer:
        """Answer a call, and wait until the store has all that the answer tells of.

        Args:
            call: the request.
            record: notes it in the journal; by default as answered whole.

        Raises:
            ForgottenError: as ``answer``.
        """
        log = self._server_state.log
        until, is_fresh = monotonic() + _PATIENCE, False
        while True:
            answer = await self.answer(call)
            if record is None:
                self.record(call, answer, answer.status)
            else:
                record(answer)
            if log is None:
                return answer
            try:
                await log.written(
                    None if call.owner is None else call.owner.stream, is_fresh=is_fresh
                )
            except StaleError:
                call.begin_again()
                is_fresh = True
                error = StoreError("the store is too busy")
            except StoreError as down:
                call.begin_again()
                error = down
                until = 0
            else:
                return answer
            if monotonic() > until:
                answer = unavailable(error)
                self.record(call, answer, answer.status)
                return answer

    async def answer(self, call: Call) -> Answer:
        """Check the headers and have the handler do its work; a refusal is an answer, too.

        Raises:
            ForgottenError: if the server was reset or replaced while the call was waited for.
        """
        try:
            for check in call.route.checks:
                check(call)
            answer = await call.route.handler(call)
        except ServiceError as refusal:
            answer = redacted(answer_to(refusal), call.redactor)
        except ForgottenError:
            raise
        except Exception:
            log.exception("a defect of the mock, please report it")
            return answer_to(ApiError("internal_server_error", "The mock has a defect."))
        if answer.status >= _REFUSALS and call.owner is not None:
            # Only the caller's own key: a stored answer stays the same, byte for byte.
            return redacted(answer, Redactor(call.owner.api_key))
        return answer

    def record(self, call: Call, answer: Answer, status: int | None, *, whole: bool = True) -> int:
        """Note a request in the journal, before a byte of its answer leaves.

        Args:
            call: the request.
            answer: what the service answers.
            status: the status that is sent; ``None`` if none is.
            whole: whether the answer is about to leave whole and unchanged.

        Returns:
            Its number in the journal.
        """
        request, owner, at = call.request, call.owner or call.server_state, call.accepted_at
        if request.transport is None:
            status = None  # the client is gone
        call.answer, call.status = answer, status
        if at is None:
            at = owner.clock.now()
        faults = call.faults
        number = call.number
        if number is None:
            number = call.number = next(call.server_state.numbers)
        entry: Flat = (
            number,
            at,
            call.method,
            call.target,
            BETWEEN_HEADERS.join(chain.from_iterable(request.raw_headers)),
            call.headers.get(IDEMPOTENCY_KEY) if call.route.checks is ORDERING else None,
            call.body or b"",
            status,
            answer.body,
            call.outcome,
            call.order_id,
            call.fingerprint,
            tuple([(f.id, f.spec.kind, f.spec.place) for f in faults]) if faults else (),
            call.kindnesses and _shared(call.kindnesses),
            answer.rule,
            time(),
        )
        owner.journal.add(entry)
        reached = whole and status in _OK
        if call.order_id is not None and (call.account.undelivered or not reached):
            call.note_delivery(reached=reached)
        if call.server_state.log is not None:
            self._keep(call, entry, reached=reached)
        return number

    def _keep(self, call: Call, entry: Flat, *, reached: bool) -> None:
        """Note an entry of the journal in the store."""
        server_state, owner = call.server_state, call.owner
        delivery = None
        if owner is not None and call.order_id is not None:
            delivery = Delivery(reached, owner.undelivered.get(call.order_id))
        life = server_state.life_of(None if owner is None else owner.api_key)
        if server_state.log is not None:
            server_state.log.journal(entry_record(entry, owner, life, delivery))

    def correct(self, call: Call, status: int | None) -> None:
        """Note what the caller of a request was told in the end."""
        call.status = status
        entry = call.journal.correct(call.number or 0, status)
        if entry is not None and call.server_state.log is not None:
            self._keep(call, entry, reached=call.request.transport is not None)

    def shown(self, call: Call, answer: Answer) -> Answer:
        """An answer as it leaves."""
        if call.owner is None:
            return answer
        settings = call.owner.settings
        if (
            settings.unknown_fields
            or settings.reordered_keys
            or settings.unknown_values
            or settings.other_texts
        ):
            return as_later_version(answer, settings)
        return answer

    def respond(self, call: Call, answer: Answer) -> web.StreamResponse:
        """Send an answer, or hand it to aiohttp to be sent."""
        answer, request = self.shown(call, answer), call.request
        connection = connection_of(request)
        sent = connection.send(request.content, answer, call.response_headers)
        if sent is not None:
            return sent
        response = to_response(answer, call.response_headers)
        connection.leave_unread(request, response)
        return response


@lru_cache(maxsize=256)
def _shared(kindnesses: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for the same kindnesses: one for each request would be many to collect."""
    return kindnesses
