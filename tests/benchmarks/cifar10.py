"""recipes/cifar10_cnn.yaml against a plain Keras script: accuracy within the script's time of training, memory; and the
script's own network and batches trained by aiaas, in pictures a second, two epochs of each in turn, three times: the
medians.

    python tests/benchmarks/cifar10.py TRAIN.parquet TEST.parquet

The files hold the columns image (an encoded picture) and label. About a quarter of an hour on two cores.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from measure import AIAAS, RECIPES, report, run

ROUNDS = 3
RECIPE = RECIPES / "cifar10_cnn.yaml"
PLAIN = Path(__file__).parent / "plain" / "cnn_cifar10.py"
TRAIN, TEST = (str(Path(path).absolute()) for path in sys.argv[-2:])
SOURCES = [f"collect=[{{source: {TRAIN}}}, {{source: {TEST}, split: test}}]"]
SAME_NETWORK = [
    "model.params={filters: [64, 64], padding: valid, batch_normalization: false, global_pooling: none, dense: [64], "
    "scaling: unit}",
    "train={epochs: 2, batch_size: 32, optimizer: adam, learning_rate: 0.001}",
    "evaluate.gates={}",
    "preprocess.split={train: 1.0}",
]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        plain = run([sys.executable, str(PLAIN), TRAIN, TEST], here)
        sets = [word for each in SOURCES for word in ("--set", each)]
        ours = run([*AIAAS, "run", str(RECIPE), "--json", *sets], here)
        again = [sys.executable, str(PLAIN), TRAIN, TEST, "2"], [sys.executable, __file__, "--watch", TRAIN, TEST]
        rates = [[json.loads(run(each).stdout)["pictures_a_second"] for each in again] for _ in range(ROUNDS)]
    theirs, told = json.loads(plain.stdout), json.loads(ours.stdout)
    stages = {stage["name"]: stage["seconds"] for stage in told["stages"]}
    report(
        "cifar10",
        plain={**theirs, "peak_mb": round(plain.peak_mb)},
        aiaas={
            "accuracy": told["metrics"]["accuracy"],
            "train_seconds": stages["train"],
            "all_seconds": round(ours.wall, 1),
            "peak_mb": round(ours.peak_mb),
        },
        train_ratio=round(stages["train"] / theirs["fit_seconds"], 3),
        same_network={
            "plain": statistics.median(theirs for theirs, _ in rates),
            "aiaas": statistics.median(ours for _, ours in rates),
            "ratio": round(statistics.median(ours / theirs for theirs, ours in rates), 3),
        },
    )


def watch() -> None:
    """Train the script's network, and say how many pictures a second the last epoch saw."""
    from aiaas import pipeline, recipe
    from aiaas.contracts import Progress
    from aiaas.pipeline.stages import Work
    from aiaas.workspace import Workspace

    begins: dict[int, tuple[float, int]] = {}
    last = (0.0, 0, 0)

    def follow(progress: Progress) -> None:
        nonlocal last
        now, epoch = time.perf_counter(), progress.epoch or 0
        begins.setdefault(epoch, (now, progress.step))
        if progress.step >= begins[epoch][1]:
            last = (now, epoch, progress.step)

    read = recipe.read(RECIPE, [*SOURCES, *SAME_NETWORK])
    with tempfile.TemporaryDirectory() as folder:
        pipeline.run(Work(read, Workspace.open(Path(folder)), training=follow), "train")
    begin, first = begins[last[1]]
    print(json.dumps({"pictures_a_second": round((last[2] - first) * 32 / (last[0] - begin))}))


if "--watch" in sys.argv:
    watch()
else:
    main()
