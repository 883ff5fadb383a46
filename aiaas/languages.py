"""The language of texts: by their script where that says it, else by py3langid's model of 140 languages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from aiaas import plugins

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REQUIRES = ("py3langid",)
UNKNOWN = "und"
"""ISO 639-2 for undetermined: a text without letters."""
LONGEST = 500
"""Characters by which a text is judged: its first."""

_HAN, _KANA, _OTHER = 1, 2, 3
_SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "": (),
    "zh": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
    "ja": ((0x3041, 0x3096), (0x309D, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9D)),
    "other": (),
    "ko": ((0x1100, 0x11FF), (0x3131, 0x318E), (0xAC00, 0xD7A3)),
    "th": ((0x0E01, 0x0E3A), (0x0E40, 0x0E4E)),
    "el": ((0x0370, 0x03FF), (0x1F00, 0x1FFF)),
    "he": ((0x05D0, 0x05EA),),
    "hy": ((0x0531, 0x0587),),
    "ka": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF)),
}
"""Scripts that (nearly) one language is written in; the letters of all others are `other`."""
_NAMES = tuple(_SCRIPTS)
_BY_SCRIPT = frozenset(_NAMES) - {"", "other"}
_ASIAN = 3  # letters that a Chinese, Japanese or Korean character counts for: it says more
_JAPANESE = 0.1  # kana among the characters of a Japanese text, at least
_NO_LANGUAGE = "zxx"  # as the model says of what is no language
_LOCK = threading.Lock()
_CODES = (
    "ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa fi fo fr "
    "fuv fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab kik kk km kn ko "
    "ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru "
    "rw sa sdh se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue "
    "zh zu"
)
CODES = frozenset(_CODES.split())
"""What `detect` may answer, UNKNOWN aside."""


def detect(texts: Sequence[str]) -> list[tuple[str, float]]:
    """The language of each text as an ISO 639 code, and how sure that is, from 0 to 1. Raises MissingPackageError where
    a text needs the model and it is not installed."""
    heads = [text[:LONGEST] for text in texts]
    return [_judged(text, counts) for text, counts in zip(heads, _letters(heads).tolist(), strict=True)]


def _letters(texts: Sequence[str]) -> NDArray[np.int64]:
    """How many letters of each script stand in each text: (n, scripts)."""
    import numpy as np

    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
    owners = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), np.int64, len(texts)))
    scripts = _table()[np.minimum(codes, 0xFFFF)]
    counts = np.bincount(owners * len(_NAMES) + scripts, minlength=len(texts) * len(_NAMES))
    return counts.reshape(len(texts), len(_NAMES))


@cache
def _table() -> NDArray[np.uint8]:
    """The script of each character of Unicode's first plane; those of the others count as the last of it, as Han."""
    import numpy as np

    table = np.array([_OTHER * chr(code).isalpha() for code in range(0x10000)], np.uint8)
    for number, ranges in enumerate(_SCRIPTS.values()):
        for low, high in ranges:
            table[low : high + 1] = number
    table[0xFFFF] = 0
    return table


def _judged(text: str, counts: list[int]) -> tuple[str, float]:
    weights = [count * (_ASIAN if _NAMES[number] in {"zh", "ja", "ko"} else 1) for number, count in enumerate(counts)]
    weights[0] = 0
    total = sum(weights)
    if not total:
        return UNKNOWN, 0.0
    eastern = weights[_HAN] + weights[_KANA]
    if 2 * eastern >= total:
        japanese = weights[_KANA] >= _JAPANESE * eastern
        return ("ja" if japanese else "zh"), eastern / total
    most = max(range(len(weights)), key=weights.__getitem__)
    if most not in (_HAN, _KANA, _OTHER):
        return _NAMES[most], weights[most] / total
    language, sure = _model().classify(text)
    return (UNKNOWN, 0.0) if language == _NO_LANGUAGE else (str(language), float(sure))


@cache
def _loaded() -> Any:
    plugins.require(REQUIRES, "telling languages apart")
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _model() -> Any:
    with _LOCK:  # requests come in threads; the model is read by the first
        return _loaded()
