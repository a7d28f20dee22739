"""What happens to ``POST /order`` behind the header checks: one section under one key.

idempotency lookup, JSON syntax, body validation, ``X-Trigger-Error``, business rules. Whatever
comes out of it, 2xx, 4xx or 5xx, is stored and is from then on the answer to the key; only an
unknown trigger, being a mistake in a header, is not.
"""

from runa_mock_server.base.errors import ServiceError
from runa_mock_server.contract import triggers
from runa_mock_server.orders.documents import order_id_in
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.order_body import OrderBody
from runa_mock_server.orders.service import Wishes
from runa_mock_server.server_state.journal import Outcome
from runa_mock_server.web.answers import answer_to
from runa_mock_server.web.call import Call
from runa_mock_server.web.fault_injection import wait_inside

_REFUSALS = 400


async def place_order(call: Call, raw: bytes) -> Answer:
    """Place the order in ``raw``, or repeat the answer of the first time.

    Raises:
        ServiceError: for a conflict with an earlier use of the key and for an unknown trigger;
            neither is stored.
    """
    body = call.world.order_bodies.read(raw)
    call.fingerprint = body.fingerprint
    call.outcome = "refused"
    account, key = call.account, call.idempotency_key
    keys = account.idempotency
    now = call.accepted_at = account.clock.now()
    answer = keys.begin(key, body.fingerprint, now)
    if answer is not None:
        _note(call, "replayed", answer)
        return answer
    try:
        if call.world.faults:
            await wait_inside(call)
            call.accepted_at = account.clock.now()
        answer = _first_answer(call, body, call.accepted_at)
    except BaseException:
        keys.release(key)
        raise
    keys.finish(key, body.fingerprint, now, answer)
    _note(call, "created", answer)
    if call.world.webhooks.faults.armed:
        await _tell_early(call)
    return answer


async def _tell_early(call: Call) -> None:
    """Have a webhook overtake the answer, if a webhook fault is armed for that."""
    account, tell = call.account, call.world.tell
    if call.order_id is None or tell is None:
        return
    if call.world.webhooks.faults.inject_early(account.api_key):
        await tell(account, call.order_id)


def _note(call: Call, outcome: Outcome, answer: Answer) -> None:
    """Tell the journal what came of the call: an order, an order again, or a refusal again."""
    if answer.status < _REFUSALS:
        call.outcome = outcome
        call.order_id = order_id_in(answer.body)
    elif outcome == "replayed":
        call.outcome = outcome


def _first_answer(call: Call, body: OrderBody, accepted_at: int) -> Answer:
    try:
        return _new_order(call, body, accepted_at)
    except triggers.UnknownTriggerError:
        raise
    except ServiceError as refusal:
        return answer_to(refusal)


def _new_order(call: Call, body: OrderBody, accepted_at: int) -> Answer:
    account, profile = call.account, call.world.profile
    body.validate(as_pydantic_1=profile.details_of_pydantic_1)
    asked = call.headers.get("X-Trigger-Error") if profile.honours_triggers else None
    trigger = account.settings.trigger_error if asked is None else asked
    triggers.pull(trigger)
    synchronous = call.execution_mode == "sync"
    plan = body.plan(account.holdings.terms, synchronous=synchronous)
    wishes = Wishes(
        synchronous=synchronous,
        fails=trigger == triggers.ORDER_FAILED,
        email=call.wants_email,
        processing=call.processing,
    )
    answer = account.orders.place(plan, wishes, accepted_at)
    call.world.order_bodies.remember(body)
    return answer
