"""Preprocess of millions of synthetic reviews: time, memory of each process, what a kill changes, pandas beside it.

    python tests/benchmarks/preprocess.py [--rows 5000000] [--steps clean,deduplicate,mask_pii] [--folder DIR]

Makes the reviews (and twice as many), collects them, and runs the stage: once, over twice the rows, and once killed
with SIGKILL at five moments. Then cleaning alone, in one process, against the same written with pandas `.str`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from measure import AIAAS, report, run

HERE = Path(__file__).parent
RECIPE = """\
schema: 1
name: synthetic
task: text-classification
seed: 7
collect: [{{source: {source}}}]
preprocess: {{steps: [{steps}], split: {{train: 0.8, validation: 0.1, test: 0.1}}}}
model: {{backend: sklearn, architecture: naive_bayes}}
"""
MADE = ("train.arrow", "validation.arrow", "test.arrow", "dropped.arrow", "report.json")


def main() -> None:
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp())
    try:
        figures: dict[str, Any] = {"rows": options.rows, "steps": options.steps}
        for name, rows in (("once", options.rows), ("twice", 2 * options.rows)):
            _collect(folder, name, rows, options.steps)
            figures[name] = _measured(folder, name)
        figures["time_of_twice"] = round(figures["twice"]["wall"] / figures["once"]["wall"], 2)
        figures["memory_of_twice"] = round(figures["twice"]["peak_mb"] / figures["once"]["peak_mb"], 2)
        figures["killed"] = _killed(folder, figures["once"]["wall"])
        figures["cleaning"] = _against_pandas(folder)
        report("preprocess", **figures)
    finally:
        if options.folder is None:
            shutil.rmtree(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--steps", default="clean,deduplicate,mask_pii")
    parser.add_argument("--folder", type=Path, help="where to work, and to leave what was made")
    return parser.parse_args()


def _collect(folder: Path, name: str, rows: int, steps: str) -> None:
    """The reviews, and a workspace in which they are collected."""
    here = folder / name
    here.mkdir(parents=True, exist_ok=True)
    reviews = here / "reviews.csv"
    if not reviews.exists():
        run([sys.executable, str(HERE / "synthetic_reviews.py"), str(reviews), "--rows", str(rows), "--seed", "0"])
    (here / "recipe.yaml").write_text(RECIPE.format(source=reviews.name, steps=steps.replace(",", ", ")))
    run([*AIAAS, "collect", "recipe.yaml", "--quiet"], here, {"AIAAS_TRACKING": "off"})


def _measured(folder: Path, name: str) -> dict[str, Any]:
    """The stage over what is collected. Bytes are those of the collected file."""
    here = folder / name
    shutil.rmtree(here / ".aiaas" / "artefacts" / "preprocess", ignore_errors=True)
    started = time.perf_counter()
    with _start(here) as process, _Peaks(process.pid) as peaks:
        status = process.wait()
    wall = time.perf_counter() - started
    if status:
        raise RuntimeError(f"preprocess ended with {status}")
    size = next((here / ".aiaas" / "artefacts" / "collect").glob("*/data.arrow")).stat().st_size
    return {
        "wall": round(wall, 2),
        "mb": round(size / 1e6, 1),
        "mb_per_second": round(size / 1e6 / wall, 1),
        "peak_mb": round(max(peaks.anonymous.values()), 1),
        "peaks_mb": sorted((round(each, 1) for each in peaks.anonymous.values()), reverse=True),
        "resident_mb": round(max(peaks.resident.values()), 1),
        "processes": len(peaks.resident),
    }


def _killed(folder: Path, wall: float) -> dict[str, Any]:
    """Killed at five moments, then carried to its end: is what it made the same?"""
    here = folder / "once"
    expected = _made(here)
    shutil.rmtree(here / ".aiaas" / "artefacts" / "preprocess")
    orphans = killed = 0
    for _ in range(5):  # each goes on where the one before it was: after a sixth, a third, … of the whole
        with _start(here) as process:
            time.sleep(wall / 6)
            children = _children(process.pid)
            killed += process.poll() is None
            process.kill()
        time.sleep(1)
        orphans += sum(map(_runs, children))
    with _start(here) as process:
        status = process.wait()
    return {"killed": killed, "status": status, "identical": _made(here) == expected, "orphans": orphans}


def _start(here: Path) -> subprocess.Popen[bytes]:
    command = [*AIAAS, "preprocess", "recipe.yaml", "--quiet"]
    return subprocess.Popen(command, cwd=here, env={**os.environ, "AIAAS_TRACKING": "off"}, stdin=subprocess.DEVNULL)


def _made(here: Path) -> dict[str, str]:
    import hashlib

    found = next((here / ".aiaas" / "artefacts" / "preprocess").glob("*/manifest.json")).parent
    digests = {}
    for name in MADE:
        with (found / name).open("rb") as file:
            digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


class _Peaks(threading.Thread):
    """The memory of a process and its children, looked at twenty times a second, in MB by process: what is resident
    (`VmHWM`, pages of mapped files among it), and what it holds itself (the largest `RssAnon` that was seen)."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._over = threading.Event()
        self.anonymous: dict[int, float] = {}
        self.resident: dict[int, float] = {}

    def __enter__(self) -> _Peaks:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.05):
            for process in (self._process, *_children(self._process)):
                try:
                    text = Path(f"/proc/{process}/status").read_text()
                except OSError:
                    continue
                said = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
                for seen, name in ((self.anonymous, "RssAnon"), (self.resident, "VmHWM")):
                    if name in said:
                        seen[process] = max(seen.get(process, 0.0), int(said[name].split()[0]) / 1024)


def _runs(process: int) -> bool:
    """Whether a process is at work; one that ended and that nobody asked for is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _children(process: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def _against_pandas(folder: Path) -> dict[str, Any]:
    """Seconds of cleaning the same rows: the step, and pandas; each in a process of its own, on one core, in turn."""
    data = next((folder / "once" / ".aiaas" / "artefacts" / "collect").glob("*/data.arrow"))
    sides = {"aiaas": [], "pandas": []}
    for _ in range(3):
        for side, seconds in sides.items():
            seconds.append(float(run([sys.executable, str(HERE / "plain" / "clean.py"), side, str(data)]).stdout))
    best = {side: round(min(seconds), 2) for side, seconds in sides.items()}
    return {**best, "times_faster": round(best["pandas"] / best["aiaas"], 2)}


main()
