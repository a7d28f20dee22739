"""An account that was exported is taken up again: checked, made aside and installed."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson

from runa_mock_server.base.errors import quoted
from runa_mock_server.base.ids import SECRET_SIZE, Identity, Place, read_payout_token
from runa_mock_server.base.money import in_cents
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.orders.commit import Commit, Mail
from runa_mock_server.orders.documents import ids_of, order_id_in, tokens_of
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.orders.order import Order, Part, RecipientState
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.exported_order import ExportedOrder, read_document
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.server_state.snapshots import AccountState, AnswerState, EmailState

R = TypeVar("R")
Work = Generator[None, None, R]
"""Work that yields after each bounded amount of it, and returns its result."""

_FIRST_REFUSAL = 400
_TOO_LATE_ID = "O-7"  # of the year 9774; larger ids must be left for the orders that follow


class StateError(ValueError):
    """A state that cannot be taken up; nothing was changed.

    Attributes:
        field: the part of the document that is wrong.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class InterruptedImportError(Exception):
    """What the state was to be imported into has changed meanwhile; nothing was changed."""


def import_account(server_state: ServerState, api_key: str, state: AccountState) -> Work[Account]:
    """Have the account of a key be as it was exported, in the place of the one before.

    The account is made aside and installed at the end. Yields after each bounded amount of work.

    Args:
        server_state: the server's state.
        api_key: the key.
        state: what was exported; emptied, for to free a large one at once would take long.

    Raises:
        StateError: if the state does not fit this server, or not together.
        SettingsError: if its settings cannot be taken over.
        InterruptedImportError: if the server was reset meanwhile, or another account was imported
            from the same state.
    """
    if state.profile != server_state.settings.profile:
        raise StateError("profile", f"this server plays {server_state.settings.profile}")
    journal = server_state.journal  # a new one is made at each reset
    account = server_state.new_account(api_key)
    account.change_settings(state.settings)
    try:
        account.clock.restore(state.clock.now, state.clock.speed)
    except ValueError as error:
        raise StateError("clock", str(error)) from None
    identity = Identity(state.number, _secret(state.ids, account.state.identity.secret))
    if _is_taken(
        server_state, api_key, identity
    ):  # two accounts of one state: new links differ, the old ones are known
        identity = Identity(state.number, account.state.identity.secret)
    account.state.identity = identity
    for commit in _commits(account, server_state, state):
        if commit is not None:
            account.state.apply(commit)
        yield
    for order_id, orders_before in state.undelivered.items():
        if account.state.order(order_id) is None:
            raise StateError("undelivered", f"there is no order {quoted(order_id)}")
        account.undelivered[order_id] = orders_before
    yield from _emptied(state)
    if server_state.journal is not journal or _is_taken(server_state, api_key, identity):
        raise InterruptedImportError
    account.follow()  # the server's settings and products may have been changed meanwhile
    account.imported_at = account.clock.now()
    server_state.install(account)
    return account


def _emptied(state: AccountState) -> Iterator[None]:
    for parts in (state.orders, state.answers, state.emails):
        while parts:
            parts.pop()
            yield


def _is_taken(server_state: ServerState, api_key: str, identity: Identity) -> bool:
    """Whether the account of another key has an identity."""
    numbered = server_state.numbered(identity.account)
    return any(each.state.identity == identity and each.api_key != api_key for each in numbered)


def _secret(ids: Mapping[str, Any], own: bytes) -> bytes:
    """The secret that an account's ids follow from; a state of an early version has none."""
    try:
        secret = bytes.fromhex(ids.get("secret", own.hex()))
    except (TypeError, ValueError):
        secret = b""
    if len(secret) != SECRET_SIZE:
        raise StateError("ids", f"secret: must be {SECRET_SIZE} bytes as hexadecimal digits")
    return secret


def _commits(
    account: Account, server_state: ServerState, state: AccountState
) -> Iterator[Commit | None]:
    """What has to be committed, one after the other, to make the account; ``None`` is work."""
    answers = {}
    for kept_state in state.answers:
        answers[_decoded(kept_state.key)] = _kept(kept_state)
        yield None
    orders = yield from _orders(account, server_state, state, answers)
    known = {order.id: order for order in orders}
    mails = yield from _mails(state, known, account.state.identity)
    for order in orders:
        yield Commit(placed=order, mails={order.id: mails.get(order.id, ())})
    for key, kept in answers.items():
        if kept.answer.status < _FIRST_REFUSAL:
            _check_order(known, "answers", order_id_in(kept.answer.body))
        yield Commit(key=(key, kept))
    gone = dict.fromkeys(account.state.balances)
    balances = {name.value: in_cents(amount) for name, amount in state.balances.items()}
    recipients = dict.fromkeys(state.known_recipients) | state.recipient_addresses
    yield Commit(balances={**gone, **balances}, recipients=recipients)
    for attempt in state.attempts:
        yield Commit(attempt=attempt)
    while orders:  # freed bit by bit
        del known[orders.pop().id]
        yield None


def _kept(answer: AnswerState) -> KeptAnswer:
    try:
        orjson.loads(answer.body)
    except ValueError as error:
        raise StateError("answers", f"{answer.key}: the body is no JSON: {error}") from None
    sent = Answer(answer.status, answer.body.encode())
    return KeptAnswer(answer.first_seen, answer.fingerprint, sent)


def _orders(
    account: Account,
    server_state: ServerState,
    state: AccountState,
    answers: Mapping[str, KeptAnswer],
) -> Work[list[Order]]:
    keys = {}
    for key, kept_answer in answers.items():
        keys[order_id_in(kept_answer.answer.body)] = key
        yield
    on_hold = {kept.id for kept in state.orders if kept.ends_at == NEVER}
    if state.held.keys() != on_hold:
        raise StateError("held", "must name the orders that do not end by themselves")
    claims = _Claims(server_state, state)
    orders: list[Order] = []
    for position, kept in enumerate(state.orders):
        document = _document(server_state, state, position, orders[-1].id if orders else "")
        claims.check(document)
        order = document.order(
            ends_at=kept.ends_at,
            expires_at=kept.expires_at,
            identity=account.state.identity,
            position=position,
            claims=claims.parts,
        )
        placed_under = keys.get(kept.id) if kept.key is None else _decoded(kept.key)
        answer = None if placed_under is None else answers.get(placed_under)
        orders.append(
            order._replace(
                key=placed_under,
                fingerprint=kept.fingerprint or (answer.fingerprint if answer else ""),
                reads_left=state.held.get(kept.id),
                failure_reason=state.failure_reasons.get(kept.id),
                position=position,
            )
        )
        recipients = _recipients(state, orders[-1], account.state.identity)
        if recipients:
            orders[-1] = orders[-1]._replace(recipients=recipients)
        yield
    claims.check_all()
    _check_recipients(state, orders, account.state.identity)
    known = {order.id: order for order in orders}
    for order_id in state.failure_reasons:
        _check_order(known, "failure_reasons", order_id)
    return orders


def _document(
    server_state: ServerState, state: AccountState, position: int, last: str
) -> ExportedOrder:
    """The document of the order at a position, after the order with the id ``last``."""
    kept = state.orders[position]
    if kept.id <= last:
        raise StateError("orders", f"{kept.id} does not come after {last}")
    if kept.id >= _TOO_LATE_ID:
        raise StateError("orders", f"{kept.id} must start with O-0 to O-6: clocks end in 9000")
    try:
        document = read_document(kept.document)
    except ValueError as error:
        raise StateError("orders", f"{kept.id}: {error}") from None
    if document.id != kept.id:
        raise StateError("orders", f"{kept.id} has the document of {document.id}")
    places = [read_payout_token(token) for token in document.tokens]
    if places != [Place(state.number, position, index) for index in range(len(places))]:
        raise StateError("orders", f"the links of {kept.id} do not lead to it")
    for code in document.codes:
        _check_product(server_state, "orders", code)
    return document


def _recipients(
    state: AccountState, order: Order, identity: Identity
) -> Mapping[int, RecipientState]:
    """What the recipients of an order's payouts have done, by the index of the item."""
    if not state.recipients:
        return {}
    tokens = enumerate(tokens_of(order, identity))
    return {
        index: RecipientState(**state.recipients[token].model_dump())
        for index, token in tokens
        if token in state.recipients
    }


def _check_recipients(state: AccountState, orders: Sequence[Order], identity: Identity) -> None:
    unknown = set(state.recipients)
    if unknown:
        for order in orders:
            unknown.difference_update(tokens_of(order, identity))
    for token in unknown:
        raise StateError("recipients", f"no payout has the token {quoted(token)}")


class _Claims:
    """What claimed payouts were turned into, by token.

    Args:
        server_state: whose products they have to be.
        state: what was exported.

    Attributes:
        parts: the same, as orders have it.
    """

    def __init__(self, server_state: ServerState, state: AccountState) -> None:
        self._server_state = server_state
        self._unknown = set(state.claims)
        self.parts = {
            token: tuple(Part(part.code, in_cents(part.value)) for part in parts)
            for token, parts in state.claims.items()
        }

    def check(self, document: ExportedOrder) -> None:
        """Check the claims of an order's payouts."""
        for item in document.items:
            token = item.payout.token
            if item.payout.status == "CLAIMED" and token in self.parts:
                self._unknown.discard(token)
                value = Decimal(item.face_value)
                if sum(part.value for part in self.parts[token]) != in_cents(value):
                    raise StateError("claims", f"the parts of {token} do not add up to {value}")

    def check_all(self) -> None:
        """Check the products, and that every claim is of a payout that was checked."""
        for token in self._unknown:
            raise StateError("claims", f"no claimed payout has the token {quoted(token)}")
        for part in chain.from_iterable(self.parts.values()):
            _check_product(self._server_state, "claims", part.code)


def _mails(
    state: AccountState, known: Mapping[str, Order], identity: Identity
) -> Work[dict[str, list[Mail]]]:
    mails: dict[str, list[Mail]] = {}
    for email in state.emails:
        order = _check_order(known, "emails", email.order_id)
        tokens = dict(zip(ids_of(order), tokens_of(order, identity), strict=True))
        token = tokens.get(email.item_id)
        if token is None or email.url.rpartition("/")[2] != token:
            raise StateError("emails", f"{quoted(email.item_id)} is no item with this link")
        index = list(tokens).index(email.item_id)
        mails.setdefault(order.id, []).append(_mail(email, order, index))
        yield
    return mails


def _mail(email: EmailState, order: Order, index: int) -> Mail:
    if not email.number:
        return Mail(index, email.relayed, email.host)
    given = order.items[index].distribution.email_address
    to = None if given == email.to else email.to
    return Mail(index, email.relayed, email.host, email.number, to, email.sent_at)


def _check_order(known: Mapping[str, Order], field: str, order_id: object) -> Order:
    order = known.get(order_id) if isinstance(order_id, str) else None
    if order is None:
        raise StateError(field, f"there is no order {quoted(order_id)}")
    return order


def _check_product(server_state: ServerState, field: str, code: str) -> None:
    if server_state.catalogue.known_offer(code) is None:
        raise StateError(field, f"this server has no product {quoted(code)}")


def _decoded(key: str) -> str:
    return unquote(key, errors="surrogateescape")
