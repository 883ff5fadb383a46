"""Every command of the guides whose commands take longer than a test may: each must end as its page says.

python tests/benchmarks/guides.py [PAGE ...]     # by default all pages, those that tests type as well
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from tests.template import Served
from tests.test_guides import GUIDES
from tests.typed import ROOT, commands, faults, left_out, typed

failed = 0
with tempfile.TemporaryDirectory() as name:
    place = Path(name)
    served = Served(place)
    (home := place / "reviews").mkdir()
    subprocess.run(
        [sys.executable, "-m", "aiaas", "run", str(ROOT / "recipes" / "reviews_zh_nb.yaml"), "--quiet"],
        cwd=home,
        check=True,
    )
    for page in sys.argv[1:] or sorted(GUIDES):
        guide, began = GUIDES[page], time.perf_counter()
        (folder := place / page).mkdir()
        wrong = faults(guide, typed(guide, folder, served.socket, home if guide.home else None))
        count = sum(not left_out(guide, each) for each in commands(guide.path))
        told = (
            f"{page:<20} {count} commands typed, {len(guide.apart)} kinds left out, {time.perf_counter() - began:.1f} s"
        )
        print(told + "".join(f"\n{each}" for each in wrong), flush=True)
        failed += bool(wrong)
    served.close()
sys.exit(failed)
