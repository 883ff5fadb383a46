"""A site, page by page: its links followed within bounds, its robots.txt obeyed, the text of each page a row.

{source: "crawl:https://example.org/news/", depth: 3, max_pages: 500, columns: {text: text}}

A row has url, title, text, author, date and language; what a page does not say is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from aiaas import plugins
from aiaas.contracts import Batch, Origin, SourceContext, SourceParams
from aiaas.sources import _crawl, _crawl_rows
from aiaas.sources._guard import Private
from aiaas.sources._sizes import Size

SCHEMES = ("crawl",)
REQUIRES = ("trafilatura", "protego", "w3lib", "lxml", "lxml_html_clean")


class Params(SourceParams):
    """The pages of a site."""

    domains: tuple[str, ...] = Field(
        (),
        description="The domains to stay in, their sub-domains included, such as example.org or example.org:8080; by "
        "default the host of the address, with and without www.",
    )
    only: tuple[str, ...] = Field(
        (), description="Which links to follow, as patterns of the path, such as /news/*; by default all."
    )
    depth: int = Field(5, ge=0, description="How many links away from the address a page may be.")
    max_pages: int = Field(1000, ge=1, description="Pages to ask for, at most.")
    max_page_bytes: Size = Field(10 * 2**20, ge=1, description="Pass over a larger page: bytes, or such as 10MiB.")
    delay: float = Field(
        1.0, ge=0, le=120, description="Seconds between two requests to a host; more where its robots.txt says so."
    )
    timeout: float = Field(
        30.0,
        gt=0,
        le=600,
        description="Seconds a server may stay silent, above 0, at most 600; a page may take ten times as long.",
    )
    query: Literal["keep", "sort", "drop"] = Field(
        "keep",
        description="What to make of the query of an address: with `sort`, addresses that differ in its order are one "
        "page, with `drop` also those that differ in it.",
    )
    user_agent: str = Field(
        "aiaas",
        pattern=r"^[A-Za-z_-]+[\x20-\x7e]*$",
        description="What to call itself; robots.txt goes by its first word.",
    )
    private: Private = Field(
        False,
        description="Whether addresses that are not public may be asked: true, or which networks, as ['10.0.0.0/8'].",
    )

    @field_validator("source")
    @classmethod
    def _names_a_site(cls, value: str) -> str:
        address = urlsplit(value.removeprefix("crawl:"))
        if address.scheme not in ("https", "http") or not address.hostname:
            raise ValueError("it must read crawl:https://host/path")
        if "@" in address.netloc:
            raise ValueError("a site is crawled without a login: take user and password out of the address")
        return value

    @field_validator("domains")
    @classmethod
    def _names_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not re.fullmatch(r"[^\s/:@*]+(:\d+)?", each):
                raise ValueError(f"{each!r} is no domain: such as example.org, or example.org:8080")
        return value


def fingerprint(params: Params, context: SourceContext) -> Mapping[str, Any]:
    """The address, and which crawl of it: a new one begins with `context.refresh` alone.

    The first time the page at the address is fetched, and kept: so a site that is gone is told before anything runs.
    """
    plugins.require(REQUIRES, "crawling a site")
    return {"address": params.source, "crawl": _crawl.name(params, context)}


def read(params: Params, context: SourceContext) -> Iterator[Batch]:
    """The pages that hold text, crawled first where needed; sorted by how far away they are, then by address. Raises
    RemoteError, DataError and MissingPackageError."""
    plugins.require(REQUIRES, "crawling a site")
    with _crawl.crawled(params, context) as store:
        yield from _crawl_rows.batches(store, params, context)


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    """Every page that was kept: its address, its bytes, and the version that the server named, or when it came."""
    with _crawl.crawled(params, context) as store:
        return _crawl_rows.origins(store, params)
