"""Mean pooled vectors of an encoder in transformers (float32, eager attention), behind LitServe, as a user would.

python serve_litserve_encoder.py ENCODER_FOLDER MAX_LENGTH MAX_BATCH PORT     asked by POST /predict {"text": "..."}
"""

import sys

import torch
from litserve import LitAPI, LitServer
from transformers import AutoModel, AutoTokenizer

folder, length, most, port = sys.argv[1], *map(int, sys.argv[2:])


class Encoder(LitAPI):
    def setup(self, device):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()

    def decode_request(self, request):
        return request["text"]

    def predict(self, texts):
        batch = self.tokenizer(texts, truncation=True, max_length=length, padding=True, return_tensors="pt")
        with torch.no_grad():
            states = self.model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).float()
        vectors = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(vectors).numpy()

    def encode_response(self, vector):
        return {"vector": vector.tolist()}


if __name__ == "__main__":
    api = Encoder(max_batch_size=most, batch_timeout=0.002)
    LitServer(api).run(host="127.0.0.1", port=port, num_api_servers=1, generate_client_file=False)
