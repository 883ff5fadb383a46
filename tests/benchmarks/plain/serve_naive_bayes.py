"""The Chinese reviews under scikit-learn, served as a user would: behind LitServe, or saved for MLflow's server.

python serve_naive_bayes.py save TEXTS.json FOLDER     learn from [[text, label], ...]; leaves model.joblib and mlflow/
python serve_naive_bayes.py litserve FOLDER PORT       POST /predict {"text": "..."}

MLflow's server is `mlflow models serve -m FOLDER/mlflow --env-manager local`: POST /invocations
{"dataframe_records": [{"text": "..."}]}.
"""

import json
import sys
from pathlib import Path

import joblib


def save(texts: Path, folder: Path) -> None:
    import mlflow
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    class NaiveBayes(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            self.pipeline = joblib.load(context.artifacts["pipeline"])

        def predict(self, context, model_input, params=None):
            return self.pipeline.predict_proba(model_input["text"])

    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    pipeline = make_pipeline(grams, MultinomialNB(alpha=0.1))
    pipeline.fit(*zip(*json.loads(texts.read_text("utf-8")), strict=True))
    joblib.dump(pipeline, folder / "model.joblib")
    mlflow.pyfunc.save_model(
        str(folder / "mlflow"),
        python_model=NaiveBayes(),
        artifacts={"pipeline": str(folder / "model.joblib")},
        pip_requirements=[],
    )


def litserve(folder: Path, port: int) -> None:
    from litserve import LitAPI, LitServer

    class NaiveBayes(LitAPI):
        def setup(self, device):
            self.pipeline = joblib.load(folder / "model.joblib")

        def decode_request(self, request):
            return request["text"]

        def predict(self, texts):
            return self.pipeline.predict_proba(texts)

        def encode_response(self, scores):
            return {"scores": scores.tolist()}

    server = LitServer(NaiveBayes(max_batch_size=64, batch_timeout=0.002))
    server.run(host="127.0.0.1", port=port, num_api_servers=1, generate_client_file=False)


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    if what == "save":
        save(*map(Path, given))
    else:
        litserve(Path(given[0]), int(given[1]))
