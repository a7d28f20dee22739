"""What `check-webhooks` finds in handlers with one habit each, and that it finds nothing else."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from aiohttp import web

from runa_client import WebhookVerificationError, verify_webhook
from runa_mock_server.testing import Handler, WebhookReport, check_webhooks
from webhook_scenarios.handlers import OLD_SECRET, SECRET, Book, handling

PROGRAM = Path(__file__).parent / "programs" / "handler.mjs"

DEFECTS = {
    "no-verification": {"refuses_forged"},
    "acts-first": {"refuses_forged"},
    "no-timestamp-check": {"checks_timestamp"},
    "no-future-check": {"checks_timestamp"},
    "rewrites-body": {"verifies_raw_body"},
    "rewrites-compact": {"verifies_raw_body"},
    "no-deduplication": {"ignores_duplicates"},
    "refuses-duplicates": {"ignores_duplicates"},
    "refuses-older": {"accepts_reordered"},
    "crashes-on-early": {"copes_with_early"},
    "crashes-on-unknown-events": {"accepts_unknown_events"},
    "strict-fields": {"accepts_unknown_fields"},
    "crashes-on-failed": {"accepts_failed_order"},
    "first-signature": {"accepts_rotation"},
    "keeps-old-secret": {"refuses_old_secret"},
    "no-bursts": {"copes_with_burst"},
}
CORRECT = ("", "standard", "acts-later", "waits-for-order", "refuses-with-500")
KNOWN = tuple(f"O-known{number}" for number in range(100))


def judged(book: Book, url: str) -> WebhookReport:
    """The report on a handler whose count can be observed."""
    handler = Handler(
        url,
        SECRET,
        OLD_SECRET,
        "standard" if book.habit == "standard" else "svix",
        lambda: book.count,
        KNOWN,
        settle=0.2 if book.habit == "acts-later" else 0,
    )
    return check_webhooks(handler)


@pytest.mark.parametrize("habit", DEFECTS)
def test_a_defect_flips_its_own_check(habit: str) -> None:
    """No other check fails because of it."""
    book = Book(habit)
    with handling(book) as url:
        assert {*judged(book, url).problems} == DEFECTS[habit]


@pytest.mark.parametrize("habit", CORRECT)
def test_a_correct_handler_passes_every_check(habit: str) -> None:
    """Each check is exercised, and none fails."""
    book = Book(habit)
    with handling(book) as url:
        report = judged(book, url)
    assert report.problems == {}
    assert report.count("not_exercised") == 0
    report.check()


def test_a_slow_handler_is_reported_without_waiting_for_ever() -> None:
    """After the first delivery without an answer nothing else is judged."""
    with handling(Book("slow")) as url:
        report = check_webhooks(Handler(url, SECRET, timeout=0.2))
    assert {*report.problems} == {"in_time"}
    assert report.count("not_exercised") == len(report.findings) - 1
    assert report.seconds < 1.5  # a second delivery would have taken as long again


def test_without_an_observed_value_a_duplicate_is_judged_by_its_status() -> None:
    """What it changed cannot be known, and that is said."""
    with handling(Book("no-deduplication")) as url:
        report = check_webhooks(Handler(url, SECRET))
    (duplicates,) = [f for f in report.findings if f.check.name == "ignores_duplicates"]
    assert (duplicates.status, report.problems) == ("not_exercised", {})
    assert "--observe" in str(duplicates.verdict.missing)


def test_an_observed_value_that_never_changes_proves_nothing() -> None:
    """A duplicate is not said to be ignored where a valid delivery changes nothing either."""
    with handling(Book("no-deduplication")) as url:
        report = check_webhooks(Handler(url, SECRET, observe=lambda: "7", settle=0))
    (duplicates,) = [f for f in report.findings if f.check.name == "ignores_duplicates"]
    assert "does not change with a valid delivery" in str(duplicates.verdict.missing)


def test_a_problem_says_why_it_matters_and_what_to_do() -> None:
    """The observed values are in it."""
    book = Book("no-deduplication")
    with handling(book) as url, pytest.raises(AssertionError) as caught:
        judged(book, url).check()
    text = str(caught.value)
    assert "ignores_duplicates: a duplicate: status 204, but it changed the observed value" in text
    assert "pays twice" in text
    assert "svix-id" in text


def test_a_handler_on_verify_webhook_passes_inside_an_event_loop() -> None:
    """The project's own verification is right, and the check can be called from an async test."""
    report = asyncio.run(_judged_inside_a_loop())
    report.check()
    assert report.count("not_exercised") == 0


async def _judged_inside_a_loop() -> WebhookReport:
    seen = set[str]()

    async def receive(request: web.Request) -> web.Response:
        try:
            event = verify_webhook(await request.read(), request.headers, SECRET)
        except WebhookVerificationError:
            return web.Response(status=400)
        seen.add(event.id)
        return web.Response(status=204)

    application = web.Application()
    application.router.add_post("/", receive)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    handler = Handler(f"http://{host}:{port}/", SECRET, OLD_SECRET, observe=lambda: len(seen))
    try:
        return await asyncio.to_thread(check_webhooks, handler)
    finally:
        await runner.cleanup()


@contextmanager
def node(habit: str) -> Iterator[str]:
    """The URL of the Node handler."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs node")
    process = subprocess.Popen(  # noqa: S603 - our own program
        [program, str(PROGRAM), habit],
        stdout=subprocess.PIPE,
        env={**os.environ, "RUNA_WEBHOOK_SECRET": SECRET},
    )
    with process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("habit", "failed"),
    [
        ("careful", set[str]()),
        ("no-verification", {"refuses_forged"}),
        ("no-timestamp-check", {"checks_timestamp"}),
        ("rewrites-compact", {"verifies_raw_body"}),
        ("no-deduplication", {"ignores_duplicates"}),
    ],
)
def test_handlers_in_node_are_judged_alike(habit: str, failed: set[str]) -> None:
    """What a check finds depends on the answers and the observed value alone."""
    with node(habit) as url:

        def count() -> str:
            with urlopen(url) as response:  # noqa: S310 - the handler's own URL
                return str(response.read().decode())

        handler = Handler(url, SECRET, OLD_SECRET, observe=count, settle=0)
        assert {*check_webhooks(handler).problems} == failed
