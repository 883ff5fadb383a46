"""Personal data as a script of regular expressions finds them, text by text, without checksums or contexts."""

from __future__ import annotations

import re
from collections.abc import Sequence

PATTERNS = {
    "url_credentials": r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)|(?<=token=)[^&\s]+|(?<=key=)[^&\s]+",
    "email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "id_card": r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?!\d)",
    "mobile": r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)",
    "bank_card": r"(?<!\d)62\d{2}(?:[ -]?\d{4}){3}(?:[ -]?\d{3})?(?!\d)",
    "credit_card": r"(?<!\d)(?:4\d{3}|5[1-5]\d{2}|3[47]\d{2}|6011)(?:[ -]?\d{4}){2}[ -]?\d{3,4}(?!\d)",
    "landline": r"(?<!\d)\(?0\d{2,3}\)?[ -]?\d{7,8}(?!\d)",
    "ssn": r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)",
    "phone": r"(?<!\d)(?:\+\d{1,3}[ -]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}(?!\d)",
    "passport": r"(?<![A-Za-z0-9])[A-Z]{1,2}\d{7,8}(?!\d)",
    "licence_plate": r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z]·?[A-Z0-9]{5,6}",
    "ip": r"(?<!\d)(?:\d{1,3}\.){3}\d{1,3}(?!\d)|\b(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}\b",
    "address": r"[\u4e00-\u9fff]{2,20}(?:路|街|道|巷)\d+号(?:[\u4e00-\u9fff\d]*[室楼栋])?"
    r"|\d+ (?:[A-Z]\w+ )+(?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive)\b",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in PATTERNS.items()}


def find(texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
    """The spans in each text, the first pattern that takes a place keeping it."""
    found = []
    for text in texts:
        spans: list[tuple[int, int, str]] = []
        for kind, pattern in _COMPILED.items():
            for each in pattern.finditer(text):
                start, end = each.span()
                if all(end <= first or start >= last for first, last, _ in spans):
                    spans.append((start, end, kind))
        found.append(spans)
    return found
