"""An account as one JSON document, to be kept and to be taken up again.

After the import the same requests get the same answers: orders travel as their documents, stored
answers as text, the secret that ids follow from, the clock with its time. Not part of it: faults
and the journal.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runa_mock_server.base.address import usable_host
from runa_mock_server.base.clock import FASTEST, SECOND
from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.json_pieces import elements, members, model_document
from runa_mock_server.base.money import from_cents
from runa_mock_server.config.settings import RUN_TIME, Amount, SupportedCurrency
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.request_models import EmailAddress
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.business_rules import REDEMPTION_TEMPLATE
from runa_mock_server.orders.documents import full_bytes, tokens_of
from runa_mock_server.orders.idempotency import KeptAnswer
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.exported_order import OrderId
from runa_mock_server.server_state.outbox import Outbox
from runa_mock_server.store.memory import AccountState as Stored
from runa_schemas.contract_data import ProfileName

_FIRST_REFUSAL = 400
_YEAR_10000 = 253_402_300_800 * SECOND


def _comes(moment: int) -> int:
    if moment >= _YEAR_10000:
        raise ValueError("must lie before the year 10000")
    return moment


def _comes_if_ever(moment: int) -> int:
    return moment if moment == NEVER else _comes(moment)


def _host(host: str) -> str:
    if usable_host(host) is None:
        raise ValueError("must be a host name or an IP address, with or without a port")
    return host


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


class RecipientPart(_Part):
    """What the recipient of a payout has done; see ``orders.order.RecipientState``."""

    codes: Annotated[int, Field(ge=0, lt=2**31)] = 0
    sent: list[Moment] = []
    address: str | None = None
    refused: Annotated[int, Field(ge=0, lt=2**31)] = 0
    card: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    failed_at: Moment | None = None


class EmailState(_Part):
    """A mail."""

    to: EmailAddress
    order_id: str
    item_id: str
    url: str
    template_id: Annotated[str, Field(pattern=REDEMPTION_TEMPLATE)] | None
    sent_at: MomentOrNever
    relayed: str | None = None
    host: Annotated[str, AfterValidator(_host)] | None = Field(
        default=None, description="The Host of the request that placed the order."
    )
    number: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        default=0, description="Of the one-time code that it carries; 0: a payout link."
    )


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
    recipients: dict[str, RecipientPart] = Field(
        default={}, description="What recipients have done so far, by the token of their link."
    )
    known_recipients: list[str]
    recipient_addresses: dict[str, str] = {}
    emails: list[EmailState]
    attempts: list[Moment] = Field(description="The moments that count against the rate limit.")
    undelivered: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default={},
        description="The orders whose answer has reached no client, each with the number of "
        "orders that there were when its request came.",
    )


def export_account(account: Account) -> Iterator[bytes]:
    """The JSON of the state that an account has when the first piece is asked for, in pieces."""
    now, speed = account.clock.state()
    state, links_at = account.state.snapshot(), account.outbox.links
    links = links_at(None)
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
    of_orders = _OfOrders([], [], [], [])
    addresses = ((name, known) if known is not None else None for name, known in recipients)
    emails = Outbox(state, links_at).each()
    yield from model_document(
        head,
        {
            "orders": elements(_order_states(state, links, of_orders)),  # fills what comes next
            "held": members(of_orders.held),
            "failure_reasons": members(of_orders.failure_reasons),
            "answers": elements(map(_answer_state, state.kept_answers())),
            "claims": members(of_orders.claims),
            "recipients": members(of_orders.recipients),
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
    recipients: list[tuple[str, RecipientPart]]


def _order_states(state: Stored, links: str, of_orders: _OfOrders) -> Iterator[OrderState]:
    for order in state.orders():
        if order.on_hold:
            of_orders.held.append((order.id, order.reads_left))
        if order.failure_reason is not None:
            of_orders.failure_reasons.append((order.id, order.failure_reason))
        for index, done in order.recipients.items():
            part = RecipientPart(**{**done._asdict(), "sent": list(done.sent)})
            of_orders.recipients.append((tokens_of(order, state.identity)[index], part))
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


def _encoded(key: str) -> str:
    return quote(key, safe="", errors="surrogateescape")
