"""What a number must satisfy to be one of its kind. Every function takes plain digits and letters, without spaces."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_PROVINCES = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
_CODES = frozenset(_PROVINCES.split())
_COUNTRIES = (
    "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 DK:18 "
    "DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28 IE:22 IL:23 "
    "IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 "
    "MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 "
    "SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
)
_IBAN = {country: int(length) for country, length in (each.split(":") for each in _COUNTRIES.split())}
"""Length of an account number by country, as SWIFT's registry of them says."""
_UNIONPAY = re.compile(r"62|81[0-7]|60(?:1382|1428|3(?:367|445|506|602|694|708))|9(?:558[0-9]|559[0-9]|40[0-9]{3})")
_CREDIT: tuple[tuple[Callable[[str], object], frozenset[int]], ...] = (
    (re.compile("4").match, frozenset({16, 19})),  # Visa
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720").match, frozenset({16})),  # Mastercard
    (re.compile("3[47]").match, frozenset({15})),  # American Express
    (re.compile("3528|3529|35[3-8]").match, frozenset({16})),  # JCB
    (re.compile("6011|64[4-9]|65").match, frozenset({16, 19})),  # Discover
    (re.compile("30[0-5]|3095|3[689]").match, frozenset({14})),  # Diners Club
    (re.compile("5018|5020|5038|5893|6304|6759|676[1-3]").match, frozenset({16, 18, 19})),  # Maestro
)
_AREA = re.compile(
    r"0(?:10|2[0-57-9]"  # eight digits follow these, seven or eight the others
    r"|3(?:1[0-9]|35|49|5[0-9]|7[0-9]|9[1-68])|4(?:1[0-9]|2[179]|3[1-9]|5[1-9]|6[4789]|7[0-9]|8[23])"
    r"|5(?:1[0-9]|2[0-7]|3[0-9]|4[36]|5[0-9]|6[1-6]|7[0-9]|80|9[1-9])|6(?:3[1-5]|6[0238]|9[12])"
    r"|7(?:01|1[0-9]|2[248]|3[0-9]|4[3-6]|5[0-9]|6[0-9]|7[0-9]|9[0-9])"
    r"|8(?:1[23678]|2[567]|3[0-9]|5[1-9]|7[0-9]|8[3678]|9[1-8])"
    r"|9(?:0[1-3689]|1[1-79]|3[0-9]|4[13]|5[1-5]|7[0-9]|9[0-9]))"
)
_MOBILE = re.compile(r"1(?:3[0-9]|4[0-14-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])[0-9]{8}")
_NEVER_SSN = frozenset({"078051120", "219099999", "123456789"})  # printed in advertisements


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    odd = sum(map(int, digits[-1::-2]))
    return (odd + sum([_DOUBLED[int(each)] for each in digits[-2::-2]])) % 10 == 0


def province(digits: str) -> bool:
    """Whether digits begin with the code of a province."""
    return digits[:2] in _CODES


def id_card(number: str) -> bool:
    """An identity number of the mainland, of 18 characters (GB 11643: province, day of birth, check digit) or, as until
    1999, of 15, which have none."""
    if not province(number):
        return False
    if len(number) == 15:
        return _born("19" + number[6:12])
    weighted = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return _born(number[6:14]) and _CHECK[weighted % 11] == number[17].upper()


def _born(day: str) -> bool:
    try:
        return 1900 <= date(int(day[:4]), int(day[4:6]), int(day[6:])).year < 2050
    except ValueError:
        return False


def bank_card(digits: str) -> bool:
    """A card of a bank of the mainland: UnionPay's numbers and the older ones of single banks."""
    return 16 <= len(digits) <= 19 and _UNIONPAY.match(digits) is not None and luhn(digits)


def credit_card(digits: str) -> bool:
    """A card of one of the international networks: beginning, length, check digit."""
    known = any(len(digits) in lengths and begins(digits) for begins, lengths in _CREDIT)
    return known and luhn(digits) and len(set(digits)) > 1


def mobile(digits: str) -> bool:
    """A mobile number of the mainland: eleven digits that begin as one of those given out."""
    return _MOBILE.fullmatch(digits) is not None


def area(digits: str) -> str | None:
    """The area code that a landline number of the mainland begins with, with its 0; None where the digits are none."""
    found = _AREA.match(digits)
    if found is None:
        return None
    code = found.group()
    rest = digits[len(code) :]
    return code if len(rest) in ((8,) if len(code) == 3 else (7, 8)) and rest[0] in "2345678" else None


def ssn(digits: str) -> bool:
    """A social security number of the United States, in the ranges that are given out."""
    if digits[:3] in ("000", "666") or digits[0] == "9" or digits[3:5] == "00" or digits[5:] == "0000":
        return False
    return digits not in _NEVER_SSN


def iban_length(country: str) -> int:
    """How long the account numbers of a country are, 0 where it has none."""
    return _IBAN.get(country.upper(), 0)


def iban(number: str) -> bool:
    """An account number of ISO 13616: its country's length, and 1 as the remainder by 97."""
    if len(number) != iban_length(number[:2]) or not number.isascii() or not number.isalnum():
        return False
    return int("".join(str(int(each, 36)) for each in number[4:] + number[:4])) % 97 == 1
