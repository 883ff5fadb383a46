"""A pipeline of scikit-learn that was saved with joblib, behind LitServe.

python serve_litserve.py MODEL.joblib PORT     asked by POST /predict {"text": "..."}
"""

import sys

import joblib
from litserve import LitAPI, LitServer

path, port = sys.argv[1], int(sys.argv[2])


class Classifier(LitAPI):
    def setup(self, device):
        self.pipeline = joblib.load(path)

    def decode_request(self, request):
        return request["text"]

    def predict(self, texts):
        return self.pipeline.predict_proba(texts)

    def encode_response(self, scores):
        return {"scores": scores.tolist()}


if __name__ == "__main__":
    server = LitServer(Classifier(max_batch_size=64, batch_timeout=0.002))
    server.run(host="127.0.0.1", port=port, num_api_servers=1, generate_client_file=False)
