"""Asks a service with KServe's own client, and prints what it was told as JSON: `python kserve_client.py URL`. It needs
nothing but `kserve`, since the environment that has it need not have us."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

ROWS = [
    {"size": 31.5, "rooms": 2, "street": "南京路", "lift": True},
    {"size": 80.0, "rooms": 3, "street": "Ring, 2", "lift": False},
]
TYPES = {"size": ("FP64", float), "rooms": ("INT64", np.int64), "street": ("BYTES", object), "lift": ("BOOL", bool)}


def request(*, binary: bool) -> InferRequest:
    tensors = []
    for name, (datatype, kind) in TYPES.items():
        tensor = InferInput(name, [len(ROWS)], datatype)
        tensor.set_data_from_numpy(np.array([row[name] for row in ROWS], kind), binary_data=binary)
        tensors.append(tensor)
    wanted = [RequestedOutput(name, {"binary_data": binary}) for name in ("label", "score")]
    return InferRequest("flats", tensors, request_outputs=wanted)


def plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


async def ask(url: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        told["live"] = await client.is_server_live(url)
        told["ready"] = await client.is_server_ready(url)
        told["model_ready"] = await client.is_model_ready(url, "flats")
        for form, binary in (("json", False), ("bytes", True)):
            response = await client.infer(url, request(binary=binary), model_name="flats")
            told[form] = {each.name: list(map(plain, each.as_numpy().tolist())) for each in response.outputs}
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        told["model_ready"] = told["model_ready"] and await client.is_model_ready(url, "flats")
        told["v1"] = (await client.infer(url, {"instances": ROWS}, model_name="flats"))["predictions"]
    return told


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(sys.argv[1]))))
