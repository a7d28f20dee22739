"""Where there is something, and what is said where there is nothing."""

from runa_conformance._checks.access import READABLE
from runa_conformance._expect import equal, expect, refused, success
from runa_conformance._registry import Group
from runa_conformance._service import Service, new_key

GROUP = Group("paths")

NO_ORDER = "O-01HQ12PV4B8XMBRTK281JM54KK"


@GROUP.check("not-found")
def an_unknown_path_is_not_found(service: Service) -> None:
    """There is nothing at a path that the contract does not name."""
    for path in ("/no-such-path", "/orders", "/order/a/b", "/product/a/b", "/"):
        refused(service.get(path), "not_found")


@GROUP.check("key-required")
def an_unknown_path_needs_a_key(service: Service) -> None:
    """Without a key an unknown path is 401 unauthorized, like any other."""
    for path in ("/no-such-path", "/order/a/b"):
        refused(service.get(path, key=None), "unauthorized")


@GROUP.check("not-found")
def an_unknown_order_is_not_found(service: Service) -> None:
    """An id that no order of the account has is 404 not_found."""
    for order_id in (NO_ORDER, "O-1", "unknown", NO_ORDER.lower()):
        refused(service.get(f"/order/{order_id}"), "not_found")


@GROUP.check("wrong-method")
def a_wrong_method_is_told_the_right_ones(service: Service) -> None:
    """A method that a path does not take is 405, with those that it takes in Allow."""
    for method, path, allowed in (
        ("DELETE", "/order", {"GET", "POST"}),
        ("PUT", f"/order/{NO_ORDER}", {"GET"}),
        ("POST", "/ping", {"GET"}),
        ("POST", "/product", {"GET"}),
        ("PATCH", "/balance", {"GET"}),
    ):
        answer = service.call(method, path)
        refused(answer, "method_not_allowed")
        told = {name.strip() for name in answer.headers.get("allow", "").split(",")}
        expect(allowed <= told, f"{answer}, Allow: {sorted(told)}, expected {sorted(allowed)}")


@GROUP.check("trailing-slash")
def a_trailing_slash_is_tolerated(service: Service) -> None:
    """A path with a slash at its end is the path without it."""
    for path in READABLE:
        equal(success(service.get(f"{path}/")), success(service.get(path)), f"{path}/")
    answer = service.call("POST", "/order/", body=b"{", headers={"X-Idempotency-Key": new_key()})
    refused(answer, "bad_request")
