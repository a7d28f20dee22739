"""An account as one JSON document, to be kept and to be taken up again.

After the import the same requests get the same answers, byte for byte: documents and stored
answers travel as text, the id source with its state, the clock with its moment. Not part of it:
faults and the journal.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

import orjson
from pydantic import BaseModel, ConfigDict, Field

from runa_mock_server.emails import Email
from runa_mock_server.idempotency import Answer
from runa_mock_server.order_document import basic_size
from runa_mock_server.order_store import StoredOrder
from runa_mock_server.payouts import Part
from runa_mock_server.profiles import ProfileName
from runa_mock_server.settings import RUN_TIME
from runa_mock_server.world import Account, World
from runa_schemas import validate

Moment = Annotated[int, Field(ge=-(2**63), lt=2**63, description="Microseconds since the epoch.")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class OrderState(_Part):
    """An order, as it will be once it has ended."""

    id: Annotated[str, Field(pattern=r"^O-[0-9A-HJKMNP-TV-Z]{26}$")]
    ends_at: Moment
    expires_at: Moment
    document: str


class AnswerState(_Part):
    """What is stored under an idempotency key; the key is percent-encoded."""

    key: str
    first_seen: Moment
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    status: Annotated[int, Field(ge=200, le=599)]
    body: str


class PartState(_Part):
    """A product that a payout was turned into."""

    code: str
    value: Decimal


class EmailState(_Part):
    """A mail."""

    to: str
    order_id: str
    item_id: str
    url: str
    template_id: str | None
    sent_at: Moment


class ClockState(_Part):
    """Where a clock stands."""

    now: Moment
    speed: Annotated[float, Field(ge=0)]


class AccountState(_Part):
    """All that decides how the requests of an account are answered."""

    format: Literal["runa-mock account 1"] = "runa-mock account 1"
    profile: ProfileName
    number: Annotated[int, Field(ge=0, lt=2**24)]
    clock: ClockState
    settings: dict[str, Any]
    balances: dict[str, Decimal]
    ids: dict[str, Any]
    orders: list[OrderState]
    held: dict[str, int | None]
    failure_reasons: dict[str, str]
    answers: list[AnswerState]
    claims: dict[str, list[PartState]]
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
        balances=dict(holdings.balances.amounts),
        ids=account.ids.state(),
        orders=[
            OrderState(
                id=order.id,
                ends_at=order.ends_at,
                expires_at=order.expires_at,
                document=order.document.decode(),
            )
            for order in reversed(holdings.orders.between(0, len(holdings.orders)))
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
            for email in holdings.outbox.all()
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
        account.ids.restore(state.ids)
    except ValueError as error:
        raise StateError("ids", str(error)) from None
    account.ids.account = state.number
    _fill_holdings(account, state)
    for answer in state.answers:
        account.idempotency.finish(
            unquote(answer.key, errors="surrogateescape"),
            bytes.fromhex(answer.fingerprint),
            answer.first_seen,
            Answer(answer.status, answer.body.encode()),
        )
    _fill_claims(account, world, state)
    account.rate.attempts.extend(state.attempts)
    world.install(account)
    return account


def _fill_holdings(account: Account, state: AccountState) -> None:
    holdings = account.holdings
    holdings.balances.set(state.balances)
    last = ""
    for order in state.orders:
        if order.id <= last:
            raise StateError("orders", f"{order.id} does not come after {last}")
        last = order.id
        holdings.orders.add(_stored(order))
    holdings.held.update(state.held)
    holdings.failure_reasons.update(state.failure_reasons)
    holdings.known_recipients.update(state.known_recipients)
    emails: dict[str, list[Email]] = {}
    for email in state.emails:
        emails.setdefault(email.order_id, []).append(Email(**email.model_dump()))
    for order_id, mails in emails.items():
        holdings.outbox.add(order_id, mails)


def _stored(state: OrderState) -> StoredOrder:
    try:
        document = orjson.loads(state.document)
        validate(document, "order")
    except ValueError as error:  # no JSON, or not the JSON of an order
        raise StateError("orders", f"{state.id}: {error}") from None
    return StoredOrder(
        id=state.id,
        ends_at=state.ends_at,
        expires_at=state.expires_at,
        document=state.document.encode(),
        basic_size=basic_size(document),
    )


def _fill_claims(account: Account, world: World, state: AccountState) -> None:
    for token, parts in state.claims.items():
        for part in parts:
            if world.catalogue.offer(part.code) is None:
                raise StateError("claims", f"this server has no product {part.code!r}")
        account.payouts.claims[token] = tuple(Part(part.code, part.value) for part in parts)
