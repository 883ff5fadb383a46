"""YAML text to a tree of nodes with line and column, safe against deep nesting and against bombs of aliases.

Built from the parser's events, not by recursion, so that neither the depth nor the size of a hostile file matters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 32
MAX_VALUES = 50_000
_CORE = "tag:yaml.org,2002:"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HINTS = {
    "scanning an alias": "put text that begins with * in quotes",
    "scanning an anchor": "put text that begins with & in quotes",
    "scanning a directive": "put text that begins with % in quotes",
    "mapping values are not allowed": "put the text in quotes where it holds ': '",
    "tab character": "indent with spaces",
    "cannot start any token": "put text that begins with @, `, % or a tab in quotes",
    "unexpected end of stream": "a quote, bracket or brace is not closed",
    "did not find expected": "check the indentation and that every bracket, brace and quote is closed",
    "could not find expected ':'": "write `key: value`, with a space after the colon",
}


class Unreadable(Exception):
    """The text cannot be taken apart any further; line and column count from 1."""

    def __init__(self, message: str, line: int, column: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.hint = message, line, column, hint


@dataclass(slots=True, eq=False)
class Node:
    """`kind` says which of `text`, `items` and `pairs` holds. `size` and `depth` count what aliases repeat as well."""

    kind: str
    line: int
    column: int
    tag: str | None = None
    plain: bool = False
    text: str = ""
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    open_key: Node | None = None
    closed: bool = False
    size: int = 1
    depth: int = 1

    def add(self, child: Node) -> None:
        self.size += child.size
        self.depth = max(self.depth, child.depth + 1)
        if self.kind == "list":
            self.items.append(child)
        elif self.open_key is None:
            self.open_key = child
        else:
            self.pairs.append((self.open_key, child))
            self.open_key = None


def compose(text: str) -> Node | None:
    """The root of the one document in `text`, `None` where there is none; raises Unreadable."""
    if bad := _FORBIDDEN.search(text):
        line, column = _position(text, bad.start())
        raise Unreadable(f"the character U+{ord(bad[0]):04X} cannot stand in a recipe", line, column)
    try:
        return _build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problem = re.sub(r"\s+", " ", f"{error.context or ''} {error.problem or ''}").strip()
        hint = next((hint for part, hint in _HINTS.items() if part in problem), None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        if "${" in "".join(text.splitlines()[line - 1 : line]):
            hint = 'between braces or brackets write "${env:NAME}" in quotes'
        raise Unreadable(f"this is not valid YAML: {problem}", line, column, hint) from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        raise Unreadable("this is not valid YAML", 1, 1) from None


def _build(text: str) -> Node | None:
    root: Node | None = None
    stack: list[Node] = []
    anchors: dict[str, Node] = {}
    for event in yaml.parse(text, Loader=Loader):
        mark: Any = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise Unreadable("a recipe is one YAML document; a second one begins here", line, column)
        if isinstance(event, yaml.CollectionEndEvent):
            node = stack.pop()
            node.closed = True
        elif isinstance(event, yaml.AliasEvent):
            node = _target(anchors, event.anchor or "", line, column)
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, line, column)
            if event.anchor is not None:
                anchors[event.anchor] = node
            if node.kind != "scalar":
                stack.append(node)
                if len(stack) > MAX_DEPTH:
                    raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", line, column)
                continue
        else:
            continue
        if stack:
            stack[-1].add(node)
            if stack[-1].size > MAX_VALUES or stack[-1].depth > MAX_DEPTH:
                limit = f"{MAX_VALUES:,} values or {MAX_DEPTH} levels"
                raise Unreadable(f"a recipe holds at most {limit}, aliases counted", line, column)
        else:
            root = node
    return root


def _node(event: yaml.NodeEvent, line: int, column: int) -> Node:
    tag = getattr(event, "tag", None)
    short = tag.removeprefix(_CORE) if tag else None
    if isinstance(event, yaml.ScalarEvent):
        return Node("scalar", line, column, short, event.implicit[0], event.value, closed=True)
    return Node("list" if isinstance(event, yaml.SequenceStartEvent) else "mapping", line, column, short)


def _target(anchors: dict[str, Node], name: str, line: int, column: int) -> Node:
    if name not in anchors:
        raise Unreadable(f"the alias *{name} has no anchor &{name} before it", line, column, "put text in quotes")
    if not anchors[name].closed:
        raise Unreadable(f"the alias *{name} stands inside what it repeats", line, column)
    return anchors[name]


def _position(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1
