"""The texts and pictures behind the URLs of the built-in products, and the three forms of texts.

All of it is invented from a product's facts, and says so. A text comes as a URL, as Markdown or
as HTML (provider's page "Get product": ``content=url|md|html``); one that is null is null in
every form.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


Product: TypeAlias = Mapping[str, Any]
TextForm: TypeAlias = Literal["md", "html"]
PictureKind: TypeAlias = Literal["card", "icon"]

PREFIX = "/content/"
_URL_SUFFIX = "_markdown_url"
_NOTICE = "This is invented text for tests. It binds nobody and nothing can be bought with it."
_MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]<>#&])")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_GREY = "#374151"
_MIDDLE = 0.18  # as far from black as from white, by contrast


class File(NamedTuple):
    """A file that is served: its media type and its bytes."""

    content_type: str
    body: bytes


def details(product: Product) -> Mapping[str, Any]:
    """The part of a product document that its payout type names; empty if it has none."""
    found = product.get(product["payout_type"])
    return found if isinstance(found, dict) else {}


def resources(product: Product, form: TextForm) -> dict[str, Any] | None:
    """A product's ``content_resources`` with texts in place of URLs.

    Args:
        product: a product document.
        form: whether the texts are Markdown or HTML.

    Returns:
        For each URL a text, under the key that the form has; null stays null and other keys
        stay. For a text of which only a foreign URL is known it is a sentence that says so
        (inferred). ``None`` if the product has no such object.
    """
    given = details(product).get("content_resources")
    if not isinstance(given, dict):
        return None
    texts = {}
    for key, value in given.items():
        topic = key.removesuffix(_URL_SUFFIX)
        if topic == key:
            texts[key] = value
        else:
            texts[f"{topic}_{form}"] = None if value is None else _text(product, topic, value, form)
    return texts


def file(product: Product, name: str) -> File | None:
    """What is behind ``/content/<code>/<name>``, ``None`` for what the product does not refer to.

    Args:
        product: a product document.
        name: ``card.svg``, ``icon.svg``, or a text's topic with ``.md`` or ``.html``.
    """
    topic, _, ending = name.rpartition(".")
    known = name if ending == "svg" else f"{topic}.md"
    if f"{PREFIX}{product['code']}/{known}" not in _paths(product):
        return None
    match ending:
        case "svg":
            svg = picture(product, "icon" if topic == "icon" else "card")
            return File("image/svg+xml; charset=utf-8", svg.encode())
        case "md":
            return File("text/markdown; charset=utf-8", _markdown(product, topic).encode())
        case "html":
            return File("text/html; charset=utf-8", _page(product, topic).encode())
    return None


def with_urls(product: Product, server_url: str) -> Product:
    """The product with its paths on this server made URLs; others are left as they are."""
    own = details(product)
    placed = {
        name: {key: _with_url(value, server_url) for key, value in own[name].items()}
        for name in ("assets", "content_resources")
        if isinstance(own.get(name), dict)
    }
    if not placed:
        return product
    return {**product, product["payout_type"]: {**own, **placed}}


def _with_url(value: Any, server_url: str) -> Any:
    return server_url + value if _is_path(value) else value


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(PREFIX)


def _paths(product: Product) -> set[str]:
    own = details(product)
    groups = (own.get("assets"), own.get("content_resources"))
    values = (value for group in groups if isinstance(group, dict) for value in group.values())
    return {value for value in values if _is_path(value)}


def _text(product: Product, topic: str, url: Any, form: TextForm) -> str:
    if _is_path(url):
        text = _markdown(product, topic)
    else:
        text = (
            f"The {_words(topic)} of this product is known to the mock by its address only, "
            "and was not fetched.\n"
        )
    return text if form == "md" else _html(text)


def _page(product: Product, topic: str) -> str:
    title = f"{_words(topic).capitalize()}: {product['name']}"
    content = _html(_markdown(product, topic))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n{content}</body>\n</html>\n"
    )


def _markdown(product: Product, topic: str) -> str:
    name = _MARKDOWN_SIGNS.sub(r"\\\1", product["name"])
    paragraphs = _PARAGRAPHS.get(topic, _anything)(product)
    return "\n\n".join([f"# {_words(topic).capitalize()}: {name}", paragraphs, f"*{_NOTICE}*\n"])


def _words(topic: str) -> str:
    return topic.replace("_", " ")


def _html(markdown: str) -> str:
    rendered: str = _renderer().render(markdown)
    return rendered


@lru_cache(maxsize=1)
def _renderer() -> "MarkdownIt":
    # Few servers ever render a text, and the import would slow down the start of each.
    from markdown_it import MarkdownIt  # noqa: PLC0415 - see above

    # Without raw HTML: a name with a tag in it is shown, not obeyed.
    return MarkdownIt("commonmark", {"html": False})


def _description(product: Product) -> str:
    countries = ", ".join(product["countries_redeemable_in"])
    return (
        f"A {_words(product['payout_type'])} in {product['currency']}.\n\n"
        f"- Code: `{product['code']}`\n- Redeemable in: {countries}\n"
        f"- Categories: {', '.join(product['categories'])}"
    )


def _disclaimer(product: Product) -> str:
    return f"The brand behind `{product['code']}` has not endorsed this product and may not exist."


def _refund_policy(product: Product) -> str:
    return f"`{product['code']}` cannot be returned, since no {product['currency']} was spent."


def _reissuance_policy(product: Product) -> str:
    return f"A lost `{product['code']}` is replaced by ordering it again from the mock."


def _terms_buyer(product: Product) -> str:
    return f"1. Order `{product['code']}` as often as a test needs.\n2. Pay for it with nothing."


def _terms_consumer(product: Product) -> str:
    return f"1. Do not try to spend `{product['code']}`.\n2. Its codes open nothing anywhere."


def _redemption_instructions(product: Product) -> str:
    where = details(product).get("redeemable_at") or "nowhere in particular"
    return f"1. Open the payout link.\n2. Press redeem.\n3. Use the code: {where}."


def _anything(product: Product) -> str:
    return f"About `{product['code']}` there is no more to say."


_PARAGRAPHS: Mapping[str, Callable[[Product], str]] = {
    "description": _description,
    "disclaimer": _disclaimer,
    "refund_policy": _refund_policy,
    "reissuance_policy": _reissuance_policy,
    "terms_buyer": _terms_buyer,
    "terms_consumer": _terms_consumer,
    "redemption_instructions": _redemption_instructions,
}


def picture(product: Product, kind: PictureKind) -> str:
    """A product's picture as an ``<svg>`` element, drawn from its name and colour alone.

    Args:
        product: a product document; pictures that it refers to elsewhere are not fetched.
        kind: a card with its whole name, or an icon.
    """
    colour = (details(product).get("assets") or {}).get("primary_color")
    if not isinstance(colour, str) or not _COLOUR.fullmatch(colour):
        colour = _GREY
    width, height, shapes = _SHAPES[kind]
    name = escape(product["name"])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f'<title>{name}</title><g font-family="sans-serif" fill="{_ink(colour)}">'
        f'<rect width="{width}" height="{height}" rx="12" fill="{colour}"/>'
        f"{shapes.format(name=name, initial=escape(product['name'][:1]))}</g></svg>\n"
    )


def _ink(colour: str) -> str:
    """Black or white, whichever can be read on a colour (WCAG's relative luminance, nearly)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    weights = zip((0.2126, 0.7152, 0.0722), channels, strict=True)
    luminance = sum(weight * channel**2.2 for weight, channel in weights)
    return "#ffffff" if luminance < _MIDDLE else "#000000"


_SHAPES: Mapping[PictureKind, tuple[int, int, str]] = {
    "card": (
        340,
        214,
        (
            '<path fill-opacity=".12" d="M200 0h128a12 12 0 0 1 12 12v190z"/>'
            '<path fill-opacity=".1" d="M0 130l130 84H12a12 12 0 0 1-12-12z"/>'
            '<text x="24" y="74" font-size="56" font-weight="700">{initial}</text>'
            '<text x="24" y="186" font-size="18">{name}</text>'
        ),
    ),
    "icon": (
        96,
        96,
        (
            '<path fill-opacity=".12" d="M56 0h28a12 12 0 0 1 12 12v62z"/>'
            '<text x="48" y="50" font-size="48" font-weight="700" text-anchor="middle" '
            'dominant-baseline="central">{initial}</text>'
        ),
    ),
}
"""Width, height and what stands on the colour of each kind of picture."""
