"""HTML in texts: tags, comments, scripts. Only what HTML knows counts as a tag: `a < b`, `<3` and `<unk>` stay.

Every pattern is linear in the length of the text: a request may be hostile.
"""

from __future__ import annotations

import re

_INLINE = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q ruby rt rp rb s samp "
    "small span strike strong sub sup time tt u var wbr"
)
_BLOCK = (
    "address applet area article aside audio base blockquote body br button canvas caption center col colgroup "
    "datalist dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 "
    "h5 h6 head header hgroup hr html iframe img input legend li link main map marquee menu menuitem meta meter nav "
    "noframes noscript object ol optgroup option output p param picture pre progress script search section select "
    "slot source style summary svg table tbody td template textarea tfoot th thead title tr track ul video"
)
# An attribute without a value counts only where HTML has it: `a<b and c>d` is a comparison.
_BARE = (
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled download formnovalidate "
    "hidden inert ismap itemscope loop multiple muted nohref nomodule noresize noshade novalidate nowrap open "
    "playsinline readonly required reversed scoped selected"
)
_ATTRIBUTE = (
    r"""\s++(?:[a-z_:@][\w:.@-]*+\s*+=\s*+(?>"[^"]*+"|'[^']*+'|[^\s"'<>]*+)|(?:""" + "|".join(_BARE.split()) + r")\b)"
)


def _tag(names: str) -> str:
    longest_first = "|".join(sorted(names.split(), key=len, reverse=True))
    return rf"<(?=[a-z/])/?(?:{longest_first})(?=[\s/>])(?:{_ATTRIBUTE})*+\s*+/?>"


_INLINE_TAG = re.compile(_tag(_INLINE), re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"{_tag(_BLOCK)}|<!doctype\b[^<>]*+>|<\?xml\b[^<>]*+>", re.IGNORECASE)
_HIDDEN = re.compile(r"<!--|<(?:script|style)(?=[\s>])", re.IGNORECASE)
_ENDS = {
    "<!--": re.compile("-->"),
    "<script": re.compile(r"</script\s*+>", re.IGNORECASE),
    "<style": re.compile(r"</style\s*+>", re.IGNORECASE),
}


def strip(text: str) -> str:
    """The text without its tags, comments, scripts and styles.

    A tag inside a sentence (`<b>`) leaves nothing, one that ends a line or a block (`<br>`) leaves a space. What is
    opened and never closed stays as it is: no text is swallowed by a typing error.
    """
    if _HIDDEN.search(text):
        text = _strip_hidden(text)
    return _INLINE_TAG.sub("", _BLOCK_TAG.sub(" ", text))


def _strip_hidden(text: str) -> str:
    kept: list[str] = []
    unclosed: set[str] = set()  # kinds with no end ahead: looking again for each opening would be quadratic
    position = start = 0
    while found := _HIDDEN.search(text, position):
        kind = found.group().lower()
        end = None if kind in unclosed else _ENDS[kind].search(text, found.end())
        position = found.end()
        if end is None:
            unclosed.add(kind)
            continue
        kept += [text[start : found.start()], " "]
        position = start = end.end()
    return "".join([*kept, text[start:]])
