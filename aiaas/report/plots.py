"""The plots of a report, each made only where the scores or the history it shows are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiaas import charts, readable
from aiaas.charts import Axis, Cells, Lines, Series, Steps
from aiaas.report import curves
from aiaas.report.judged import Judged
from aiaas.train.curves import measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN = 5
"""Curves in one plot: of more classes those that are told apart worst."""
_RATE = {"low": 0.0, "high": 1.0, "form": ".1f"}


def of_scores(judged: Judged) -> list[Lines | Steps]:
    """ROC, precision and recall, reliability and the spread of the scores of a classifier."""
    kept = judged.kept
    if kept is None or not kept.signature.labels or len(kept.targets) != len(kept):
        return []
    targets, scores, labels = kept.targets.astype(int), kept.scores.astype(float), kept.signature.labels
    chosen = [1] if len(labels) == 2 else range(len(labels))
    ranked = {labels[number]: curves.ranked(targets == number, scores[:, number]) for number in chosen}
    known = {label: each for label, each in ranked.items() if each is not None}
    own = judged.metrics.get("classes", {})
    worst = sorted(known, key=lambda label: own.get(label, {}).get("roc_auc") or 0.0)[:SHOWN]
    shown = [label for label in known if label in worst]
    of = f" of the {SHOWN} worst of {len(labels)} classes" if len(known) > SHOWN else ""
    roc = charts.lines(
        f"ROC{of}",
        [
            Series(label, known[label].roc, place, f"AUC {readable.figure(own.get(label, {}).get('roc_auc'))}")
            for place, label in enumerate(shown)
        ],
        Axis("false positive rate", **_RATE),  # type: ignore[arg-type]
        Axis("true positive rate", **_RATE),  # type: ignore[arg-type]
        guide=((0, 0), (1, 1)),
    )
    precision = charts.lines(
        f"Precision and recall{of}",
        [
            Series(label, known[label].precision, place, f"AP {known[label].average_precision:.4f}")
            for place, label in enumerate(shown)
        ],
        Axis("recall", **_RATE),  # type: ignore[arg-type]
        Axis("precision", **_RATE),  # type: ignore[arg-type]
        guide=((0, known[shown[0]].share), (1, known[shown[0]].share)) if len(labels) == 2 and shown else None,
    )
    return [each for each in (roc, precision, reliability(judged), _surety(targets, scores, labels)) if each]


def reliability(judged: Judged) -> Lines | None:
    """The share of right answers by how sure they are; on the diagonal where the model is as sure as it is right."""
    found = judged.calibration
    if found is None:
        return None
    bins = [each for each in found.bins if each.rows and each.confidence is not None and each.accuracy is not None]
    series = Series(
        "share that is right",
        [(each.confidence or 0.0, each.accuracy or 0.0) for each in bins],
        0,
        f"ECE {readable.figure(found.ece)}",
        dots=True,
        whiskers=[each.interval for each in bins],
    )
    return charts.lines(
        "Reliability",
        [series],
        Axis("how sure the answers are", **_RATE),  # type: ignore[arg-type]
        Axis("right", **_RATE),  # type: ignore[arg-type]
        guide=((0, 0), (1, 1)),
    )


def _surety(targets: NDArray[np.int64], scores: NDArray[np.float64], labels: tuple[str, ...]) -> Steps | None:
    """Of two classes the score of the second by the true class; of more how sure right and wrong answers are."""
    if len(labels) == 2:
        groups = {label: scores[targets == number, 1] for number, label in enumerate(labels)}
        title, across = f"Scores of {labels[1]} by true class", f"score of {labels[1]}"
    else:
        right = scores.argmax(axis=1) == targets
        groups = {"answered rightly": scores.max(axis=1)[right], "answered wrongly": scores.max(axis=1)[~right]}
        title, across = "How sure the answers are", "score of the answer"
    counts, edges = curves.spread(groups, 0.0, 1.0)
    return charts.steps(title, counts, edges, across, mark=0.5 if len(labels) == 2 else None)


def of_classes(judged: Judged) -> Cells | None:
    """The confusion matrix."""
    counts = judged.metrics.get("confusion")
    return charts.matrix(counts, list(judged.metrics["classes"])) if counts else None


def of_values(judged: Judged) -> list[Cells | Steps]:
    """Predicted against true values, and the residuals, where a model gives a number for one."""
    kept = judged.kept
    if kept is None or kept.signature.labels or kept.scores.shape[1] != 1 or len(kept.targets) != len(kept):
        return []
    import numpy as np

    true, given = kept.targets.astype(float), kept.scores[:, 0].astype(float)
    counts, (left, right, bottom, top) = curves.together(true, given)
    residuals = true - given
    reach = float(np.quantile(np.abs(residuals), 0.99)) or 1.0
    spread, edges = curves.spread({"residuals": residuals}, -reach, reach)
    found = [
        charts.density("Predicted and true values", counts, ("true", left, right), ("predicted", bottom, top)),
        charts.steps("Residuals", spread, edges, "true − predicted", mark=0.0),
    ]
    return [each for each in found if each]


def of_texts(judged: Judged) -> Steps | None:
    """How many bits a character each text costs a model that writes."""
    import numpy as np

    from aiaas import plugins
    from aiaas.contracts import Generative

    kept = judged.kept
    task: Any = plugins.task(judged.task) if kept is not None else None
    if kept is None or not isinstance(task, Generative) or not {"nats", "characters"} <= set(task.SCORES):
        return None
    column = {name: kept.scores[:, place].astype(float) for place, name in enumerate(task.SCORES)}
    read = column["characters"] > 0
    if not read.any():
        return None
    bits = column["nats"][read] / column["characters"][read] / np.log(2)
    low, high = charts.spread([float(end) for end in np.quantile(bits, [0.0, 0.99])])
    counts, edges = curves.spread({"texts": bits}, low, high)
    return charts.steps("Bits a character, by text", counts, edges, "bits a character")


def of_training(judged: Judged) -> list[Lines]:
    """The learning curves of a fit that reported twice or more."""
    found = measured(judged.history)
    drawn = [
        charts.lines(
            readable.named(each.name),
            [
                Series(kind, points, place, readable.figure(points[-1][1]))
                for place, (kind, points) in enumerate(each.points.items())
            ],
            Axis(each.axis, low=min(x for points in each.points.values() for x, _ in points), form=",.0f"),
            Axis(readable.named(each.name)),
        )
        for each in found
    ]
    return [each for each in drawn if each]
