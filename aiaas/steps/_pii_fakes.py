"""Made-up values in place of real ones: the same for the same value and key, and right by their checksums.

Where a range is set aside for examples (addresses of machines, names of domains, phones of films) they are from it; an
identity card has a district that does not exist, so that it is nobody's.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any

from aiaas.pii import checks
from aiaas.pii.canonical import canonical
from aiaas.steps._pii_actions import Key

REQUIRES = ("faker",)
_CHINESE = frozenset({"id_card", "mobile", "landline", "bank_card", "licence_plate"})
_PLATE = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DOCUMENTATION = ("192.0.2", "198.51.100", "203.0.113")


class Fakes:
    """Makes values of one kind; `locale` is zh_CN or en_US, None: as the value is written."""

    def __init__(self, kind: str, key: Key, locale: str | None) -> None:
        self._kind, self._key, self._locale = kind, key, locale

    def __call__(self, value: str) -> str:
        seed = int.from_bytes(self._key.digest(f"fake {self._kind}", canonical(self._kind, value))[:8], "big")
        chinese = self._kind in _CHINESE or any("\u3400" <= each <= "\u9fff" for each in value)
        faker = _faker(self._locale or ("zh_CN" if chinese else "en_US"))
        faker.seed_instance(seed)
        return _MAKERS[self._kind](faker, random.Random(seed), value)  # noqa: S311 - the seed is the secret


@cache
def _faker(locale: str) -> Any:
    import faker

    return faker.Faker(locale)


def _digits(draw: random.Random, count: int, first: str = "0123456789") -> str:
    return draw.choice(first) + "".join(draw.choices("0123456789", k=count - 1))


def _with_luhn(digits: str) -> str:
    return next(made for check in "0123456789" if checks.luhn(made := digits + check))


def _id_card(faker: Any, draw: random.Random, value: str) -> str:
    district = f"{draw.choice((11, 31, 44, 51))}0199"
    body = (
        f"{district}{draw.randint(1950, 2005)}{draw.randint(1, 12):02}{draw.randint(1, 28):02}{draw.randint(0, 999):03}"
    )
    return next(made for check in "0123456789X" if checks.id_card(made := body + check))


def _iban(faker: Any, draw: random.Random, value: str) -> str:
    body = _digits(draw, 18)
    return next(made for check in range(2, 99) if checks.iban(made := f"DE{check:02}{body}"))


def _ip(faker: Any, draw: random.Random, value: str) -> str:
    if ":" in value:
        return f"2001:db8::{draw.randint(1, 0xFFFF):x}:{draw.randint(1, 0xFFFF):x}"
    return f"{draw.choice(_DOCUMENTATION)}.{draw.randint(1, 254)}"


def _credentials(faker: Any, draw: random.Random, value: str) -> str:
    secret = "".join(draw.choices("abcdefghijkmnpqrstuvwxyz", k=12))
    return f"{faker.user_name()}:{secret}" if ":" in value else secret


def _address(faker: Any, draw: random.Random, value: str) -> str:
    house = draw.randint(1, 999)
    if "zh_CN" in faker.locales:
        return f"{faker.province()}{faker.city_name()}市{faker.last_name()}{draw.choice(('江', '山', '新'))}路{house}号"
    return f"{house} {faker.last_name()} {draw.choice(('Street', 'Road', 'Lane', 'Avenue'))}, {faker.city()}"


def _ssn(faker: Any, draw: random.Random, value: str) -> str:
    return f"{draw.randint(1, 665):03}-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}"


_MAKERS: dict[str, Callable[[Any, random.Random, str], str]] = {
    "id_card": _id_card,
    "passport": lambda faker, draw, value: f"E{_digits(draw, 8)}",
    "mobile": lambda faker, draw, value: f"1{draw.choice(('39', '58', '88'))}{_digits(draw, 8)}",
    "landline": lambda faker, draw, value: f"0{draw.choice((10, 21, 28))}-{_digits(draw, 8, '5678')}",
    "phone": lambda faker, draw, value: f"+1 {draw.choice((202, 303, 617))}-555-01{draw.randint(0, 99):02}",
    "email": lambda faker, draw, value: f"{faker.user_name()}@example.{draw.choice(('com', 'net', 'org'))}",
    "address": _address,
    "licence_plate": lambda faker, draw, value: f"{value[0]}{draw.choice(_PLATE)}{_digits(draw, 5)}",
    "bank_card": lambda faker, draw, value: _with_luhn(f"62{_digits(draw, 16)}"),
    "credit_card": lambda faker, draw, value: _with_luhn(f"4{_digits(draw, 14)}"),
    "iban": _iban,
    "ssn": _ssn,
    "ip": _ip,
    "url_credentials": _credentials,
    "person": lambda faker, draw, value: str(faker.name()),
    "location": lambda faker, draw, value: str(faker.city()),
}
