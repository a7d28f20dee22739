"""Mails go to a real SMTP server as they leave, and whatever that does harms nobody."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from runa_mock_server import ManualClock, MockServer, SettingsError
from runa_mock_server.config.settings import make_settings
from runa_mock_server.delivery.mail import mail_senders
from runa_mock_server.mail.outbox import Email
from runa_mock_server.server_state.outbox import Outbox
from runa_mock_server.server_state.server_state import ServerState
from support.api import KEY, Api, body
from support.money import PRODUCTION_KEY
from support.push_to_card import press, to_recipient
from support.server_states import place_orders
from support.smtp import HANGS, REFUSED, Catcher, catching, mailed
from support.waiting import until

PROMPT = 300  # seconds; what is waited for would take much longer
LONG = 500


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    """An SMTP server."""
    with catching() as running:
        yield running


@pytest.fixture
def relay(catcher: Catcher, clock: ManualClock) -> Iterator[MockServer]:
    """A server that relays, whose time stands still."""
    with MockServer(clock=clock, smtp=catcher.place, smtp_timeout=LONG) as server:
        yield server


@pytest.fixture
def caller(relay: MockServer) -> Iterator[Api]:
    """A caller of it."""
    api = Api(relay.url)
    yield api
    api.close()


def outcomes(server: MockServer) -> list[str | None]:
    """What came of relaying each mail."""
    return [email.relayed for email in server.emails]


def settle(server: MockServer) -> list[str | None]:
    """The same, once there is an outcome for every mail that has left."""
    until(lambda: all(email.relayed is not None for email in server.emails if email.sent))
    return outcomes(server)


def test_a_mail_arrives_as_the_control_api_shows_it(
    relay: MockServer, caller: Api, catcher: Catcher
) -> None:
    """Envelope, MIME source to the byte, and the payout's link in both parts."""
    order = caller.order(**mailed("first@mail.example"), mode="sync").json()
    assert settle(relay) == ["sent"]
    (envelope,) = catcher.envelopes
    assert envelope.mail_from == "payouts@runa-mock.invalid"
    assert envelope.rcpt_tos == ["first@mail.example"]
    (mail,) = relay.emails
    shown = relay.emails.get(mail.id).mime.encode()
    assert envelope.original_content == shown
    (message,) = catcher.messages
    assert (message["To"], message["X-Runa-Mock"]) == ("first@mail.example", "simulation")
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert order["items"][0]["payout"]["url"] in part.get_content()


def test_nothing_leaves_before_its_moment(
    relay: MockServer, caller: Api, catcher: Catcher, clock: ManualClock
) -> None:
    """While time stands still an async order's mail stays, however often one looks."""
    caller.order(**mailed("late@mail.example"))
    caller.order(**mailed("first@mail.example"), mode="sync")
    catcher.expect(1)
    clock.advance(0.999)
    caller.order(**mailed("second@mail.example"), mode="sync")
    assert catcher.expect(2) == ["first@mail.example", "second@mail.example"]
    clock.advance(0.001)
    assert settle(relay) == ["sent"] * 3
    assert catcher.recipients[2:] == ["late@mail.example"]


def test_an_account_goes_by_its_own_clock(relay: MockServer, caller: Api, catcher: Catcher) -> None:
    """Time that passes for it alone lets its mails leave, and no other's."""
    other = Api(relay.url, "XX-other.secret")
    other.order(**mailed("other@mail.example"))
    caller.order(**mailed("mine@mail.example"))
    relay.account(KEY).clock.run(speed=1_000)
    assert catcher.expect(1) == ["mine@mail.example"]
    relay.account("XX-other.secret").clock.advance(1)
    assert catcher.expect(2)[1:] == ["other@mail.example"]
    other.close()


def test_what_is_never_mailed_is_never_relayed(
    relay: MockServer, caller: Api, catcher: Catcher, clock: ManualClock
) -> None:
    """On hold, failing, failed by hand, dead addresses, unasked: none of these comes."""
    caller.order(**mailed("held@mail.example", X_Mock_Processing="never"))
    failed = caller.order(**mailed("failed@mail.example")).json()["id"]
    relay.orders.fail(failed)
    caller.order(**mailed("fails@mail.example", X_Trigger_Error="order_failed"))
    caller.order(**mailed("a@b.invalid", "second@mail.example"))
    caller.order(**mailed("a@b.test"))
    caller.order(**mailed("unasked@mail.example", X_Send_Email="false"))
    clock.advance("P1D")
    caller.order(**mailed("last@mail.example"), mode="sync")
    assert catcher.expect(1) == ["last@mail.example"]
    assert settle(relay)[0] == "sent"
    assert len(catcher.envelopes) == 1


def test_a_held_order_mails_once_it_is_told_to_end(
    relay: MockServer, caller: Api, catcher: Catcher, clock: ManualClock
) -> None:
    """Once, though it would have ended by itself later."""
    order_id = caller.order(**mailed("held@mail.example")).json()["id"]
    relay.orders.hold(order_id)
    clock.advance(0.5)
    relay.orders.complete(order_id)
    assert settle(relay) == ["sent"]
    clock.advance("P1D")
    caller.order(**mailed("last@mail.example"), mode="sync")
    assert settle(relay) == ["sent", "sent"]
    assert catcher.recipients == ["held@mail.example", "last@mail.example"]


def test_production_relays_for_every_item(catcher: Catcher) -> None:
    """Nobody has to ask there; many mails go over one connection."""
    addresses = [f"a{number}@mail.example" for number in range(150)]
    with MockServer(
        profile="production",
        balances={"USD": 10_000},
        processing="at-once",
        smtp=catcher.place,
        smtp_from="shop@mail.example",
    ) as server:
        api = Api(server.url, PRODUCTION_KEY)
        api.order(**mailed(*addresses) | {"X_Send_Email": "false"})
        api.close()
        assert catcher.expect(len(addresses)) == addresses
        assert settle(server) == ["sent"] * len(addresses)
    assert {envelope.mail_from for envelope in catcher.envelopes} == {"shop@mail.example"}
    assert catcher.connections == 1


def test_an_address_that_needs_it_goes_as_utf8(
    relay: MockServer, caller: Api, catcher: Catcher
) -> None:
    """The envelope has the address as it was ordered."""
    caller.order(**mailed("jörg@bücher.example"), mode="sync")
    assert settle(relay) == ["sent"]
    assert catcher.recipients == ["jörg@bücher.example"]
    assert catcher.envelopes[0].smtp_utf8


def test_a_mail_that_waits_is_relayed_once(
    relay: MockServer, caller: Api, catcher: Catcher, clock: ManualClock
) -> None:
    """A further mail of the same order, meanwhile, sends it no second time."""
    catcher.may_go_on.clear()
    caller.order(**mailed("first@mail.example"), mode="sync")
    items = [to_recipient("ada@mail.example")]
    url = caller.order(body(items=items), mode="sync").json()["items"][0]["payout"]["url"]
    for _ in range(3):
        assert press(url, "send").status_code == 303
        clock.advance("PT2M")
    catcher.may_go_on.set()
    caller.order(**mailed("last@mail.example"), mode="sync")
    assert settle(relay) == ["sent"] * 5
    assert len(catcher.envelopes) == 5


def test_mails_of_a_large_account_are_looked_through_in_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many are imported, other requests are answered in between; none is forgotten."""
    state = ServerState(make_settings(processing="seconds:100000", smtp="127.0.0.1:9"))
    account, looked = state.account(KEY), 0
    later: list[Callable[[], None]] = []
    place_orders(account, 3_000, document=mailed("a@mail.example")["document"], email=True)
    read = Outbox.of

    def of(outbox: Outbox, order_id: str) -> tuple[Email, ...]:
        nonlocal looked
        looked += 1
        return read(outbox, order_id)

    monkeypatch.setattr(Outbox, "of", of)
    state.later = later.append
    (sender,) = mail_senders(state)
    most = 0
    while later:
        most, looked = max(most, looked), 0
        later.pop(0)()
    assert 0 < most < 3_000
    assert sender.seconds_until_due() is not None


def test_reset_and_import_send_nothing_again(
    relay: MockServer, caller: Api, catcher: Catcher, clock: ManualClock
) -> None:
    """What had left has left; what was to leave does so from the account that was imported."""
    caller.order(**mailed("sent@mail.example"), mode="sync")
    caller.order(**mailed("later@mail.example"))
    until(lambda: outcomes(relay) == ["sent", None])
    account = relay.account(KEY)
    state = account.export_state()
    account.reset()
    account.import_state(state)
    account.clock.advance(1)
    clock.advance("P1D")
    assert settle(relay) == ["sent", "sent"]
    account.reset()
    caller.order(**mailed("last@mail.example"), mode="sync")
    assert settle(relay) == ["sent"]
    assert catcher.recipients == ["sent@mail.example", "later@mail.example", "last@mail.example"]


def test_each_mail_of_an_imported_order_is_relayed_once(catcher: Catcher) -> None:
    """Also where several leave together."""
    addresses = [f"a{number}@mail.example" for number in range(5)]
    rich = {"USD": 10_000}
    with MockServer(
        profile="production", balances=rich, clock="manual", smtp=catcher.place
    ) as server:
        api = Api(server.url, PRODUCTION_KEY)
        api.order(**mailed(*addresses))
        account = server.account(PRODUCTION_KEY)
        account.import_state(account.export_state())
        account.clock.advance(1)
        assert settle(server) == ["sent"] * len(addresses)
        api.order(**mailed("last@mail.example"), mode="sync")
        api.close()
        settle(server)
    assert catcher.recipients == [*addresses, "last@mail.example"]


def test_only_so_many_mails_wait(catcher: Catcher) -> None:
    """Behind a server that hangs; it is told at those that are too many."""
    rich = {"USD": 10**6}
    with MockServer(
        profile="production",
        balances=rich,
        processing="at-once",
        smtp=catcher.place,
        smtp_timeout=LONG,
    ) as server:
        api = Api(server.url, PRODUCTION_KEY)
        api.order(**mailed(HANGS, mode="sync"))
        until(lambda: catcher.busy == 1)
        for _ in range(51):
            last = api.order(**mailed(*["a@mail.example"] * 200)).json()["id"]
        api.close()
        told = {email.relayed for email in server.emails.list(order_id=last)}
    assert told == {"not relayed: 10000 mails are waiting"}


def test_a_refusal_is_told_at_its_mail(relay: MockServer, caller: Api, catcher: Catcher) -> None:
    """With the server's words on one line; the mails behind it arrive."""
    for address in (REFUSED, "good@mail.example", REFUSED):
        caller.order(**mailed(address), mode="sync")
    told = "not relayed: the SMTP server answered 550 nobody of that name with us"
    assert settle(relay) == [told, "sent", told]
    assert catcher.recipients == ["good@mail.example"]


def test_a_server_that_hangs_is_given_up(catcher: Catcher) -> None:
    """After the time that the setting allows; the next mail has its turn."""
    with MockServer(smtp=catcher.place, smtp_timeout=2) as server:
        api = Api(server.url)
        api.order(**mailed(HANGS), mode="sync")
        api.order(**mailed("next@mail.example"), mode="sync")
        api.close()
        hung, following = settle(server)
    assert hung == "not relayed: the SMTP server took more than 2 seconds"
    assert following == "sent"


def test_stopping_does_not_wait_for_a_server_that_hangs(
    relay: MockServer, caller: Api, catcher: Catcher
) -> None:
    """What was on its way and what waited is told as not relayed, and is not relayed later."""
    for address in (HANGS, "waits@mail.example"):
        caller.order(**mailed(address), mode="sync")
    until(lambda: catcher.busy == 1)
    assert_closes(relay)
    told = "not relayed: the mock server was stopped"
    assert outcomes(relay) == [told] * 2
    relay.start()
    api = Api(relay.url)
    api.order(**mailed("last@mail.example"), mode="sync")
    api.close()
    assert settle(relay) == [told, told, "sent"]
    assert catcher.recipients == ["last@mail.example"]


def assert_closes(server: MockServer) -> None:
    """Close a server, which waits for nobody."""
    closing = threading.Thread(target=server.close, daemon=True)
    closing.start()
    closing.join(PROMPT)
    assert not closing.is_alive()


def test_a_name_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up counts as time of the SMTP server, and the end of the mock does not wait."""
    answered = threading.Event()
    look_up = socket.getaddrinfo

    def hanging(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "slow.example":
            answered.wait(LONG)
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    with MockServer(smtp="slow.example:25", smtp_timeout=0.1) as server:
        api = Api(server.url)
        api.order(**mailed("a@mail.example"), mode="sync")
        api.close()
        try:
            assert settle(server) == ["not relayed: the SMTP server took more than 0.1 seconds"]
            assert_closes(server)
        finally:
            answered.set()


def test_a_name_that_is_unknown_is_told() -> None:
    """As what it is."""
    with MockServer(smtp="nobody.invalid:25") as server:
        api = Api(server.url)
        api.order(**mailed("a@mail.example"), mode="sync")
        api.close()
        (told,) = settle(server)
    assert str(told).startswith("not relayed: DNS lookup of the SMTP server failed: ")


def test_a_server_that_drips_is_given_up() -> None:
    """The time is that of the whole mail, not of each line."""
    stopped = threading.Event()

    def drip() -> None:
        caller, _ = listener.accept()
        with caller, suppress(OSError):
            while not stopped.wait(0.01):
                caller.sendall(b"220-wait\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        with MockServer(smtp=f"127.0.0.1:{listener.getsockname()[1]}", smtp_timeout=1) as server:
            api = Api(server.url)
            api.order(**mailed("a@mail.example"), mode="sync")
            api.close()
            assert settle(server) == ["not relayed: the SMTP server took more than 1 seconds"]
        stopped.set()
        thread.join()


def test_a_connection_that_has_died_costs_no_mail(catcher: Catcher) -> None:
    """The next mail goes over another connection within its own time."""
    catcher.silent_after = 1
    rich = {"USD": 10_000}
    with MockServer(
        profile="production",
        balances=rich,
        processing="at-once",
        smtp=catcher.place,
        smtp_timeout=LONG,
    ) as server:
        api = Api(server.url, PRODUCTION_KEY)
        api.order(**mailed("a@mail.example", "b@mail.example"))
        api.close()
        assert settle(server) == ["sent", "sent"]
    assert catcher.recipients == ["a@mail.example", "b@mail.example"]


def nobody() -> str:
    """A place where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def saying(*words: bytes) -> Iterator[str]:
    """A place where each caller is told something, and the connection closed."""

    def answer() -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                with caller, suppress(OSError):
                    for word in words:
                        caller.sendall(word)
                        caller.recv(1_000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


STRANGE = {
    "closes": (),
    "turns everybody away": (b"554 go away\r\n",),
    "another protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
    "no text": (b"\xff\xfe\x00\r\n" * 100,),
    "never ends a line": (b"220 " + b"x" * 1_000_000,),
    "closes after its greeting": (b"220 hello\r\n",),
    "knows no command": (b"220 hello\r\n", *[b"500 what?\r\n"] * 9),
    "nonsense later": (b"220 hello\r\n", b"250 hello\r\n", b"25\x00\r\n"),
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_server_is_told_and_does_no_harm(kind: str) -> None:
    """One line of reason at each mail, and orders are placed as ever."""
    with saying(*STRANGE[kind]) as place, MockServer(smtp=place) as server:
        api = Api(server.url)
        for _ in range(3):
            assert api.order(**mailed("a@mail.example"), mode="sync").status_code == 200
        api.close()
        told = settle(server)
    assert len(told) == 3
    for reason in told:
        assert reason is not None
        assert reason.startswith("not relayed: ")
        assert reason.isprintable()
        assert len(reason) < 300


def test_a_server_that_is_not_there_is_told() -> None:
    """At every mail, with host and port."""
    place = nobody()
    with MockServer(smtp=place) as server:
        api = Api(server.url)
        api.order(**mailed("a@mail.example"), mode="sync")
        api.close()
        (told,) = settle(server)
    assert told is not None
    assert told.startswith("not relayed: ")
    assert place.rpartition(":")[2] in told


@pytest.mark.parametrize(
    ("smtp", "reason"),
    [
        (text, "must be HOST:PORT, such as localhost:1025")
        for text in ("localhost", "", ":25", "a b:25", "smtp://mail:25", "::1:25", "a:\u0661", "a:")
    ]
    + [(f"mail:{port}", "the port must be from 1 to 65535") for port in (0, 65_536, 99_999)],
)
def test_a_place_that_cannot_be_is_refused(smtp: str, reason: str) -> None:
    """The message names the setting and the reason."""
    with pytest.raises(SettingsError, match=f"^smtp: {reason}"):
        MockServer(smtp=smtp)


@pytest.mark.parametrize("setting", [{"smtp_from": "a@b\r\nBcc: x@y.z"}, {"smtp_timeout": 0}])
def test_other_settings_are_checked(setting: dict[str, Any]) -> None:
    """A sender is an address, a time-out is more than nothing."""
    with pytest.raises(SettingsError, match=f"^{next(iter(setting))}: "):
        MockServer(**setting)


@pytest.mark.parametrize("place", ["127.0.0.1:25", "mail.example:1025", "[::1]:65535"])
def test_a_place_is_shown_as_it_was_given(place: str) -> None:
    """Among the settings; it cannot be changed while the server runs."""
    server = MockServer(smtp=place)
    assert server.settings.smtp == place
    with pytest.raises(ValueError, match=r"^smtp: is chosen when the server starts"):
        server.configure(smtp="other:25")  # type: ignore[call-arg] # refused at run time, too
