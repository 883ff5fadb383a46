"""What scripts rely on: exit statuses, one JSON object, quiet streams, nothing imported without need."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Aiaas, answer

HEAVY = {"sklearn", "mlflow", "datasets", "torch", "tensorflow", "numpy", "pandas", "pyarrow", "scipy", "pydantic"}


def modules_after(*words: str, cwd: Path | None = None) -> set[str]:
    code = (
        "import sys, atexit; atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))\n"
        f"sys.argv = ['aiaas', *{list(words)!r}]\n"
        "from aiaas.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("run", "--help"), ("serve", "--help")])
def test_help_imports_no_framework(words: tuple[str, ...]) -> None:
    typers_own = {"pydantic"} if len(words) > 1 else set()  # Typer takes it to convert the words of a command
    assert modules_after(*words) & (HEAVY - typers_own) == set()


def test_validate_imports_no_framework(project: Path) -> None:
    assert modules_after("recipe", "validate", "tiny.yaml", cwd=project) & (HEAVY - {"pydantic"}) == set()


def test_infer_imports_no_training_framework(project: Path, aiaas: Aiaas) -> None:
    assert aiaas("run", "tiny.yaml").returncode == 0
    assert (
        modules_after("infer", "tiny", "good.txt", cwd=project) & {"sklearn", "mlflow", "datasets", "pandas"} == set()
    )


def test_the_whole_way_from_a_recipe_to_an_answer(aiaas: Aiaas) -> None:
    done = answer(aiaas("run", "tiny.yaml", "--json"))
    assert done["schema"] == 1
    assert done["ok"] is True
    assert [stage["name"] for stage in done["stages"]] == [
        *("collect", "preprocess", "inspect", "train", "evaluate", "gate", "report", "deploy")
    ]
    assert set(done["stages"][0]) == {"name", "key", "cached", "seconds"}
    assert done["model"]["name"] == "tiny"
    assert done["metrics"]["accuracy"] >= 0.7
    replied = aiaas("infer", "tiny", stdin="房间很干净，服务热情\n早餐很差\n")
    labels = [json.loads(line)["label"] for line in replied.stdout.splitlines()]
    assert labels == ["pos", "neg"]


def test_words_for_people_go_to_stderr_and_quiet_means_quiet(aiaas: Aiaas) -> None:
    loud = aiaas("train", "tiny.yaml")
    assert loud.stdout == ""
    assert "collect" in loud.stderr
    assert "\x1b" not in loud.stderr
    assert max(map(len, loud.stderr.splitlines())) <= 80
    quiet = aiaas("train", "tiny.yaml", "--quiet")
    assert (quiet.stdout, quiet.stderr) == ("", "")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (("name: tiny", "name: tiny\nnmae: x"), 2, "recipe"),
        (("alpha: 0.5", "alpha: much"), 2, "recipe"),
        (("label: neg}", "columns: {text: text, lable: label}}"), 2, "recipe"),
        (("good.txt", "goood.txt"), 3, "data"),
        (("{source: bad.txt, label: neg}", "{source: 'package:nobody_has_this/neg.txt', label: neg}"), 4, None),
        ((">= 0.7", "> 1"), 6, "gate"),
        (("{source: bad.txt, label: neg}", "{source: bad.txt, label: pos}"), 3, "data"),
        (("{source: bad.txt, label: neg}", "{source: 'https://127.0.0.1:9/neg.txt', label: neg}"), 8, "remote"),
    ],
)
def test_every_failure_has_its_status(
    project: Path, aiaas: Aiaas, change: tuple[str, str], status: int, code: str | None
) -> None:
    text = (project / "tiny.yaml").read_text("utf-8")
    assert change[0] in text
    (project / "tiny.yaml").write_text(text.replace(*change), "utf-8")
    failed = aiaas("run", "tiny.yaml", "--json", "--offline" if status != 8 else "--quiet")
    assert failed.returncode == status, failed.stderr
    said = answer(failed)
    assert said["ok"] is False
    assert said["verb"] == "run"
    assert set(said["error"]) >= {"code", "message", "where", "hint"}
    assert code is None or said["error"]["code"] == code
    assert "Traceback" not in failed.stderr


def test_all_faults_of_a_recipe_come_at_once_with_their_places(project: Path, aiaas: Aiaas) -> None:
    text = (project / "tiny.yaml").read_text("utf-8")
    (project / "tiny.yaml").write_text(text.replace("alpha:", "alhpa:").replace("seed: 3", "seed: three"), "utf-8")
    failed = aiaas("run", "tiny.yaml")
    assert failed.returncode == 2
    assert "tiny.yaml:4:7: seed:" in failed.stderr
    assert "model.params.alhpa" in failed.stderr
    assert "alpha" in failed.stderr
    assert failed.stdout == ""


def test_a_recipe_that_is_not_there(aiaas: Aiaas) -> None:
    failed = aiaas("run", "nothing.yaml", "--json")
    assert failed.returncode == 2
    assert answer(failed)["ok"] is False


def test_a_tampered_bundle_is_refused_with_7(project: Path, aiaas: Aiaas) -> None:
    folder = Path(answer(aiaas("run", "tiny.yaml", "--json"))["bundle"])
    file = next(path for path in (folder / "model").iterdir() if path.is_file())
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    for reference in ("tiny", str(folder)):
        failed = aiaas("infer", reference, stdin="房间很好\n")
        assert failed.returncode == 7, failed.stderr
        assert file.name in failed.stderr
        assert failed.stdout == ""
    assert "deploy the model again" in failed.stderr
    planned = answer(aiaas("plan", "tiny.yaml", "--json"))["stages"]
    assert [stage["name"] for stage in planned if not stage["cached"]] == ["deploy"]
    assert planned[-1]["why"] == ["what the last run made is gone, or altered"]
    again = answer(aiaas("deploy", "tiny.yaml", "--json"))
    assert again["model"]["version"] == 1
    assert aiaas("infer", "tiny", stdin="房间很好\n").returncode == 0


def test_a_bundle_of_a_newer_schema_is_refused_with_7(project: Path, aiaas: Aiaas) -> None:
    manifest = Path(answer(aiaas("run", "tiny.yaml", "--json"))["bundle"]) / "bundle.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text("utf-8")), "schema": 99}), "utf-8")
    failed = aiaas("infer", "tiny", stdin="房间很好\n")
    assert failed.returncode == 7
    assert "schema 99" in failed.stderr
    assert "pip install --upgrade aiaas" in failed.stderr


@pytest.mark.parametrize(
    "words",
    ["run", "run tiny.yaml --nope", "runn tiny.yaml", "--nope", "serve tiny --port 99999", "models show"],
)
def test_a_usage_error_is_one_json_object_too(aiaas: Aiaas, words: str) -> None:
    failed = aiaas(*words.split(), "--json")
    assert failed.returncode == 2
    said = answer(failed)
    assert said["ok"] is False
    assert said["error"]["code"] == "usage"
    assert said["error"]["message"] in failed.stderr


def test_a_table_in_a_pipe_keeps_its_lines_whole(aiaas: Aiaas) -> None:
    name = "a-model-whose-name-takes-more-than-its-column-of-eighty"
    aiaas("run", "tiny.yaml", "--set", f"name={name}")
    for words in ("runs list", "models list", "cache list"):
        assert name in aiaas(*words.split()).stdout


@pytest.mark.parametrize(("variable", "styled"), [("NOTHING", True), ("NO_COLOR", False)])
def test_no_color_means_no_style_at_all(
    aiaas: Aiaas, project: Path, variable: str, styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    aiaas("run", "tiny.yaml")
    monkeypatch.delenv("NO_COLOR", raising=False)
    outside, inside = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", variable: "1"}
    subprocess.run([sys.executable, "-m", "aiaas", "models", "list"], stdout=inside, env=environment, check=True)
    assert (b"\x1b[" in os.read(outside, 1 << 16)) is styled
    os.close(inside)
    os.close(outside)


def test_what_only_reads_makes_no_workspace(project: Path, aiaas: Aiaas) -> None:
    bundle = answer(aiaas("run", "tiny.yaml", "--json", "--workspace", "elsewhere"))["bundle"]
    assert aiaas("infer", bundle, stdin="房间很好\n").returncode == 0
    for words in ("infer tiny", "serve tiny --port 0", "models list", "runs list", "cache list"):
        assert aiaas(*words.split()).returncode == (2 if "tiny" in words else 0)
    assert not (project / ".aiaas").exists()


def test_a_closed_pipe_is_no_failure(project: Path, aiaas: Aiaas) -> None:
    assert aiaas("run", "tiny.yaml").returncode == 0
    (project / "many.txt").write_text("房间很好\n" * 50_000, "utf-8")
    command = f"set -o pipefail; {sys.executable} -m aiaas infer tiny many.txt | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] == "pos"
    assert done.stderr == ""


def test_cache_list_explain_and_gc(project: Path, aiaas: Aiaas) -> None:
    aiaas("run", "tiny.yaml")
    aiaas("run", "tiny.yaml", "--set", "model.params.alpha=2")
    listed = answer(aiaas("cache", "list", "--json"))["artefacts"]
    assert sorted(each["stage"] for each in listed) == sorted(
        ["collect", "preprocess", "inspect", *["train", "evaluate", "gate", "report", "deploy"] * 2]
    )
    trained = next(each for each in listed if each["stage"] == "train" and not each["kept_for"])
    explained = aiaas("cache", "explain", trained["key"][:10])
    assert "model.params.alpha: 0.5" in explained.stdout
    (project / ".aiaas" / "cache").mkdir()
    (project / ".aiaas" / "cache" / "tokens.npz").write_bytes(bytes(2_000_000))
    assert "and 2.0 MB of tokens, vectors and the like" in aiaas("cache", "list").stdout
    assert ", and 2.0 MB of tokens" in aiaas("cache", "gc", "--dry-run").stdout
    removed = answer(aiaas("cache", "gc", "--json"))
    assert trained["key"] in removed["removed"]
    assert removed["cached"] == 2_000_000
    assert not (project / ".aiaas" / "cache" / "tokens.npz").exists()
    assert aiaas("infer", "tiny/1", stdin="房间很好\n").returncode == 0
    assert aiaas("infer", "tiny/2", stdin="房间很好\n").returncode == 0


def test_rollback_brings_the_version_before_back(aiaas: Aiaas) -> None:
    aiaas("run", "tiny.yaml")
    assert answer(aiaas("run", "tiny.yaml", "--set", "model.params.alpha=2", "--json"))["model"]["version"] == 2
    assert aiaas("models", "rollback", "tiny").returncode == 0
    shown = answer(aiaas("models", "list", "--json"))["models"]
    assert shown[0]["aliases"] == {"champion": 1}


def test_a_closed_stderr_does_not_stop_the_work(project: Path) -> None:
    command = f"set -o pipefail; AIAAS_TRACKING=off {sys.executable} -m aiaas run tiny.yaml 2>&1 | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert (project / ".aiaas" / "models" / "tiny" / "registry.json").exists()


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("run tiny.yaml <&- >&- 2>&-", 0),
        ("run tiny.yaml --json >&-", 0),
        ("plan tiny.yaml >&-", 0),
        ("run nothing.yaml --json 2>&-", 2),
        ("run nothing.yaml --json | true", 2),
        ("run --json | true", 2),
    ],
)
def test_a_stream_that_nobody_holds_changes_no_status(project: Path, command: str, status: int) -> None:
    script = f"set -o pipefail; AIAAS_TRACKING=off {sys.executable} -m aiaas {command}"
    done = subprocess.run(["bash", "-c", script], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["recipe schema", "plan tiny.yaml", "plan tiny.yaml --json", "cache list"])
def test_a_full_disk_behind_stdout_is_said(project: Path, words: str) -> None:
    command = f"{sys.executable} -m aiaas {words} > /dev/full"
    done = subprocess.run(["bash", "-c", command], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
