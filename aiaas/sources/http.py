"""The web, by https or http: one file, downloaded once, resumed where it stopped, refused when it is not what was
pinned; or a JSON API, read page by page.

{source: "https://example.org/reviews.csv.gz", sha256: "…", max_bytes: 500MB}
{source: "https://api.example.org/reviews", api: {rows: "$.items[*]", pages: {by: page}}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from aiaas.contracts import Batch, Origin, SourceContext, SourceParams
from aiaas.sources import _api, _download, _exchange, _formats, _found
from aiaas.sources._api_params import Api
from aiaas.sources._guard import Private
from aiaas.sources._params import FileParams
from aiaas.sources._sizes import Size

SCHEMES = ("https", "http")


class Params(FileParams):
    """A file on a web server, or a JSON API."""

    max_bytes: Size = Field(
        2 * 2**30,
        ge=1,
        description="Refuse a larger file: bytes, or such as 500MB; by default 2 GiB. Of an API all pages together.",
    )
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds the server may stay silent, above 0, at most 600.")
    private: Private = Field(
        False,
        description="Whether a redirect, or an address that an answer names, may lead to another host at an address "
        "that is not public: true, or which networks, as ['10.0.0.0/8']. The host of `source` itself may be anywhere.",
    )
    api: Api | None = Field(None, description="A JSON API in place of a file: how its pages and rows are read.")

    @field_validator("labels")
    @classmethod
    def _stands_alone(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("a second file is not fetched: download both, and name the files")
        return value

    @field_validator("source")
    @classmethod
    def _names_a_host(cls, value: str) -> str:
        if not urlsplit(value).hostname:
            raise ValueError("it must read https://host/path")
        return value

    @model_validator(mode="after")
    def _a_file_or_an_api(self) -> Self:
        if self.api is None:
            return self
        for name in sorted(FileParams.model_fields.keys() - SourceParams.model_fields.keys()):
            if self._says(name):
                raise ValueError(f"{name}: belongs to a file, and with api: there is none")
        if "${env:" in urlsplit(self.source).query:
            raise ValueError("a secret in the address of an api belongs under api.auth.query")
        return self


def fingerprint(params: Params, context: SourceContext) -> Mapping[str, Any]:
    """The pinned digest, or the address with the revision that the server gives (its ETag or date).

    A file that is there already is not asked after again unless `context.refresh`.
    """
    if params.api:
        return _api.fingerprint(params, params.api, context)
    address = _exchange.shown(params.source)
    if params.sha256:
        return {"address": address, "sha256": params.sha256}
    return {"address": address, "revision": _download.revision(_request(params), context)}


def read(params: Params, context: SourceContext) -> Iterator[Batch]:
    """The rows of the file, downloaded first where needed. Raises RemoteError, and DataError for what is refused."""
    if params.api:
        return _api.read(params, params.api, context)
    file = _file(params, context)
    _formats.format_of(file, params)  # before anything is fetched
    _download.fetch(_request(params), context)
    return _formats.read([file], params, context)


def origins(params: Params, context: SourceContext) -> Sequence[Origin]:
    if params.api:
        return _api.origins(params, params.api, context)
    got = _download.fetch(_request(params), context, again=False)
    return _formats.origins([_file(params, context)], params, got.revision)


def paths(params: Params, context: SourceContext) -> Sequence[Path]:
    """Where the downloaded file is."""
    _download.fetch(_request(params), context)
    return [_file(params, context).path]


def _request(params: Params) -> _exchange.Request:
    return _exchange.Request(
        url=params.source,
        name=_name(params.source),
        limit=params.max_bytes,
        timeout=params.timeout,
        sha256=params.sha256,
        private=params.private,
    )


def _file(params: Params, context: SourceContext) -> _found.File:
    return _found.File(_download.place_of(_request(params), context.cache), _exchange.shown(params.source))


def _name(url: str) -> str:
    """The last part of the address, for its ending says what format the file has."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return Path(re.sub(r"[^\w.-]", "_", name)).name[-100:] or "file"
