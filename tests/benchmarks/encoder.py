"""An encoder through the portable bundle, int8 and float32, against torch; and the process that serves it.

    python tests/benchmarks/encoder.py ENCODER_FOLDER [--rounds 20]

The encoder gets a head that was not trained, is saved as torch/bert saves its models, and is written in both portable
forms. Each side answers the same texts of 128 tokens, one and eight at a time, some calls each in turn and with as many
threads: the two forms in ONNX Runtime, and transformers with eager attention (which is what is compared with) and with
torch's fused one (sdpa). Then a bundle of the int8 form is served and asked.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from measure import report

LENGTH = 128
BATCHES = (1, 8)
_CALLS, _PAUSE = 3, 0.2  # seconds
TEXTS = ["The room was quiet and the staff kind.", "房间很干净，就是有点小。", "Never again: cold food, rude people."]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder:  # a process of its own, since it imports torch
        print(json.dumps(compared(given.encoder, given.folder, given.rounds)))
        return
    with tempfile.TemporaryDirectory() as folder:
        child = [sys.executable, __file__, str(given.encoder), "--rounds", str(given.rounds), "--folder", folder]
        done = subprocess.run(child, stdout=subprocess.PIPE, text=True, check=True)
        figures = json.loads(done.stdout)
        report("encoder", encoder=given.encoder.name, **figures, served=served(Path(folder)))


def compared(encoder: Path, folder: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds of each side, how many times as fast as eager torch it is, and the sizes; leaves a bundle."""
    import numpy as np

    from aiaas.backends.torch._torch import torch
    from aiaas.cores import cores

    torch().set_num_threads(cores())
    sizes = saved(encoder, folder)
    sides = asked(folder)
    chance = np.random.default_rng(1)
    figures: dict[str, Any] = {"bytes": sizes, "threads": cores()}
    for size in BATCHES:
        ids = chance.integers(1000, 20_000, (size, LENGTH))
        batch = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        taken = in_turn({name: partial(ask, batch) for name, ask in sides.items()}, rounds)
        figures[f"batch_{size}_ms"] = {name: round(each * 1e3, 1) for name, each in taken.items()}
        figures[f"batch_{size}_times"] = {name: round(taken["eager"] / each, 2) for name, each in taken.items()}
    lay_bundle(folder)
    return figures


def saved(encoder: Path, folder: Path) -> dict[str, int]:
    """Write the three forms of one model into `folder`: how large each is."""
    from tokenizers import Tokenizer

    from aiaas.backends.subwords import Subwords
    from aiaas.backends.torch import _classifier, bert
    from aiaas.backends.torch._torch import quiet, torch, transformers

    forms = {name: folder / name for name in ("native", "float32", "int8")}
    for form in forms.values():
        form.mkdir()
    torch().manual_seed(1)
    with quiet():
        network = (
            transformers()
            .AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=2, dtype=torch().float32)
            .eval()
        )
    padding = (network.config.pad_token_id, "[PAD]")
    subwords = Subwords.of(Tokenizer.from_file(str(encoder / "tokenizer.json")), LENGTH, padding)
    told = _classifier.Saved(classes=2, max_length=LENGTH, pair=False)
    _classifier.TextClassifier(told, subwords, network).save(forms["native"])
    bert.export(forms["native"], forms["float32"])
    bert.quantize(forms["float32"], forms["int8"])
    return {name: sum(path.stat().st_size for path in form.rglob("*.*")) for name, form in forms.items()}


def asked(folder: Path) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    """Each side as a function of a batch."""
    from aiaas.backends.encoders import PortableEncoder
    from aiaas.backends.torch._torch import quiet, torch, transformers

    frame = torch()
    names: tuple[str, ...] = ()
    sides: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
    for form in ("int8", "float32"):
        network = PortableEncoder(folder / form).network
        names = tuple(each.name for each in network.session.get_inputs())
        sides[f"onnx_{form}"] = partial(_of_runtime, network, names)

    def of_torch(attention: str) -> Callable[[Mapping[str, Any]], Any]:
        with quiet():
            network = (
                transformers()
                .AutoModelForSequenceClassification.from_pretrained(
                    folder / "native" / "encoder", attn_implementation=attention, dtype=frame.float32
                )
                .eval()
            )

        def ask(batch: Mapping[str, Any]) -> Any:
            with frame.inference_mode():
                logits = network(**{name: frame.from_numpy(batch[name]) for name in names}).logits
                return logits.softmax(-1).numpy()

        return ask

    return {**sides, "eager": of_torch("eager"), "sdpa": of_torch("sdpa")}


def _of_runtime(network: Any, names: tuple[str, ...], batch: Mapping[str, Any]) -> Any:
    return network(*(batch[name] for name in names))


def in_turn(sides: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The median seconds of each side. A turn is a call that does not count and `_CALLS` that do: the first one finds
    the threads of the side before still waiting for work, and its own asleep."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, ask in sides.items():
            time.sleep(_PAUSE)
            ask()
            for _ in range(_CALLS):
                began = time.perf_counter()
                ask()
                if number:
                    taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in taken.items()}


def lay_bundle(folder: Path) -> None:
    """A bundle of the int8 form, as deploy lays it out."""
    from aiaas import bundle, plugins, recipe
    from aiaas.backends.torch import bert
    from aiaas.contracts import Signature

    made = recipe.Recipe.from_dict(
        {
            "name": "encoder",
            "task": "text-classification",
            "collect": [{"source": "reviews.csv"}],
            "model": {"backend": "torch", "architecture": "bert"},
        }
    )
    (folder / "bundle").mkdir()
    bundle.write(
        folder / "bundle",
        recipe=made,
        model=folder / "int8",
        runtime=bert.RUNTIME,
        precision="int8",
        signature=Signature({"text": "string"}, "label", ("neg", "pos")),
        packages=plugins.require(bert.RUNTIME_REQUIRES, "the benchmark"),
        metrics={},
        examples=TEXTS,
        steps=[],
    )


def served(folder: Path) -> dict[str, Any]:
    """Seconds until the first answer could be had, the most memory of the process after some answers, milliseconds an
    answer, and which frameworks the process had imported when it ended."""
    told = folder / "imported.txt"
    hiding = Path(__file__).parent.parent / "hiding.py"  # hides nothing here: it tells what was imported
    command = [sys.executable, str(hiding), "-", "serve", str(folder / "bundle"), "--port", "0", "--json"]
    environment = {**os.environ, "AIAAS_TEST_IMPORTED": str(told)}
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout
            started = json.loads(process.stdout.readline())
            ready = time.perf_counter() - began
            with httpx.Client(base_url=started["url"]) as http:
                path = f"/v1/models/{started['models'][0]['name']}/predict"
                one = in_turn({"ask": lambda: http.post(path, json={"inputs": TEXTS[:1]}).raise_for_status()}, 12)
                long = [" ".join(TEXTS * 8)] * 64
                for _ in range(3):
                    http.post(path, json={"inputs": long}, timeout=60).raise_for_status()
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
        finally:
            process.terminate()
    return {
        "ready_s": round(ready, 2),
        "peak_mb": round(peak),
        "answer_ms": round(one["ask"] * 1e3, 2),
        "imported": told.read_text().split(),
    }


if __name__ == "__main__":
    main()
