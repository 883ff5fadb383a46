"""Models held against each other on the same rows: runs, registered models, services.

`compare` does it with what each answered, and needs no model, no workspace and no service: a `Subject` may come from an
evaluation (`of_evaluation`), or from anywhere. `gather` asks those that a person names.
"""

from aiaas.compare.comparison import Comparison, Standing, compare
from aiaas.compare.find import members
from aiaas.compare.gather import gather
from aiaas.compare.ground import Ground, answered, judged_by, refuse_others
from aiaas.compare.page import page
from aiaas.compare.subjects import COSTS, Costs, Subject, of_evaluation

__all__ = [
    "COSTS",
    "Comparison",
    "Costs",
    "Ground",
    "Standing",
    "Subject",
    "answered",
    "compare",
    "gather",
    "judged_by",
    "members",
    "of_evaluation",
    "page",
    "refuse_others",
]
