"""What a run was made of, in a file: to be proved by running it again, or held to by the next run."""

from aiaas.pipeline.lock.find import Found, find
from aiaas.pipeline.lock.form import NAME, Environment, Git, Lock, LockedRecipe, LockedStage, beside, read, refuse_other
from aiaas.pipeline.lock.guard import Guard
from aiaas.pipeline.lock.take import of_keys, take

__all__ = [
    "NAME",
    "Environment",
    "Found",
    "Git",
    "Guard",
    "Lock",
    "LockedRecipe",
    "LockedStage",
    "beside",
    "find",
    "of_keys",
    "read",
    "refuse_other",
    "take",
]
