"""Run the command line as if packages were not installed: `python hiding.py PACKAGE,PACKAGE VERB ...`.

Packages are hidden from imports and from importlib.metadata; at the end, which of FRAMEWORKS were imported goes to the
file that AIAAS_TEST_IMPORTED names.
"""

from __future__ import annotations

import atexit
import importlib.metadata as metadata
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FRAMEWORKS = (
    "tensorflow",
    "keras",
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "tf2onnx",
    "onnx",
    "onnxruntime",
    "mlflow",
    "datasets",
    "sklearn",
)


class Hiding:
    """A finder of modules that does not find some of them."""

    def __init__(self, finder: Any, names: Sequence[str]) -> None:
        self.finder, self.names = finder, names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.partition(".")[0] in self.names else self.finder.find_spec(name, path, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.finder, name)


def hide(names: Sequence[str]) -> None:
    real = metadata.Distribution.from_name

    def from_name(name: str) -> metadata.Distribution:
        if name in names:
            raise metadata.PackageNotFoundError(name)
        return real(name)

    metadata.Distribution.from_name = from_name  # type: ignore[method-assign]
    sys.meta_path[:] = [Hiding(each, names) for each in sys.meta_path]


def aiaas(folder: Path, *words: str, hide: str = "nothing", stdin: str = "") -> tuple[int, str, str, set[str]]:
    """Run aiaas in a fresh process, in `folder`, without the packages `hide`: status, stdout, stderr, and which of
    FRAMEWORKS it imported."""
    told = folder / "imported.txt"
    done = subprocess.run(
        [sys.executable, __file__, hide, *words],
        cwd=folder,
        env={**os.environ, "AIAAS_TRACKING": "off", "AIAAS_TEST_IMPORTED": str(told)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr, set(told.read_text().split())


if __name__ == "__main__":
    hide(sys.argv[1].split(","))
    if "AIAAS_TEST_IMPORTED" in os.environ:
        told = Path(os.environ["AIAAS_TEST_IMPORTED"])
        atexit.register(lambda: told.write_text("\n".join(name for name in FRAMEWORKS if name in sys.modules)))
    sys.argv = ["aiaas", *sys.argv[2:]]
    from aiaas.cli import main

    main()
