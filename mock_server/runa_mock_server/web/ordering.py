"""What happens to ``POST /order`` behind the header checks: one decision and one commit.

Whatever comes out of it, 2xx, 4xx or 5xx, is stored and is from then on the answer to the key;
only a conflict with an earlier use of the key and an unknown trigger, which is a mistake in a
header, are not.
"""

from dataclasses import replace
from functools import partial

from multidict import istr

from runa_mock_server.contract.triggers import DOCUMENTED_TRIGGERS, UnknownTriggerError
from runa_mock_server.orders.commit import Commit
from runa_mock_server.orders.documents import order_id_in
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.placing import OrderRequest, earlier_answer, place
from runa_mock_server.orders.terms import OrderOptions, OrderTerms
from runa_mock_server.web.body import CONTENT_ENCODING, read_body
from runa_mock_server.web.call import Call
from runa_mock_server.web.checks import UNDER_THE_KEY, check_key
from runa_mock_server.web.connection import connection_of
from runa_mock_server.web.fault_injection import wait_inside

_HOST = istr("Host")
_SEND_EMAIL = istr("X-Send-Email")
_TRIGGER = istr("X-Trigger-Error")
_REFUSALS = 400
_LEGACY_FIELD = b'"redemption_url":'  # in a text it would be escaped


async def create_order(call: Call) -> Answer:
    """``POST /order``: place the order, or repeat the answer of the first time.

    Raises:
        NeverStoredError: for a conflict with an earlier use of the key and for an unknown trigger.
        ForgottenError: if the account was reset or replaced while a fault held the call up.
    """
    options = _options(call)
    if call.body is None and not await _receive(call):
        options = _options(call)
    server_state, raw = call.server_state, call.body or b""
    account = call.account
    now = call.accepted_at = account.clock.now()
    request = OrderRequest(call.idempotency_key, raw, options, _terms(call, options), now)
    call.outcome = "refused"
    if server_state.faults.armed:
        await _hold_up(call, request)
    try:
        commit = account.state.commit(partial(place, request, UNDER_THE_KEY))
    except UnknownTriggerError:
        call.kindnesses += ("all_triggers",)  # strict mode ignores it
        raise
    finally:
        call.fingerprint = request.fingerprint
    if commit.kindnesses or server_state.webhooks.endpoints or options.synchronous:
        _note_kindnesses(call, commit)
    if commit.key is None:
        _note_replay(call, commit)
    elif commit.placed is not None:
        call.outcome = "created"
        call.order_id = commit.placed.id
        if server_state.webhooks.faults.armed:
            await _tell_early(call, commit.placed.id)
    if commit.answer is None:
        raise RuntimeError("a request to place an order always has an answer")
    return commit.answer


def _note_replay(call: Call, commit: Commit) -> None:
    answer = commit.answer
    call.outcome = "replayed"
    if answer is not None and answer.status < _REFUSALS:
        call.order_id = order_id_in(answer.body)


async def _receive(call: Call) -> bool:
    """Receive the body; the call keeps it.

    Returns:
        Whether the account is still the same. If it was reset meanwhile, the call goes on in the
        new one, for in the old one the order could never be read.
    """
    server_state = call.server_state
    if CONTENT_ENCODING in call.headers:
        await read_body(call)
    else:
        connection, limit = connection_of(call.request), server_state.settings.max_body_bytes
        call.body = await connection.receive(call.request, limit)
    if server_state.by_key.get(call.account.api_key) is call.account:
        return True
    call.first_journal = server_state.journal
    check_key(call)
    return False


def _note_kindnesses(call: Call, commit: Commit) -> None:
    """Note the kindnesses that an order needed."""
    call.kindnesses += tuple(commit.kindnesses)
    server_state = call.server_state
    if (
        server_state.webhooks.endpoints
        and commit.placed is not None
        and server_state.webhooks_are_kind(call.account)
    ):
        call.kindnesses += ("playground_webhooks",)
    if call.execution_mode == "sync" and commit.answer is not None:
        note_legacy_fields(call, commit.answer)


def note_legacy_fields(call: Call, answer: Answer) -> None:
    """Note an answer that shows the item fields of older documentation."""
    if _LEGACY_FIELD in answer.body:
        call.kindnesses += ("legacy_item_fields",)


def _options(call: Call) -> OrderOptions:
    trigger = None
    is_kind = False
    if call.server_state.profile.honours_triggers:
        trigger = call.headers.get(_TRIGGER)
    if trigger is not None and trigger not in DOCUMENTED_TRIGGERS:
        is_kind = call.account.settings.all_triggers
        trigger = trigger if is_kind else None
    return OrderOptions(
        call.execution_mode == "sync",
        _SEND_EMAIL in call.headers and _asks_for_email(call),
        call.processing,
        call.account.settings.trigger_error if trigger is None else trigger,
        call.headers.get(_HOST),
        is_kind,
    )


def _terms(call: Call, options: OrderOptions) -> OrderTerms:
    """How the order is carried out by now."""
    terms = call.account.orders.terms
    if options.synchronous:  # only this answer shows links; they open where the client is
        return replace(terms, payout_url=call.payout_url)
    return terms


def _asks_for_email(call: Call) -> bool:
    """Whether ``X-Send-Email`` asks for mail; the answer repeats the header."""
    if call.headers[_SEND_EMAIL].lower() != "true":
        return False
    call.response_headers["X-Send-Email"] = "true"
    return True


async def _hold_up(call: Call, request: OrderRequest) -> None:
    """Hold up the first request with a key, if a fault wants that; its key is in progress then."""
    account = call.account
    if earlier_answer(account.state, request) is not None:
        return
    account.state.begin(request.key)
    call.note_arrival()
    try:
        await wait_inside(call)
    finally:
        account.state.release(request.key)
    call.accepted_at = request.accepted_at = account.clock.now()
    request.terms = _terms(call, request.options)  # a product may have changed meanwhile


async def _tell_early(call: Call, order_id: str) -> None:
    """Have a webhook overtake the answer, if a webhook fault wants that."""
    account, tell = call.account, call.server_state.tell
    if tell is not None and call.server_state.webhooks.inject_early(account.api_key):
        await tell(account, order_id)
