"""Short forms of what an answer says."""

import requests

from support.api import Api

Refusal = tuple[int, str]


def refusal(response: requests.Response) -> Refusal:
    """Status and type of an error; the type of a 429, whose body has another shape, is its text."""
    document = response.json()
    return response.status_code, document.get("type") or document.get("error")


def product_refusal(response: requests.Response) -> str:
    """The message of an order that breaks a rule about products."""
    document = response.json()
    assert (response.status_code, document["type"]) == (400, "product_validation_error")
    return str(document["message"])


def order_ids(api: Api, api_key: str | None = None) -> list[str]:
    """The ids of an account's orders, newest first; up to 500 of them."""
    headers = {} if api_key is None else {"X-Api-Key": api_key}
    response = api.get("/v2/order?limit=500", headers=headers)
    assert response.status_code == 200, response.text
    return [order["id"] for order in response.json()["items"]]


def still_answers(api: Api) -> None:
    """Assert that a good order is taken now."""
    assert api.order().status_code == 202
