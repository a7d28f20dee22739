"""What must not leave a run: codes that could be spent, and payout links."""

import json
from typing import Any

from runa_conformance._brief import shown
from runa_conformance._messages import Answer

REDACTED = "[redacted]"

_SECRET_FIELDS = frozenset({"code", "pin", "barcode_string", "url"})
_REDACTED_LINK = "https://redacted.invalid/"
_MOST_SHOWN = 600


def hide_codes(document: Any) -> None:
    """Replace the codes in an answer of the redemption API.

    What is a URL or absent still shows as that.
    """
    for e_code in (document.get("e_code"), *(document.get("e_codes") or ())):
        if isinstance(e_code, dict):
            for name in _SECRET_FIELDS & e_code.keys():
                value = e_code[name]
                if isinstance(value, str):
                    is_url = value.startswith(("http://", "https://"))
                    e_code[name] = _REDACTED_LINK if is_url else REDACTED


def summary_of(answer: Answer) -> str:
    """An answer on a line: status, content type and body, shortened, without codes."""
    body = f"{len(answer.body)} bytes"
    if answer.media_type != "text/html":  # a page is for people, and may show codes
        try:
            document = json.loads(answer.body)
        except ValueError:
            body = shown(answer.body)
        else:
            if answer.request.is_link and isinstance(document, dict):
                hide_codes(document)
            body = shown(document)
    text = f"{answer.status} {answer.media_type or 'without a content type'} {body}"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
