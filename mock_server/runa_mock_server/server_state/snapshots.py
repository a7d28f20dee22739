"""An account as one JSON document, to be kept and to be taken up again.

After the import the same requests get the same answers: orders travel as their documents, stored
answers as text, the secret that ids follow from, the clock with its time. Not part of it: faults
and the journal.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote, unquote

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runa_mock_server.base.clock import FASTEST, SECOND
from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.ids import SECRET_SIZE, Identity, Place, read_payout_token
from runa_mock_server.base.json_pieces import elements, members, model_document
from runa_mock_server.base.money import from_cents, in_cents
from runa_mock_server.config.settings import RUN_TIME, Amount, SupportedCurrency
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.request_models import EmailAddress
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.business_rules import REDEMPTION_TEMPLATE
from runa_mock_server.orders.commit import Commit, Mail
from runa_mock_server.orders.documents import full_bytes, ids_of, order_id_in, tokens_of
from runa_mock_server.orders.idempotency import Answer, KeptAnswer
from runa_mock_server.orders.order import Order, Part
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.exported_order import ExportedOrder, OrderId, read_document
from runa_mock_server.server_state.outbox import Outbox
from runa_mock_server.server_state.server_state import World
from runa_mock_server.store.memory import AccountState as Stored
from runa_schemas.contract_data import ProfileName

_FIRST_REFUSAL = 400
_TOO_LATE_ID = "O-7"  # of the year 9774; larger ids must be left for the orders that follow
_YEAR_10000 = 253_402_300_800 * SECOND


def _comes(moment: int) -> int:
    if moment >= _YEAR_10000:
        raise ValueError("must lie before the year 10000")
    return moment


def _comes_if_ever(moment: int) -> int:
    return moment if moment == NEVER else _comes(moment)


_Microseconds = Annotated[int, Field(ge=0, description="Microseconds since the epoch.")]
Moment = Annotated[_Microseconds, AfterValidator(_comes)]
MomentOrNever = Annotated[_Microseconds, AfterValidator(_comes_if_ever)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class OrderState(_Part):
    """An order, as it will be once it has ended."""

    id: OrderId
    ends_at: MomentOrNever
    expires_at: MomentOrNever
    document: str
    key: str | None = Field(
        default=None, description="The idempotency key that it was placed under, percent-encoded."
    )
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""


class AnswerState(_Part):
    """What is stored under an idempotency key; the key is percent-encoded."""

    key: Annotated[str, Field(min_length=1)]
    first_seen: Moment
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    status: Annotated[int, Field(ge=200, le=599)]
    body: str


class PartState(_Part):
    """A product that a payout was turned into."""

    code: str
    value: Amount


class EmailState(_Part):
    """A mail."""

    to: EmailAddress
    order_id: str
    item_id: str
    url: str
    template_id: Annotated[str, Field(pattern=REDEMPTION_TEMPLATE)] | None
    sent_at: MomentOrNever
    relayed: str | None = None


class ClockState(_Part):
    """Where a clock stands."""

    now: Moment
    speed: Annotated[float, Field(ge=0, le=FASTEST)]


class AccountState(_Part):
    """All that decides how the requests of an account are answered."""

    format: Literal["runa-mock account 1"] = "runa-mock account 1"
    profile: ProfileName
    number: Annotated[int, Field(ge=0, lt=2**24)]
    clock: ClockState
    settings: dict[str, Any]
    balances: dict[SupportedCurrency, Amount]
    ids: dict[str, Any]
    orders: list[OrderState]
    held: dict[str, Annotated[int, Field(ge=0, lt=10**6)] | None]
    failure_reasons: dict[str, str]
    answers: list[AnswerState]
    claims: dict[str, Annotated[list[PartState], Field(min_length=1)]]
    known_recipients: list[str]
    recipient_addresses: dict[str, str] = {}
    emails: list[EmailState]
    attempts: list[Moment] = Field(description="The moments that count against the rate limit.")
    undelivered: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default={},
        description="The orders whose answer has reached no client, each with the number of "
        "orders that there were when its request came.",
    )


class StateError(ValueError):
    """A state that cannot be taken up; nothing was changed.

    Attributes:
        field: the part of the document that is wrong.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def export_account(account: Account) -> Iterator[bytes]:
    """The JSON of the state that an account has when the first piece is asked for, in pieces."""
    now, speed = account.clock.state()
    state, links = account.state.snapshot(), account.orders.terms.payout_url
    recipients = sorted(state.recipients.items())
    head = AccountState(
        profile=account.settings.profile,
        number=state.identity.account,
        clock=ClockState(now=now, speed=speed),
        settings=account.settings.model_dump(mode="json", include=set(RUN_TIME - {"balances"})),
        balances={Currency(name): from_cents(cents) for name, cents in state.balances.items()},
        ids={"secret": state.identity.secret.hex()},
        orders=[],
        held={},
        failure_reasons={},
        answers=[],
        claims={},
        known_recipients=[],
        emails=[],
        attempts=list(state.attempts),
        undelivered=dict(account.undelivered),
    )
    of_orders = _OfOrders([], [], [])
    addresses = ((name, known) if known is not None else None for name, known in recipients)
    emails = Outbox(state, lambda: links).each()
    yield from model_document(
        head,
        {
            "orders": elements(_order_states(state, links, of_orders)),  # fills what comes next
            "held": members(of_orders.held),
            "failure_reasons": members(of_orders.failure_reasons),
            "answers": elements(map(_answer_state, state.kept_answers())),
            "claims": members(of_orders.claims),
            "known_recipients": elements(reference for reference, _ in recipients),
            "recipient_addresses": members(addresses),
            "emails": elements(map(_email_state, emails)),
        },
    )


class _OfOrders(NamedTuple):
    """What an exported account has of orders beside their documents."""

    held: list[tuple[str, int | None]]
    failure_reasons: list[tuple[str, str]]
    claims: list[tuple[str, list[PartState]]]


def _order_states(state: Stored, links: str, of_orders: _OfOrders) -> Iterator[OrderState]:
    for order in state.orders():
        if order.on_hold:
            of_orders.held.append((order.id, order.reads_left))
        if order.failure_reason is not None:
            of_orders.failure_reasons.append((order.id, order.failure_reason))
        for index, change in order.payouts.items():
            if change.parts:
                token = tokens_of(order, state.identity)[index]
                parts = [PartState(code=p.code, value=from_cents(p.value)) for p in change.parts]
                of_orders.claims.append((token, parts))
        yield OrderState(
            id=order.id,
            ends_at=order.ends_at,
            expires_at=order.expires_at,
            # As it is without the time that has passed: what has expired is worked out when read.
            document=full_bytes(order, state.identity, links, now=0).decode(),
            key=None if order.key is None else _encoded(order.key),
            fingerprint=order.fingerprint,
        )


def _answer_state(kept: tuple[str, KeptAnswer]) -> AnswerState:
    key, answer = kept
    return AnswerState(
        key=_encoded(key),
        first_seen=answer.first_seen,
        fingerprint=answer.fingerprint,
        status=answer.answer.status,
        body=answer.answer.body.decode(),
    )


def _email_state(email: Email) -> EmailState:
    return EmailState(**{name: getattr(email, name) for name in EmailState.model_fields})


def import_account(world: World, api_key: str, state: AccountState) -> Account:
    """Have the account of a key be as it was exported, in the place of the one before.

    Raises:
        StateError: if the state does not fit this server, or not together.
        SettingsError: if its settings cannot be taken over.
    """
    if state.profile != world.settings.profile:
        raise StateError("profile", f"this server plays {world.settings.profile}")
    account = world.new_account(api_key)
    account.change_settings(state.settings)
    try:
        account.clock.restore(state.clock.now, state.clock.speed)
    except ValueError as error:
        raise StateError("clock", str(error)) from None
    others = [each.state.identity for each in world.accounts if each.api_key != api_key]
    identity = Identity(state.number, _secret(state.ids, account.state.identity.secret))
    if identity in others:  # two accounts of one state: new links differ, the old ones are known
        identity = Identity(state.number, account.state.identity.secret)
    account.state.identity = identity
    for commit in _commits(account, world, state):
        account.state.apply(commit)
    for order_id in state.undelivered:
        if account.state.order(order_id) is None:
            raise StateError("undelivered", f"there is no order {quoted(order_id)}")
    account.undelivered.update(state.undelivered)
    world.install(account)
    return account


def _secret(ids: Mapping[str, Any], own: bytes) -> bytes:
    """The secret that an account's ids follow from; a state of an early version has none."""
    try:
        secret = bytes.fromhex(ids.get("secret", own.hex()))
    except (TypeError, ValueError):
        secret = b""
    if len(secret) != SECRET_SIZE:
        raise StateError("ids", f"secret: must be {SECRET_SIZE} bytes as hexadecimal digits")
    return secret


def _commits(account: Account, world: World, state: AccountState) -> Iterator[Commit]:
    """What has to be committed, one after the other, to make the account."""
    answers = {_decoded(kept.key): _kept(kept) for kept in state.answers}
    orders = _orders(account, world, state, answers)
    known = {order.id: order for order in orders}
    mails = _mails(state, known, account.state.identity)
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


def _kept(answer: AnswerState) -> KeptAnswer:
    try:
        orjson.loads(answer.body)
    except ValueError as error:
        raise StateError("answers", f"{answer.key}: the body is no JSON: {error}") from None
    sent = Answer(answer.status, answer.body.encode())
    return KeptAnswer(answer.first_seen, answer.fingerprint, sent)


def _orders(
    account: Account, world: World, state: AccountState, answers: Mapping[str, KeptAnswer]
) -> list[Order]:
    keys = {order_id_in(kept.answer.body): key for key, kept in answers.items()}
    documents = _documents(world, state)
    claims = _claims(world, state, documents)
    on_hold = {kept.id for kept in state.orders if kept.ends_at == NEVER}
    if state.held.keys() != on_hold:
        raise StateError("held", "must name the orders that do not end by themselves")
    orders = []
    for position, (kept, document) in enumerate(zip(state.orders, documents, strict=True)):
        order = document.order(
            ends_at=kept.ends_at,
            expires_at=kept.expires_at,
            identity=account.state.identity,
            position=position,
            claims=claims,
        )
        key = keys.get(kept.id) if kept.key is None else _decoded(kept.key)
        answer = None if key is None else answers.get(key)
        orders.append(
            order._replace(
                key=key,
                fingerprint=kept.fingerprint or (answer.fingerprint if answer else ""),
                reads_left=state.held.get(kept.id),
                failure_reason=state.failure_reasons.get(kept.id),
                position=position,
            )
        )
    known = {order.id: order for order in orders}
    for order_id in state.failure_reasons:
        _check_order(known, "failure_reasons", order_id)
    return orders


def _documents(world: World, state: AccountState) -> list[ExportedOrder]:
    documents = []
    last = ""
    for position, kept in enumerate(state.orders):
        if kept.id <= last:
            raise StateError("orders", f"{kept.id} does not come after {last}")
        if kept.id >= _TOO_LATE_ID:
            raise StateError("orders", f"{kept.id} must start with O-0 to O-6: clocks end in 9000")
        last = kept.id
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
            _check_product(world, "orders", code)
        documents.append(document)
    return documents


def _claims(
    world: World, state: AccountState, documents: Sequence[ExportedOrder]
) -> dict[str, tuple[Part, ...]]:
    values = {
        item.payout.token: Decimal(item.face_value)
        for document in documents
        for item in document.items
        if item.payout.status == "CLAIMED"
    }
    claims = {}
    for token, parts in state.claims.items():
        value = values.get(token)
        if value is None:
            raise StateError("claims", f"no claimed payout has the token {quoted(token)}")
        if sum(part.value for part in parts) != value:
            raise StateError("claims", f"the parts of {token} do not add up to {value}")
        for part in parts:
            _check_product(world, "claims", part.code)
        claims[token] = tuple(Part(part.code, in_cents(part.value)) for part in parts)
    return claims


def _mails(
    state: AccountState, known: Mapping[str, Order], identity: Identity
) -> dict[str, list[Mail]]:
    mails: dict[str, list[Mail]] = {}
    for email in state.emails:
        order = _check_order(known, "emails", email.order_id)
        tokens = dict(zip(ids_of(order), tokens_of(order, identity), strict=True))
        token = tokens.get(email.item_id)
        if token is None or email.url.rpartition("/")[2] != token:
            raise StateError("emails", f"{quoted(email.item_id)} is no item with this link")
        index = list(tokens).index(email.item_id)
        mails.setdefault(order.id, []).append(Mail(index, email.relayed))
    return mails


def _check_order(known: Mapping[str, Order], field: str, order_id: object) -> Order:
    order = known.get(order_id) if isinstance(order_id, str) else None
    if order is None:
        raise StateError(field, f"there is no order {quoted(order_id)}")
    return order


def _check_product(world: World, field: str, code: str) -> None:
    if world.catalogue.known_offer(code) is None:
        raise StateError(field, f"this server has no product {quoted(code)}")


def _encoded(key: str) -> str:
    return quote(key, safe="", errors="surrogateescape")


def _decoded(key: str) -> str:
    return unquote(key, errors="surrogateescape")
