"""What is kept of asking sources: when one was asked that cannot say whether its rows changed, which stands for them
until `--refresh`, and what one said that can, for who asks it offline."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from aiaas.contracts import SourceContext


def moment(question: str, context: SourceContext) -> str:
    """When the question was first asked, as noted in the cache; a new moment for `context.refresh`."""
    if (not context.refresh or context.offline) and (known := _noted(question, "asked", context)):
        return known
    asked = datetime.now(UTC).isoformat(timespec="milliseconds")
    _note(question, "asked", asked, context)
    return asked


def said(question: str, context: SourceContext) -> str | None:
    """The last answer to the question that `remember` was told; None where there was none."""
    return _noted(question, "said", context)


def remember(question: str, answer: str, context: SourceContext) -> None:
    """Keep the answer to a question that is asked again whenever that is possible."""
    _note(question, "said", answer, context)


def _noted(question: str, what: str, context: SourceContext) -> str | None:
    try:
        return str(json.loads(_place(question, context).read_text("utf-8"))[what])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never asked, or half a note


def _note(question: str, what: str, value: str, context: SourceContext) -> None:
    place = _place(question, context)
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({what: value}), "utf-8")
    temporary.replace(place)


def _place(question: str, context: SourceContext) -> Path:
    return context.cache / "asked" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"
