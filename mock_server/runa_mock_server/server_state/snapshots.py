"""An account as one JSON document, to be kept and to be taken up again.

After the import the same requests get the same answers, byte for byte: documents and stored
answers travel as text, the id source with its state, the clock with its moment. Not part of it:
faults and the journal.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runa_mock_server.base.clock import FASTEST, SECOND
from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.errors import quoted
from runa_mock_server.base.ids import read_payout_token
from runa_mock_server.config.settings import RUN_TIME, Amount, SupportedCurrency
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.request_models import EmailAddress
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.business_rules import REDEMPTION_TEMPLATE
from runa_mock_server.orders.idempotency import Answer
from runa_mock_server.orders.order_store import StoredOrder
from runa_mock_server.orders.payouts import Part
from runa_mock_server.server_state.kept_order import OrderId, read_order
from runa_mock_server.server_state.server_state import Account, World
from runa_schemas.contract_data import ProfileName

_FIRST_REFUSAL = 400
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
    held: dict[str, Annotated[int, Field(ge=0)] | None]
    failure_reasons: dict[str, str]
    answers: list[AnswerState]
    claims: dict[str, Annotated[list[PartState], Field(min_length=1)]]
    known_recipients: list[str]
    emails: list[EmailState]
    attempts: list[Moment] = Field(description="The moments that count against the rate limit.")


class StateError(ValueError):
    """A state that cannot be taken up; nothing was changed.

    Attributes:
        field: the part of the document that is wrong.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def export_account(account: Account) -> AccountState:
    """The state of an account as it is now."""
    now, speed = account.clock.state()
    holdings = account.holdings
    return AccountState(
        profile=account.settings.profile,
        number=account.ids.account,
        clock=ClockState(now=now, speed=speed),
        settings=account.settings.model_dump(mode="json", include=set(RUN_TIME - {"balances"})),
        balances={Currency(name): a for name, a in holdings.balances.amounts.items()},
        ids=account.ids.state(),
        orders=[
            OrderState(
                id=order.id,
                ends_at=order.ends_at,
                expires_at=order.expires_at,
                document=order.document.decode(),
            )
            for order in holdings.orders.all()
        ],
        held=holdings.held,
        failure_reasons=holdings.failure_reasons,
        answers=[
            AnswerState(
                key=quote(stored.key, safe="", errors="surrogateescape"),
                first_seen=stored.first_seen,
                fingerprint=stored.fingerprint.hex(),
                status=stored.answer.status,
                body=stored.answer.body.decode(),
            )
            for stored in account.idempotency
        ],
        claims={
            token: [PartState(code=part.code, value=part.value) for part in parts]
            for token, parts in account.payouts.claims.items()
        },
        known_recipients=sorted(holdings.known_recipients),
        emails=[
            EmailState(**{name: getattr(email, name) for name in EmailState.model_fields})
            for email in holdings.outbox.by_order()
        ],
        attempts=list(account.rate.attempts),
    )


def import_account(world: World, api_key: str, state: AccountState) -> Account:
    """Have the account of a key be as it was exported, in the place of the one before.

    Raises:
        StateError: if the state does not fit this server, or not together.
        SettingsError: if its settings cannot be taken over.
    """
    if state.profile != world.settings.profile:
        raise StateError("profile", f"this server plays {world.settings.profile}")
    account = Account(world, api_key)
    account.change_settings(state.settings)
    try:
        account.clock.restore(state.clock.now, state.clock.speed)
    except ValueError as error:
        raise StateError("clock", str(error)) from None
    try:
        account.ids.restore(state.ids, state.orders[-1].id if state.orders else "")
    except ValueError as error:
        raise StateError("ids", str(error)) from None
    account.ids.account = state.number
    others = [other.ids.origin for other in world.accounts if other.api_key != api_key]
    if account.ids.origin in others:  # two accounts of one state
        account.ids.renew_secret()
    _fill_orders(account, world, state)
    _fill_holdings(account, state)
    _fill_answers(account, state)
    _fill_claims(account, world, state)
    account.rate.attempts.extend(state.attempts)
    world.install(account)
    return account


def _fill_orders(account: Account, world: World, state: AccountState) -> None:
    orders = account.holdings.orders
    last = ""
    for position, kept in enumerate(state.orders):
        if kept.id <= last:
            raise StateError("orders", f"{kept.id} does not come after {last}")
        last = kept.id
        try:
            document = read_order(kept.document)
        except ValueError as error:
            raise StateError("orders", f"{kept.id}: {error}") from None
        if document.id != kept.id:
            raise StateError("orders", f"{kept.id} has the document of {document.id}")
        if not document.lies_at(state.number, position):
            raise StateError("orders", f"the links of {kept.id} do not lead to it")
        for code in document.codes:
            _check_product(world, "orders", code)
        orders.add(
            StoredOrder(
                id=kept.id,
                ends_at=kept.ends_at,
                expires_at=kept.expires_at,
                failed=document.status == "FAILED",
                document=kept.document.encode(),
            )
        )


def _fill_holdings(account: Account, state: AccountState) -> None:
    holdings = account.holdings
    holdings.balances.set({name.value: amount for name, amount in state.balances.items()})
    if state.held.keys() != {order.id for order in state.orders if order.ends_at == NEVER}:
        raise StateError("held", "must name the orders that do not end by themselves")
    holdings.held.update(state.held)
    _check_orders(account, "failure_reasons", state.failure_reasons)
    holdings.failure_reasons.update(state.failure_reasons)
    holdings.known_recipients.update(state.known_recipients)
    _fill_outbox(account, state)


def _fill_outbox(account: Account, state: AccountState) -> None:
    _check_orders(account, "emails", [email.order_id for email in state.emails])
    emails: dict[str, list[Email]] = {}
    for kept in state.emails:
        emails.setdefault(kept.order_id, []).append(Email(**kept.model_dump()))
    for order_id, mails in emails.items():
        order = account.holdings.orders.get(order_id)
        items = orjson.loads(order.document)["items"] if order is not None else []
        links = {item["id"]: item["payout"]["url"] for item in items}
        for email in mails:
            if links.get(email.item_id) != email.url:
                raise StateError("emails", f"{quoted(email.item_id)} is no item with this link")
        account.holdings.outbox.add(order_id, mails)


def _fill_answers(account: Account, state: AccountState) -> None:
    for kept in state.answers:
        try:
            document = orjson.loads(kept.body)
        except ValueError as error:
            raise StateError("answers", f"{kept.key}: the body is no JSON: {error}") from None
        if kept.status < _FIRST_REFUSAL:
            made = document.get("id") if isinstance(document, dict) else None
            _check_orders(account, "answers", [made])
        account.idempotency.finish(
            unquote(kept.key, errors="surrogateescape"),
            bytes.fromhex(kept.fingerprint),
            kept.first_seen,
            Answer(kept.status, kept.body.encode()),
        )


def _fill_claims(account: Account, world: World, state: AccountState) -> None:
    for token, parts in state.claims.items():
        place = read_payout_token(token)
        order = account.holdings.orders.at(place.position) if place is not None else None
        value = None if order is None else read_order(order.document.decode()).claimed(token)
        if value is None:
            raise StateError("claims", f"no claimed payout has the token {quoted(token)}")
        if sum(part.value for part in parts) != value:
            raise StateError("claims", f"the parts of {token} do not add up to {value}")
        for part in parts:
            _check_product(world, "claims", part.code)
        account.payouts.claims[token] = tuple(Part(part.code, part.value) for part in parts)


def _check_orders(account: Account, field: str, order_ids: Iterable[object]) -> None:
    for order_id in order_ids:
        if not isinstance(order_id, str) or account.holdings.orders.get(order_id) is None:
            raise StateError(field, f"there is no order {quoted(order_id)}")


def _check_product(world: World, field: str, code: str) -> None:
    if world.catalogue.offer(code) is None:
        raise StateError(field, f"this server has no product {quoted(code)}")
