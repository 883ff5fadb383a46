"""A crawl of a site on loopback with everything in it that the web has, killed three times: was every allowed page
fetched once, and none that is forbidden?

python tests/benchmarks/crawl.py [PAGES]
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from measure import report

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from tests.crawlsite import Site, serve, text

CRAWLER = """
import json, resource, sys
from pathlib import Path
from aiaas.contracts import SourceContext
from aiaas.sources import crawl
source, here = sys.argv[1:]
params = crawl.Params(source=source, delay=0, private=True, max_pages=100_000)
rows = {}
for batch in crawl.read(params, SourceContext(Path(here), Path(here) / "cache")):
    for url, text in zip(batch["url"], batch["text"]):
        assert url not in rows, url
        rows[url] = text
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"rows": rows, "peak_mb": round(peak, 1)}))
"""


def main(pages: int) -> None:
    with serve(Site(pages=pages)) as site, tempfile.TemporaryDirectory() as here:
        command = [sys.executable, "-c", CRAWLER, f"crawl:{site.url}/", here]
        began = time.perf_counter()
        for part in (1, 2, 3):
            kill_after(command, site, pages * part // 4)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        seconds = time.perf_counter() - began
        said = json.loads(done.stdout)
        judge(site, said["rows"], seconds, said["peak_mb"])


def kill_after(command: list[str], site: Site, asked: int) -> None:
    """Let it crawl until so many requests came in, then kill it."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as crawler:
        while site.asked.total() < asked and crawler.poll() is None:
            time.sleep(0.001)
        assert crawler.poll() is None, "it was done before it could be killed"
        crawler.send_signal(signal.SIGKILL)


def judge(site: Site, rows: dict[str, str], seconds: float, peak_mb: float) -> None:
    """Say what was missing, what was too much, and what was fetched more often than it had to be."""
    expected = site.expected()
    wrong = [url for url in expected & rows.keys() if text(int(url.rpartition("/")[2] or 0)) not in rows[url]]
    busy = {f"/page/{n}": 1 for n in range(1, site.pages) if n % site.busy_every == site.busy_every - 1}
    twice = site.asked - Counter(set(site.asked)) - Counter(busy)
    report(
        "crawl",
        pages=len(expected),
        rows=len(rows),
        missing=len(expected - rows.keys()),
        unexpected=sorted(rows.keys() - expected),
        wrong_text=len(wrong),
        forbidden=[path for path in site.asked if path.startswith("/secret")],
        killed=3,
        asked_again_beyond_429=dict(twice),  # at most what was on its way at each of the three kills
        requests=site.asked.total(),
        seconds=round(seconds, 1),
        peak_mb=peak_mb,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
