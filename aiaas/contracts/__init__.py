"""The seams as types. A plug-in is a module or class that has what one of these protocols names.

Four kinds of plug-in, four rooms: sources (where rows come from), steps (what cleans them), tasks (what an example
and an answer are), backends (what learns). Importing a plug-in must stay cheap: its framework is imported inside the
functions that need it, so that listing, validating and planning import none.
"""

from aiaas.contracts.base import Answer, Batch, Example, Params
from aiaas.contracts.findings import Finding, Level, Place
from aiaas.contracts.folders import Folder
from aiaas.contracts.models import (
    Architecture,
    Counts,
    Generator,
    Model,
    Particular,
    Portable,
    Progress,
    Quantizable,
    ReadsFiles,
    ReadsOptional,
    Settled,
    Training,
    settings_of,
)
from aiaas.contracts.progress import Advance
from aiaas.contracts.sources import OfFiles, OfFolders, Origin, Source, SourceContext, SourceParams
from aiaas.contracts.steps import (
    Chooses,
    Judges,
    Protects,
    ReadsLists,
    Reshapes,
    Sifted,
    Stateful,
    Step,
    StepModule,
    Summarises,
    Surveys,
    TakesRequests,
    sift,
)
from aiaas.contracts.tasks import (
    Column,
    Generative,
    Inspection,
    Signature,
    Statistic,
    TakesFiles,
    Task,
    TellsScores,
    Weighs,
    WeighsClasses,
)

__all__ = [
    "Advance",
    "Answer",
    "Architecture",
    "Batch",
    "Chooses",
    "Column",
    "Counts",
    "Example",
    "Finding",
    "Folder",
    "Generative",
    "Generator",
    "Inspection",
    "Judges",
    "Level",
    "Model",
    "OfFiles",
    "OfFolders",
    "Origin",
    "Params",
    "Particular",
    "Place",
    "Portable",
    "Progress",
    "Protects",
    "Quantizable",
    "ReadsFiles",
    "ReadsLists",
    "ReadsOptional",
    "Reshapes",
    "Settled",
    "Sifted",
    "Signature",
    "Source",
    "SourceContext",
    "SourceParams",
    "Stateful",
    "Statistic",
    "Step",
    "StepModule",
    "Summarises",
    "Surveys",
    "TakesFiles",
    "TakesRequests",
    "Task",
    "TellsScores",
    "Training",
    "Weighs",
    "WeighsClasses",
    "settings_of",
    "sift",
]
