"""What the words around a number say of it, where the number alone cannot tell."""

from __future__ import annotations

import re

from aiaas.pii.characters import BREAK

_BEFORE, _AFTER, _AROUND = 32, 12, 48

_OTHER = re.compile(
    r"(?:(?:订单|运单|快递单|流水|批次|单|物流|包裹|货|商品|产品|设备|任务|会员|用户|员工|学|序列|条形?|发票|编|车架|准考证|"
    r"型|案件|工单|合同|房|票|券|队列|批准文)(?:代码|号码|编号|码|号|ID)|订单|运单|编号|序列|条码|版本|"
    r"\b(?:order|tracking|invoice|serial|sku|ticket|batch|lot|isbn|ean|upc|imei|sn|s/n|p/n|epoch|timestamp|bytes)"
    r"(?:\s*(?:number|code|no\.?|nr\.?|id|#))?"
    r"|\b(?:item|part|model|ref|reference|case|acct|account|build|version|job|task|request|transaction|parcel|product)"
    r"\s*(?:number|code|no\.?|nr\.?|id|#|:))"
    r"\s*[:：#是为=]?\s*#?\s*\Z",
    re.IGNORECASE,
)
"""A number of something else: an order, a parcel, a device."""
_PHONE = re.compile(
    r"(?:\b(?:phone|ph|tel|telephone|call|cell|mobile|mob|text|sms|fax|dial|ring|reach|whatsapp|contact|number is|"
    r"my number|his number|her number)\b|电话|手机|联系|拨|号码)[^\d\n]{0,16}\Z",
    re.IGNORECASE,
)
_PASSPORT = re.compile(r"passport|护\s?照|旅行证", re.IGNORECASE)
_SSN = re.compile(r"\b(?:ssn|soc(?:ial)?(?: sec(?:urity)?)?)\b", re.IGNORECASE)
_LABELS = re.compile(
    r"(?:tel|phone|ph|mobile|mob|cell|call|fax|vx|wx|wechat|weixin|qq|id|no|card|ssn|sfz|dh|sj|sjh|t|p|m|f)\Z",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u9fff]")
_GROUP = re.compile("[0-9]+")
_COUNTED = re.compile(r"\s?[元块万亿％%股]")


def before(text: str, start: int, most: int = _BEFORE) -> str:
    """What stands before a place, in the same text."""
    return text[max(0, start - most) : start].rpartition(BREAK)[2]


def after(text: str, end: int, most: int = _AFTER) -> str:
    """What stands after a place, in the same text."""
    return text[end : end + most].partition(BREAK)[0]


def of_something_else(text: str, start: int) -> bool:
    """Whether a number is called the number of an order, a parcel, a device, …"""
    return _OTHER.search(before(text, start)) is not None


def counts(text: str, end: int) -> bool:
    """Whether a unit follows: money, a percentage."""
    return _COUNTED.match(text, end) is not None


def of_phone(text: str, start: int) -> bool:
    return _PHONE.search(before(text, start)) is not None


def of_abroad(text: str, start: int, end: int) -> bool:
    """Whether a number that may be one of the mainland stands, without its code and in three groups, which are unusual
    there, among words that are not Chinese."""
    coded = text[start:end].lstrip("(（").startswith(("+", "86", "0086"))
    if coded or len(_GROUP.findall(text, start, end)) < 3:
        return False
    around = before(text, start, _AROUND) + after(text, end, _AROUND)
    return any(each.isalpha() for each in around) and _HAN.search(around) is None


def of_passport(text: str, start: int, end: int) -> bool:
    return _PASSPORT.search(before(text, start)) is not None or _PASSPORT.search(after(text, end)) is not None


def of_ssn(text: str, start: int) -> bool:
    return _SSN.search(before(text, start)) is not None


def stands_free(text: str, start: int, end: int) -> bool:
    """Whether a number is a word of its own: no part of a longer word, a decimal fraction, a code with dashes. A label
    may touch it, as in `tel13800138000`."""
    if start and _touches(text, start):
        return False
    following = text[end : end + 2]
    if following[:1] == "_" or (following[:1].isascii() and following[:1].isalpha()):
        return False
    return not (following[:1] == "." and following[1:].isdigit())


def _touches(text: str, start: int) -> bool:
    last = text[start - 1]
    if not last.isascii() or last.isspace():
        return False
    if last.isalpha():
        word = before(text, start, 10)
        label = _LABELS.search(word)
        return label is None or (
            label.start() > 0 and word[label.start() - 1].isascii() and word[label.start() - 1].isalnum()
        )
    if last in "._" or last.isdigit():
        return True
    if last == "-":
        ahead = text[start - 2 : start - 1]
        return ahead.isascii() and ahead.isalpha() and _LABELS.search(before(text, start - 1, 10)) is None
    return False
