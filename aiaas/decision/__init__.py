"""From scores to decisions: how sure a classifier should say it is, and from which score on it answers a label.

Both are found on rows that the model neither learned from nor is judged by. What was found is kept as a `Decision`: a
temperature, which the model is wrapped in, and thresholds, which its signature holds, so that whoever loads, measures
or compares the model decides as it was judged.
"""

from aiaas.decision.kept import Decision
from aiaas.decision.reliability import BINS, Bin, CalibrationError, bins, confidence
from aiaas.decision.temperature import fit, scaled, tempered
from aiaas.decision.thresholds import Reached, choose, is_reached, most_precise, reached

__all__ = [
    "BINS",
    "Bin",
    "CalibrationError",
    "Decision",
    "Reached",
    "bins",
    "choose",
    "confidence",
    "fit",
    "is_reached",
    "most_precise",
    "reached",
    "scaled",
    "tempered",
]
