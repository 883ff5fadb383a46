"""What an inspection gives: the object of `inspect --json`, which the table and the page show."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from aiaas.contracts import Finding, Params, Place


class Class(Params):
    """A label, and the rows that have it."""

    label: str
    rows: int
    share: float = Field(description="Of all rows.")
    splits: dict[str, int] = Field(default_factory=dict, description="Of the rows, those in each split.")


class Histogram(Params):
    """How often values occur: `counts[i]` of them lie from `edges[i]` to below `edges[i + 1]`, the last edge itself
    included."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Lengths(Params):
    """The lengths of texts in characters; texts that are missing do not count."""

    mean: float
    least: int
    p05: int
    median: int
    p95: int
    p99: int
    longest: int
    longest_at: Place
    histogram: Histogram


class Numbers(Params):
    """The numbers in a column; the quantiles and the histogram are of the sample."""

    mean: float
    least: float
    p25: float
    median: float
    p75: float
    greatest: float
    histogram: Histogram


class Value(Params):
    """A value of a column and how many rows have it."""

    value: str
    rows: int


class Facts(Params):
    """One column."""

    name: str
    role: Literal["text", "label", "target", "file", "feature"]
    type: str = Field(description="As Arrow calls it.")
    missing: int = Field(description="Rows without a value; a text of white space alone is none.")
    distinct: int | None = Field(None, description="Different values; null where there are more than were counted.")
    common: tuple[Value, ...] = Field((), description="The most frequent values, where they are few enough to count.")
    lengths: Lengths | None = None
    numbers: Numbers | None = None


class Rows(Params):
    """How many rows there are."""

    inspected: int
    splits: dict[str, int] = Field(default_factory=dict, description="None where the rows are not divided.")
    collected: int | None = Field(None, description="How many came from the sources.")
    left_out: dict[str, int] = Field(
        default_factory=dict, description="Rows that were left out before, by what left them out: a reason, a step."
    )


class Equal(Params):
    """Rows whose features are equal. Of a part of the rows, where there are very many (see `sampled`): a row and all
    that equal it are then in it, or none of them."""

    rows: int = Field(description="Rows that were compared.")
    repeated: int = Field(description="Rows that repeat an earlier one.")
    contradicting: int = Field(description="Rows that equal another one of another label.")
    shared: dict[str, int] = Field(
        default_factory=dict, description="Rows of validation and of test that stand in train as well."
    )


class Near(Params):
    """Rows that are nearly equal: texts that share most of their runs of characters, pictures that look alike."""

    rows: int = Field(description="Rows that were compared.")
    alike: int = Field(description="Rows that are nearly equal to an earlier one.")
    test: int = Field(0, description="Rows of test that were compared with those of train.")
    train: int = Field(0, description="Rows of train that they were compared with.")
    of_train: int = Field(0, description="All rows of train.")
    shared: int = Field(0, description="Rows of test that are nearly equal to one of train.")


class Pictures(Params):
    """The pictures of the sample."""

    rows: int
    broken: int
    kinds: dict[str, int]
    modes: dict[str, int]
    sizes: dict[str, int] = Field(description="The most frequent sizes, as width x height.")
    smallest: tuple[int, int]
    largest: tuple[int, int]


class Labels(Params):
    """What a fast model, asked for rows that it did not learn from, says of the labels."""

    rows: int
    model: str
    accuracy: float
    suspicious: int


class Sampled(Params):
    """What was looked for in a part of the rows."""

    what: str
    rows: int
    of: int


class Skipped(Params):
    """What was not looked for, and why."""

    what: str
    why: str
    hint: str | None = None


class Report(Params):
    """All that was found out about some rows."""

    task: str
    depth: Literal["full", "short"]
    of: Literal["collected", "preprocessed"] = Field(description="Which rows were looked at.")
    seed: int
    rows: Rows
    classes: tuple[Class, ...] = ()
    columns: tuple[Facts, ...] = ()
    languages: dict[str, float] = Field(default_factory=dict, description="The share of the texts of the sample.")
    equal: Equal | None = None
    near: Near | None = None
    pictures: Pictures | None = None
    labels: Labels | None = None
    personal: dict[str, int] = Field(default_factory=dict, description="Rows of the sample that hold each kind.")
    findings: tuple[Finding, ...] = ()
    sampled: tuple[Sampled, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def schema() -> dict[str, Any]:
    """The JSON Schema of what `inspect --json` prints where it has looked at some rows."""
    report = Report.model_json_schema(mode="serialization")
    properties = {
        "schema": {"const": 1},
        "verb": {"const": "inspect"},
        "ok": {"type": "boolean", "description": "False where a fatal finding is not accepted."},
        "subject": {"type": "string", "description": "What was looked at, as it was named."},
        "guessed": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Of a file: our column, and which of its columns was taken for it, where they differ.",
        },
        "seconds": {"type": "number"},
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                **{name: {"type": ["string", "null"]} for name in ("message", "where", "hint")},
            },
            "required": ["code", "message", "where", "hint"],
        },
        **report.pop("properties"),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "aiaas inspect --json",
        **{name: value for name, value in report.items() if name in ("description", "$defs")},
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != "error"],
        "additionalProperties": False,
    }
