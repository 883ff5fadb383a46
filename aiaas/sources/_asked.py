"""When a source was asked that cannot say whether its rows changed. The moment stands for them until `--refresh`."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime

from aiaas.contracts import SourceContext


def moment(question: str, context: SourceContext) -> str:
    """When the question was first asked, as noted in the cache; a new moment for `context.refresh`."""
    note = context.cache / "asked" / f"{hashlib.sha256(question.encode()).hexdigest()[:32]}.json"
    if not context.refresh or context.offline:
        try:
            return str(json.loads(note.read_text("utf-8"))["asked"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never asked, or half a note
    asked = datetime.now(UTC).isoformat(timespec="milliseconds")
    note.parent.mkdir(parents=True, exist_ok=True)
    temporary = note.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"asked": asked}), "utf-8")
    temporary.replace(note)
    return asked
