"""A page as it came, as text; and what it links to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from aiaas.sources._crawl_page import Kept
from aiaas.sources._crawl_urls import Bounds

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_LINKS = "//a[@href] | //area[@href]"
_MOST = 5000
"""Links of a page that are looked at."""
_MARKED = re.compile(r"\s*<(!doctype html|html)", re.IGNORECASE)
_VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")
"""Rules of `X-Robots-Tag` that have a value behind a colon, as else a crawler's name has its rules."""
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Links:
    """What a page links to within the bounds, in order; the address that it says is its proper one; and what it asks
    of crawlers."""

    found: tuple[str, ...] = ()
    canonical: str | None = None
    index: bool = True


def decoded(body: bytes, kind: str) -> tuple[str, str]:
    """The text of a page and the encoding that it is in: as its mark, its server or itself says, where it can be read
    so; else UTF-8, GB18030, or what it looks like."""
    from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom, to_unicode

    named = [read_bom(body)[0], http_content_type_encoding(kind), html_body_declared_encoding(body)]
    said = [each for each in named if each]
    for encoding in dict.fromkeys([*said, "utf-8", "gb18030"]):
        with suppress(UnicodeError, LookupError):  # rot13 is a codec, and gives no text
            return body.decode(encoding).removeprefix("\ufeff"), encoding
    for encoding in (*said, _likely(body)):
        with suppress(UnicodeError, LookupError):
            return to_unicode(body, encoding), encoding
    return to_unicode(body, "utf-8"), "utf-8"


def parsed(text: str) -> HtmlElement | None:
    """The tree of a page, however broken; None where there is none."""
    from lxml import etree, html

    clean = _NO_TEXT.sub("", text)
    try:
        return html.document_fromstring(clean.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def links(page: Kept, bounds: Bounds) -> Links:
    """What a page links to. A page that is plain text links to nothing."""
    text, encoding = decoded(page.came.body, page.came.kind)
    tree = parsed(text) if not is_plain(page.came.kind, text) else None
    if tree is None:
        return Links(index="noindex" not in _asked(page.came.rules))
    base = _base(tree, page.url)
    rules = _rules(tree) | _asked(page.came.rules)
    proper = next((each for each in _hrefs(tree, "//link[@href][@rel]", "canonical")), None)
    canonical = bounds.canonical(proper, base, encoding) if proper else None
    if canonical is not None and (canonical == page.url or not bounds.follow(canonical)):
        canonical = None
    addresses = [] if "nofollow" in rules else [*_followed(tree), *_refresh(text, base)]
    found = (bounds.canonical(each, base, encoding) for each in addresses[:_MOST])
    inside = dict.fromkeys(each for each in found if each and each != page.url and bounds.follow(each))
    return Links((*([canonical] if canonical else ()), *inside), canonical, "noindex" not in rules)


def is_plain(kind: str, text: str) -> bool:
    """Whether a page is text without markup: its type says so, and so does its beginning."""
    return kind.lower().startswith("text/plain") and not _MARKED.match(text)


def _followed(tree: HtmlElement) -> Iterator[str]:
    for element in tree.xpath(_LINKS):
        if "nofollow" not in _words(element.get("rel")):
            yield str(element.get("href"))


def _hrefs(tree: HtmlElement, path: str, rel: str) -> Iterator[str]:
    return (str(each.get("href")) for each in tree.xpath(path) if rel in _words(each.get("rel")))


def _rules(tree: HtmlElement) -> set[str]:
    """What `<meta name="robots">` asks for."""
    said = set()
    for element in tree.xpath("//meta[@name][@content]"):
        if element.get("name").strip().lower() in ("robots", "aiaas"):
            said |= _with_none(re.split(r"[\s,]+", element.get("content").lower()))
    return said


def _asked(header: str | None) -> set[str]:
    """What `X-Robots-Tag` asks of all crawlers, or of ours: `noindex, otherbot: nofollow`."""
    said, ours = [], True
    for part in (header or "").lower().split(","):
        name, colon, rest = part.strip().partition(":")
        if colon and name not in _VALUED:
            ours = name.strip() == "aiaas"
        if ours:
            said.append((rest if colon else name).strip())
    return _with_none(said)


def _with_none(said: Iterable[str]) -> set[str]:
    found = set(said)
    return found | ({"noindex", "nofollow"} if "none" in found else set())


def _refresh(text: str, base: str) -> list[str]:
    from w3lib.html import get_meta_refresh

    try:
        url = get_meta_refresh(text[:8192], base)[1]
    except ValueError:  # it is no address
        return []
    return [url] if url else []


def _base(tree: HtmlElement, url: str) -> str:
    said = tree.xpath("string(//base[@href][1]/@href)").strip()
    try:
        return urljoin(url, said) if said else url
    except ValueError:
        return url


def _words(value: Any) -> list[str]:
    return str(value or "").lower().split()


def _likely(body: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(body[:65_536]).best()
    return best.encoding if best else "utf-8"
