"""What a person says of the data; what is not said is guessed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """The task, the columns of texts and of labels (or of the number to predict), and the template of the model."""

    task: str | None = None
    text: str | None = None
    label: str | None = None
    template: str | None = None
