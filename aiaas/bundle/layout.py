"""What a bundle holds, and where.

bundle.json        the manifest: what it is, what it takes and gives, a digest of every file, and its own digest
recipe.yaml        the recipe that made it, every value resolved, secrets as references
model/             what the model's `save` wrote, or in place of it the portable form that its `export` wrote
examples.jsonl     example requests with their answers; replayed before the bundle is deployed
metrics.json       how it was judged on the test split
"""

from __future__ import annotations

SCHEMA = 3
"""1 knew native models only, 2 neither temperatures nor thresholds; such bundles are read as before."""
NATIVE = "native"
"""The `runtime` of a model that its own framework runs; else it is the `RUNTIME` of a `Portable` architecture."""
MANIFEST = "bundle.json"
RECIPE = "recipe.yaml"
MODEL = "model"
EXAMPLES = "examples.jsonl"
METRICS = "metrics.json"
