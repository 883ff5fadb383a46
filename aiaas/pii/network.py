"""E-mail, addresses of machines, and what a URL gives away of who opens it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from aiaas.pii import contexts
from aiaas.pii.numbers import Span

# --- e-mail

_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+'%-]{0,63}\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}?[A-Za-z]{2,24}(?![A-Za-z0-9-]|\.[A-Za-z0-9])")
_FILES = (
    "png jpg jpeg gif webp svg bmp ico pdf doc docx xls xlsx zip gz tar js ts css html json xml yaml yml txt csv md "
    "exe dll mp3 mp4 local localhost internal lan"
)
"""What follows the last dot of a file, and of no domain."""


def email(text: str, at: int) -> Iterator[Span]:
    """The e-mail address around an @."""
    domain = _DOMAIN.match(text, at + 1)
    if domain is None or domain.group().rpartition(".")[2].lower() in _FILES.split() or "-." in domain.group():
        return
    ahead = text[max(0, at - 65) : at]
    local = _PLAIN_LOCAL.search(ahead)
    if local is None:
        return
    name = local.group().lstrip("-'%")
    start = at - len(name)
    if not name or name[0] == "." or name[-1] == "." or ".." in name:
        return
    if start and text[start - 1] == "@":  # a handle of a network of servers
        return
    if text[max(0, start - 2) : start] == "//":  # who opens a URL
        return
    if name.lower() == "git" and text[domain.end() : domain.end() + 1] == ":":
        return
    yield start, domain.end(), "email"


# --- addresses of machines

_V4 = re.compile(r"(?<![0-9A-Za-z_.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z_]|\.[0-9A-Za-z])")
_V6 = re.compile(r"(?<![0-9A-Za-z_:.])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){1,7}(?:::)?(?![0-9A-Za-z_:])")
_V6_BEGINS = re.compile(r"(?:[23][0-9A-Fa-f]{3}|fe[89ab][0-9A-Fa-f]|f[cd][0-9A-Fa-f]{2})(?=:)", re.IGNORECASE)
_VERSION = re.compile(
    r"(?:\bv(?:er(?:sion)?)?\.?|版本号?|版|固件|系统|升级[到至]?|更新[到至]?|firmware|build|driver|kernel|release|openssl|"
    r"app|windows|win|ios|android|安卓|鸿蒙|chrome|python|node|upgraded to|updated to|release|section|第|见|chapter|§)"
    r"\s*(?:号|是|为|[:：])?\s*[vV]?\Z",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"\bip(?:v4)?\b|\b(?:host|server|client|from|ping|ssh|dns|gateway|login|logged|peer|proxy|port|address|firewall|"
    r"block(?:ed)?|attack(?:er)?|requests?|router|subnet)\b|地址|服务器|登录|登陆|网关|内网|外网|路由|代理|机器|主机|攻击|"
    r"来源|来自|日志|拉黑|端口",
    re.IGNORECASE,
)
_SMALL = 40


def ipv4(text: str, dot: int) -> Iterator[Span]:
    """The IPv4 address whose first dot this is. Numbers of versions look alike: the words around decide, and where
    they say nothing, whether the numbers are as small as those of versions."""
    found = _V4.search(text, max(0, dot - 3), dot + 13)
    if found is None or found.start() > dot:
        return
    start, end = found.span()
    following = text[end : end + 1]
    if following and (following.isascii() and (following.isalnum() or following == "_")):
        return
    try:
        address = ipaddress.IPv4Address(found.group())
    except ValueError:
        return
    if address.is_loopback or address.is_unspecified or address.packed[0] in (0, 255):
        return
    ahead = contexts.before(text, start, 24)
    if _VERSION.search(ahead) or ahead[-1:] == "-":
        return
    small = max(address.packed) < _SMALL and not address.is_private
    if small and not _MACHINE.search(ahead) and len(set(address.packed)) > 1:
        return
    yield start, end, "ip"


def ipv6(text: str, low: int, high: int) -> Iterator[Span]:
    """The IPv6 addresses around colons: global, link-local and unique local ones."""
    for found in _V6.finditer(text, max(0, low - 4), min(len(text), high + 5)):
        if not _V6_BEGINS.match(found.group()):
            continue
        try:
            ipaddress.IPv6Address(found.group())
        except ValueError:
            continue
        yield *found.span(), "ip"


# --- URLs

_SCHEME = 24
_URL = re.compile(r"://[!-~]{1,4096}")
_USER = re.compile(r"://((?!\[)[^\s/@:\"'<>]{0,128}:(?![0-9]{1,5}[?#/])[^\s/\"'<>]{1,256})@(?=[A-Za-z0-9\[])")
_QUERY = re.compile(
    r"[?&;#](?:(?:access|auth|refresh|id|api|session|security)?[_-]?token|api[_-]?key|app[_-]?key|access[_-]?key|key|"
    r"secret|app[_-]?secret|client[_-]?secret|passw(?:or)?d|pwd|pass|sig|sign|signature|auth|session(?:_?id)?|"
    r"credentials?)=([^&\s#\"'<>]{3,})",
    re.IGNORECASE,
)


def url(text: str, place: int) -> Iterator[Span]:
    """User and password of the URL with `://` at this place, and the secrets among its parameters."""
    whole = _URL.match(text, place)
    if whole is None or not text[place - 1 : place].isalnum():
        return
    end = whole.end()
    for found in _USER.finditer(text, place, end):
        yield *found.span(1), "url_credentials"
    for found in _QUERY.finditer(text, place, end):
        yield *_trimmed(text, *found.span(1)), "url_credentials"


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the punctuation of the sentence around it."""
    while end > start and text[end - 1] in ".,;:!?)]}":
        end -= 1
    return start, end
