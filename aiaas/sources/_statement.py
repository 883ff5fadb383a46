"""Reads a SQL statement as far as it takes to say whether it only reads. The first of two nets: the second is a
transaction in which the database itself refuses to write."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

_READS = ("SELECT", "WITH", "VALUES", "TABLE")
_WRITES = frozenset(
    (
        *("INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "UPSERT", "TRUNCATE", "INTO"),
        *("CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "ATTACH", "DETACH", "PRAGMA", "VACUUM", "REINDEX"),
        *("COPY", "CALL", "EXEC", "EXECUTE", "DO", "LOCK", "SET", "COMMIT", "ROLLBACK", "BEGIN"),
    )
)
# In this order: what opens first is what it is.
_TOKEN = re.compile(
    r"""
      (?P<space>    \s+ | --[^\n\r]* )
    | (?P<comment>  /\* )
    | (?P<quoted>   [eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]\n]*\]
                  | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ )
    | (?P<word>     [^\W\d][\w$]* )
    | (?P<end>      ; )
    | (?P<other>    . )
    """,
    re.VERBOSE | re.DOTALL,
)


def refusal(statement: str) -> str | None:
    """Why the statement must not run, None for a single one that reads. A word that stands in quotation marks is a
    name or a text and forbids nothing; a function call counts by its name alone where that is one of a statement."""
    try:
        tokens = list(_tokens(statement))
    except ValueError as error:
        return str(error)
    words = [text.upper() for kind, text, _ in tokens if kind == "word"]
    first = next((text for _, text, _ in tokens if text != "("), "")
    if first.upper() not in _READS:
        return f"it begins with {first or 'nothing'!r}; a query begins with {', '.join(_READS)}"
    ends = [index for index, (kind, _, _) in enumerate(tokens) if kind == "end"]
    if ends and any(kind != "end" for kind, _, _ in tokens[ends[0] :]):
        return "it holds more than one statement"
    for kind, text, called in tokens:
        if kind == "word" and text.upper() in _WRITES and not called:
            return f"it holds {text.upper()}, which writes (a column of that name stands in quotation marks)"
    if any(pair == ("FOR", lock) for pair in itertools.pairwise(words) for lock in ("SHARE", "NO", "KEY")):
        return "it locks rows with FOR …"
    return None


def _tokens(statement: str) -> Iterator[tuple[str, str, bool]]:
    """Kind and text of each token but white space and comments, and whether a parenthesis follows as in a call that is
    no keyword. Raises ValueError for what is never closed, and for comments that some databases run."""
    at = 0
    while at < len(statement):
        match = _TOKEN.match(statement, at)
        assert match, "any character is a token"
        kind, text = str(match.lastgroup if match.lastgroup != "tag" else "quoted"), match[0]
        at = match.end()
        if kind == "comment":
            at = _comment_end(statement, match.start())
            continue
        if kind == "other" and text in "'\"`":
            raise ValueError(f"it holds {text} that is never closed")
        if kind == "quoted" and text[0] in "'\"" and f"\\{text[0]}" in text:
            raise ValueError(
                f"it holds \\{text[0]} in quotation marks, which ends them or not, as the database has it; double it"
            )
        if not text.isascii() and (kind == "other" or not (match["tag"] or "").isascii()):
            raise ValueError(f"it holds {text[:20]!r}, which databases read in different ways")
        if kind != "space":
            called = text.upper() == "REPLACE" and statement[at : at + 64].lstrip().startswith("(")
            yield kind, text, called


def _comment_end(statement: str, start: int) -> int:
    """Where a comment ends. They nest in PostgreSQL and not elsewhere, so nested ones are none that all read alike."""
    if statement.startswith(("/*!", "/*+", "/*M!"), start):
        raise ValueError("it holds a comment that a database may run")
    end = statement.find("*/", start + 2)
    if end < 0:
        raise ValueError("it holds a comment that is never closed")
    if "/*" in statement[start + 2 : end]:
        raise ValueError("it holds a comment inside a comment")
    return end + 2
