"""How often each of some texts comes in all rows: counted batch by batch, added up in one place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aiaas.errors import DataError
from aiaas.steps._numbers import is_missing

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 2**20
"""Different texts that are counted; more are no kinds of anything."""


def survey(name: str, texts: Iterable[str]) -> dict[str, NDArray[Any]]:
    """The different texts of a batch in UTF-8, one after the other, the length of each and how often it came: arrays
    that may be joined with those of other batches. `name` tells them from other arrays of the survey."""
    import numpy as np

    counted = Counter(texts)
    encoded = [text.encode("utf-8", "surrogatepass") for text in counted]
    return {
        f"{name}.texts": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}.lengths": np.fromiter(map(len, encoded), np.int64, len(encoded)),
        f"{name}.counts": np.fromiter(counted.values(), np.int64, len(encoded)),
    }


def plain(name: str, values: Iterable[Any]) -> list[str]:
    """Values of a column as JSON, so that what is equal reads equal, for `survey`; those that are missing left out.
    DataError for what JSON cannot say."""
    try:
        return [json.dumps(value, ensure_ascii=False) for value in values if not is_missing(value)]
    except TypeError:
        kinds = {type(value).__name__ for value in values} - {"str", "int", "float", "bool", "NoneType"}
        raise DataError(
            f"the column {name!r} holds {', '.join(sorted(kinds))}; only texts, numbers and truth values have kinds",
            where="preprocess.steps",
        ) from None


def total(name: str, surveys: Iterable[Mapping[str, NDArray[Any]]], what: str) -> Counter[str]:
    """How often each text came in all batches. DataError where they are too many, `what` being what holds them."""
    counts: Counter[bytes] = Counter()
    for survey in surveys:
        whole = survey[f"{name}.texts"].tobytes()
        start = 0
        for length, count in zip(survey[f"{name}.lengths"].tolist(), survey[f"{name}.counts"].tolist(), strict=True):
            counts[whole[start : start + length]] += count
            start += length
        if len(counts) > MOST:
            raise DataError(
                f"{what} holds more than {MOST:,} different values, which are too many to be counted",
                where="preprocess.steps",
                hint="leave it out of the step",
            )
    return Counter({text.decode("utf-8", "surrogatepass"): count for text, count in counts.items()})
