"""What came of a run as Markdown, for the page on which CI shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiaas import readable
from aiaas.errors import AiaasError, GateError
from aiaas.gates.verdict import told
from aiaas.markdown import cell

SHOWN_PARTS = 10


def summary(name: str, reached: Mapping[str, Any], error: AiaasError | None = None) -> str:
    """The gates, the metrics, what became of the model, and where it is worse than another one. `reached` is a result
    of the pipeline, or what an error had reached, as `--json` prints it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aiaas.gates", "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown; `cell` takes from a value what would be more than text in a table
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {**readable.FILTERS, "cell": cell, "told": told}
    verdicts: Sequence[Mapping[str, Any]] = reached.get("gates", ())
    held = next((each["against"] for each in verdicts if "against" in each), None)
    return environment.get_template("summary.md.j2").render(
        name=name,
        verdicts=verdicts,
        metrics=_metrics(reached.get("metrics", {})),
        rows=reached.get("metrics", {}).get("rows"),
        model=reached.get("model"),
        held=held,
        parts=sorted(held["where"], key=lambda each: (not each["worse"], each["p"] or 1))[:SHOWN_PARTS] if held else [],
        error=error if not isinstance(error, GateError) else None,
    )


def _metrics(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    ends = metrics.get("intervals", {}).get("metrics", {})
    flat = [name for name, value in metrics.items() if isinstance(value, float)]
    return [{"name": name, "value": metrics[name], "ends": ends.get(name)} for name in flat]
