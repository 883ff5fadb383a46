"""A disk that fills or may only be read, for real: a file system in a mount namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aiaas.pipeline.stages import STAGES
from aiaas.preprocess import preprocess, segments
from tests import apiserver, crawlsite
from tests.test_segments import TEXT, files, reviews, section, write

PRIVATE_MOUNT = ["unshare", "--user", "--map-root-user", "--mount"]


def mounts_allowed() -> bool:
    try:
        done = subprocess.run(
            [*PRIVATE_MOUNT, "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


@pytest.mark.skipif(not mounts_allowed(), reason="no mount namespaces for this user here")
@pytest.mark.parametrize("kilobytes", [12, 60, 90, 124])
def test_a_full_disk_is_said_and_the_next_run_goes_on(project: Path, kilobytes: int) -> None:
    """The sizes fill up in different stages."""
    aiaas = f"AIAAS_TRACKING=off {sys.executable} -m aiaas"
    (project / "small").mkdir()
    script = f"""
        mount -t tmpfs -o size={kilobytes}k none small || exit 99
        {aiaas} run tiny.yaml --workspace small; echo "first $?" >&2
        mount -o remount,size=64m small || exit 99
        {aiaas} run tiny.yaml --workspace small --quiet; echo "second $?" >&2
        {aiaas} infer tiny --workspace small < good.txt | wc -l
    """
    done = subprocess.run(
        [*PRIVATE_MOUNT, "bash", "-c", script], cwd=project, capture_output=True, text=True, check=False
    )
    assert "first 3" in done.stderr, done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert "second 0" in done.stderr
    assert done.stdout.strip() == "120"


@pytest.mark.skipif(not mounts_allowed(), reason="no mount namespaces for this user here")
def test_a_read_only_disk_answers_and_says_what_it_cannot_keep(project: Path) -> None:
    aiaas = f"AIAAS_TRACKING=off {sys.executable} -m aiaas"
    script = f"""
        {aiaas} run tiny.yaml --quiet || exit 98
        mount --bind . /mnt && mount -o remount,ro,bind /mnt && cd /mnt || exit 99
        {aiaas} infer tiny good.txt | wc -l
        {aiaas} plan tiny.yaml | grep -c cached
        for words in "run tiny.yaml" "models alias tiny/1 other" "cache gc"; do
            {aiaas} $words; echo "$words: $?" >&2
        done
    """
    done = subprocess.run(
        [*PRIVATE_MOUNT, "bash", "-c", script], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["120", str(len(STAGES))], done.stderr
    for words in ("run tiny.yaml", "models alias tiny/1 other", "cache gc"):
        assert f"{words}: 3" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


WEB = """
import sys
from pathlib import Path
from aiaas.contracts import SourceContext
from aiaas.errors import DataError
from aiaas.sources import crawl, http
url, kind = sys.argv[1:]
if kind == "crawl":
    source, params = crawl, crawl.Params(source=f"crawl:{url}/", delay=0, private=True)
else:
    api = {"rows": "$.items[*]", "pages": {"by": "page"}, "per_second": 1000.0}
    source, params = http, http.Params.model_validate({"source": f"{url}/page", "api": api})
try:
    context = SourceContext(Path(), Path("small/cache"))
    print(sum(len(next(iter(batch.values()))) for batch in source.read(params, context)))
except DataError as error:
    print(error.message, error.hint)
"""


@pytest.mark.skipif(not mounts_allowed(), reason="no mount namespaces for this user here")
@pytest.mark.parametrize("kind", ["crawl", "api"])
def test_a_disk_that_fills_while_the_web_is_read_is_said_and_the_next_run_goes_on(tmp_path: Path, kind: str) -> None:
    (tmp_path / "small").mkdir()
    api = apiserver.Api(rows=[{"id": n, "body": f"{n} " * 500} for n in range(200)])
    with crawlsite.serve(crawlsite.Site(pages=150)) as site, apiserver.serve(api):
        read = f"{sys.executable} -c '{WEB}' {site.url if kind == 'crawl' else api.url} {kind}"
        script = f"""
            mount -t tmpfs -o size=160k none small || exit 99
            {read}
            mount -o remount,size=64m small || exit 99
            {read}
        """.replace("\n            ", "\n")
        command = [*PRIVATE_MOUNT, "bash", "-c", script]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        first, second = done.stdout.splitlines()
        assert "the disk is full" in first, done
        assert "make room" in first
        assert second == ("150" if kind == "crawl" else "200")


SEGMENTS = """
import sys
from pathlib import Path
from aiaas import cores
from aiaas.errors import DataError
from aiaas.preprocess import preprocess, segments
from aiaas.steps import _buckets
from tests.test_segments import TEXT, section
segments.BYTES, _buckets.ROWS = 8_000, 500
cores.cores = lambda: 2
out = Path("small/out")
out.mkdir(exist_ok=True)
try:
    steps = section("clean", "deduplicate", "near_duplicates")
    preprocess(steps, 5, TEXT, Path("d.arrow"), out, addresses=["reviews.txt"], kept=Path("small/kept"))
    print("done")
except DataError as error:
    print(error.message)
"""


@pytest.mark.skipif(not mounts_allowed(), reason="no mount namespaces for this user here")
@pytest.mark.parametrize("kilobytes", [100, 700])
def test_a_disk_that_fills_while_processes_take_segments_through_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kilobytes: int
) -> None:
    """In whichever pass, or between two of them: it is said, and what was done by then is gone on from."""
    root = Path(__file__).parent.parent
    write(tmp_path / "d.arrow", *reviews(3000))
    for name in ("small", "kept_whole", "plain"):
        (tmp_path / name).mkdir()
    (tmp_path / "run.py").write_text(SEGMENTS)
    python = f"PYTHONPATH={root} {sys.executable} run.py"
    script = f"""
        mount -t tmpfs -o size={kilobytes}k none small || exit 99
        {python}
        mount -o remount,size=64m small || exit 99
        {python}
        cp small/out/* kept_whole
    """
    done = subprocess.run(
        [*PRIVATE_MOUNT, "bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["the disk is full", "done"], done
    assert "Traceback" not in done.stderr
    monkeypatch.setattr(segments, "BYTES", 8_000)
    what = section("clean", "deduplicate", "near_duplicates")
    preprocess(what, 5, TEXT, tmp_path / "d.arrow", tmp_path / "plain", addresses=["reviews.txt"])
    assert files(tmp_path / "kept_whole") == files(tmp_path / "plain")
