"""What the values of a column are: numbers, words, texts, dates, or the number of the row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

Kind = Literal["nothing", "truth", "whole", "number", "words", "date", "file", "other"]

FORMATS = (
    None,  # ISO 8601
    *("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y年%m月%d日"),
    *("%d %b %Y", "%d-%b-%Y", "%b %d, %Y"),
    *("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M"),
    *("%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d/%b/%y %I:%M %p", "%d-%b-%Y", "%m %d, %Y"),
    *("%Y-%m-%d %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z"),
)
"""How dates are written, as for strptime, the plainest first: what fits all values of a column is taken."""
_ASKED = 1000
"""Values that are tried as dates."""
_NEARLY_ALL = 0.95
_LIKE_A_DATE = re.compile(r"\d.*[-/.年 :].*\d")
_NAMES_ROWS = re.compile(
    r"(^|[_\s.-])(id|ids|uuid|guid|no|nr|num|number|key|index|idx|row|serial|code|hash)$|^unnamed|编号|序号|工号|单号|流水号",
    re.IGNORECASE,
)
_AMOUNT = r"[+-]?(?!0\d)(\d{1,3}([.,' \u00a0]\d{3})+|\d+)([.,]\d+)?"
_MONEY = "([€$£¥￥₹]|EUR|USD|GBP|CHF|CNY|RMB)?"
_FIGURE = re.compile(rf"{_MONEY} ?{_AMOUNT}|[~<>]? ?{_MONEY} ?{_AMOUNT} ?[^\d\s]\D{{0,11}}")
"""A number as people write it: with thousands marks, a currency, or a unit."""
WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_CAMEL_ID = re.compile(r"[a-z](Id|ID)$")
_FEWEST = 10
"""Values without which nothing is said of their being all different."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A column of the sample: rows, values that are there, those that differ, their mean length as text, the share that
    holds white space, the share of characters that are Chinese or of a kin, how dates are written, and a value where
    the words are numbers as people write them: 1.234,56 or 12 kg."""

    name: str
    kind: Kind
    rows: int
    present: int
    distinct: int
    length: float
    spaced: float
    wide: float
    counts_on: bool
    form: str | None
    figure: str | None = None

    @property
    def numeric(self) -> bool:
        return self.kind in ("whole", "number")

    @property
    def constant(self) -> bool:
        return self.distinct < 2

    @property
    def all_different(self) -> bool:
        return self.present >= _FEWEST and self.distinct == self.present

    @property
    def names_rows(self) -> bool:
        """Whether it says which row it is and nothing else: words without a space, or whole numbers that count on or
        are called so, all of them different."""
        if not self.all_different:
            return False
        if self.kind == "whole":
            return self.counts_on or called_id(self.name)
        return self.kind == "words" and self.figure is None and self.spaced < 0.02 and self.wide < 0.3


def called_id(name: str) -> bool:
    """Whether a column is called like one that names rows, or whom they belong to."""
    return bool(_NAMES_ROWS.search(name) or _CAMEL_ID.search(name))


def facts(name: str, values: Sequence[Any]) -> Facts:
    """What a column is; a text of white space alone is no value."""
    present = [value for value in values if not missing(value)]
    kind, form = _kind(present)
    texts = [value for value in present if isinstance(value, str)]
    different = set(present) if kind not in ("file", "other") else {0, 1}
    return Facts(
        name=name,
        kind=kind,
        rows=len(values),
        present=len(present),
        distinct=len(different) if present else 0,
        length=sum(map(len, texts)) / len(texts) if texts else 0.0,
        spaced=sum(any(map(str.isspace, text)) for text in texts) / len(texts) if texts else 0.0,
        wide=len(WIDE.findall(joined := "".join(texts[:_ASKED]))) / len(joined) if any(texts[:_ASKED]) else 0.0,
        counts_on=kind == "whole" and max(different) - min(different) == len(different) - 1,
        form=form,
        figure=_figure(texts) if kind == "words" and len(texts) == len(present) else None,
    )


def missing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _kind(present: Sequence[Any]) -> tuple[Kind, str | None]:
    types = set(map(type, present))
    if not types:
        return "nothing", None
    if types <= {bytes} or all(isinstance(value, Mapping) and {"bytes", "path"} & value.keys() for value in present):
        return "file", None
    if types <= {bool}:
        return "truth", None
    if types <= {int}:
        return "whole", None
    if types <= {int, float}:
        return "number", None
    if types <= {date, datetime}:
        return "date", None  # collect writes them as ISO 8601
    if types <= {str}:
        return _of_words(present)
    return ("words", None) if types <= {str, int, float, bool} else ("other", None)


def _of_words(values: Sequence[str]) -> tuple[Kind, str | None]:
    some = [value.strip() for value in values[:: len(values) // _ASKED + 1]]
    if all(map(_LIKE_A_DATE.search, some)):
        for form in FORMATS:
            if all(_is_date(value, form) for value in some):
                return "date", form
    return "words", None


def _figure(values: Sequence[str]) -> str | None:
    """One of the values where nearly all are numbers as people write them."""
    some = [value.strip() for value in values[:: len(values) // _ASKED + 1]]
    found = [value for value in some if _FIGURE.fullmatch(value)]
    shown = max(found, key=len, default="")
    return shown if len(found) > _NEARLY_ALL * len(some) and not re.fullmatch(r"\d*[.,]?\d*", shown) else None


def _is_date(value: str, form: str | None) -> bool:
    try:
        datetime.strptime(value, form) if form else datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def settles(values: Sequence[Any], target: Sequence[Any]) -> float:
    """The share of rows whose target is the most frequent one of their value: 1 where the value alone tells it."""
    pairs = Counter(zip(map(str, values), map(str, target), strict=True))
    most: dict[str, int] = {}
    for (value, _), count in pairs.items():
        most[value] = max(most.get(value, 0), count)
    return sum(most.values()) / max(len(values), 1)
