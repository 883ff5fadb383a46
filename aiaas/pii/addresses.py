"""Addresses of houses and flats: Chinese ones by their roads and numbers, English ones by their streets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiaas.pii import contexts
from aiaas.pii.numbers import Span

# --- Chinese

_HAN = r"\u3400-\u9fff"
_NUMBER = r"[0-9A-Za-z〇零一二三四五六七八九十百甲乙丙丁]{1,5}(?:-[0-9]{1,4})?"
_SIGNS = "号楼|号院|号|弄|栋|幢|座|楼层|楼|院|单元|层|室|户|房|门|铺|组"
_BUILDING = (
    rf"[{_HAN}·A-Za-z0-9]{{1,14}}?"
    r"(?:大厦|大楼|广场|中心|花园|小区|公寓|写字楼|商城|商厦|国贸|产业园|科技园|园区|大院|家园|新村|新城|塔|苑|城|园|村)"
)
_UNIT = rf"附?{_NUMBER}\s?(?:{_SIGNS})"
_TAIL = re.compile(
    rf"\s?(?:{_UNIT}(?![线路次码])|{_BUILDING}(?=[A-Za-z0-9一二三四五六七八九十]|[^{_HAN}]|\Z)|[A-Z]座|[A-Z]塔)"
)
_ROOM = re.compile(r"\s?[0-9]{2,4}(?![0-9A-Za-z.:元年月日分块个])(?:室|房|户|号)?")
_FIRST = re.compile(rf"{_NUMBER}\s?(?:{_SIGNS})")
_ROAD_NUMBER = re.compile(rf"{_NUMBER}\s?(?:号|弄|院)")
_ROAD = re.compile(rf"[{_HAN}A-Za-z0-9·]*(?:路|街|道|巷|弄|胡同|里|村|段|条|号|院|园|庄)\s?\Z")
_ESTATE = re.compile(
    rf"[{_HAN}A-Za-z0-9·]*(?:小区|花园|苑|公寓|家园|新村|新城|城|园|里|村|寓|厦|庄|院|府|湾|庭|居|邸|街|路)\s?\Z"
)
_BLOCKS = re.compile("号楼|栋|幢|座|单元|弄")
_ROOMS = re.compile(r"[0-9]{3,4}|[0-9A-Za-z]{1,4}\s?[室户号房]|单元")
_BEFORE = 44
_PROVINCE = re.compile(
    "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|"
    "甘肃|青海|台湾|台北|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_STOP = re.compile(
    r"在|到|是|寄(?!居)|送|给|了|往|从(?!化|江)|至|去|请|写|搬|换|住(?!建)|我|你|他|她|的|址|为|回(?!民|龙)|家(?!庄|口|港|界|园|寨)|"
    r"快递放|放(?=[\u3400-\u9fff]{0,3}街道)|找|叫|走|就|于(?!洪|都|田)|和(?=[\u3400-\u9fff]{2}[市区县])"
)
_KEPT = 24


def chinese(text: str, number: int, sign: int) -> Iterator[Span]:
    """The address whose house number begins at `number`, with a sign such as 号 at `sign`."""
    first = _FIRST.match(text, number)
    if first is None:
        return
    ahead = contexts.before(text, number, _BEFORE)
    if ahead[-1:] == "第":
        return
    end = _end(text, first.end())
    if _ROAD_NUMBER.match(text, number) and _ROAD.search(ahead):
        start = _begin(ahead)
        road = ahead[start:].rstrip()
        if len(road) < 2 or road in {"一路", "这条路", "上路", "道路", "马路"}:
            return
    elif _BLOCKS.search(first.group()) and end > first.end() and _ROOMS.search(text, first.end(), end):
        start = _begin(ahead) if _ESTATE.search(ahead) else len(ahead)
    else:
        return
    yield number - len(ahead) + start, end, "address"


def _end(text: str, end: int) -> int:
    """Where the parts that follow a house number end: buildings, units, floors, rooms."""
    for _ in range(6):
        if part := _TAIL.match(text, end):
            end = part.end()
        elif text[end - 1] in "栋幢座元楼塔弄园号厦" and (room := _ROOM.match(text, end)):
            return room.end()
        else:
            return end
    return end


def _begin(ahead: str) -> int:
    """Where the address begins in what stands before its number: at the province, or after words that lead to it."""
    start = len(ahead)
    while start and (_is_name(ahead[start - 1]) or (ahead[start - 1] == " " and start == len(ahead))):
        start -= 1
    for stop in _STOP.finditer(ahead, start):
        start = stop.end()
    if (province := _PROVINCE.search(ahead, start)) and province.end() < len(ahead):
        return province.start()
    return max(start, len(ahead) - _KEPT)


def _is_name(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or (character.isascii() and character.isalnum()) or character == "·"


# --- English

_STRONG = "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|Crescent|Cres"
_WEAK = (
    "Drive|Dr|Court|Ct|Place|Pl|Way|Close|Circle|Cir|Square|Sq|Trail|Trl|Walk|Row|Mews|Grove|Gardens|Gdns|Hill|Rise|"
    "Park|Broadway|Quay|Wharf|Alley|Plaza|Loop"
)
_WORD = r"(?:[A-Z][A-Za-z'’-]{0,20}\.?|[0-9]{1,3}(?:st|nd|rd|th))"
_LEAD = r"(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West)\.?[ ]{1,2})?"
_AFTER = (
    r"(?:[ ]?,?[ ](?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|#)\.?[ ]?[A-Za-z0-9-]{1,6}\b)?"
    r"(?:,[ ](?!(?:and|but|please|ask|it|or)\b)[A-Z][a-z]{1,20}(?:[ ][A-Z][a-z]{1,20}){0,2})?"
    r"(?:,?[ ][A-Z]{2}\b(?![ ][a-z]))?"
    r"(?:,?[ ](?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][A-Z0-9]?[ ]?[0-9][A-Z]{2})\b)?"
)
_STREET = re.compile(
    rf"[0-9]{{1,5}}[A-Za-z]?(?:-[0-9]{{1,4}})?[ ]{{1,2}}{_LEAD}(?:{_WORD}[ ]{{1,2}}){{1,4}}?(?:{_STRONG}|{_WEAK})\b\.?"
)
_LOWER = re.compile(
    rf"[0-9]{{1,5}}[a-z]?[ ](?:[nsew][ ])?(?:[a-z]{{3,20}}[ ]){{1,2}}?(?:{_STRONG.lower()})\b\.?", re.IGNORECASE
)
_TAIL_EN = re.compile(_AFTER)
_TAIL_LOWER = re.compile(_AFTER, re.IGNORECASE)
_NOT_NAMES = re.compile(
    r"\b(?:the|on|of|a|an|and|in|for|per|my|this|that|mile|miles|minute|minutes|minutes|hour|hours|year|years|day|days|"
    r"lane|way|main|busy|best|other|more|different|star|stars|great|good|inch|times|people|blocks?|dirt|new)\b",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"(?:\b(?:at|to|live|lives|living|address|from|on|deliver(?:ed)?|ship|moved|moving|located|visit|is|house|home)\b|[:,\n])"
    r"\s*(?:is|:)?\s*\Z",
    re.IGNORECASE,
)
_BOX = re.compile(r"(?<![A-Za-z])p\.?\s?o\.?\s?box\s\Z", re.IGNORECASE)


def english(text: str, number: int) -> Iterator[Span]:
    """The address whose house number, or number of a post-office box, begins at this place."""
    if number and (text[number - 1].isascii() and (text[number - 1].isalnum() or text[number - 1] in ".-$#_/")):
        return
    ahead = contexts.before(text, number, 16)
    if box := _BOX.search(ahead):
        end = number
        while text[end : end + 1].isdigit():
            end += 1
        tail = _TAIL_EN.match(text, end)
        yield number - len(ahead) + box.start(), tail.end() if tail else end, "address"
        return
    found, tails = _STREET.match(text, number), _TAIL_EN
    if found is None:
        found, tails = _LOWER.match(text, number), _TAIL_LOWER
        if found is None or not (not ahead.strip() or _LEADS.search(ahead)):
            return
    if _NOT_NAMES.search(text, text.index(" ", number), text.rindex(" ", number, found.end())):
        return
    tail = tails.match(text, found.end())
    yield number, tail.end() if tail else found.end(), "address"
