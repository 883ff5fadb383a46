"""Addresses of pages: one form for each page, and whether it lies within the bounds of a crawl."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
_LONGEST = 2000
_FILES = frozenset(
    (
        *("7z", "apk", "bz2", "dmg", "exe", "gz", "iso", "jar", "msi", "rar", "rpm", "tar", "tgz", "xz", "zip", "zst"),
        *(
            "aac",
            "avi",
            "flac",
            "flv",
            "m4a",
            "m4v",
            "mkv",
            "mov",
            "mp3",
            "mp4",
            "mpeg",
            "mpg",
            "ogg",
            "wav",
            "webm",
            "wmv",
        ),
        *(
            "bmp",
            "eot",
            "gif",
            "ico",
            "jpeg",
            "jpg",
            "otf",
            "png",
            "svg",
            "tif",
            "tiff",
            "ttf",
            "webp",
            "woff",
            "woff2",
        ),
        *("css", "csv", "doc", "docx", "epub", "js", "json", "ods", "odt", "pdf", "ppt", "pptx", "xls", "xlsx", "xml"),
    )
)
"""Endings of what is no page."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a crawl stays. `start` is its first address, in its one form."""

    start: str
    domains: Sequence[str] = ()
    only: Sequence[str] = ()
    query: Literal["keep", "sort", "drop"] = "keep"

    def canonical(self, url: str, base: str | None = None, encoding: str = "utf-8") -> str | None:
        """The one form of an address, None where it is none of a page. `encoding` is that of the page it stands on."""
        return canonical(url, base, encoding, self.query)

    def hold(self, url: str) -> bool:
        """Whether an address is of the site."""
        parts, start = urlsplit(url), urlsplit(self.start)
        host = parts.hostname or ""
        if not self.domains:
            same = host.removeprefix("www.") == (start.hostname or "").removeprefix("www.")
            return same and parts.port == start.port
        for domain, port in map(_domain, self.domains):
            ports = (None, start.port) if port is None else (port,)
            if (host == domain or host.endswith(f".{domain}")) and parts.port in ports:
                return True
        return False

    def follow(self, url: str) -> bool:
        """Whether a link to an address is followed."""
        path = urlsplit(url).path
        if PurePosixPath(path).suffix[1:].lower() in _FILES or not self.hold(url):
            return False
        return not self.only or any(fnmatch.fnmatchcase(path, pattern) for pattern in self.only)


def canonical(
    url: str, base: str | None = None, encoding: str = "utf-8", query: Literal["keep", "sort", "drop"] = "keep"
) -> str | None:
    """An address without fragment, login, default port and dots in its path, its host in small letters, its escapes in
    one spelling; None where it is none of the web, or longer than a person would write."""
    from w3lib.url import canonicalize_url, safe_url_string

    try:
        absolute = safe_url_string(urljoin(base, url.strip()) if base else url.strip(), encoding)
        parts = urlsplit(absolute)
        if parts.scheme not in _PORTS or not parts.hostname:
            return None
        asked = parts.query if query != "drop" else ""
        bare = urlunsplit((parts.scheme, _netloc(parts), parts.path, "", ""))
        found = canonicalize_url(f"{bare}?{asked}" if asked and query == "sort" else bare)
    except (ValueError, UnicodeError):  # what stands in a link need not be an address
        return None
    if asked and query == "keep":
        found = f"{found}?{asked}"
    return found if len(found) <= _LONGEST else None


def host_of(url: str) -> str:
    """Whom politeness and robots.txt are about: scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _netloc(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS[parts.scheme]) else f"{host}:{parts.port}"


def _domain(text: str) -> tuple[str, int | None]:
    """A domain as a recipe names it, in ASCII, and its port where one is said."""
    parts = urlsplit(f"//{text}")
    host = (parts.hostname or "").strip(".")
    with suppress(UnicodeError):
        host = host.encode("idna").decode("ascii")
    return host, parts.port
