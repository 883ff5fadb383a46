"""The files of a report."""

from __future__ import annotations

from pathlib import Path

from aiaas.report.bom import bill_of_materials
from aiaas.report.card import model_card
from aiaas.report.judged import Judged
from aiaas.report.page import page
from aiaas.workspace import atomic

PAGE, CARD, BOM = "report.html", "model_card.md", "bom.cdx.json"


def write(out: Path, judged: Judged) -> dict[str, int]:
    """Write the page, the card and the bill of materials into `out`; how many bytes each has. Raises DataError where
    what an evaluation left cannot be read."""
    for name, made in ((PAGE, page), (CARD, model_card), (BOM, bill_of_materials)):
        atomic.write_text(out / name, made(judged))
    return {name: (out / name).stat().st_size for name in (PAGE, CARD, BOM)}
