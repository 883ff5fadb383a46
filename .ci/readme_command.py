"""Print the test command that the README tells a person to run: CI runs that very line."""

from __future__ import annotations

import re
import sys
from pathlib import Path

readme = Path(__file__).parent.parent / "README.md"
blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", readme.read_text("utf-8"), re.MULTILINE | re.DOTALL)
commands = [line for block in blocks for line in block.splitlines() if line.rstrip().endswith("pytest")]
if len(commands) != 1:
    sys.exit(f"README.md holds {len(commands)} commands that end in pytest; it must hold one")
print(commands[0].removeprefix("$ "))
