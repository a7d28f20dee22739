"""Control of products."""

from collections.abc import Iterator, Mapping
from typing import Any, Unpack

from runa_mock_server.control import products
from runa_mock_server.control.models import LONGEST_PAGE
from runa_mock_server.control.product_models import ProductDetail, ProductSummary
from runa_mock_server.control_client.keywords import ProductChanges
from runa_mock_server.control_client.transport import Part


class ProductsControl(Part):
    """The products, which are the same for every account. Iterating reads all of them."""

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
        """The products that match all filters, sorted by code.

        Args:
            code: the code of a product.
            is_orderable: whether the product can be ordered now.
            search: part of a code or a name, case-insensitive.
            limit: the maximum number of products.
            after: only products with a greater code: the last code of the previous page.
        """
        query = {
            "code": code,
            "is_orderable": is_orderable,
            "search": search,
            "limit": limit,
            "after": after,
        }
        return self._call(products.list_products, query=query).products

    def get(self, code: str) -> ProductDetail:
        """A product as it is now."""
        return self._call(products.read_product, code=code)

    def add(self, product: Mapping[str, Any]) -> ProductDetail:
        """Add a product for every account.

        Args:
            product: the complete document, in the shape of the provider's product list.
        """
        return self._call(products.add_product, {"product": product})

    def remove(self, code: str) -> ProductDetail:
        """Remove a product for every account; orders and their payouts remain.

        Returns:
            The product as it was; ``add`` accepts its ``product`` again.
        """
        return self._call(products.remove_product, code=code)

    def change(self, code: str, **fields: Unpack[ProductChanges]) -> ProductDetail:
        """Change a product for every account; fields that are left out keep their values."""
        return self._call(products.change_product, fields, code=code)
