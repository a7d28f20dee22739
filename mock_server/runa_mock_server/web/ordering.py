"""What happens to ``POST /order`` behind the header checks: one decision and one commit.

Whatever comes out of it, 2xx, 4xx or 5xx, is stored and is from then on the answer to the key;
only a conflict with an earlier use of the key and an unknown trigger, which is a mistake in a
header, are not.
"""

from dataclasses import replace
from functools import partial

from runa_mock_server.contract.triggers import DOCUMENTED_TRIGGERS
from runa_mock_server.orders.documents import order_id_in
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.placing import OrderRequest, Placing, earlier_answer, place
from runa_mock_server.orders.terms import OrderOptions, OrderTerms
from runa_mock_server.web.body import read_body
from runa_mock_server.web.call import Call
from runa_mock_server.web.checks import UNDER_THE_KEY, check_key
from runa_mock_server.web.fault_injection import wait_inside

_REFUSALS = 400


async def create_order(call: Call) -> Answer:
    """``POST /order``: place the order, or repeat the answer of the first time.

    Raises:
        NeverStoredError: for a conflict with an earlier use of the key and for an unknown trigger.
        ForgottenError: if the account was reset or replaced while a fault held the call up.
    """
    raw = await read_body(call)
    if not call.is_remembered:  # or the order would be placed where it can never be read
        call.first_journal = call.server_state.journal
        check_key(call)
    account = call.account
    request = _request(call, raw)
    call.fingerprint = request.fingerprint
    call.outcome = "refused"
    now = call.accepted_at = account.clock.now()
    if call.server_state.faults.armed:
        await _hold_up(call, request, now)
    order = partial(
        Placing,
        request=request,
        terms=_terms(call),
        now=now,
        accepted_at=call.accepted_at,
    )
    commit = account.state.commit(partial(place, order, UNDER_THE_KEY))
    answer = commit.answer
    if answer is None:
        raise RuntimeError("a request to place an order always has an answer")
    if commit.key is None:
        call.outcome = "replayed"
        call.order_id = order_id_in(answer.body) if answer.status < _REFUSALS else None
    elif commit.placed is not None:
        call.outcome = "created"
        call.order_id = commit.placed.id
        if call.server_state.webhooks.faults.armed:
            await _tell_early(call, commit.placed.id)
    return answer


def _terms(call: Call) -> OrderTerms:
    """The account's terms, with payout links that open where the client is.

    Only the answer to a synchronous order shows links.
    """
    terms = call.account.orders.terms
    if call.execution_mode != "sync":
        return terms
    return replace(terms, payout_url=call.payout_url)


def _request(call: Call, raw: bytes) -> OrderRequest:
    profile = call.server_state.profile
    trigger = call.headers.get("X-Trigger-Error") if profile.honours_triggers else None
    if trigger is not None and trigger not in DOCUMENTED_TRIGGERS:
        if call.account.settings.all_triggers:
            call.kindnesses += ("all_triggers",)
        else:
            trigger = None
    options = OrderOptions(
        synchronous=call.execution_mode == "sync",
        email=_asks_for_email(call),
        processing=call.processing,
        trigger=call.account.settings.trigger_error if trigger is None else trigger,
        host=call.headers.get("Host"),
    )
    return OrderRequest(
        call.idempotency_key, raw, options, as_pydantic_1=profile.details_of_pydantic_1
    )


def _asks_for_email(call: Call) -> bool:
    """Whether ``X-Send-Email`` asks for mail; the answer repeats the header."""
    wish = call.headers.get("X-Send-Email")
    if wish is None or wish.lower() != "true":
        return False
    call.response_headers["X-Send-Email"] = "true"
    return True


async def _hold_up(call: Call, request: OrderRequest, now: int) -> None:
    """Hold up the first request with a key, if a fault wants that; its key is in progress then."""
    account = call.account
    if earlier_answer(account.state, request, now) is not None:
        return
    account.state.begin(request.key)
    call.note_arrival()
    try:
        await wait_inside(call)
    finally:
        account.state.release(request.key)
    call.accepted_at = account.clock.now()


async def _tell_early(call: Call, order_id: str) -> None:
    """Have a webhook overtake the answer, if a webhook fault wants that."""
    account, tell = call.account, call.server_state.tell
    if tell is not None and call.server_state.webhooks.inject_early(account.api_key):
        await tell(account, order_id)
