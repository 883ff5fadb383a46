"""Texts joined to one, its digits in plain form, and the places of the characters that personal data are made of.

A number may be written in full-width or Arabic digits, in circles, or with characters between its digits that nobody
sees. All that is looked for is looked for in a plain form of the texts, and told by its place in them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIGIT, NUMERAL, AT, DOT, COLON, PROVINCE, ROAD, NUMBERED, _FANCY, _UNSEEN = range(1, 11)
"""What a character may be a part of; 0 is anything else."""

BREAK = "\0"
"""Stands between two texts."""
_HIDDEN = "\1"
NUMERALS = "〇零一二三四五六七八九十百甲乙丙丁"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
ROADS = "路街道巷同里村段组苑园区寓厦城庄"
NUMBERS = "号弄栋幢座楼院单室层户"
_SIGNS = {"@": AT, ".": DOT, ":": COLON}
# Control characters that are no white space, and what is drawn without a width: joiners, marks of direction, soft
# hyphens, selectors of variants, the box of a key.
_INVISIBLE = (
    *(range(0x01, 0x09), range(0x0E, 0x20), range(0x7F, 0x85), range(0x86, 0xA0), (0xAD, 0x34F, 0x61C, 0x180E)),
    *(range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2070), (0x20E3, 0xFEFF), range(0xFE00, 0xFE10)),
    range(0xE0000, 0xE01F0),
)
_CIRCLED = (range(0x2460, 0x2469), range(0x2776, 0x277F), range(0x2780, 0x2789), range(0x278A, 0x2793), (0x24EA,))
_LAST = 0x20000  # no digits beyond


@dataclass(frozen=True, slots=True)
class Characters:
    """Texts divided by `BREAK`, in plain form. `marks` are the places of the characters that are of a kind, ascending,
    and `kinds` what they are; `codes` are all characters as numbers, `starts` where each text begins."""

    text: str
    codes: NDArray[Any]
    marks: NDArray[np.intp]
    kinds: NDArray[np.uint8]
    starts: NDArray[np.intp]
    places: NDArray[np.intp] | None

    def of(self, kind: int) -> NDArray[np.intp]:
        """The places of the characters of one kind."""
        places: NDArray[np.intp] = self.marks[self.kinds == kind]
        return places

    def place(self, start: int, end: int) -> tuple[int, int, int]:
        """Which text a stretch of the plain form is in, and where it begins and ends there."""
        import numpy as np

        if self.places is not None:
            start, end = int(self.places[start]), int(self.places[end - 1]) + 1
        number = int(np.searchsorted(self.starts, start, side="right")) - 1
        begin = int(self.starts[number])
        return number, start - begin, end - begin


def read(texts: Sequence[str]) -> Characters:
    """The plain form of some texts, one at least."""
    import numpy as np

    joined = BREAK.join(texts)
    if joined.count(BREAK) != len(texts) - 1:  # the character that divides stands in a text as well
        joined = BREAK.join([text.replace(BREAK, _HIDDEN) for text in texts])
    starts = np.cumsum([0, *(len(text) + 1 for text in texts[:-1])])
    classes = _classes()
    if joined.isascii():
        data = joined.encode()
        codes: NDArray[Any] = np.frombuffer(data, np.uint8)
        kinds = np.frombuffer(data.translate(classes[:256].tobytes()), np.uint8)
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        kinds = classes[codes]
    marks = np.flatnonzero(kinds)
    kinds = kinds[marks]
    if not (kinds >= _FANCY).any():
        return Characters(joined, codes, marks, kinds, starts, None)
    plain = codes.astype(np.uint32)
    fancy = marks[kinds == _FANCY]
    plain[fancy] = _plain()[plain[fancy]]
    places = np.delete(np.arange(len(plain)), marks[kinds == _UNSEEN])
    plain = plain[places]
    kinds = classes[plain]
    marks = np.flatnonzero(kinds)
    text = plain.tobytes().decode("utf-32-le", "surrogatepass")
    return Characters(text, plain, marks, kinds[marks], starts, places)


@cache
def _plain() -> NDArray[np.uint32]:
    """The plain form of each character that has another one: ASCII."""
    import numpy as np

    plain = np.arange(_LAST, dtype=np.uint32)
    for code in range(0x80, _LAST):
        if (digit := unicodedata.decimal(chr(code), None)) is not None:
            plain[code] = ord("0") + digit
    for codes in _CIRCLED:
        for code in codes:
            plain[code] = ord("0") + int(unicodedata.digit(chr(code)))
    for code in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *map(ord, "＠．＋－＿")):
        plain[code] = code - 0xFEE0
    return plain


@cache
def _classes() -> NDArray[np.uint8]:
    """The kind of each character."""
    import numpy as np

    kinds = np.zeros(0x110000, dtype=np.uint8)
    plain = _plain()
    kinds[:_LAST][plain != np.arange(_LAST)] = _FANCY
    for codes in _INVISIBLE:
        kinds[np.asarray(codes)] = _UNSEEN
    for kind, characters in ((NUMERAL, NUMERALS), (PROVINCE, PROVINCES), (ROAD, ROADS), (NUMBERED, NUMBERS)):
        kinds[[ord(each) for each in characters]] = kind
    kinds[ord("0") : ord("9") + 1] = DIGIT
    for sign, kind in _SIGNS.items():
        kinds[ord(sign)] = kind
    return kinds
