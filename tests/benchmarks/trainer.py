"""What `aiaas train` adds to transformers' bare Trainer with the same settings: the seconds of the fit alone.

    python tests/benchmarks/trainer.py ENCODER [--rounds 3] [--share 0.08] [--set PATH=VALUE]...

Both learn the same reviews in the same batches with the same network, optimiser, schedule and precision, in turn, each
in a process of its own. Ours is the whole verb, with tracking, checkpoints, metrics and the look at whether to stop;
the other is `Trainer.train()` without a callback. The seconds run from the first batch to the last weights.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import RECIPES, report, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=0.08, help="of the reviews, to train on")
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--child", choices=("ours", "bare"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.sets)
        return
    split = f"preprocess.split={{train: {asked.share}, validation: 0.0, test: {round(1 - asked.share, 6)}}}"
    sets = [f"model.params.encoder={asked.encoder.absolute()}", split, "train.epochs=1", *asked.sets]
    words = [word for each in sets for word in ("--set", each)]
    taken: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(asked.rounds):
        for side, seconds in taken.items():
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, __file__, str(asked.encoder), "--child", side, *words]
                seconds.append(json.loads(run(command, Path(folder)).stdout.splitlines()[-1])["seconds"])
    ratios = [ours / bare for ours, bare in zip(taken["ours"], taken["bare"], strict=True)]
    report(
        "trainer",
        **{f"{side}_s": [round(each, 2) for each in seconds] for side, seconds in taken.items()},
        overhead=round(statistics.median(ratios) - 1, 4),
    )


def child(side: str, sets: list[str]) -> None:
    """Run the verb with a fit that is timed: ours, or a bare one in its place."""
    from aiaas.backends.torch import _fit
    from aiaas.cli import main as verb

    learn = _fit.learn if side == "ours" else bare
    taken: list[float] = []

    def timed(*arguments: Any) -> None:
        began = time.perf_counter()
        learn(*arguments)
        taken.append(time.perf_counter() - began)

    _fit.learn = timed
    words = [word for each in sets for word in ("--set", each)]
    sys.argv = ["aiaas", "train", str(RECIPES / "reviews_zh_bert.yaml"), "--quiet", *words]
    try:
        verb()
    except SystemExit as ended:
        if ended.code:
            raise
    print(json.dumps({"seconds": sum(taken)}))


def bare(plan: Any, device: Any, training: Any, group: Any = None) -> None:
    """The Trainer with nothing of ours but what it learns from: batches, optimiser and schedule."""
    from transformers import Trainer

    from aiaas.backends.torch import _batches, _optimizer, _trainer

    class Bare(Trainer):  # type: ignore[misc]
        def get_train_dataloader(self) -> Any:
            return _batches.loader(plan.train, lambda: 0, 0, 1, plan.types)

    given = _trainer.arguments(plan.settings, device, training.seed, training.checkpoints)
    decaying = Trainer.get_decay_parameter_names(None, plan.network)
    optimizer = _optimizer.optimizer(plan.settings, plan.network, decaying, plan.layers)
    schedule = _optimizer.schedule(plan.settings, optimizer, len(plan.train) * plan.settings.epochs)
    with _trainer.state_of_its_own():
        trainer = Bare(model=plan.network, args=given, optimizers=(optimizer, schedule))
        trainer.train()
        trainer.accelerator.unwrap_model(plan.network, keep_fp32_wrapper=False)


main()
