"""The fixture `runa_check_webhooks`."""

from collections.abc import Callable

import pytest

from runa_mock_server.testing import WebhookReport
from webhook_scenarios.handlers import SECRET, Book, handling

Check = Callable[..., WebhookReport]


def test_a_correct_handler_passes(runa_check_webhooks: Check) -> None:
    """The report says what was exercised."""
    book = Book()
    with handling(book) as url:
        report = runa_check_webhooks(url, secret=SECRET, observe=lambda: book.count, settle=0)
    assert report.count("passed") == len(report.findings) - 1  # there is no old secret


def test_a_finding_fails_the_test(runa_check_webhooks: Check) -> None:
    """With the name of the check."""
    with handling(Book("strict-fields")) as url, pytest.raises(AssertionError, match="unknown_fi"):
        runa_check_webhooks(url, secret=SECRET)


def test_a_handler_that_is_not_there_fails_the_test(runa_check_webhooks: Check) -> None:
    """With the URL and the reason."""
    with pytest.raises(pytest.fail.Exception, match=r"no-such.invalid.*DNS lookup"):
        runa_check_webhooks("http://no-such.invalid/")
