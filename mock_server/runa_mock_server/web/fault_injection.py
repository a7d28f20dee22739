"""Fault injection: the pipeline, wrapped in what armed faults do to its requests.

Which fault strikes is decided in ``server_state.faults``. A fault strikes before the service sees
the request, inside the section of its idempotency key, after the commit, or in the body of the
answer. Nothing here waits for anything but its own request, so a request that hangs delays no
other.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from runa_mock_server.base.errors import RateExceededError, ServiceError
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.faults import Fault, Target
from runa_mock_server.store.engine import StoreError
from runa_mock_server.store.log import StaleError
from runa_mock_server.web.answers import answer_to, to_response, unavailable
from runa_mock_server.web.body import read_body
from runa_mock_server.web.call import Call, ForgottenError
from runa_mock_server.web.checks import check_key
from runa_mock_server.web.connection import connection_of, hang_up
from runa_mock_server.web.pipeline import Pipeline

if TYPE_CHECKING:
    from runa_mock_server.server_state.fault_spec import (
        Kind,  # a server starts without loading pydantic
    )

_NO_ANSWER = Answer(0, b"")  # for a call that a fault hits before the service has seen it
_DROPS = 20  # into how many pieces a slow body is cut, at most
_ONLY_LATE = ("delay", "hang", "slow")  # whoever waits for long enough gets the whole answer
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class FaultInjection:
    """Answers requests as the pipeline does, but for what faults do to them.

    Args:
        pipeline: what is wrapped.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def __call__(self, call: Call) -> web.StreamResponse:
        """The response to a call while faults are armed."""
        request = call.request
        try:
            response = await self._before(call, await _strike(call))
        except ForgottenError:
            response = hang_up(request)
        except StoreError as error:
            response = to_response(unavailable(error), call.response_headers)
        if not response.prepared:
            connection_of(request).leave_unread(request, response)
        return response

    async def _before(self, call: Call, fault: Fault | None) -> web.StreamResponse:
        """Do what a fault placed before the service does, and go on to the service."""
        if fault is None or fault.spec.place != "before":
            return await self._after(call, fault)
        await _take_in(call)
        if fault.spec.kind in ("delay", "hang"):
            await _hold_up(call, fault)
        # What hung is served after all if the fault was removed while the client waited.
        is_released = fault.spec.kind == "hang" and call.request.transport is not None
        if fault.spec.kind == "delay" or is_released:
            return await self._after(call, None)
        self._pipeline.record(call, _NO_ANSWER, _status_seen(fault, _NO_ANSWER.status))
        await _written(call)
        return await _strike_answer(call, fault, _NO_ANSWER)

    async def _after(self, call: Call, fault: Fault | None) -> web.StreamResponse:
        """Have the service answer, and do what a fault placed behind it does to the answer."""
        if fault is None:
            return self._pipeline.respond(call, await self._pipeline.settled(call))

        def record(answer: Answer) -> None:
            seen = _status_seen(fault, answer.status)
            self._pipeline.record(call, answer, seen, whole=False)

        answer = await self._pipeline.settled(call, record=record)
        response = await _strike_answer(call, fault, self._pipeline.shown(call, answer))
        if fault.spec.kind in _ONLY_LATE:
            call.note_delivery(reached=call.request.transport is not None)
        if fault.spec.kind in ("delay", "hang") and fault.spec.place != "in_body":
            # The client has given up meanwhile, or was answered after all.
            is_there = call.request.transport is not None
            self._pipeline.correct(call, answer.status if is_there else None)
        return response


async def _written(call: Call) -> None:
    """Wait until the store has what was noted."""
    log = call.server_state.log
    if log is not None:
        with suppress(StaleError):
            await log.written(None, is_fresh=True)


async def wait_inside(call: Call) -> None:
    """Hold a call up while its idempotency key is in progress, if a fault wants that."""
    fault = await _strike(call, inside=True)
    if fault is not None:
        await _hold_up(call, fault)


async def _strike(call: Call, *, inside: bool = False) -> Fault | None:
    """The fault that hits a call here, if one does."""
    target = Target(
        account=_account_of(call),
        method=call.method,
        path=call.request.path,
        idempotency_key=call.headers.get("X-Idempotency-Key"),
    )
    fault = await call.server_state.strike(target, inside=inside)
    if fault is not None:
        call.faults = (*call.faults, fault)
    return fault


def _account_of(call: Call) -> str | None:
    """The API key whose faults can hit a call: the caller's, or the one behind a payout link."""
    token = call.parameters.get("token")
    found = None if token is None else call.server_state.find_payout(token)
    if found is None:
        return call.headers.get("X-Api-Key")
    call.owner = found[0]
    return call.owner.api_key


async def _take_in(call: Call) -> None:
    """Read a request that the service may never see, and find out whose it is."""
    with suppress(ServiceError):
        check_key(call)
    # Closing a connection from which something is still to be read looks like a reset.
    with suppress(ServiceError):
        await read_body(call)
    call.note_arrival()


def _status_seen(fault: Fault, status: int) -> int | None:
    """The status that a client gets to see if a fault hits an answer; ``None`` for none at all."""
    match fault.spec.kind:
        case "status":
            return fault.spec.status
        case "rate_limit":
            return RateExceededError.status
        case "reset" | "close" | "hang" if fault.spec.place != "in_body":
            return None
    return status


async def _strike_answer(call: Call, fault: Fault, answer: Answer) -> web.StreamResponse:
    """Do to the call and its answer what the fault says.

    Args:
        call: the call.
        fault: what hits it, outside the idempotent section.
        answer: what the service answers; ``_NO_ANSWER`` for a fault placed before.

    Returns:
        The response for aiohttp to send; on a dead connection it goes nowhere.
    """
    if fault.spec.place == "in_body":
        try:
            return await _in_body(call, fault, answer)
        except ConnectionError:  # the client has had enough
            return _nothing()
    return await _KINDS[fault.spec.kind](call, fault, answer)


async def _hold_up(call: Call, fault: Fault) -> None:
    """Hold a call up that the service has not answered, until the fault is removed at the latest.

    A delay takes its time, though the client may be gone by then: the late order is what this is
    for. What hangs waits as long as the client does.
    """
    if fault.spec.kind == "delay":
        await _wait(call, fault, fault.seconds())
    else:
        await _pause(call, fault, None)


async def _reset(call: Call, _fault: Fault, _answer: Answer) -> web.StreamResponse:
    _cut(call, reset=True)
    return _nothing()


async def _close(call: Call, _fault: Fault, _answer: Answer) -> web.StreamResponse:
    return hang_up(call.request)


async def _hang(call: Call, fault: Fault, answer: Answer) -> web.StreamResponse:
    await _pause(call, fault, None)
    return to_response(answer, call.response_headers)


async def _delay(call: Call, fault: Fault, answer: Answer) -> web.StreamResponse:
    await _pause(call, fault, fault.seconds())
    return to_response(answer, call.response_headers)


async def _status(_call: Call, fault: Fault, _answer: Answer) -> web.StreamResponse:
    spec = fault.spec
    body = _gateway_page(spec.status) if spec.body is None else spec.body
    headers = {} if spec.retry_after is None else {"Retry-After": str(spec.retry_after)}
    answer = Answer(spec.status, body.encode(errors="replace"), spec.content_type)
    return to_response(answer, headers)


async def _rate_limit(call: Call, fault: Fault, _answer: Answer) -> web.StreamResponse:
    headers = {"X-Api-Version": call.response_headers.get("X-Api-Version", "")}
    if fault.spec.retry_after is not None:
        headers["Retry-After"] = str(fault.spec.retry_after)
    return to_response(answer_to(RateExceededError()), {k: v for k, v in headers.items() if v})


async def _malformed(call: Call, _fault: Fault, answer: Answer) -> web.StreamResponse:
    half = answer._replace(body=answer.body[: max(1, len(answer.body) // 2)])
    return to_response(half, call.response_headers)


_KINDS: dict["Kind", Callable[[Call, Fault, Answer], Awaitable[web.StreamResponse]]] = {
    "reset": _reset,
    "close": _close,
    "hang": _hang,
    "delay": _delay,
    "status": _status,
    "rate_limit": _rate_limit,
    "malformed_json": _malformed,
}


async def _in_body(call: Call, fault: Fault, answer: Answer) -> web.StreamResponse:
    whole = to_response(answer, call.response_headers)
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(answer.body)
    await response.prepare(call.request)
    spec = fault.spec
    body = b"" if call.method == "HEAD" else answer.body
    if spec.kind == "slow":
        size = max(1, -(-len(body) // _DROPS))
        drops = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
        pause = fault.seconds() / len(drops)
        for drop in drops:
            await _pause(call, fault, pause)
            await response.write(drop)
        return response
    share = int(len(body) * spec.share)
    await response.write(body[:share])
    if spec.kind == "hang":
        await _pause(call, fault, None)
        await response.write(body[share:])
        return response
    _cut(call, reset=spec.kind == "reset")
    response.force_close()  # what the client has sent after this request is not answered
    return response


async def _pause(call: Call, fault: Fault, seconds: float | None) -> None:
    """Wait for a time, or without end, but no longer than the client or the fault is there."""
    await _wait(call, fault, seconds, connection_of(call.request).when_lost)


async def _wait(
    call: Call,
    fault: Fault,
    seconds: float | None,
    *more: Callable[[Callable[[], None]], Callable[[], None]],
) -> None:
    """Wait until the time is over, the fault is removed, or one of ``more`` happens.

    Raises:
        ForgottenError: if the server has been reset meanwhile; nobody waits for an answer then.
    """
    over = asyncio.Event()
    forget = [when(over.set) for when in (fault.when_removed, *more)]
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        pass
    finally:
        for undo in forget:
            undo()
    call.check_remembered()


def _cut(call: Call, *, reset: bool) -> None:
    transport = call.request.transport
    if transport is None:
        return
    if reset:
        opened = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    else:
        transport.close()


def _nothing() -> web.StreamResponse:
    """What aiohttp tries to send after a cut, or to nobody."""
    response = web.Response()
    response.force_close()
    return response


def _gateway_page(status: int) -> str:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    return (
        f"<!doctype html>\n<title>{status} {reason}</title>\n"
        f"<h1>{status} {reason}</h1>\n<hr>\n<p>gateway (simulated by runa-mock)</p>\n"
    )
