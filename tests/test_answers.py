"""infer and serve on real models, through the real command: whoever answers, the answer is the same."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import aiaas
from tests.template import Template

GOOD, BAD = ("很好", "干净", "满意", "舒适"), ("很差", "脏乱", "失望", "吵闹")
THINGS = ("房间", "服务", "早餐", "位置", "前台", "价格", "环境", "床铺")
REVIEWS = """\
schema: 1
name: tiny
task: text-classification
collect:
  - {source: good.txt, label: pos}
  - {source: bad.txt, label: neg}
preprocess:
  steps: [clean, lowercase]
  split: {train: 0.6, validation: 0.2, test: 0.2, stable: false}
model: {backend: sklearn, architecture: naive_bayes, params: {ngrams: [1, 2]}}
"""
FLOWERS = """\
schema: 1
name: flowers
task: tabular-classification
collect:
  - {source: flowers.csv}
preprocess:
  split: {train: 0.6, validation: 0.2, test: 0.2, stable: false}
model: {backend: sklearn, architecture: naive_bayes, params: {variant: gaussian}}
"""
ENVIRONMENT = {**os.environ, "AIAAS_TRACKING": "off", "PYTHONUTF8": "1"}
"""With the key of the services, once `home` was made."""
COMMAND = [sys.executable, "-m", "aiaas"]
TEMPLATES: list[Template] = []
"""Of which commands that end by themselves are copies, once `home` was made."""


def texts(words: tuple[str, ...]) -> list[str]:
    return [f"{a}{x}，{b}{y}" for a in THINGS for x in words for b in THINGS[:4] for y in words if a != b]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, template: Template) -> Path:
    """A working directory whose workspace holds the models `tiny` (texts) and `flowers` (rows)."""
    TEMPLATES[:] = [template]
    folder = tmp_path_factory.mktemp("home")
    (folder / "good.txt").write_text("\n".join(texts(GOOD)), "utf-8")
    (folder / "bad.txt").write_text("\n".join(texts(BAD)), "utf-8")
    chance = random.Random(5)
    rows = [(chance.gauss(x, 0.3), chance.gauss(x, 0.3), kind) for x, kind in ((1, "a"), (3, "b")) for _ in range(60)]
    (folder / "flowers.csv").write_text(
        "long,wide,label\n" + "".join(f"{a:.3f},{b:.3f},{kind}\n" for a, b, kind in rows), "utf-8"
    )
    for name, recipe in (("tiny", REVIEWS), ("flowers", FLOWERS)):
        (folder / f"{name}.yaml").write_text(recipe, "utf-8")
        done = run(folder, "run", f"{name}.yaml", "--quiet")
        assert done.returncode == 0, done.stderr
    made = run(folder, "keys", "create", "--tenant", "tests")
    ENVIRONMENT["AIAAS_KEY"] = made.stdout.strip()
    return folder


def run(folder: Path, *words: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    return TEMPLATES[0].run(words, folder, ENVIRONMENT, stdin, 120)


def bearer() -> dict[str, str]:
    """The header that a service of `home` wants."""
    return {"authorization": f"Bearer {ENVIRONMENT['AIAAS_KEY']}"}


def lines(process: subprocess.CompletedProcess[str]) -> list[Any]:
    return [json.loads(line) for line in process.stdout.splitlines()]


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`aiaas serve` on a free port, and the object it printed."""
    process = subprocess.Popen(
        [*COMMAND, "serve", *words, "--port", "0", "--json"],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_every_way_to_a_model_gives_the_same_answer(home: Path) -> None:
    inputs = ["房间很好", "服务很差", "ＡＢＣ <b>干净</b>", "", "位置失望，前台满意"]
    stdin = "\n".join(inputs)
    first = run(home, "infer", "tiny", stdin=stdin)
    assert (first.returncode, first.stderr) == (0, "answered by tiny/1, runtime native\n")
    expected = lines(first)
    assert [each["label"] for each in expected[:2]] == ["pos", "neg"]
    model = aiaas.load("tiny@champion", workspace=home / ".aiaas")
    assert model.predict(inputs) == expected
    for reference in ("tiny@champion", "tiny/1", str(model.path)):
        assert lines(run(home, "infer", reference, "-", stdin=stdin)) == expected
    with serving(home, "tiny") as (_, started):
        for url in (started["url"], f"{started['url']}/v1/models/tiny"):
            assert lines(run(home, "infer", url, stdin=stdin)) == expected
        given = httpx.post(
            f"{started['url']}/v1/models/tiny/predict", json={"inputs": inputs}, headers=bearer(), trust_env=False
        )
        assert given.json() == {"model": "tiny", "version": "1", "digest": model.digest, "outputs": expected}


def test_order_over_thousands_of_lines(home: Path) -> None:
    chance = random.Random(1)
    inputs = [chance.choice(texts(GOOD + BAD)) for _ in range(5000)]
    model = aiaas.load("tiny", workspace=home / ".aiaas")
    assert lines(run(home, "infer", "tiny", stdin="\n".join(inputs))) == model.predict(inputs)


def test_tables(home: Path) -> None:
    (home / "some.csv").write_text("id,long,wide\n7,1.0,1.1\n8,3.0,\n9,x,1\n", "utf-8")
    done = run(home, "infer", "flowers", "some.csv")
    answers = lines(done)
    assert [each.get("label") for each in answers] == ["a", "b", None]
    assert answers[2]["error"]["line"] == 4
    assert "'long'" in answers[2]["error"]["message"]
    assert done.returncode == 3
    assert "columns that the model does not use: id" in done.stderr
    same = run(home, "infer", "flowers", stdin='{"long": 1.0, "wide": 1.1}\n{"long": 3.0}\n')
    assert lines(same) == answers[:2]


def test_bad_lines_are_counted_and_the_status_says_so(home: Path) -> None:
    done = run(home, "infer", "tiny", stdin='{"text": "很好"}\n{\n{"text": 7}\n{"text": "很差"}\n')
    assert done.returncode == 3
    assert [each.get("label") for each in lines(done)] == ["pos", None, None, "neg"]
    assert "2 of 4 lines could not be answered" in done.stderr
    assert "line 2" in done.stderr


def test_json_is_one_object(home: Path) -> None:
    done = run(home, "infer", "tiny", "--json", stdin="很好\n很差\n")
    (said,) = lines(done)
    assert (said["ok"], said["verb"], said["rows"], said["errors"], said["model"]) == (True, "infer", 2, 0, "tiny")
    assert [each["label"] for each in said["answers"]] == ["pos", "neg"]
    bad = run(home, "infer", "tiny", "--json", "--format", "jsonl", stdin='"很好"\n{\n')
    (said,) = lines(bad)
    assert bad.returncode == 3
    assert (said["ok"], said["rows"], said["errors"], said["error"]["code"]) == (False, 2, 1, "data")
    assert said["answers"][1]["error"]["line"] == 2


def test_output_goes_to_a_file(home: Path) -> None:
    done = run(home, "infer", "tiny", "--output", "answers.jsonl", "--json", stdin="很好\n很差\n")
    (said,) = lines(done)
    assert "answers" not in said
    written = (home / "answers.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["label"] for line in written] == ["pos", "neg"]
    assert run(home, "infer", "tiny", "-o", "/dev/null", stdin="很好\n").stdout == ""


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("tiny", "nowhere.txt"), 3, "cannot be read"),
        (("tinny",), 2, "tiny"),
        (("tiny", "--format", "xml"), 2, "xml"),
        (("flowers", "--format", "lines"), 2, "does not hold all that"),
        (("http://127.0.0.1:1",), 8, "does not answer"),
    ],
)
def test_what_cannot_be_done(home: Path, words: tuple[str, ...], status: int, message: str) -> None:
    done = run(home, "infer", *words, stdin="a\n")
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("count", [1, 100_000], ids=["before a line is answered", "in the middle"])
def test_a_closed_pipe_is_no_failure(home: Path, count: int) -> None:
    script = (
        f'yes 房间很好 | head -{count} | "$@" infer tiny | head -n {0 if count == 1 else 1}; echo "${{PIPESTATUS[2]}}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND], cwd=home, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )
    *answers, status = done.stdout.splitlines()
    assert (status, done.stderr) == ("0", "")
    assert [json.loads(each)["label"] for each in answers] == (["pos"] if count > 1 else [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_serve_says_where_and_stops_when_told(home: Path, number: signal.Signals) -> None:
    with serving(home, "tiny", "flowers") as (process, started):
        assert (started["schema"], started["verb"], started["ok"]) == (1, "serve", True)
        assert [each["name"] for each in started["models"]] == ["tiny", "flowers"]
        ready = httpx.get(f"{started['url']}/health/ready", trust_env=False)
        assert ready.json() == {"status": "ready"}
        process.send_signal(number)
        out, stderr = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, "")
        assert "Traceback" not in stderr


def test_a_service_of_several_models_wants_a_name(home: Path) -> None:
    with serving(home, "tiny", "flowers") as (_, started):
        done = run(home, "infer", started["url"], stdin="很好\n")
        assert done.returncode == 2
        assert "tiny, flowers" in done.stderr
        url = f"{started['url']}/v1/models/flowers"
        assert lines(run(home, "infer", url, stdin="wide,long\n1.1,1.0\n"))[0]["label"] == "a"
        near = run(home, "infer", f"{started['url']}/v1/models/flower", stdin="很好\n")
        assert "did you mean 'flowers'?" in near.stderr


def test_every_caller_gets_his_own_answers(home: Path) -> None:
    inputs = texts(GOOD + BAD)[:400]
    model = aiaas.load("tiny", workspace=home / ".aiaas")
    expected = dict(zip(inputs, model.predict(inputs), strict=True))
    wrong: list[str] = []

    def ask(url: str, seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(trust_env=False, headers=bearer()) as client:
            for _ in range(40):
                some = chance.sample(inputs, chance.randint(1, 20))
                outputs = client.post(f"{url}/v1/models/tiny/predict", json={"inputs": some}).json()["outputs"]
                wrong.extend(text for text, given in zip(some, outputs, strict=True) if given != expected[text])

    with serving(home, "tiny") as (_, started):
        threads = [threading.Thread(target=ask, args=(started["url"], seed)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_nothing_that_was_sent_comes_back_in_an_error(home: Path) -> None:
    bad = [{"secret": 1}, {"text": 1, "secret": "x"}, ["secret"], 7, None, {"text": {"secret": 1}}, "secret \ud800"]
    with (
        serving(home, "tiny", "flowers") as (_, started),
        httpx.Client(base_url=started["url"], headers=bearer()) as client,
    ):
        for name in ("tiny", "flowers"):
            for value in [*bad, {"long": "secret"}, {"long": 10**400}, {"long": True}]:
                body = json.dumps({"inputs": [value]})
                response = client.post(
                    f"/v1/models/{name}/predict", content=body, headers={"content-type": "application/json"}
                )
                assert response.status_code in {400, 422}
                assert "secret" not in response.text
                assert str(home) not in response.text
        document = client.get("/openapi.json").json()
        for name in ("tiny", "flowers"):
            operation = document["paths"][f"/v1/models/{name}/predict"]["post"]
            example = operation["requestBody"]["content"]["application/json"]["example"]
            shown = operation["responses"]["200"]["content"]["application/json"]["example"]
            assert client.post(f"/v1/models/{name}/predict", json=example).json() == shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tinny",), "tiny"),
        (("tiny", "tiny@champion"), "two of the models are called 'tiny'"),
        (("tiny", "--host", "0.0.0.0"), "no loopback address"),
    ],
)
def test_serve_refuses(home: Path, words: tuple[str, ...], message: str) -> None:
    done = run(home, "serve", *words, "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_port_in_use(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(home, "serve", "tiny", "--port", str(port))
    assert done.returncode == 2
    assert f"port {port} is in use" in done.stderr
    assert "--port" in done.stderr


def test_serving_needs_no_training_framework(home: Path) -> None:
    code = (
        "import sys, aiaas; from aiaas.serve.app import create_app; model = aiaas.load('tiny');"
        "create_app({'tiny': model}); model.predict(['很好']);"
        "print([name for name in ('tensorflow', 'torch', 'mlflow', 'datasets', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=home, env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
