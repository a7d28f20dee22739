"""The way of a request: faults, route, header checks in their order, handler, journal, response."""

import logging
import re
from collections.abc import Coroutine
from contextlib import suppress

from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage

from runa_mock_server.base.errors import ApiError, ServiceError
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.faults import Fault
from runa_mock_server.server_state.journal import Journal, in_one_piece
from runa_mock_server.server_state.server_state import World
from runa_mock_server.web.answers import answer_to, to_response
from runa_mock_server.web.body import is_whole, read_body
from runa_mock_server.web.call import Call, ForgottenError
from runa_mock_server.web.checks import ORDERING, check_key
from runa_mock_server.web.control_gate import CONTROL_PREFIX, ControlGate
from runa_mock_server.web.direct import Sent, as_bytes, send_directly
from runa_mock_server.web.fault_injection import (
    NO_ANSWER,
    hang_up,
    hold_up,
    sabotage,
    status_told,
    strike,
)
from runa_mock_server.web.routes import ROUTES
from runa_mock_server.web.routing import Match, Router
from runa_mock_server.web.unknown_fields import as_sent

log = logging.getLogger(__name__)

# A target that is a path, and reads as it is written.
_PLAIN = re.compile(r"[\w/.~-]+", re.ASCII).fullmatch


class Gateway:
    """Answers the requests to one world."""

    def __init__(self, world: World, control: ControlGate) -> None:
        self._world = world
        self._control = control
        self._router = Router(ROUTES)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request; whatever goes wrong, it is one that the contract knows."""
        path = request.path
        if path.startswith(CONTROL_PREFIX) and path[len(CONTROL_PREFIX) :][:1] in ("", "/"):
            response = await self._control(request)
        else:
            response = await self._serve(request, path)
        if request.content.exception() is not None:
            response.force_close()  # where a broken body ends, and the next request starts, is lost
        return response

    def at_once(self, message: RawRequestMessage, content: StreamReader) -> Sent | None:
        """Answer a request here and now, without the machinery around a request that may wait.

        Args:
            message: the head of a request for which nothing has to be known but what is in it.
            content: its body.

        Returns:
            The answer; ``None`` if the request has to take the usual way, and nothing was done.
        """
        path = message.path
        world = self._world
        # Faults hold requests up, and so does a webhook that overtakes the answer.
        if world.faults or world.webhooks.adversary.tricks or not _PLAIN(path):
            return None
        match = self._router.find(message.method, path)
        if not match.at_once or not is_whole(content, world.settings.max_body_bytes):
            return None
        call = Call(world, message, path, content, match.parameters)
        answer = _outcome(_answer(call, match))
        _record(call, match, answer, answer.status)
        answer = as_sent(call, answer)
        return Sent(answer.status, as_bytes(answer, call.response_headers))

    async def _serve(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        match = self._router.find(request.method, path)
        call = Call(self._world, request, request.raw_path, request.content, match.parameters)
        call.request = request
        if self._world.faults:
            try:
                return await self._with_faults(call, match)
            except ForgottenError:
                return hang_up(call)
        answer = await _answer(call, match)
        _record(call, match, answer, _reaching(call, answer.status))
        answer = as_sent(call, answer)
        sent = send_directly(request, answer, call.response_headers)
        # In some versions of aiohttp a response is a mapping, and false where it is empty.
        return to_response(answer, call.response_headers) if sent is None else sent

    async def _with_faults(self, call: Call, match: Match) -> web.StreamResponse:
        fault = strike(call)
        if fault is not None and fault.spec.place == "before":
            await _take_in(call)
            if fault.spec.kind in ("delay", "hang"):
                await hold_up(call, fault)
            if fault.spec.kind != "delay" and not _goes_on(call, fault):
                told = status_told(fault, NO_ANSWER.status)
                _record(call, match, NO_ANSWER, _reaching(call, told))
                return await sabotage(call, fault, NO_ANSWER)
            fault = None
        answer = await _answer(call, match)
        told = answer.status if fault is None else status_told(fault, answer.status)
        number = _record(call, match, answer, _reaching(call, told))
        answer = as_sent(call, answer)
        if fault is None:
            return to_response(answer, call.response_headers)
        response = await sabotage(call, fault, answer)
        waited = fault.spec.kind in ("delay", "hang") and fault.spec.place != "in_body"
        if waited:  # and has given up, or was answered after all
            gone = call.request.transport is None
            _journal_of(call).correct(number, None if gone else answer.status)
        return response


def _outcome(work: Coroutine[None, None, Answer]) -> Answer:
    """What comes of work that waits for nothing."""
    try:
        work.send(None)
        work.throw(RuntimeError("what waits has to take the usual way"))
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    raise RuntimeError("this waits whatever it is told")


async def _answer(call: Call, match: Match) -> Answer:
    try:
        for check in match.checks:
            check(call)
        return await match.handler(call)
    except ServiceError as refusal:
        return answer_to(refusal)
    except ForgottenError:
        raise
    except Exception:
        log.exception("a defect of the mock, please report it")
        return answer_to(ApiError("internal_server_error", "The mock has a defect."))


def _reaching(call: Call, status: int | None) -> int | None:
    """The status that a client gets to see: none if it is gone."""
    return status if call.request.transport is not None else None


def _goes_on(call: Call, fault: Fault) -> bool:
    """Whether a request that hung is served after all: its fault was removed, its client waits."""
    return fault.spec.kind == "hang" and call.request.transport is not None


async def _take_in(call: Call) -> None:
    """Read a request that the service may never see, and find out whose it is."""
    with suppress(ServiceError):
        check_key(call)
    # Closing a connection from which something is still to be read looks like a reset.
    with suppress(ServiceError):
        await read_body(call)


def _journal_of(call: Call) -> Journal:
    return call.world.journal if call.owner is None else call.owner.journal


def _record(call: Call, match: Match, answer: Answer, told: int | None) -> int:
    """Note the request, before a byte of its answer leaves; its number in the journal."""
    at = call.accepted_at
    if at is None:
        at = (call.world.clock if call.owner is None else call.owner.clock).now()
    faults = call.faults
    number = next(call.world.numbers)
    _journal_of(call).add(
        (
            number,
            at,
            call.method,
            call.target,
            in_one_piece(call.raw_headers),
            call.headers.get("X-Idempotency-Key") if match.checks is ORDERING else None,
            call.body or b"",
            told,
            answer.body,
            call.outcome,
            call.order_id,
            call.fingerprint,
            tuple([(f.id, f.spec.kind, f.spec.place) for f in faults]) if faults else (),
            call.kindnesses,
        )
    )
    return number
