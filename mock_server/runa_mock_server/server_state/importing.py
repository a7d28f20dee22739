"""An account that was exported is imported again: checked, made aside and installed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

import orjson
from pydantic import BaseModel, ValidationError

from runa_mock_server.base.errors import quoted
from runa_mock_server.base.ids import SECRET_SIZE, Identity, Place, read_payout_token
from runa_mock_server.base.money import in_cents
from runa_mock_server.base.slices import Work
from runa_mock_server.orders.commit import Commit, Mail
from runa_mock_server.orders.documents import ids_of, order_id_in, tokens_of
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.orders.order import Order, Part, RecipientState
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.exported_order import ExportedOrder, read_document
from runa_mock_server.server_state.reading import Line, UnreadableStateError, read_lines
from runa_mock_server.server_state.server_state import ServerState
from runa_mock_server.server_state.snapshots import (
    AnswerState,
    EmailState,
    OrderState,
    PartState,
    StateHead,
    StateLine,
)

M = TypeVar("M", bound=BaseModel)

_FIRST_REFUSAL = 400
_TOO_LATE_ID = "O-7"  # of the year 9774; larger ids must be left for the orders that follow


class StateError(ValueError):
    """A state that cannot be imported; nothing was changed.

    Attributes:
        field: the part of the state that is wrong, with dots between the steps; empty for all.
        reason: what is wrong with it.
        is_json: whether the state is JSON.
    """

    def __init__(self, field: str, reason: str, *, is_json: bool = True) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.is_json = is_json


class InterruptedImportError(Exception):
    """What the state was to be imported into has changed meanwhile; nothing was changed."""


def import_account(server_state: ServerState, api_key: str, text: bytes) -> Work[Account]:
    """Have the account of a key be as it was exported, in the place of the one before.

    The account is made aside and installed at the end. Yields after each bounded amount of work.

    Args:
        server_state: the server's state.
        api_key: the key.
        text: what was exported, of either form.

    Raises:
        StateError: if the state does not fit this server, or not together.
        SettingsError: if its settings cannot be taken over.
        InterruptedImportError: if the server was reset meanwhile, or another account was imported
            from the same state.
    """
    journal = server_state.journal  # a new one is made at each reset
    state = yield from _read(text)
    head = state.head
    if head.profile != server_state.settings.profile:
        raise StateError("profile", f"this server plays {server_state.settings.profile}")
    account = server_state.new_account(api_key)
    account.change_settings(head.settings)
    try:
        account.clock.restore(head.clock.now, head.clock.speed)
    except ValueError as error:
        raise StateError("clock", str(error)) from None
    identity = Identity(head.number, _secret(head.ids, account.state.identity.secret))
    if _is_taken(
        server_state, api_key, identity
    ):  # two accounts of one state: new links differ, the old ones are known
        identity = Identity(head.number, account.state.identity.secret)
    account.state.identity = identity
    yield from _Import(server_state, account, state).all()
    if server_state.journal is not journal or _is_taken(server_state, api_key, identity):
        raise InterruptedImportError
    account.follow()  # the server's settings and products may have been changed meanwhile
    account.imported_at = account.clock.now()
    server_state.install(account)
    return account


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


class _State(NamedTuple):
    """A state that was read; what is long is kept as text, which the collector need not walk.

    Attributes:
        head: what is short.
        orders: the line of each order.
        emails: the line of each mail.
        answers: by idempotency key its answer, packed.
        held: by order id how many reads still show an order that is on hold.
        failure_reasons: by order id why it failed.
        claims: by token the line that says what a payout was turned into.
        recipients: by token what the recipient of a payout has done, as flat JSON.
        addresses: by reference the address of a known recipient.
        attempts: the times that count against the rate limit.
        undelivered: by order id how many orders there were before one that reached no client.
    """

    head: StateHead
    orders: list[bytes]
    emails: list[bytes]
    answers: dict[str, bytes]
    held: dict[str, int | None]
    failure_reasons: dict[str, str]
    claims: dict[str, bytes]
    recipients: dict[str, bytes]
    addresses: dict[str, str | None]
    attempts: list[int]
    undelivered: dict[str, int]


def _read(text: bytes) -> Work[_State]:
    head: StateHead | None = None
    state = _State(StateHead.model_construct(), [], [], {}, {}, {}, {}, {}, {}, [], {})
    counts: Counter[str] = Counter()
    try:
        for line in read_lines(text):
            if not line.field:
                head = _validated(StateHead, line)
            elif line.field in ("orders", "emails"):
                (state.orders if line.field == "orders" else state.emails).append(line.json)
            else:
                entry = _validated(StateLine, line, counts[line.field])
                counts[line.field] += 1
                _add(state, entry, line)
            yield
    except UnreadableStateError as error:
        raise StateError(error.field, error.reason, is_json=error.is_json) from None
    if head is None:
        raise StateError("format", "Field required")
    return state._replace(head=head)


def _add(state: _State, entry: StateLine, line: Line) -> None:
    state.held.update(entry.held or {})
    state.failure_reasons.update(entry.failure_reasons or {})
    state.undelivered.update(entry.undelivered or {})
    state.addresses.update(entry.recipient_addresses or {})
    state.recipients.update(dict.fromkeys(entry.recipients or {}, line.json))
    state.claims.update(dict.fromkeys(entry.claims or {}, line.json))
    if entry.known_recipients is not None:
        state.addresses.setdefault(entry.known_recipients)
    if entry.attempts is not None:
        state.attempts.append(entry.attempts)
    if entry.answers is not None:
        state.answers[_decoded(entry.answers.key)] = _kept(entry.answers).pack()


def _validated(model: type[M], line: Line, index: int = 0) -> M:
    """The model of a line; errors name the place in the state, with the index of the entry."""
    try:
        return model.model_validate_json(line.json)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        steps = [str(step) for step in first["loc"]]
        if line.field:
            steps[1:1] = [str(index)]
        message = str(first["msg"]).removeprefix("Value error, ")
        reason = "there is no such field" if first["type"] == "extra_forbidden" else message
        raise StateError(".".join(steps), reason, is_json=first["type"] != "json_invalid") from None


def _kept(answer: AnswerState) -> KeptAnswer:
    try:
        orjson.loads(answer.body)
    except ValueError as error:
        raise StateError("answers", f"{answer.key}: the body is no JSON: {error}") from None
    sent = Answer(answer.status, answer.body.encode())
    return KeptAnswer(answer.first_seen, answer.fingerprint, sent)


class _Import:
    """What was read becomes an account that is not installed yet.

    Args:
        server_state: the server that it is for.
        account: the account.
        state: what was read.
    """

    def __init__(self, server_state: ServerState, account: Account, state: _State) -> None:
        self._server_state = server_state
        self._account = account
        self._state = state
        self._unknown_claims = dict.fromkeys(state.claims)
        self._unknown_recipients = dict.fromkeys(state.recipients)

    def all(self) -> Work[None]:
        """Commit everything, in slices; what was read is emptied, to free it bit by bit."""
        account, state = self._account.state, self._state
        yield from self._orders()
        yield from self._mails()
        while state.answers:
            key = next(iter(state.answers))
            kept = KeptAnswer.unpack(state.answers.pop(key))
            if kept.answer.status < _FIRST_REFUSAL:
                self._order("answers", order_id_in(kept.answer.body))
            account.apply(Commit(key=(key, kept)))
            yield
        gone = dict.fromkeys(account.balances)
        balances = {name.value: in_cents(amount) for name, amount in state.head.balances.items()}
        account.apply(Commit(balances={**gone, **balances}))
        for reference, address in state.addresses.items():
            account.apply(Commit(recipients={reference: address}))
            yield
        for attempt in state.attempts:
            account.apply(Commit(attempt=attempt))
            yield
        for order_id, orders_before in state.undelivered.items():
            self._order("undelivered", order_id)
            self._account.undelivered[order_id] = orders_before
            yield

    def _orders(self) -> Work[None]:
        account, state = self._account.state, self._state
        keys: dict[str | None, str] = {}
        for key, packed in state.answers.items():
            keys[order_id_in(KeptAnswer.unpack(packed).answer.body)] = key
            yield
        last, on_hold = "", 0
        for position, text in enumerate(state.orders):
            state.orders[position] = b""
            kept = _validated(StateLine, Line("orders", text), position).orders
            if kept is None:
                raise StateError("orders", "must not hold null")
            order = self._order_of(kept, position, last, keys)
            on_hold += order.on_hold
            if order.on_hold != (order.id in state.held):
                raise _wrong_held()
            account.apply(Commit(placed=order))
            last = order.id
            yield
        if on_hold != len(state.held):
            raise _wrong_held()
        for token in self._unknown_claims:
            raise StateError("claims", f"no claimed payout has the token {quoted(token)}")
        for token in self._unknown_recipients:
            raise StateError("recipients", f"no payout has the token {quoted(token)}")
        for order_id in state.failure_reasons:
            self._order("failure_reasons", order_id)
            yield

    def _order_of(
        self, kept: OrderState, position: int, last: str, keys: Mapping[str | None, str]
    ) -> Order:
        state = self._state
        document = self._document(kept, position, last)
        order = document.order(
            ends_at=kept.ends_at,
            expires_at=kept.expires_at,
            identity=self._account.state.identity,
            position=position,
            claims=self._claims(document),
        )
        placed_under = keys.get(kept.id) if kept.key is None else _decoded(kept.key)
        packed = None if placed_under is None else state.answers.get(placed_under)
        return order._replace(
            recipients=self._recipients(document),
            key=placed_under,
            fingerprint=kept.fingerprint
            or ("" if packed is None else KeptAnswer.unpack(packed).fingerprint),
            reads_left=state.held.get(kept.id),
            failure_reason=state.failure_reasons.get(kept.id),
            position=position,
        )

    def _document(self, kept: OrderState, position: int, last: str) -> ExportedOrder:
        """The document of the order at a position, after the order with the id ``last``."""
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
        number = self._state.head.number
        if places != [Place(number, position, index) for index in range(len(places))]:
            raise StateError("orders", f"the links of {kept.id} do not lead to it")
        for code in document.codes:
            self._check_product("orders", code)
        return document

    def _claims(self, document: ExportedOrder) -> Mapping[str, Sequence[Part]]:
        """What the claimed payouts of an order were turned into, by token."""
        claims: dict[str, Sequence[Part]] = {}
        for item in document.items:
            token = item.payout.token
            line = self._state.claims.get(token)
            if line is None or item.payout.status != "CLAIMED":
                continue
            self._unknown_claims.pop(token, None)
            parts = self._parts(line, token)
            value = Decimal(item.face_value)
            if sum(part.value for part in parts) != in_cents(value):
                raise StateError("claims", f"the parts of {token} do not add up to {value}")
            claims[token] = parts
        return claims

    def _recipients(self, document: ExportedOrder) -> Mapping[int, RecipientState]:
        """What the recipients of an order's payouts have done, by the index of the item."""
        done = {}
        for index, token in enumerate(document.tokens):
            line = self._state.recipients.get(token)
            if line is not None:
                self._unknown_recipients.pop(token, None)
                parts = StateLine.model_validate_json(line).recipients or {}
                done[index] = RecipientState(**parts[token].model_dump())
        return done

    def _parts(self, line: bytes, token: str) -> Sequence[Part]:
        claims: Mapping[str, list[PartState]] = StateLine.model_validate_json(line).claims or {}
        for part in claims[token]:
            self._check_product("claims", part.code)
        return tuple(Part(part.code, in_cents(part.value)) for part in claims[token])

    def _mails(self) -> Work[None]:
        account = self._account.state
        for index, text in enumerate(self._state.emails):
            self._state.emails[index] = b""
            email = _validated(StateLine, Line("emails", text), index).emails
            if email is None:
                raise StateError("emails", "must not hold null")
            order = self._order("emails", email.order_id)
            mails = (*account.mails(order.id), self._mail(order, email))
            account.apply(Commit(mails={order.id: mails}))
            yield

    def _mail(self, order: Order, email: EmailState) -> Mail:
        tokens = dict(
            zip(ids_of(order), tokens_of(order, self._account.state.identity), strict=True)
        )
        token = tokens.get(email.item_id)
        if token is None or email.url.rpartition("/")[2] != token:
            raise StateError("emails", f"{quoted(email.item_id)} is no item with this link")
        index = list(tokens).index(email.item_id)
        if not email.number:
            return Mail(index, email.relayed, email.host)
        given = order.items[index].distribution.email_address
        to = None if given == email.to else email.to
        return Mail(index, email.relayed, email.host, email.number, to, email.sent_at)

    def _order(self, field: str, order_id: str | None) -> Order:
        order = None if order_id is None else self._account.state.order(order_id)
        if order is None:
            raise StateError(field, f"there is no order {quoted(order_id)}")
        return order

    def _check_product(self, field: str, code: str) -> None:
        if self._server_state.catalogue.known_offer(code) is None:
            raise StateError(field, f"this server has no product {quoted(code)}")


def _wrong_held() -> StateError:
    return StateError("held", "must name the orders that do not end by themselves")


def _decoded(key: str) -> str:
    return unquote(key, errors="surrogateescape")
