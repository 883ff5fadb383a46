"""What a recipe may say, reading one, overriding it, explaining where a value came from.

recipe = read("recipes/reviews_zh_nb.yaml", overrides=["model.params.alpha=0.5"])
recipe.model.params, recipe.resolved(), recipe.flat(), recipe.to_yaml(), recipe.origins()
"""

from aiaas.recipe.evaluate import Evaluate
from aiaas.recipe.gate import Gate
from aiaas.recipe.models import Deploy, ModelSection, Preprocess, Recipe, StepSpec
from aiaas.recipe.read import read
from aiaas.recipe.secrets import mask, reveal
from aiaas.recipe.split import Split
from aiaas.recipe.tune import Dimension, Tune

__all__ = [
    "Deploy",
    "Dimension",
    "Evaluate",
    "Gate",
    "ModelSection",
    "Preprocess",
    "Recipe",
    "Split",
    "StepSpec",
    "Tune",
    "mask",
    "read",
    "reveal",
]
