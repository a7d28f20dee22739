"""A hand on the products of a mock server, from Python."""

from collections.abc import Iterator, Mapping
from typing import Any

from runa_mock_server.control.models import LONGEST_PAGE
from runa_mock_server.control.product_models import ProductDetail, ProductsResult, ProductSummary
from runa_mock_server.control_client.transport import Channel, path_of


class ProductsControl:
    """The products, which belong to the whole server, and what the provider can do to them."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __iter__(self) -> Iterator[ProductSummary]:
        return iter(self.list(limit=LONGEST_PAGE))

    def list(
        self,
        code: str | None = None,
        *,
        is_orderable: bool | None = None,
        search: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> list[ProductSummary]:
        """The products that fit, by code.

        Args:
            code: the one with this code.
            is_orderable: whether orders for them are taken now.
            search: part of a code or a name, in any case.
            limit: how many at most.
            after: only those whose codes come later.
        """
        return self._channel.get(
            ProductsResult,
            "/products",
            code=code,
            is_orderable=is_orderable,
            search=search,
            limit=limit,
            after=after,
        ).products

    def get(self, code: str) -> ProductDetail:
        """A product as it is now.

        Raises:
            ControlRefusedError: if there is none with this code.
        """
        return self._channel.get(ProductDetail, path_of("product", code))

    def add(self, product: Mapping[str, Any]) -> ProductDetail:
        """Add a product to the catalogue, for every account.

        Args:
            product: its document, in the shape of the provider's product list.

        Raises:
            ControlRefusedError: naming each field that cannot be used; nothing was changed.
        """
        answer = self._channel.call("POST", "/products", {"product": dict(product)})
        return ProductDetail.model_validate(answer)

    def remove(self, code: str) -> ProductDetail:
        """Remove a product from the catalogue, for every account; orders stay as they are.

        Returns:
            The product as it was; ``add`` takes its ``product`` again.

        Raises:
            ControlRefusedError: if there is none with this code.
        """
        return ProductDetail.model_validate(self._channel.call("DELETE", path_of("product", code)))

    def change(self, code: str, **fields: Any) -> ProductDetail:
        """Have a product be otherwise from now on, for every account.

        Args:
            code: the product.
            **fields: any field of ``ProductBody``: ``is_orderable``, ``discount_multiplier``,
                ``denominations``. What is not given stays.

        Raises:
            ControlRefusedError: naming the field that does not fit; nothing was changed.
        """
        answer = self._channel.call("PATCH", path_of("product", code), fields)
        return ProductDetail.model_validate(answer)
