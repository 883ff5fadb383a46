"""The one form of what can be written in several: equal values, equal forms."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from contextlib import suppress

_NUMBERS = frozenset(
    {"id_card", "passport", "mobile", "landline", "phone", "licence_plate", "bank_card", "credit_card", "iban", "ssn"}
)
_PHONES = frozenset({"mobile", "landline"})
_MAINLAND = re.compile(r"(?:0086|86)(?=[0-9]{10,})")
_UNSEEN = ("Cf", "Mn", "Cc", "Me")


def canonical(kind: str, value: str) -> str:
    """A value as it would be written without groups, widths, cases and the code of its own country."""
    plain = "".join(_plain(each) for each in unicodedata.normalize("NFKC", value))
    if kind in _NUMBERS:
        plain = "".join(each for each in plain.upper() if each.isalnum())
        return _national(plain) if kind in _PHONES else plain
    if kind == "email":
        return plain.lower()
    if kind == "ip":
        with suppress(ValueError):
            return str(ipaddress.ip_address(plain))
    return " ".join(plain.split()) if kind == "address" else plain


def _plain(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return "" if unicodedata.category(character) in _UNSEEN and not character.isspace() else character


def _national(digits: str) -> str:
    return _MAINLAND.sub("", digits, count=1).removeprefix("0")
