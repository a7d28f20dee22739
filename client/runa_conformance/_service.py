"""The service as a check sees it: requests in a line each, and what checks share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote, urlencode
from uuid import uuid4

from runa_conformance._bodies import Document, link, order, to_bytes
from runa_conformance._catalogue_sample import CatalogueSample
from runa_conformance._expect import ACCEPTED, at, entries, expect, success
from runa_conformance._failures import MismatchError, SkippedError, UnreachableError
from runa_conformance._http import HttpSession
from runa_conformance._messages import Answer, Key, Request
from runa_schemas.contract_data import MAX_PAGE_LIMIT, ProfileName

T = TypeVar("T")
Headers: TypeAlias = Mapping[str, str | None]

NO_FUNDS = "insufficient_funds"
_MOST_PAGES = 40


@dataclass(frozen=True, slots=True)
class Story:
    """An order with all that can be asked for, from the first answer to the last.

    Attributes:
        sent: the body.
        accepted: the answer to it.
        listed: the newest entry of the list, read at once.
        looked_at: the order, read after that.
        ended: the order, read once it had ended.
    """

    sent: Document
    accepted: Answer
    listed: Answer
    looked_at: Answer
    ended: Answer

    @property
    def order(self) -> Any:
        """The order in full."""
        return success(self.ended)


class _Once(Generic[T]):
    """Something that several checks need and that is made when the first one asks.

    Args:
        what: what it is.
        make: makes it; whoever asks after it failed is skipped, for the failure was told.
    """

    def __init__(self, what: str, make: Callable[[], T]) -> None:
        self._what = what
        self._make = make
        self._made: list[T] = []
        self._failure: str | None = None

    def __call__(self) -> T:
        if self._failure is not None:
            raise SkippedError(f"needs {self._what}: {self._failure}")
        if not self._made:
            try:
                self._made.append(self._make())
            except (MismatchError, UnreachableError, SkippedError) as error:
                self._failure = str(error)
                raise
        return self._made[0]


class Service:
    """The service under test.

    Args:
        session: sends the requests.
        profile: which environment it is.
        advance: moves its clock by a number of seconds, if that can be done.

    Attributes:
        placed: the ids of the orders that this run has placed, oldest first.
    """

    def __init__(
        self,
        session: HttpSession,
        profile: ProfileName,
        advance: Callable[[float], object] | None = None,
    ) -> None:
        self.session = session
        self.profile = profile
        self.advance = advance
        self.placed: list[str] = []
        self._catalogue = _Once("the catalogue", self._read_catalogue)
        self._story = _Once("an order", self._tell_story)
        self._sync = _Once("a synchronous order", self._order_at_once)

    def call(
        self,
        method: str,
        target: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        key: Key | str | None = Key.OWN,
    ) -> Answer:
        """Send a request; a header that is ``None`` is left out.

        Args:
            method: the HTTP method.
            target: path and query below the base URL.
            body: the bytes, if there are any.
            headers: beside the API key.
            key: the API key.
        """
        given = {name: value for name, value in (headers or {}).items() if value is not None}
        return self.session.send(Request(method, target, given, body, key))

    def get(
        self, target: str, *, headers: Headers | None = None, key: Key | str | None = Key.OWN
    ) -> Answer:
        """``GET`` a path."""
        return self.call("GET", target, headers=headers, key=key)

    def query(self, path: str, **parameters: object) -> Answer:
        """``GET`` a path with a query string; a parameter that is ``None`` is left out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self.get(f"{path}?{urlencode(given, doseq=True)}" if given else path)

    def order(
        self,
        body: object,
        *,
        key: str | None = None,
        headers: Headers | None = None,
        account: Key = Key.OWN,
        needs_funds: bool = True,
    ) -> Answer:
        """``POST /order``.

        Args:
            body: a JSON document, or bytes that are sent as they are.
            key: the idempotency key; a fresh one if absent.
            headers: more headers, or other values for those that are sent anyway.
            account: whose order it is.
            needs_funds: whether the check is skipped where the account has too little money.
        """
        answer = self.call(
            "POST",
            "/order",
            body=body if isinstance(body, bytes) else to_bytes(body),
            headers={
                "Content-Type": "application/json",
                "X-Idempotency-Key": new_key() if key is None else key,
                **(headers or {}),
            },
            key=account,
        )
        if needs_funds and self.profile == "production" and answer.error_type == NO_FUNDS:
            raise SkippedError("the account has too little money for the order")
        self._note(answer)
        return answer

    def attempt(self, body: object) -> Answer:
        """``POST /order`` under a fresh key; a 429 is not waited out."""
        headers = {"Content-Type": "application/json", "X-Idempotency-Key": new_key()}
        request = Request("POST", "/order", headers, to_bytes(body), is_patient=False)
        return self.session.send(request)

    def estimate(self, body: object) -> Answer:
        """``POST /order/estimate``."""
        return self.call(
            "POST",
            "/order/estimate",
            body=to_bytes(body),
            headers={"Content-Type": "application/json"},
        )

    def move_clock(self, seconds: float) -> None:
        """Move the clock of the server, in a check that says that it does."""
        if self.advance is None:
            raise SkippedError("the clock of the server cannot be moved")
        self.advance(seconds)

    def open_link(self, url: str, query: str = "") -> Answer:
        """``GET`` a payout link, whose host gets no API key."""
        return self.session.send(Request("GET", url + query, key=None))

    def place(
        self, body: Document, *, key: str | None = None, headers: Headers | None = None
    ) -> str:
        """Place an order that is to be accepted; gives its id."""
        document = success(self.order(body, key=key, headers=headers), ACCEPTED)
        return str(at(document, "id"))

    def read(self, order_id: str) -> Answer:
        """``GET`` an order as it is now."""
        return self.get(f"/order/{quote(order_id, safe='')}")

    def ended(self, order_id: str) -> Answer:
        """``GET`` an order, looking again until it has ended or a minute has passed."""
        target = f"/order/{quote(order_id, safe='')}"
        answer = self.session.send(Request("GET", target, until_ended=True))
        status = at(success(answer), "status")
        expect(status in ("COMPLETED", "FAILED"), f"{answer}: after a minute it is {status}")
        return answer

    def finished(self, body: Document, *, headers: Headers | None = None) -> Any:
        """Place an order and wait for its end; gives the full order."""
        return self.ended(self.place(body, headers=headers)).document

    @property
    def catalogue(self) -> CatalogueSample:
        """What can be ordered, as the server lists it."""
        return self._catalogue()

    @property
    def story(self) -> Story:
        """The asynchronous order that many checks look at."""
        return self._story()

    @property
    def sync_order(self) -> Answer:
        """The answer to the synchronous order that many checks look at."""
        return self._sync()

    def _note(self, answer: Answer) -> None:
        """Remember an order that was placed, wanted or not."""
        if answer.status < 300 and answer.request.key is Key.OWN:  # noqa: PLR2004 - any 2xx
            document = answer.document
            order_id = document.get("id") if isinstance(document, dict) else None
            if isinstance(order_id, str) and order_id not in self.placed:
                self.placed.append(order_id)

    def _read_catalogue(self) -> CatalogueSample:
        documents: list[Any] = []
        after = None
        for _ in range(_MOST_PAGES):
            page = success(self.query("/product", limit=MAX_PAGE_LIMIT, after=after))
            found = entries(page, "catalog")
            documents += found
            after = at(page, "pagination", "cursors", "after")
            if not found or after is None:
                return CatalogueSample(documents)
        raise MismatchError(f"the list of products has no end after {_MOST_PAGES} pages")

    def _tell_story(self) -> Story:
        card = self.catalogue.card
        sent = order(
            card.currency,
            link(card.code),
            link(card.code, 11),
            description="conformance: caf\u00e9, \u4e2d",
            metadata={"suite": "conformance", "\u00e9": ""},
        )
        accepted = self.order(sent)
        order_id = str(at(success(accepted, ACCEPTED), "id"))
        listed = self.query("/order", limit=1)
        looked_at = self.read(order_id)
        return Story(sent, accepted, listed, looked_at, self.ended(order_id))

    def _order_at_once(self) -> Answer:
        card = self.catalogue.card
        body = order(card.currency, link(card.code))
        answer = self.order(body, headers={"X-Execution-Mode": "sync"})
        success(answer)
        return answer


def new_key() -> str:
    """An idempotency key that was never used."""
    return f"conformance-{uuid4()}"
