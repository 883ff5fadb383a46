"""Pages as a browser shows them: light, dark and on paper, to be looked at; and what the browser complains of.

    python tests/benchmarks/screenshots.py report.html [more.html] --out FOLDER

Needs chromium (Debian has it). Ends with status 1 where a page asks for something or its console says anything.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
SCHEMES = {"light": 1, "dark": 0}
"""How blink numbers them."""
COMPLAINT = re.compile(r".*CONSOLE.*")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--width", type=int, default=1100)
    parser.add_argument("--height", type=int, default=4000)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    for page in asked.pages:
        address = page.absolute().as_uri()
        for name, number in SCHEMES.items():
            shot = asked.out / f"{page.stem}.{name}.png"
            complaints += browse(
                f"--blink-settings=preferredColorScheme={number}",
                f"--window-size={asked.width},{asked.height}",
                f"--screenshot={shot}",
                address,
            )
        complaints += browse("--no-pdf-header-footer", f"--print-to-pdf={asked.out / page.stem}.pdf", address)
        print(json.dumps({"page": str(page), "bytes": page.stat().st_size, "complaints": complaints}))
    sys.exit(1 if complaints else 0)


def browse(*arguments: str) -> list[str]:
    """What the console of the page says."""
    done = subprocess.run([*BROWSER, *arguments], capture_output=True, text=True, timeout=120, check=True)
    return COMPLAINT.findall(done.stderr)


if __name__ == "__main__":
    main()
