"""The operations of the control API, and the dispatch of requests to them."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

import orjson

from runa_mock_server.base.errors import quoted
from runa_mock_server.base.path_table import PathTable
from runa_mock_server.base.slices import Work, finish
from runa_mock_server.control import (
    breaking,
    coverage,
    emails,
    order_timeline,
    orders,
    products,
    records,
    running,
    states,
    traffic,
    webhooks,
)
from runa_mock_server.control.description import Description, describe
from runa_mock_server.control.models import IndexResult, OperationResult
from runa_mock_server.control.operation import (
    ControlRequest,
    Function,
    Operation,
    Pieces,
    Steps,
)
from runa_mock_server.control.problems import ControlError, wrong_field
from runa_mock_server.control.scope import scope_of
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.server_state.server_state import ServerState

PREFIX = "/_mock"
HEALTH = "/health"


def _index() -> IndexResult:
    """List the operations of the control API."""
    return IndexResult(
        operations=[
            OperationResult(method=o.method, path=PREFIX + o.path, summary=o.summary)
            for o in OPERATIONS
        ]
    )


def _description() -> Pieces[Description]:
    """Describe the control API as an OpenAPI document."""
    # In ASCII, as a pattern has characters that readers of YAML refuse.
    return Pieces(iter([json.dumps(describe(OPERATIONS, PREFIX)).encode()]))


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/", _index),
    Operation("GET", HEALTH, running.health),
    Operation("POST", "/reset", running.reset),
    Operation("GET", "/clock", running.read_clock),
    Operation("PUT", "/clock", running.change_clock),
    Operation("GET", "/settings", running.read_settings),
    Operation("PUT", "/settings", running.change_settings),
    Operation("GET", "/accounts", running.list_accounts),
    Operation("GET", "/requests", records.list_requests),
    Operation("GET", "/requests/{number}", records.read_request),
    Operation("GET", "/effects", records.read_effects),
    Operation("GET", "/coverage", coverage.read_coverage),
    Operation("DELETE", "/coverage", coverage.clear_coverage),
    Operation("GET", "/traffic", traffic.read_traffic),
    Operation("GET", "/emails", emails.list_emails),
    Operation("GET", "/emails/{email_id}", emails.read_email),
    Operation("GET", "/webhooks/endpoints", webhooks.list_endpoints),
    Operation("POST", "/webhooks/endpoints", webhooks.add_endpoint, status=201),
    Operation("GET", "/webhooks/endpoints/{endpoint_id}", webhooks.read_endpoint),
    Operation("PATCH", "/webhooks/endpoints/{endpoint_id}", webhooks.change_endpoint),
    Operation("DELETE", "/webhooks/endpoints/{endpoint_id}", webhooks.remove_endpoint),
    Operation("POST", "/webhooks/endpoints/{endpoint_id}/rotate", webhooks.rotate_secret),
    Operation("POST", "/webhooks/endpoints/{endpoint_id}/recover", webhooks.recover_messages),
    Operation("GET", "/webhooks/messages", webhooks.list_messages),
    Operation("GET", "/webhooks/messages/{message_id}", webhooks.read_message),
    Operation("POST", "/webhooks/messages/{message_id}/resend", webhooks.resend_message),
    Operation("POST", "/webhooks/adversary", webhooks.arm_adversary, status=201),
    Operation("GET", "/webhooks/adversary", webhooks.list_adversary),
    Operation("DELETE", "/webhooks/adversary", webhooks.remove_adversary),
    Operation("DELETE", "/webhooks/adversary/{trick_id}", webhooks.remove_trick),
    Operation("POST", "/faults", breaking.arm_fault, status=201),
    Operation("GET", "/faults", breaking.list_faults),
    Operation("DELETE", "/faults", breaking.remove_faults),
    Operation("GET", "/faults/{fault_id}", breaking.read_fault),
    Operation("DELETE", "/faults/{fault_id}", breaking.remove_fault),
    Operation("GET", "/orders", orders.list_orders),
    Operation("GET", "/orders/{order_id}", orders.read_order),
    Operation("PATCH", "/orders/{order_id}", orders.change_order),
    Operation("GET", "/orders/{order_id}/story", order_timeline.read_story),
    Operation("GET", "/products", products.list_products),
    Operation("POST", "/products", products.add_product, status=201),
    Operation("GET", "/products/{code}", products.read_product),
    Operation("PATCH", "/products/{code}", products.change_product),
    Operation("DELETE", "/products/{code}", products.remove_product),
    Operation("GET", "/state", states.read_state, text_form=states.JSON_LINES),
    Operation("PUT", "/state", states.put_state, text_form=states.JSON_LINES),
    Operation("POST", "/shutdown", running.shut_down, status=202),
    Operation("GET", "/openapi.json", _description),
)
"""Every operation, in the order in which ``GET /_mock`` lists them."""

OPERATION_OF: Mapping[Function, Operation] = {o.function: o for o in OPERATIONS}
"""The operation that each function implements."""


class Prepared(NamedTuple):
    """A request that was checked.

    Attributes:
        operation: the operation that it is for.
        given: the arguments of its function.
        api_key: the key of the account that it is about; ``None`` for the whole server.
    """

    operation: Operation
    given: Mapping[str, Any]
    api_key: str | None


class ControlApi:
    """Answers requests to the control API of one server.

    It never awaits. Most requests are answered in one step; the rest in slices.

    Args:
        server_state: the server state.
    """

    def __init__(self, server_state: ServerState) -> None:
        self._server_state = server_state
        self._paths: PathTable[Operation] = PathTable()
        for operation in OPERATIONS:
            self._paths.add(operation.method, operation.path, operation)

    def __call__(self, request: ControlRequest) -> Answer:
        """Answer a request at once; a refusal becomes an error response."""
        return finish(self.slices(request))

    def slices(self, request: ControlRequest) -> Work[Answer]:
        """Answer a request in slices of bounded work; a refusal becomes an error response.

        Yields between two slices, where other requests may run, and returns the answer.
        """
        try:
            return (yield from self._answer(request))
        except ControlError as refusal:
            return Answer(refusal.status, orjson.dumps(refusal.document()))

    def methods(self, path: str) -> list[str]:
        """The allowed methods of a path below ``/_mock``, sorted."""
        return sorted(self._paths.find(path or "/")[0])

    def prepare(self, request: ControlRequest) -> "Work[Prepared]":
        """Find the operation that a request is for, and check what it is given.

        Raises:
            ControlError: if the request is refused.
        """
        methods, parameters = self._paths.find(request.path or "/")
        operation = methods.get(request.method)
        if operation is None:
            if not methods:
                reason = f"There is nothing at {quoted(PREFIX + request.path)}."
                raise ControlError(404, "not_found", reason)
            allowed = ", ".join(self.methods(request.path))
            raise ControlError(405, "method_not_allowed", f"Only {allowed} can be used here.")
        query = dict(request.query)
        names = query.pop("account", [])
        if len(names) > 1:
            raise wrong_field("query", "account", f"is given {len(names)} times")
        scope = None
        if operation.path != HEALTH:  # needs no API key
            name = names[0] if names else None
            scope = yield from scope_of(self._server_state, request.api_key, name, request.host)
        given = operation.prepare(self._server_state, scope, parameters, query, request.body)
        return Prepared(operation, given, None if scope is None else scope.api_key)

    def _answer(self, request: ControlRequest) -> Work[Answer]:
        operation, given, _ = yield from self.prepare(request)
        if operation.method != "GET":
            self._server_state.commands += 1
        if operation.path.startswith("/webhooks"):
            # What has ended becomes messages first, however much that is.
            yield from self._server_state.webhooks.catching_up()
        result = operation.function(**given)
        if isinstance(result, Steps):
            result = yield from result.work
        if not isinstance(result, Pieces):
            return Answer(operation.status, result.model_dump_json().encode())
        document = BytesIO()  # its value is no copy; to join the pieces would take a while
        for piece in result:
            document.write(piece)
            yield
        return Answer(operation.status, document.getvalue(), result.content_type)
