"""Bodies that are no JSON, and JSON that a careful reader refuses."""

from runa_conformance._bodies import nothing, to_bytes
from runa_conformance._expect import refused
from runa_conformance._registry import Group
from runa_conformance._service import Service

GROUP = Group("syntax")

GOOD = to_bytes(nothing())


def _bad(service: Service, *bodies: bytes) -> None:
    for body in bodies:
        refused(service.order(body), "bad_request")


@GROUP.check("json-syntax")
def a_body_is_json(service: Service) -> None:
    """A body that is no JSON is 400 bad_request, an empty one too."""
    _bad(service, b"", b"{", b"order", GOOD[:-1], GOOD + b"}", GOOD.replace(b'"', b"'"))


@GROUP.check("json-syntax")
def a_body_is_an_object(service: Service) -> None:
    """JSON that is no object is 400 bad_request."""
    _bad(service, b"[]", b"null", b"1", b'"order"', b"[" + GOOD + b"]")


@GROUP.check("strict-json")
def json_is_read_strictly(service: Service) -> None:
    """NaN, a key twice, a trailing comma and bytes that are no UTF-8 are 400 bad_request."""
    doubled = b'{"items":[],' + GOOD[1:]
    not_a_number = GOOD.replace(b":10,", b":NaN,")
    _bad(service, doubled, not_a_number, GOOD[:-1] + b",}", GOOD.replace(b"USD", b"US\xff"))
