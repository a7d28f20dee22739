"""The checks of a webhook handler, with the reason for each and what to do about a finding."""

from collections.abc import Callable
from typing import NamedTuple

from runa_mock_server.testing.statuses import FindingStatus
from runa_mock_server.testing.webhook_scenarios.events import indented, spaced
from runa_mock_server.testing.webhook_scenarios.sending import Sent, says_retry
from runa_mock_server.testing.webhook_scenarios.session import Session, new_secret

STALE_SECONDS = 600
"""How far a stale timestamp is off; verifiers tolerate five minutes."""
_BURST = 20
_UNVERIFIED = "the handler does not verify signatures"
_RAW = "Verify the raw bytes of the request, before they are parsed: docs/webhooks.md, 'Verify'."


class Verdict(NamedTuple):
    """What a check finds.

    Attributes:
        problem: what the handler did wrong; ``None`` for correct behaviour.
        missing: why the check was not exercised; ``None`` if it was.
    """

    problem: str | None = None
    missing: str | None = None


class Check(NamedTuple):
    """A check.

    Attributes:
        name: the name of the check.
        text: what a correct handler does.
        why: why that matters.
        advice: what to do about a finding.
        judge: sends deliveries and judges the answers.
    """

    name: str
    text: str
    why: str
    advice: str
    judge: Callable[[Session], Verdict]


class Finding(NamedTuple):
    """The outcome of a check.

    Attributes:
        check: the check.
        verdict: the problem, or why there is none.
        sent: the deliveries, and how the handler answered.
    """

    check: Check
    verdict: Verdict
    sent: tuple[Sent, ...] = ()

    @property
    def status(self) -> FindingStatus:
        """``passed``, ``failed`` or ``not_exercised``."""
        if self.verdict.problem is not None:
            return "failed"
        return "passed" if self.verdict.missing is None else "not_exercised"


def _first(*problems: str | None) -> Verdict:
    return Verdict(next((problem for problem in problems if problem is not None), None))


def _accepts_valid(session: Session) -> Verdict:
    problem = session.must_accept(session.delivery("a valid delivery", session.events.completed()))
    if problem is None:
        return Verdict()
    # Some handlers verify what they have parsed and written again; then only that is accepted.
    session.events.render = spaced
    if session.must_accept(session.delivery("the same, spaced", session.events.completed())):
        return Verdict(problem)
    return Verdict()


def _refuses_forged(session: Session) -> Verdict:
    events, wrong = session.events, new_secret()
    signed_wrong = session.delivery("a wrong signature", events.completed(), signed_by=(wrong,))
    unsigned = session.delivery("no signature header", events.completed(), signed_by=())
    order = events.completed()
    tampered = session.delivery("a body that was changed", order | {"total_price": "9999.00"})
    tampered = tampered._replace(signed_body=events.render(order))
    problems = [session.must_refuse(each) for each in (signed_wrong, unsigned, tampered)]
    session.verifies = problems[0] is None
    return _first(*problems)


def _checks_timestamp(session: Session) -> Verdict:
    if not session.verifies:
        return Verdict(missing=_UNVERIFIED)
    minutes = STALE_SECONDS // 60
    old = session.delivery(
        f"a signature that is {minutes} minutes old", session.events.completed(), age=STALE_SECONDS
    )
    future = session.delivery(
        f"a signature {minutes} minutes in the future",
        session.events.completed(),
        age=-STALE_SECONDS,
    )
    return _first(session.must_refuse(old), session.must_refuse(future))


def _verifies_raw_body(session: Session) -> Verdict:
    events = session.events
    if events.render is spaced:
        return Verdict(
            "it refuses a body as the service sends it, and accepts the same JSON with other white "
            "space: it verifies a body that was parsed and written again"
        )
    valid = session.delivery("valid, with unusual white space and order", events.completed())
    document = events.completed()
    valid = valid._replace(body=indented(document))
    problem = session.must_accept(valid)
    if not session.verifies:
        return Verdict(problem, None if problem else _UNVERIFIED)
    again = session.delivery("a body written again, with the signature of the former", document)
    again = again._replace(signed_body=again.body, body=indented(document))
    return _first(problem, session.must_refuse(again))


def _ignores_duplicates(session: Session) -> Verdict:
    observer = session.observer
    message_id, document = session.events.message_id(), session.events.completed()
    first = session.delivery("a valid delivery", document, message_id=message_id)
    before = None if observer is None else observer.steady()
    problem = session.must_accept(first)
    if problem is not None:
        return Verdict(problem)
    after = None if observer is None or before is None else observer.changed(before)
    again = session.delivery("a duplicate", document, message_id=message_id, age=-1)
    problem = session.must_ignore(again)
    if problem is not None or observer is None or after != before:
        missing = None if observer else "needs --observe: its status does not show what it changed"
        return Verdict(problem, None if problem else missing)
    return Verdict(
        missing=f"the observed value {before!r} does not change with a valid delivery: observe "
        "something that does, or name orders that the handler knows with --order-id"
    )


def _accepts_reordered(session: Session) -> Verdict:
    older, newer = session.events.completed(seconds_ago=90), session.events.completed()
    second = session.delivery("the later of two events", newer)
    first = session.delivery("the earlier of two events, after the later", older, age=60)
    return _first(session.must_accept(second), session.must_accept(first))


def _copes_with_early(session: Session) -> Verdict:
    order = session.events.completed(seconds_ago=0, known=False)
    (sent,) = session.send(session.delivery("an order that the handler cannot know yet", order))
    if sent.is_accepted or says_retry(sent.status):
        return Verdict()
    return Verdict(
        f"{sent.delivery.text}: {sent.answer}; a 2xx, or a 4xx or 503 to be sent it again, was "
        "expected"
    )


def _accepts_unknown_events(session: Session) -> Verdict:
    unknown = session.delivery("an event of an unknown type", session.events.unknown())
    return Verdict(session.must_accept(unknown))


def _accepts_unknown_fields(session: Session) -> Verdict:
    order = session.events.completed() | {"a_field_of_a_later_version": {"version": None}}
    return Verdict(session.must_accept(session.delivery("unknown fields", order)))


def _accepts_failed_order(session: Session) -> Verdict:
    failed = session.delivery("a FAILED order: id and status alone", session.events.failed())
    return Verdict(session.must_accept(failed))


def _accepts_rotation(session: Session) -> Verdict:
    events, other = session.events, new_secret()
    return _first(
        *(
            session.must_accept(session.delivery(text, events.completed(), signed_by=secrets))
            for text, secrets in (
                ("two signatures, the first one right", (session.secret, other)),
                ("two signatures, the second one right", (other, session.secret)),
            )
        )
    )


def refuses_old_secret(session: Session, old_secret: str | None) -> Verdict:
    """Whether what only the retired secret has signed is refused."""
    if old_secret is None:
        return Verdict(missing="needs --old-secret, the secret before the last rotation")
    if not session.verifies:
        return Verdict(missing=_UNVERIFIED)
    text = "signed with the old secret alone"
    delivery = session.delivery(text, session.events.completed(), signed_by=(old_secret,))
    return Verdict(session.must_refuse(delivery))


def _copes_with_burst(session: Session) -> Verdict:
    events = session.events
    burst = [session.delivery("one of a burst", events.completed()) for _ in range(_BURST)]
    refused = [sent for sent in session.send(*burst) if not sent.is_accepted]
    if not refused:
        return Verdict()
    return Verdict(
        f"{len(refused)} of {_BURST} deliveries at the same time were not accepted, the first with "
        f"{refused[0].answer}"
    )


def make_checks(old_secret: str | None) -> tuple[Check, ...]:
    """Every check but ``in_time``, in the order in which they are made.

    Args:
        old_secret: the secret before the last rotation, if the user names it.
    """
    return (
        Check(
            "accepts_valid",
            "accepts a valid delivery with a 2xx",
            "What is not answered with a 2xx within 15 s is sent again, nine times in 27 hours, "
            "and after five days of failures the endpoint is disabled.",
            "Check --url, --secret and --headers, and name orders that it knows with --order-id "
            "if it needs them. Answer 2xx once the event is stored.",
            _accepts_valid,
        ),
        Check(
            "refuses_forged",
            "refuses what is not signed with its secret, and does nothing",
            "Anybody who knows the URL can tell the handler that an order is COMPLETED.",
            "Verify the signature before anything else, and answer 400 if it does not fit.",
            _refuses_forged,
        ),
        Check(
            "checks_timestamp",
            "refuses a signature whose timestamp is far off, and does nothing",
            "A delivery that somebody recorded could be sent again at any time.",
            "Refuse timestamps that differ from now by more than five minutes, in both directions.",
            _checks_timestamp,
        ),
        Check(
            "verifies_raw_body",
            "verifies the bytes that came",
            "JSON that is parsed and written again has other bytes: valid events are refused as "
            "soon as the service writes a number or a blank in another way.",
            _RAW,
            _verifies_raw_body,
        ),
        Check(
            "ignores_duplicates",
            "accepts a duplicate, and does nothing",
            "A message is sent again if the response to it was lost. Who acts twice pays twice.",
            "Store the svix-id in the same transaction as the effect; answer 2xx if it is known.",
            _ignores_duplicates,
        ),
        Check(
            "accepts_reordered",
            "accepts events in any order",
            "The order of deliveries is not guaranteed, and a retry comes later than newer events.",
            "Compare the times in the body where the order matters; refuse nothing because of it.",
            _accepts_reordered,
        ),
        Check(
            "copes_with_early",
            "copes with the event of an order that it does not know yet",
            "A webhook can overtake the response to the POST that placed the order.",
            "Store the event for later, or answer 4xx or 503 so that it is sent again.",
            _copes_with_early,
        ),
        Check(
            "accepts_unknown_events",
            "accepts events of unknown types",
            "Later versions may send others; a refused one is retried until the endpoint is "
            "disabled, and then known events are lost, too.",
            "Answer 2xx to a verified event of an unknown type, and ignore it.",
            _accepts_unknown_events,
        ),
        Check(
            "accepts_unknown_fields",
            "accepts unknown fields",
            "Later versions may add fields without notice.",
            "Ignore fields that you do not know; validate only those that you use.",
            _accepts_unknown_fields,
        ),
        Check(
            "accepts_failed_order",
            "accepts the event of a FAILED order",
            "It has an id and a status alone; a handler that crashes on it never learns of the "
            "failure.",
            "Read status first, and other fields only if it is COMPLETED.",
            _accepts_failed_order,
        ),
        Check(
            "accepts_rotation",
            "accepts several signatures of which one is right",
            "For a day after a rotation the old and the new secret both sign.",
            "Split the signature header at blanks, and accept if any v1 signature fits.",
            _accepts_rotation,
        ),
        Check(
            "refuses_old_secret",
            "refuses what only the retired secret has signed, and does nothing",
            "A secret is rotated because somebody else may know it.",
            "Remove the old secret from the handler once the rotation is over.",
            lambda session: refuses_old_secret(session, old_secret),
        ),
        Check(
            "copes_with_burst",
            f"accepts {_BURST} deliveries at the same time",
            "Orders that were placed together end together.",
            "Store the event and answer; do the work afterwards. Do not count webhooks against a "
            "rate limit.",
            _copes_with_burst,
        ),
    )


IN_TIME = Check(
    "in_time",
    "answers within 15 s",
    "A delivery without an answer in 15 s counts as failed and is sent again.",
    "Answer as soon as the event is stored, and do the work afterwards.",
    lambda _: Verdict(),
)
"""The check of how long all the answers took."""

CHECKS = {check.name: check for check in (*make_checks(None), IN_TIME)}
"""Every check by name."""
