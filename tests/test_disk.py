"""A disk that fills, for real: a workspace on a small file system, in a mount namespace of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
@pytest.mark.parametrize("kilobytes", [12, 40, 60, 80, 90, 110, 124])
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
