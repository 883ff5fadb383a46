"""A file's bytes to a document: plain values, the place of each, and the faults of form."""

from __future__ import annotations

from typing import Any

from aiaas.recipe import paths, scalars
from aiaas.recipe.compose import Node, Unreadable, compose
from aiaas.recipe.document import Document, Place

MAX_BYTES = 1_000_000
_CONTAINER_TAGS = {"mapping": (None, "map", "!"), "list": (None, "seq", "!")}


def parse(content: bytes, source: str) -> Document:
    """The document in `content`; `source` is what faults call the file."""
    document = Document(source)
    if len(content) > MAX_BYTES:
        document.refuse((), f"is {len(content):,} bytes; a recipe has at most {MAX_BYTES:,}")
        return document
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.refuse(
            (),
            f"is not UTF-8 (byte 0x{content[error.start]:02x})",
            "save the file as UTF-8",
            at=_place(source, line, error.start - content.rfind(b"\n", 0, error.start)),
        )
        return document
    try:
        root = compose(text)
    except Unreadable as error:
        document.refuse((), error.message, error.hint, at=_place(source, error.line, error.column))
        return document
    if root is None:
        document.refuse((), "is empty", "a recipe has at least name, task, collect and model")
        return document
    document.places[()] = _place(source, root.line, root.column)
    document.data = _value(root, (), document)
    return document


def _place(source: str, line: int, column: int, key: Node | None = None) -> Place:
    where = f"{source}:{line}:{column}"
    return Place("file", where, where, f"{source}:{key.line}:{key.column}" if key else where, (0, line, column))


def _value(node: Node, path: paths.Path, document: Document) -> Any:
    """The node as plain values; places are noted on the way down."""
    allowed = _CONTAINER_TAGS.get(node.kind)
    if allowed and node.tag not in allowed:
        document.refuse(path, f"carries the tag {node.tag!r}; a recipe has no tags", "take the tag away")
    if node.kind == "scalar":
        return _scalar(node, path, document)
    if node.kind == "list":
        return [_child(item, (*path, index), document) for index, item in enumerate(node.items)]
    mapping: dict[str, Any] = {}
    for key, item in node.pairs:
        name = _key(key, path, document)
        if name is None:
            continue
        if name in mapping:
            first = document.place((*path, name)).key
            at = _place(document.source, key.line, key.column)
            document.refuse((*path, name), f"stands twice; first at {first}", "keep one of them", at=at)
            continue
        mapping[name] = None
        mapping[name] = _child(item, (*path, name), document, key)
    return mapping


def _child(node: Node, path: paths.Path, document: Document, key: Node | None = None) -> Any:
    document.places[path] = _place(document.source, node.line, node.column, key)
    return _value(node, path, document)


def _key(key: Node, path: paths.Path, document: Document) -> str | None:
    """A key is always text, as it is written: a column may be called 2024 or true."""
    if key.kind == "scalar" and key.tag in (None, "str", "!"):
        if key.plain and key.text == "<<":
            at = _place(document.source, key.line, key.column)
            document.refuse((*path, "<<"), "merge keys do not belong to YAML 1.2", "write the keys out", at=at)
            return None
        return key.text
    at = _place(document.source, key.line, key.column)
    document.refuse(path, "a key must be plain text", at=at)
    return None


def _scalar(node: Node, path: paths.Path, document: Document) -> scalars.Scalar:
    if node.plain:
        document.plain[path] = node.text
    try:
        if node.tag in (None, "!"):
            return scalars.resolve(node.text) if node.plain and node.tag is None else node.text
        if node.tag in ("str", "int", "float", "bool", "null"):
            return scalars.tagged(node.tag, node.text)
        message, hint = f"carries the tag {node.tag!r}; a recipe has no tags", "take the tag away"
    except ValueError as error:
        message, hint = str(error), ""
    document.refuse(path, message, hint or None)
    document.void.add(path)
    return None
