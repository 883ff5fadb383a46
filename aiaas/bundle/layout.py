"""What a bundle holds, and where.

bundle.json        the manifest: what it is, what it takes and gives, a digest of every file, and its own digest
recipe.yaml        the recipe that made it, every value resolved, secrets as references
model/             what the model's `save` wrote
examples.jsonl     example requests with their answers; replayed before the bundle is deployed
metrics.json       how it was judged on the test split
"""

from __future__ import annotations

SCHEMA = 1
MANIFEST = "bundle.json"
RECIPE = "recipe.yaml"
MODEL = "model"
EXAMPLES = "examples.jsonl"
METRICS = "metrics.json"
