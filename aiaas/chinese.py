"""Chinese in other characters, by OpenCC: simplified, traditional, as in Taiwan and in Hong Kong."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from aiaas import plugins

REQUIRES = ("opencc",)
_CHINESE = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


def converted(text: str, conversion: str) -> str:
    """The text after a conversion as OpenCC calls it, such as `s2t`; one without Chinese characters as it is. Raises
    MissingPackageError."""
    found: str = _converter(conversion).convert(text) if _CHINESE.search(text) else text
    return found


@lru_cache(maxsize=4)
def _converter(conversion: str) -> Any:
    plugins.require(REQUIRES, "converting Chinese characters")
    from opencc import OpenCC

    return OpenCC(conversion)
