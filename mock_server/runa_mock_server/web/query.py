"""The query string of a request."""

from collections.abc import Sequence

from aiohttp.web import BaseRequest


def query_of(request: BaseRequest) -> dict[str, Sequence[str]]:
    """For each parameter its values, in the order in which they were given."""
    query = request.query
    return {name: query.getall(name) for name in query}
