"""What an example and an answer are: one file a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiaas.contracts import Example, Signature, Task


def examples(batch: Mapping[str, Sequence[Any]], task: Task, signature: Signature) -> list[Example]:
    """The rows of a batch of columns, as a model takes them."""
    columns = zip(*(batch[name] for name in signature.features), strict=True)
    return [task.example(dict(zip(signature.features, values, strict=True)), signature) for values in columns]
