"""Which error answers when a request breaks two checks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer
from support.answers import Refusal, refusal
from support.api import Api, body, item

USED_KEY = "used-before"
LIMIT = 2


@dataclass
class Request:
    """A good order, until a check is broken."""

    api: Api
    headers: dict[str, str | bytes | None] = field(
        default_factory=lambda: {"X-Idempotency-Key": "fresh"}
    )
    document: dict[str, Any] = field(default_factory=body)
    cut: int = 0

    def send(self) -> Refusal:
        """What the server says to it."""
        raw = json.dumps(self.document).encode()
        raw = raw[: len(raw) - self.cut]
        return refusal(self.api.call("POST", "/v2/order", headers=self.headers, data=raw))


def _no_key(request: Request) -> None:
    request.headers["X-Api-Key"] = None


def _foreign_key(request: Request) -> None:
    request.headers["X-Api-Key"] = "wg-live.secret"


def _rate(request: Request) -> None:
    while request.api.order().status_code != 429:
        pass


def _header(request: Request) -> None:
    request.headers["X-Mock-Nonsense"] = "1"


def _version(request: Request) -> None:
    request.headers["X-Api-Version"] = "2023-01-16"


def _execution_mode(request: Request) -> None:
    request.headers["X-Execution-Mode"] = "batch"


def _no_idempotency_key(request: Request) -> None:
    request.headers["X-Idempotency-Key"] = None


def _used_idempotency_key(request: Request) -> None:
    request.api.order(key=USED_KEY)
    request.headers["X-Idempotency-Key"] = USED_KEY
    request.document["description"] = "not the order that used the key"


def _syntax(request: Request) -> None:
    request.cut = 1


def _field(request: Request) -> None:
    request.document["description"] = "x" * 129


def _trigger(request: Request) -> None:
    request.headers["X-Trigger-Error"] = "timeout"


def _rule(request: Request) -> None:
    request.document["items"] = [item(products={"type": "SINGLE", "value": "NO-SUCH-CODE"})]


Break = Callable[[Request], None]

CHECKS: list[tuple[Break, Refusal]] = [
    (_no_key, (401, "unauthorized")),
    (_foreign_key, (403, "forbidden")),
    (_rate, (429, "rate exceeded")),
    (_header, (400, "bad_request")),
    (_version, (410, "version_removed")),
    (_execution_mode, (400, "invalid_execution_mode")),
    (_no_idempotency_key, (422, "validation_error")),
    (_used_idempotency_key, (400, "idempotency_validation_error")),
    (_syntax, (400, "bad_request")),
    (_field, (422, "validation_error")),
    (_trigger, (504, "timeout")),
    (_rule, (400, "product_validation_error")),
]
"""The checks of ``POST /order`` in the order in which they answer."""


def _answer(*broken: Break) -> Refusal:
    with MockServer(clock=ManualClock(), rate_limit=LIMIT) as server:
        request = Request(Api(server.url))
        try:
            # Where two checks read the same header, the earlier one's change is to stay.
            for change in reversed(broken):
                change(request)
            return request.send()
        finally:
            request.api.close()


@pytest.mark.parametrize(("change", "expected"), CHECKS)
def test_each_check_refuses_alone(change: Break, expected: Refusal) -> None:
    """The premise of the pairs below: each change breaks what it says."""
    assert _answer(change) == expected


@pytest.mark.parametrize(("earlier", "later"), list(combinations(CHECKS, 2)))
def test_the_earlier_of_two_checks_answers(
    earlier: tuple[Break, Refusal], later: tuple[Break, Refusal]
) -> None:
    """A request that breaks two checks gets the error of the first."""
    assert _answer(earlier[0], later[0]) == earlier[1]


def test_a_request_that_breaks_everything_gets_the_first_error() -> None:
    """No check is skipped because a later one fails as well."""
    for start, (_, expected) in enumerate(CHECKS):
        assert _answer(*(change for change, _ in CHECKS[start:])) == expected


def test_an_unknown_trigger_stands_where_triggers_stand(api: Api) -> None:
    """It loses to a wrong body and wins over the business rules."""
    bad_field = api.order(body(description="x" * 129), X_Trigger_Error="nonsense")
    bad_product = api.order(
        body(items=[item(products={"type": "SINGLE", "value": "NO"})]), X_Trigger_Error="nonsense"
    )
    assert refusal(bad_field) == (422, "validation_error")
    assert refusal(bad_product) == (400, "bad_request")


def test_a_failing_order_has_to_pass_the_rules_first(api: Api) -> None:
    """``order_failed`` accepts the order, so a broken rule answers."""
    document = body(items=[item(face_value=1)])
    response = api.order(document, X_Trigger_Error="order_failed")
    assert refusal(response) == (400, "product_validation_error")


@pytest.mark.parametrize("path", ["/v2/nothing", "/v2/order/O-unknown", "/v2/order?limit=0"])
def test_the_version_is_checked_before_a_read_is_tried(api: Api, path: str) -> None:
    """A retired version is 410 also where the path or the query is wrong."""
    response = api.get(path, headers={"X-Api-Version": "2023-01-16"})
    assert refusal(response) == (410, "version_removed")
