"""What a number on some rows says of all rows: resamples, intervals, paired tests, agreement.

Everything here rests on one idea, the weighted statistic (`contracts.Statistic`): a function from weights, how often
each row counts in each of several samples, to a value for each sample. Every weight one is the metric itself; counts
drawn at random are the bootstrap; one weight zero is the jackknife; zeros and ones are a slice; two statistics given
the same weights are a paired comparison. So nothing here knows of tasks, models or metrics, and no task knows of
intervals.
"""

from aiaas.statistics.bootstrap import Interval, Method, bca, intervals, percentile
from aiaas.statistics.pairs import Difference, McNemar, agreement, difference, holm, kappa, mcnemar, paired
from aiaas.statistics.parts import against_rest, by_spread
from aiaas.statistics.resamples import Resamples, jackknife, known, observed, replicates, within

__all__ = [
    "Difference",
    "Interval",
    "McNemar",
    "Method",
    "Resamples",
    "against_rest",
    "agreement",
    "bca",
    "by_spread",
    "difference",
    "holm",
    "intervals",
    "jackknife",
    "kappa",
    "known",
    "mcnemar",
    "observed",
    "paired",
    "percentile",
    "replicates",
    "within",
]
