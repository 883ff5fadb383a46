"""The Chinese reviews under scikit-learn, saved for MLflow's server; model.joblib is for serve_litserve.py.

python serve_mlflow.py TEXTS.json FOLDER     learns from [[text, label], ...]
mlflow models serve -m FOLDER/mlflow --env-manager local -p PORT

Asked by POST /invocations {"dataframe_records": [{"text": "..."}]}.
"""

import json
import sys
from pathlib import Path

import joblib
import mlflow
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline


class NaiveBayes(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.pipeline = joblib.load(context.artifacts["pipeline"])

    def predict(self, context, model_input, params=None):
        return self.pipeline.predict_proba(model_input["text"])


texts, folder = Path(sys.argv[1]), Path(sys.argv[2])
features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
pipeline = make_pipeline(features, MultinomialNB(alpha=0.1))
pipeline.fit(*zip(*json.loads(texts.read_text("utf-8")), strict=True))
joblib.dump(pipeline, folder / "model.joblib")
mlflow.pyfunc.save_model(
    str(folder / "mlflow"),
    python_model=NaiveBayes(),
    artifacts={"pipeline": str(folder / "model.joblib")},
    pip_requirements=[],
)
