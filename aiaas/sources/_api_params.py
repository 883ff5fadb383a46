"""What a recipe says of a JSON API: how its pages follow each other, what of them is a row, and what it asks for."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from aiaas.contracts import Params
from aiaas.sources._sizes import Size

if TYPE_CHECKING:
    from jsonpath import JSONPath

_REFERENCE = "${env:"
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset(
    ("host", "content-length", "connection", "accept-encoding", "range", "transfer-encoding", "user-agent")
)
_SECRET = frozenset(("authorization", "proxy-authorization", "cookie"))


@cache
def compiled(path: str) -> JSONPath:
    """A JSON path (RFC 9535), ready to pick; ValueError says what is wrong with it."""
    from jsonpath import JSONPath as Path
    from jsonpath import JSONPathEnvironment
    from jsonpath.exceptions import JSONPathError

    try:
        found = JSONPathEnvironment(strict=True).compile(path)
    except JSONPathError as error:
        raise ValueError(f"{path!r} is no JSON path: {error.message}; such as $.items[*] or $.text") from None
    assert isinstance(found, Path)  # only other grammars compound paths
    return found


def picked(value: Any, path: str) -> list[Any]:
    """What a JSON path picks of a value."""
    query = compiled(path)
    if isinstance(value, dict | list):
        return list(query.findall(value))
    return [value] if query.empty() else []


def _json_path(value: str) -> str:
    with suppress(ImportError):  # reading names the package that is missing
        compiled(value)
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"{name!r} cannot be set as a header")
        if not _VALUE.fullmatch(text):
            raise ValueError(f"the header {name!r} holds a character that no header may hold, such as a line break")
    return value


JsonPath = Annotated[str, AfterValidator(_json_path)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]


class Auth(Params):
    """Secrets, as ${env:NAME}: sent to the host of `source:` alone, and neither stored nor part of any key."""

    bearer: str | None = Field(None, min_length=1, description="A token, sent as Authorization: Bearer.")
    headers: Headers = Field(default_factory=dict, description="Headers that hold a secret, such as X-Api-Key.")
    query: dict[str, str] = Field(
        default_factory=dict, description="Parameters of the address that hold a secret, such as api_key."
    )

    @field_validator("bearer")
    @classmethod
    def _fits_a_header(cls, value: str | None) -> str | None:
        if value is not None and not _VALUE.fullmatch(value):
            raise ValueError("it holds a character that no header may hold, such as a line break")
        return value


class Pages(Params):
    """How one page leads to the next."""

    by: Literal["page", "offset", "cursor", "link"] = Field(
        description="`page` counts pages and `offset` rows, until a page has none; `cursor` stands in the answer, a "
        "value or an address; `link` is the header Link with rel=next."
    )
    parameter: str | None = Field(
        None, min_length=1, description="The parameter of the address that says which page; by default called as `by`."
    )
    first: int | None = Field(None, ge=0, description="Of page and offset: the first; by default page 1, offset 0.")
    cursor: JsonPath | None = Field(None, description="Of cursor: where it stands in the answer, as $.next.")
    total: JsonPath | None = Field(
        None, description="Where the answer says how many rows there are in all: it ends there, and warns of fewer."
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if (self.by == "cursor") != (self.cursor is not None):
            raise ValueError("cursor: goes with by: cursor, which says where in the answer it stands")
        if self.first is not None and self.by not in ("page", "offset"):
            raise ValueError(f"first: belongs to page and offset, not to {self.by}")
        if self.parameter is not None and self.by == "link":
            raise ValueError("parameter: does not go with link, where the server gives whole addresses")
        return self


class Api(Params):
    """A JSON API, read page by page."""

    rows: JsonPath = Field("$[*]", description="Where the rows stand in an answer, as $.items[*].")
    fields: dict[str, JsonPath] = Field(
        default_factory=dict,
        description="Column: where its value stands in a row, as {text: $.body}; by default the row's own keys. "
        "Several values are joined by line breaks.",
    )
    pages: Pages | None = Field(None, description="How one page leads to the next; left out, there is one.")
    query: dict[str, str | bool | int | float] = Field(
        default_factory=dict, description="Parameters of the address, such as {per_page: 100}."
    )
    headers: Headers = Field(default_factory=dict, description="Headers of every request, besides those of auth.")
    auth: Auth = Field(Auth(), description="Secrets.")
    per_second: float = Field(5.0, gt=0, le=1000, description="Requests a second, at most; above 0, at most 1000.")
    max_pages: int = Field(10_000, ge=1, description="Pages to read, at most.")
    max_page_bytes: Size = Field(32 * 2**20, ge=1, description="Refuse a larger page: bytes, or such as 32MiB.")

    @field_validator("headers")
    @classmethod
    def _open(cls, value: dict[str, str]) -> dict[str, str]:
        if secret := next((name for name in value if name.lower() in _SECRET), None):
            raise ValueError(f"{secret} is a secret: write it under auth")
        return _without_references(value)

    @field_validator("query")
    @classmethod
    def _no_secrets(cls, value: dict[str, Any]) -> dict[str, Any]:
        return _without_references(value)


def _without_references(value: dict[str, Any]) -> dict[str, Any]:
    """What decides which rows come is part of a key; a secret may not be."""
    if named := next((name for name, text in value.items() if _REFERENCE in str(text)), None):
        raise ValueError(f"{named} refers to the environment: write it under auth, which nothing stores")
    return value
