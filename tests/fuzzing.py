"""The decoders of all protocols, fed by atheris: what is no right request is refused in words, never by a fault.

python -m tests.fuzzing [-runs=100000] [options of libFuzzer]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["aiaas.serve", "aiaas.strictjson", "aiaas.tasks", "aiaas.pictures"]):
    from aiaas.errors import DataError, OptionError
    from aiaas.serve import body
    from aiaas.serve.admin import asked
    from aiaas.serve.errors import RequestError
    from aiaas.serve.predict import decode
    from aiaas.serve.protocols import asking, infer_request, mlflow, tensorflow_serving
    from aiaas.serve.protocols.openai.completions import CompletionRequest
    from aiaas.serve.protocols.openai.embeddings import EmbeddingsRequest
    from tests import every_task

ROWS = 1000
FORM = "multipart/form-data; boundary=b"
SEEDS = (
    b'{"inputs":["a"],"options":{"seed":1},"stream":true}',
    b'{"dataframe_split":{"columns":["size","lift"],"data":[[1.5,true]]},"params":{}}',
    b'{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}\x01\0\0\0a',
    b'{"signature_name":"serving_default","instances":[{"image":{"b64":"AAAA"}}]}',
    b'{"model":"vectors","input":["a"],"encoding_format":"base64"}',
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nabc\r\n--b--\r\n',
    b"size,rooms,street,lift\n1.5,2,a,true\n",
)


def decoders(bundles: dict[str, Any]) -> list[Callable[[bytes], Any]]:
    """Each takes the bytes of a body to the rows of a model, or raises."""
    found: list[Callable[[bytes], Any]] = [
        lambda data: asked.NewKey.model_validate(body.parse(data, "")),
        lambda data: asking.checked(CompletionRequest, body.parse(data, ""), "").options,
        lambda data: asking.checked(EmbeddingsRequest, body.parse(data, ""), ""),
    ]
    for name, bundle in bundles.items():
        signature, writes = bundle.signature, name == "writer"

        def native(data: bytes, bundle: Any = bundle, writes: bool = writes) -> Any:
            return decode(bundle, body.read(body.Body(data), ROWS, writes=writes).inputs)

        def form(data: bytes, bundle: Any = bundle) -> Any:
            return decode(bundle, body.read(body.Body(data, body.FORM, FORM), ROWS).inputs)

        def invocations(data: bytes, bundle: Any = bundle, signature: Any = signature) -> Any:
            sent = asking.checked(mlflow.Invocation, body.parse(data, "", nan_is_null=True), "")
            return decode(bundle, mlflow.inputs_from(signature, sent))

        def csv(data: bytes, bundle: Any = bundle, signature: Any = signature) -> Any:
            return decode(bundle, mlflow.of_csv(signature, data))

        def prediction(data: bytes, bundle: Any = bundle, signature: Any = signature) -> Any:
            sent = asking.checked(tensorflow_serving.Prediction, body.parse(data, ""), "")
            return decode(bundle, tensorflow_serving.inputs_from(signature, sent))

        def tensors(data: bytes, bundle: Any = bundle, signature: Any = signature) -> Any:
            end = data.rfind(b"]}") + 2
            header = str(end) if end > 1 else None
            return decode(bundle, infer_request.read(data, header, ROWS, signature)[1])

        found += [native, form, invocations, csv, prediction, tensors]
    return found


def main() -> None:
    import pydantic

    with tempfile.TemporaryDirectory() as folder:
        ways = decoders(every_task.bundles(Path(folder) / "models"))
        corpus = Path(folder) / "seeds"
        corpus.mkdir()
        for place, seed in enumerate(SEEDS):
            for way in range(len(ways)):
                (corpus / f"{place}-{way}").write_bytes(bytes([way]) + seed)

        def one(data: bytes) -> None:
            if not data:
                return
            try:
                ways[data[0] % len(ways)](data[1:])
            except (RequestError, DataError, OptionError, pydantic.ValidationError):
                return

        atheris.Setup([sys.argv[0], *sys.argv[1:], str(corpus)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
