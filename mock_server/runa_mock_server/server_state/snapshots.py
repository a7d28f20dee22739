"""An account as one JSON document or as JSON Lines, to be kept and to be taken up again.

After the import the same requests get the same answers: orders travel as their documents, stored
answers as text, the secret that ids follow from, the clock with its time. Not part of it: faults
and the journal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import to_json

from runa_mock_server.base.address import usable_host
from runa_mock_server.base.clock import FASTEST, SECOND
from runa_mock_server.base.currencies import Currency
from runa_mock_server.base.json_pieces import elements, members
from runa_mock_server.base.money import from_cents
from runa_mock_server.config.settings import RUN_TIME, Amount, SupportedCurrency
from runa_mock_server.contract.processing import NEVER
from runa_mock_server.contract.request_models import EmailAddress
from runa_mock_server.mail.outbox import Email
from runa_mock_server.orders.business_rules import REDEMPTION_TEMPLATE
from runa_mock_server.orders.documents import full_bytes, tokens_of
from runa_mock_server.orders.idempotency import KeptAnswer
from runa_mock_server.orders.order import Part, RecipientState
from runa_mock_server.server_state.account import Account
from runa_mock_server.server_state.exported_order import OrderId
from runa_mock_server.server_state.outbox import Outbox
from runa_mock_server.store.memory import AccountState as Stored
from runa_schemas.contract_data import ProfileName

DOCUMENT: Final = "runa-mock account 1"
"""The format of a state that is one JSON document."""
LINES: Final = "runa-mock account 2"
"""The format of a state in JSON Lines."""
MAPPINGS = frozenset(
    {"held", "failure_reasons", "claims", "recipients", "recipient_addresses", "undelivered"}
)
"""The long fields of a state that are JSON objects; the others are arrays."""

T = TypeVar("T")

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


Reads = Annotated[int, Field(ge=0, lt=10**6)]
Count = Annotated[int, Field(ge=0)]


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


Parts = Annotated[list[PartState], Field(min_length=1)]


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


class StateHead(_Part):
    """What is short in the state of an account."""

    format: Literal["runa-mock account 1"] = DOCUMENT
    profile: ProfileName
    number: Annotated[int, Field(ge=0, lt=2**24)]
    clock: ClockState
    settings: dict[str, Any]
    balances: dict[SupportedCurrency, Amount]
    ids: dict[str, Any]


class AccountState(StateHead):
    """All that decides how the requests of an account are answered."""

    orders: list[OrderState]
    held: dict[str, Reads | None]
    failure_reasons: dict[str, str]
    answers: list[AnswerState]
    claims: dict[str, Parts]
    recipients: dict[str, RecipientPart] = Field(
        default={}, description="What recipients have done so far, by the token of their link."
    )
    known_recipients: list[str]
    recipient_addresses: dict[str, str] = {}
    emails: list[EmailState]
    attempts: list[Moment] = Field(description="The moments that count against the rate limit.")
    undelivered: dict[str, Count] = Field(
        default={},
        description="The orders whose answer has reached no client, each with the number of "
        "orders that there were when its request came.",
    )


class StateLine(_Part):
    """A line of a state in JSON Lines behind the first: one entry of one field of the document."""

    orders: OrderState | None = None
    held: dict[str, Reads | None] | None = None
    failure_reasons: dict[str, str] | None = None
    answers: AnswerState | None = None
    claims: dict[str, Parts] | None = None
    recipients: dict[str, RecipientPart] | None = None
    known_recipients: str | None = None
    recipient_addresses: dict[str, str] | None = None
    emails: EmailState | None = None
    attempts: Moment | None = None
    undelivered: dict[str, Count] | None = None


def export_account(account: Account) -> Iterator[bytes]:
    """The JSON document of the state that an account has now, in pieces."""
    head, fields = _exported(account)
    yield head.model_dump_json().encode()[:-1]
    for name, entries in fields.items():
        yield b"," + to_json(name) + b":"
        yield from members(entries) if name in MAPPINGS else elements(entries)
    yield b"}"


def export_lines(account: Account) -> Iterator[bytes]:
    """The same as JSON Lines: what is short, a line for each entry, and the number of lines."""
    head, fields = _exported(account)
    yield to_json(head.model_dump(mode="json") | {"format": LINES}) + b"\n"
    count = 1
    for name, entries in fields.items():
        start = b"{" + to_json(name) + b":"
        for entry in entries:
            if entry is not None:
                shown = dict([entry]) if name in MAPPINGS else entry
                count += 1
                yield start + to_json(shown) + b"}\n"
            else:
                yield b""
    yield to_json({"end": count}) + b"\n"


def _exported(account: Account) -> tuple[StateHead, Mapping[str, Iterable[Any]]]:
    """What is short in the state of an account now, and the entries of each long field."""
    now, speed = account.clock.state()
    state, links_at = account.state.snapshot(), account.outbox.links
    links = links_at(None)
    recipients = tuple(state.recipients.items())
    head = StateHead(
        profile=account.settings.profile,
        number=state.identity.account,
        clock=ClockState(now=now, speed=speed),
        settings=account.settings.model_dump(mode="json", include=set(RUN_TIME - {"balances"})),
        balances={Currency(name): from_cents(cents) for name, cents in state.balances.items()},
        ids={"secret": state.identity.secret.hex()},
    )
    of_orders = _OfOrders({}, {}, {}, {})
    addresses = ((name, known) if known is not None else None for name, known in recipients)
    emails = Outbox(state, links_at).each()
    return head, {
        "orders": _order_states(state, links, of_orders),  # fills what comes next
        "held": _items(of_orders.held),
        "failure_reasons": _items(of_orders.failure_reasons),
        "answers": map(_answer_state, state.kept_answers()),
        "claims": map(_claim, _items(of_orders.claims)),
        "recipients": map(_recipient, _items(of_orders.recipients)),
        "known_recipients": (reference for reference, _ in recipients),
        "recipient_addresses": addresses,
        "emails": map(_email_state, emails),
        "attempts": state.attempts,
        "undelivered": tuple(account.undelivered.items()),
    }


class _OfOrders(NamedTuple):
    """What an exported account has of orders beside their documents."""

    held: dict[str, int | None]
    failure_reasons: dict[str, str]
    claims: dict[str, Sequence[Part]]
    recipients: dict[str, RecipientState]


def _items(entries: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """The entries that a mapping has when the first is asked for."""
    yield from entries.items()


def _claim(claim: tuple[str, Sequence[Part]]) -> tuple[str, list[PartState]]:
    token, parts = claim
    return token, [PartState(code=part.code, value=from_cents(part.value)) for part in parts]


def _recipient(done: tuple[str, RecipientState]) -> tuple[str, RecipientPart]:
    token, state = done
    return token, RecipientPart(**{**state._asdict(), "sent": list(state.sent)})


def _order_states(state: Stored, links: str, of_orders: _OfOrders) -> Iterator[OrderState]:
    for order in state.orders():
        if order.on_hold:
            of_orders.held[order.id] = order.reads_left
        if order.failure_reason is not None:
            of_orders.failure_reasons[order.id] = order.failure_reason
        for index, done in order.recipients.items():
            of_orders.recipients[tokens_of(order, state.identity)[index]] = done
        for index, change in order.payouts.items():
            if change.parts:
                token = tokens_of(order, state.identity)[index]
                of_orders.claims[token] = change.parts
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
