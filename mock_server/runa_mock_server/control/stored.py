"""The control API of a world in a store.

An operation that changes the world is written first, and then carried out where its record stands
in the stream. What is read, and what changes one account alone, is answered as any request is.
"""

import orjson

from runa_mock_server.base.clock import computer_time
from runa_mock_server.base.slices import finish, finish_in_slices
from runa_mock_server.base.text import escaped
from runa_mock_server.control.api import ControlApi, Prepared
from runa_mock_server.control.operation import ControlRequest
from runa_mock_server.control.problems import ControlError
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.store.log import EVERY, Log, StaleError

_COMMITS = {("PATCH", "/orders/{order_id}"), ("POST", "/shutdown")}
"""Operations beside reads that are no records of their own."""


async def answer(
    api: ControlApi, server_state: ServerState, log: Log, request: ControlRequest
) -> Answer:
    """Answer a request; a refusal becomes an error response.

    Raises:
        StoreError: if the store does not answer; nothing was done.
    """
    await log.catch_up()
    try:
        prepared = finish(api.prepare(request))
    except ControlError as refusal:
        return Answer(refusal.status, orjson.dumps(refusal.document()))
    operation = prepared.operation
    if operation.method == "GET" or (operation.method, operation.path) in _COMMITS:
        return await _read(api, log, request)
    if not _is_text(request.body):
        return api(request)  # which refuses it
    return await _operate(server_state, log, request, prepared)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _read(api: ControlApi, log: Log, request: ControlRequest) -> Answer:
    while True:
        answer = await finish_in_slices(api.slices(request))
        try:
            await log.written(EVERY, is_fresh=True)
        except StaleError:
            continue
        return answer


async def _operate(
    server_state: ServerState, log: Log, request: ControlRequest, prepared: Prepared
) -> Answer:
    time = computer_time()
    with server_state.at(time):
        server_state.webhooks.catch_up()  # what has happened is for the endpoints of now
    fields = {
        "method": request.method,
        "path": request.path,
        "query": {
            name: list(values) for name, values in request.query.items() if name != "account"
        },
        "body": request.body.decode(),
        "key": None if prepared.api_key is None else escaped(prepared.api_key),
        "host": request.host,
        "time": time,
    }
    answer: Answer = await log.operate({"operation": fields})
    return answer
