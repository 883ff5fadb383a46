"""Changes in the text of a YAML file that leave everything else as it stands: comments, quotes, the order of keys."""

from __future__ import annotations

from typing import Any

import yaml

from aiaas.recipe import parse, paths
from aiaas.recipe.render import inline

_Pair = tuple[yaml.ScalarNode, yaml.Node]


class Draft:
    """The text of a mapping, changed key by key. A path that is not there raises KeyError; `has` asks for it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def has(self, path: str) -> bool:
        """Whether something stands at a dotted path, be it null."""
        return self._find(paths.parse(path)) is not None

    def get(self, path: str) -> Any:
        """The plain value at a path."""
        value = parse.parse(self.text.encode(), "draft").data
        for part in self._parts(path):
            value = value[part]
        return value

    def rename(self, path: str, key: str) -> None:
        """Call the last key of a path otherwise, where it stands."""
        name, _ = self._pair(path)
        self._put(name.start_mark.index, name.end_mark.index, inline(key))

    def replace(self, path: str, value: Any) -> None:
        """Put another value, on one line."""
        node = self._find(paths.parse(path))
        if node is None:
            raise KeyError(path)
        text = inline(value)
        start, end = node.start_mark.index, _end(node)
        if start == end:  # a key without a value
            text = f" {text}"
        elif _is_block(node):
            name, _ = self._pair(path)
            start, text = name.end_mark.index, f": {text}"
        self._put(start, end, text)

    def remove(self, path: str) -> None:
        """Take a key and its value away, with a comment behind them on their line."""
        around = self._around(path)
        last = str(paths.parse(path)[-1])
        place = next((at for at, (key, _) in enumerate(around.value) if key.value == last), None)
        if place is None:
            raise KeyError(path)
        name, value = around.value[place]
        if len(around.value) == 1:
            self._put(around.start_mark.index, _end(around), "{}")
            return
        if around.flow_style:
            start, end = (
                (name.start_mark.index, around.value[place + 1][0].start_mark.index)
                if place + 1 < len(around.value)
                else (_end(around.value[place - 1][1]), _end(value))
            )
            self._put(start, end, "")
            return
        line = self.text.rfind("\n", 0, name.start_mark.index) + 1
        if self.text[line : name.start_mark.index].strip():  # behind the dash of a list
            self._put(name.start_mark.index, around.value[place + 1][0].start_mark.index, "")
        else:
            self._put(line, self._behind(_end(value)), "")

    def add(self, path: str, value: Any) -> None:
        """Put a new key behind the others of the mapping around it, which is made where it is not there."""
        *outer, key = self._parts(path)
        around = self._find(tuple(outer)) if outer else self._root()
        said = f"{inline(key)}: {inline(value)}"
        if around is None:
            self.add(paths.render(outer), {key: value})
        elif not isinstance(around, yaml.MappingNode) or not around.value:
            self.replace(paths.render(outer), {key: value})
        elif around.flow_style:
            end = _end(around.value[-1][1])
            self._put(end, end, f", {said}")
        else:
            end = self._behind(_end(around.value[-1][1]))
            indent = " " * around.value[0][0].start_mark.column
            lead = "" if self.text[:end].endswith("\n") else "\n"
            self._put(end, end, f"{lead}{indent}{said}\n")

    def _parts(self, path: str) -> list[str | int]:
        """The parts of a path as they stand, an index as a number."""
        found: list[str | int] = []
        node: yaml.Node | None = self._root()
        for part in paths.parse(path):
            index = isinstance(node, yaml.SequenceNode)
            found.append(int(part) if index else str(part))
            node = _inside(node, found[-1])
        return found

    def _root(self) -> yaml.Node:
        root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        assert root is not None, "whoever has a draft has read it as a mapping"
        return root

    def _find(self, path: paths.Path) -> yaml.Node | None:
        node: yaml.Node | None = self._root()
        for part in path:
            node = _inside(node, part)
        return node

    def _around(self, path: str) -> yaml.MappingNode:
        node = self._find(paths.parse(path)[:-1])
        if not isinstance(node, yaml.MappingNode):
            raise KeyError(path)
        return node

    def _pair(self, path: str) -> _Pair:
        last = str(paths.parse(path)[-1])
        for key, value in self._around(path).value:
            if key.value == last:
                return key, value
        raise KeyError(path)

    def _behind(self, at: int) -> int:
        """The beginning of the next line, or `at` where a line begins there."""
        if at and self.text[at - 1] == "\n":
            return at
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    def _put(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]


def _inside(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and str(part).isdigit() and int(part) < len(node.value):
        found: yaml.Node = node.value[int(part)]
        return found
    return None


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _end(node: yaml.Node) -> int:
    """Where a node ends: of a block where its last value does, for its own mark stands behind the comments below."""
    if _is_block(node) and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.index)
