"""The rows of an API's pages: what JSON paths pick of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aiaas import strictjson
from aiaas.contracts import Batch, SourceContext
from aiaas.errors import DataError
from aiaas.sources import FileBatch
from aiaas.sources._api_kept import Page
from aiaas.sources._api_params import Api, picked
from aiaas.sources._exchange import shown

ROWS = 10_000
"""Rows of a batch, at most."""
DEPTH = 64
_BEGINNING = 60
_LONGEST = 200


def parse(page: Page) -> Any:
    """What a page holds. Raises DataError where that is no JSON, or nested deeper than anyone means it."""
    try:
        return strictjson.loads(page.text, max_depth=DEPTH)
    except DataError as error:
        error.where = shown(page.url)
        if "not JSON" in error.message:
            begins = " ".join(page.text[:_BEGINNING].split())
            error.message += f"; the server calls it {page.kind or 'nothing'}, and it begins with {begins!r}"
            error.args = (error.message,)
        raise


def pick(answer: Any, api: Api, page: Page) -> Sequence[Any]:
    """The rows of an answer. Raises DataError where they are no rows."""
    rows = picked(answer, api.rows)
    if api.fields:
        return rows
    wrong = next((row for row in rows if not isinstance(row, dict)), None)
    if wrong is not None:
        raise DataError(
            f"api.rows: {api.rows} picks a {type(wrong).__name__}, which is no row{_keys(answer)}",
            where=shown(page.url),
            hint="name the list of rows, as $.items[*]; or say with api.fields what of them is which column",
        )
    return rows


def _keys(answer: Any) -> str:
    """What there is to pick from, for a message."""
    return f"; the answer holds {', '.join(answer)[:_LONGEST]}" if isinstance(answer, dict) else ""


def batches(pages: Iterable[Page], api: Api, context: SourceContext) -> Iterator[Batch]:
    """The rows of the pages, in order. Raises DataError where there is none on any page."""
    unseen, given = set(api.fields), 0
    where = keys = ""
    for number, page in enumerate(pages, 1):
        answer = parse(page)
        rows = pick(answer, api, page)
        given += len(rows)
        if number == 1:
            where, keys = shown(page.url), _keys(answer)
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            columns = _fields(part, api) if api.fields else _columns(part)
            unseen -= {name for name in unseen if any(value is not None for value in columns[name])}
            yield FileBatch(columns, f"{shown(page.url)} (page {number})", start + 1)
    if not given:
        told = f"api.rows: {api.rows} picks nothing of any page{keys}"
        raise DataError(told, where=where, hint="name the list of rows, as $.items[*]")
    for name in sorted(unseen):
        context.warn(f"api.fields.{name}: {api.fields[name]} picks nothing of any row")


def _columns(rows: Sequence[dict[str, Any]]) -> Batch:
    """Rows as columns, in the order in which keys are met; a key that a row lacks is null there."""
    names = dict.fromkeys(itertools.chain.from_iterable(rows))
    return {name: [row.get(name) for row in rows] for name in names}


def _fields(rows: Sequence[Any], api: Api) -> Batch:
    return {name: [_value(picked(row, path)) for row in rows] for name, path in api.fields.items()}


def _value(found: Sequence[Any]) -> Any:
    """What a path picked of a row as one value."""
    if len(found) <= 1:
        return found[0] if found else None
    return "\n".join(str(each) for each in found if each is not None)
