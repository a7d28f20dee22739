"""Rules of access: the API key, the environment, the headers of every request."""

import re
from collections.abc import Iterable

from runa_mock_server.testing.go_live.rule import Judgement, Theme
from runa_mock_server.testing.go_live.traffic import Request, Traffic, grouped
from runa_schemas.contract_data import API_KEY_PREFIXES

ACCESS = Theme("Access")

# User agents of HTTP libraries: they do not tell applications apart.
_LIBRARIES = re.compile(
    r"^(python-requests|python-urllib|python-httpx|python|aiohttp|curl|wget|node|undici|axios|"
    r"node-fetch|got|okhttp|java|java-http-client|apache-httpclient|go-http-client|ruby|"
    r"faraday|guzzlehttp|dart|dotnet|postmanruntime|insomnia|mozilla|runa-mock-client)\b",
    re.IGNORECASE,
)
_PLACES = {"url": "the URL", "body": "the body"}
_PLAYGROUND_ONLY = ("x-trigger-error", "x-send-email")
_MOCK_ONLY = "x-mock-"
_JSON = "application/json"


@ACCESS.rule(
    "key-in-header",
    "The API key is sent in X-Api-Key only: in no URL, body, user agent or other header.",
    "Send any request with an API key.",
)
def key_in_header(traffic: Traffic) -> Judgement:
    """A key was found where it does not belong."""
    found = Judgement(proof=[request for request in traffic.api if request.key])
    for request in traffic.requests:
        if request.key_places:
            places = [_PLACES.get(place, f"the header {place}") for place in request.key_places]
            found.violate(f"a key is in {' and '.join(places)}", request)
    return found


@ACCESS.rule(
    "no-browser",
    "The API is called by servers only, never from a page in a browser.",
    "Send any request to the API.",
)
def no_browser(traffic: Traffic) -> Judgement:
    """A request came from a page."""
    found = Judgement(proof=list(traffic.api))
    for request in traffic.api:
        origin = request.headers.get("origin")
        if origin is not None or "sec-fetch-mode" in request.headers:
            found.violate(f"a browser sent it from {origin or 'a page'}", request)
    return found


@ACCESS.rule(
    "key-environment",
    "The API key is one of the environment that is called.",
    "Send any request with an API key.",
)
def key_environment(traffic: Traffic) -> Judgement:
    """A key of the other environment was sent."""
    found = Judgement()
    known = {prefix.upper(): name for name, prefix in API_KEY_PREFIXES.items()}
    for request in traffic.api:
        environment = known.get(request.key_prefix or "")
        profile = traffic.profile(request)
        if environment is not None and environment != profile:
            found.violate(f"a key of {environment} was sent to {profile}", request)
        elif environment is not None and request.account is not None:
            found.proof.append(request)
    return found


@ACCESS.rule(
    "key-per-application",
    "Each application has an API key of its own.",
    "Send a User-Agent that names the application, such as shop/1.0, and report the traffic of "
    "all applications together.",
)
def key_per_application(traffic: Traffic) -> Judgement:
    """Two applications shared a key."""
    named = [r for r in traffic.api if r.key and _application(r) is not None]
    found = Judgement(proof=list(named))
    for requests in grouped(named, lambda request: request.key).values():
        users = {_application(request): request for request in reversed(requests)}
        if len(users) > 1:
            found.violate(f"{' and '.join(sorted(map(str, users)))} share a key", *users.values())
    return found


def _application(request: Request) -> str | None:
    """The product that a user agent names, without its version."""
    agent = request.headers.get("user-agent", "").strip()
    name = re.split(r"[/\s(]", agent, maxsplit=1)[0]
    return None if not name or _LIBRARIES.match(agent) else name


def _has_header(requests: Iterable[Request], name: str) -> Judgement:
    """Whether each request says a header."""
    found = Judgement()
    for request in requests:
        if request.headers.get(name.lower()):
            found.proof.append(request)
        else:
            found.violate(f"no {name}", request)
    return found


@ACCESS.rule(
    "version-pinned",
    "Every request says its X-Api-Version.",
    "Send any request to the API.",
)
def version_pinned(traffic: Traffic) -> Judgement:
    """A request relied on the default version."""
    return _has_header(traffic.api, "X-Api-Version")


@ACCESS.rule(
    "execution-mode",
    "Every order says its X-Execution-Mode: async or sync.",
    "Place an order.",
)
def execution_mode(traffic: Traffic) -> Judgement:
    """An order relied on the default mode."""
    return _has_header(traffic.orders, "X-Execution-Mode")


@ACCESS.rule(
    "content-type",
    "Bodies are sent with Content-Type: application/json.",
    "Place an order.",
)
def content_type(traffic: Traffic) -> Judgement:
    """A body was sent as something else."""
    found = Judgement()
    for request in traffic.api:
        if request.method != "POST":
            continue
        sent = request.headers.get("content-type", "")
        if sent.partition(";")[0].strip().lower() == _JSON:
            found.proof.append(request)
        else:
            found.violate(f"the Content-Type is {sent or 'missing'}", request)
    return found


@ACCESS.rule(
    "playground-headers",
    "X-Trigger-Error, X-Send-Email and X-Mock- headers are never sent to production.",
    "Run the suite on a server with the setting profile=production.",
)
def playground_headers(traffic: Traffic) -> Judgement:
    """A header of the playground was sent to production."""
    found = Judgement()
    for request in traffic.api:
        if traffic.profile(request) != "production":
            continue
        names = [n for n in request.headers if n in _PLAYGROUND_ONLY or n.startswith(_MOCK_ONLY)]
        if names:
            found.violate(f"{' and '.join(names)} was sent", request)
        elif request.account is not None:
            found.proof.append(request)
    return found


@ACCESS.rule(
    "https",
    "The base URL begins with https://.",
    "Look at the configuration of the base URL: on this computer the mock is called without TLS. "
    "Behind a proxy that ends TLS, X-Forwarded-Proto shows it.",
)
def https(traffic: Traffic) -> Judgement:
    """A proxy said that a request came without TLS."""
    found = Judgement()
    for request in traffic.api:
        scheme = request.headers.get("x-forwarded-proto")
        if scheme == "https":
            found.proof.append(request)
        elif scheme is not None:
            found.violate(f"it came over {scheme}", request)
    if traffic.api and not found.proof:
        found.uncheckable = "requests on this computer come without TLS"
    return found


@ACCESS.rule(
    "ip-restrictions",
    "The production key is restricted to the addresses of your servers.",
    "Look at the restrictions of the key in the provider's portal.",
)
def ip_restrictions(_traffic: Traffic) -> Judgement:
    """Traffic does not show it."""
    return Judgement(uncheckable="traffic does not show how a key is restricted")


@ACCESS.rule(
    "key-storage",
    "The key is kept in a secret store: not in source code, logs or a client's device.",
    "Look at where your deployment keeps the key.",
)
def key_storage(_traffic: Traffic) -> Judgement:
    """Traffic does not show it."""
    return Judgement(uncheckable="traffic does not show where a key is kept")
