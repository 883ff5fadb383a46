"""An encoder through the portable bundle, int8 and float32, against torch; and the process that serves it.

    python tests/benchmarks/encoder.py ENCODER_FOLDER [--rounds 12]

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
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from measure import bearer, report

LENGTH = 128
BATCHES = (1, 8)
_CALLS = 5
TEXTS = ["The room was quiet and the staff kind.", "房间很干净，就是有点小。", "Never again: cold food, rude people."]
SIDES = ("onnx_int8", "onnx_float32", "eager", "sdpa")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--lay", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.lay:  # in a process of its own, since it imports torch
        print(json.dumps(lay(given.encoder, given.lay)))
    elif given.side:
        answer(given.side[0], Path(given.side[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            child = [sys.executable, __file__, str(given.encoder), "--lay", folder]
            sizes = json.loads(subprocess.run(child, stdout=subprocess.PIPE, text=True, check=True).stdout)
            figures = compared(Path(folder), given.rounds)
            report("encoder", encoder=given.encoder.name, bytes=sizes, **figures, served=served(Path(folder)))


def lay(encoder: Path, folder: Path) -> dict[str, int]:
    """Leave the forms and a bundle in `folder`; returns the sizes of the forms."""
    sizes = saved(encoder, folder)
    lay_bundle(folder)
    return sizes


def compared(folder: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds of each side, and how many times as fast as eager torch it is. Each side is a process of its own:
    threads of one framework that wait for work take the processor from another."""
    figures: dict[str, Any] = {}
    command = [sys.executable, __file__, "-", "--side"]
    with ExitStack() as stack:
        sides = {
            name: stack.enter_context(
                subprocess.Popen(
                    [*command, name, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
                )
            )
            for name in SIDES
        }
        for size in BATCHES:
            taken: dict[str, list[float]] = {name: [] for name in SIDES}
            for _ in range(rounds):
                for name, side in sides.items():
                    assert side.stdin
                    assert side.stdout
                    print(size, file=side.stdin)
                    taken[name] += json.loads(side.stdout.readline())
            medians = {name: statistics.median(each) for name, each in taken.items()}
            figures[f"batch_{size}_ms"] = {name: round(each * 1e3, 1) for name, each in medians.items()}
            figures[f"batch_{size}_times"] = {name: round(medians["eager"] / each, 2) for name, each in medians.items()}
        for side in sides.values():
            assert side.stdin
            side.stdin.close()
    return figures


def answer(name: str, folder: Path) -> None:
    """Be one side: for each size of a batch that comes in, tell the seconds of some calls, after one that does not
    count."""
    import numpy as np

    ask = of_runtime(folder / name.removeprefix("onnx_")) if name.startswith("onnx_") else of_torch(folder, name)
    chance = np.random.default_rng(1)
    for line in sys.stdin:
        ids = chance.integers(1000, 20_000, (int(line), LENGTH))
        batch = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        taken = []
        for _ in range(_CALLS + 1):
            began = time.perf_counter()
            ask(batch)
            taken.append(time.perf_counter() - began)
        print(json.dumps(taken[1:]), flush=True)


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


def of_runtime(form: Path) -> Callable[[Mapping[str, Any]], Any]:
    """A portable form as a function of a batch."""
    from aiaas.backends.encoders import PortableEncoder

    network = PortableEncoder(form).network
    names = [each.name for each in network.session.get_inputs()]
    return lambda batch: network(*(batch[name] for name in names))


def of_torch(folder: Path, attention: str) -> Callable[[Mapping[str, Any]], Any]:
    """The model in transformers, with this attention, as a function of a batch."""
    from aiaas.backends.encoders import INPUTS
    from aiaas.backends.torch import _encoder
    from aiaas.backends.torch._torch import quiet, torch, transformers
    from aiaas.cores import cores

    frame = torch()
    frame.set_num_threads(cores())
    loading = transformers().AutoModelForSequenceClassification
    with quiet():
        network = loading.from_pretrained(
            folder / "native" / "encoder", attn_implementation=attention, dtype=frame.float32
        ).eval()
    names = INPUTS if _encoder.takes_types(network) else INPUTS[:2]

    def ask(batch: Mapping[str, Any]) -> Any:
        with frame.inference_mode():
            return network(**{name: frame.from_numpy(batch[name]) for name in names}).logits.softmax(-1).numpy()

    return ask


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
    command += ["--workspace", tempfile.mkdtemp(dir=folder)]
    environment = {**os.environ, "AIAAS_TEST_IMPORTED": str(told)}
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout
            started = json.loads(process.stdout.readline())
            ready = time.perf_counter() - began
            with httpx.Client(base_url=started["url"], headers=bearer(started)) as http:
                path = f"/v1/models/{started['models'][0]['name']}/predict"
                taken = []
                for _ in range(50):
                    asked = time.perf_counter()
                    http.post(path, json={"inputs": TEXTS[:1]}).raise_for_status()
                    taken.append(time.perf_counter() - asked)
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
        "answer_ms": round(statistics.median(taken) * 1e3, 2),
        "imported": told.read_text().split(),
    }


if __name__ == "__main__":
    main()
