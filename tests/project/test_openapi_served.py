"""The OpenAPI document that a server shows is valid and describes that very server."""

import re

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from runa_mock_server import MockServer
from runa_mock_server.web.routes import ROUTES

PREFIX = "/v2"


def test_document_is_valid_and_needs_no_key(server: MockServer) -> None:
    """Without a key the document is there, passes a validator and names the server's address."""
    response = requests.get(f"{server.url}/openapi.json", timeout=10)
    assert response.status_code == 200
    document = response.json()
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert [place["url"] for place in document["servers"]] == [server.base_url]


def test_document_names_the_public_url() -> None:
    """Behind a proxy the document names the address that clients reach."""
    with MockServer(public_url="https://mock.example.test/") as server:
        document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    assert [place["url"] for place in document["servers"]] == ["https://mock.example.test/v2"]


def test_every_route_is_described_and_every_description_is_served(server: MockServer) -> None:
    """The operations of the document are the API's routes and those of payout links."""
    document = requests.get(f"{server.url}/openapi.json", timeout=10).json()
    described = {
        (method.upper(), re.sub(r"\{.*?\}", "{}", path))
        for path, operations in document["paths"].items()
        for method in operations
    }
    served = {
        (route.method, re.sub(r"\{.*?\}", "{}", route.path.removeprefix(PREFIX)))
        for route in ROUTES
        if route.path.startswith(f"{PREFIX}/") or route.path == "/payout/{token}"
    }
    assert described == served
