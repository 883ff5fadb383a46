"""The step mask_pii: what becomes of personal data in rows and in requests, and where they must not get to."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from aiaas import bundle, environment, plugins, steps
from aiaas.contracts import Sifted
from aiaas.errors import ExampleError, MissingPackageError, SecretError, VerificationError
from aiaas.pii import KINDS, checks
from aiaas.serve.logs import protected
from aiaas.steps import _pii_presidio, mask_pii
from aiaas.workspace import Workspace
from tests.conftest import RECIPE, Aiaas

SECRET = "a key for tests, thirty-two bytes"
KEYED = {"key": "${env:PII_KEY}"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PII_KEY", SECRET)


def made(**params: Any) -> Any:
    return steps.build("mask_pii", params, ["text"], None)


def masked(text: str, **params: Any) -> str:
    (after,) = made(**params).apply({"text": [text]})["text"]
    return str(after)


# --- actions


def test_mask_writes_the_kind() -> None:
    assert masked("打13912345678，或写a@example.com") == "打[MOBILE]，或写[EMAIL]"
    assert masked("打13912345678", placeholder="<{kind}>") == "打<mobile>"
    assert masked("打13912345678", placeholder="***") == "打***"


def test_masking_twice_is_masking_once() -> None:
    once = masked("13912345678 a@example.com 4111 1111 1111 1111 18 Maple Street 北京市海淀区学院路30号")
    assert masked(once) == once
    hashed = masked("13912345678 a@example.com", action="hash", **KEYED)
    assert masked(hashed, action="hash", **KEYED) == hashed


def test_hash_gives_one_token_to_one_value() -> None:
    one, other, third = (
        masked(text, action="hash", **KEYED) for text in ("13912345678", "+86 139-1234-5678", "13912345679")
    )
    assert one == other != third
    assert one.startswith("[MOBILE:")
    assert len(one) == len("[MOBILE:]") + 12
    assert masked("A@example.com", action="hash", **KEYED) == masked("a@Example.com", action="hash", **KEYED)


def test_another_key_gives_other_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    before = masked("13912345678", action="hash", **KEYED)
    monkeypatch.setenv("PII_KEY", SECRET[::-1])
    assert masked("13912345678", action="hash", **KEYED) != before


@pytest.mark.parametrize("kind", KINDS)
def test_fake_makes_the_same_of_the_same(kind: str) -> None:
    values = {
        "id_card": "11010519491231002X",
        "passport": "passport E28437561",
        "mobile": "13912345678",
        "landline": "010-66554433",
        "phone": "+44 20 7946 0958",
        "email": "jane@example.com",
        "address": "18 Maple Street",
        "licence_plate": "京A·12D45",
        "bank_card": "6200000000000005",
        "credit_card": "4111111111111111",
        "iban": "DE89370400440532013000",
        "ssn": "524-36-1907",
        "ip": "198.51.100.23",
        "url_credentials": "https://user:secret@example.com",
    }
    text = values[kind]
    faked = masked(text, action="fake", **KEYED)
    assert faked != text
    assert faked == masked(text, action="fake", **KEYED)
    found = made(kinds=[kind])._finder.find([faked])
    assert [each.kind for each in found] == [kind], faked  # what is made up is right by the same checks


def test_fakes_speak_the_language_of_the_value() -> None:
    assert any("\u3400" <= each <= "\u9fff" for each in masked("住北京市海淀区学院路30号", action="fake", **KEYED)[1:])
    assert masked("18 Maple Street", action="fake", **KEYED).isascii()
    assert not masked("18 Maple Street", action="fake", locale="zh_CN", **KEYED).isascii()


def test_drop_leaves_rows_out_and_refuses_requests() -> None:
    step = made(action={"id_card": "drop"})
    rows = {"text": ["好", "身份证11010519491231002X", "打13912345678"]}
    sifted = step.apply(rows)
    assert isinstance(sifted, Sifted)
    assert sifted.rows == {"text": ["好", "打[MOBILE]"]}
    assert list(sifted.places) == [0, 2]
    assert sifted.reasons == {1: "holds personal data: id_card"}
    with pytest.raises(ExampleError, match="holds personal data: id_card") as refused:
        steps.apply([step], rows)
    assert refused.value.index == 1
    assert "11010519491231002X" not in str(refused.value.as_dict())
    assert steps.apply([step], {"text": ["打13912345678"]}) == {"text": ["打[MOBILE]"]}
    assert step.protect(["身份证11010519491231002X"]) == ["身份证[ID_CARD]"]


def test_an_action_by_kind() -> None:
    text = "13912345678 a@example.com 198.51.100.23"
    after = masked(text, kinds=["mobile", "email"], action={"mobile": "hash"}, **KEYED)
    assert after.startswith("[MOBILE:")
    assert after.endswith("] [EMAIL] 198.51.100.23")


def test_it_counts_what_it_found() -> None:
    step = made()
    step.apply({"text": ["打13912345678或13812345678", "好", "a@example.com"]})
    assert step.report() == {"texts": 3, "changed": 2, "found": {"email": 1, "mobile": 2}}


def test_only_the_named_columns() -> None:
    step = steps.build("mask_pii", {"columns": ["note"]}, ["note", "text"], None)
    assert step.apply({"note": ["13912345678"], "text": ["13912345678"]}) == {
        "note": ["[MOBILE]"],
        "text": ["13912345678"],
    }


def test_a_hundred_thousand_of_them_in_one_text() -> None:
    text = "13912345678 " * 20_000
    assert masked(text) == "[MOBILE] " * 20_000


# --- parameters


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kinds": ["mobil"]}, "did you mean 'mobile'"),
        ({"kinds": []}, "at least 1"),
        ({"action": {"mail": "drop"}}, "there is no kind 'mail'"),
        ({"action": "remove"}, "mask"),
        ({"action": "hash"}, "hash needs a key"),
        ({"action": {"email": "fake"}}, "fake needs a key"),
        ({"key": "hunter2hunter2hunter2"}, "a recipe holds no secret"),
        ({"key": "${env:A}${env:B}"}, "a recipe holds no secret"),
        ({"placeholder": "{name}"}, "means nothing"),
        ({"placeholder": ""}, "at least 1"),
        ({"pseudonym": "[{KIND}]"}, "must hold {hash}"),
        ({"regions": ["USA"]}, "two capital letters"),
        ({"engine": "spacy"}, "presidio"),
        ({"kinds": ["person"]}, "there is no kind 'person'"),
        ({"locale": "de_DE"}, "zh_CN"),
    ],
)
def test_wrong_parameters(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        mask_pii.Params.model_validate(params)


def test_a_key_that_is_not_there_or_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PII_KEY")
    with pytest.raises(SecretError, match="needs the environment variable PII_KEY") as missing:
        made(action="hash", **KEYED)
    assert missing.value.status == 2
    assert missing.value.hint == "export PII_KEY=…"
    monkeypatch.setenv("PII_KEY", "hunter2")
    with pytest.raises(SecretError, match="7 characters") as short:
        made(action="hash", **KEYED)
    assert "hunter2" not in str(short.value.as_dict())


def test_the_key_is_in_no_record_and_masked_where_it_would_be_printed() -> None:
    step = made(action="hash", **KEYED)
    step.apply({"text": ["13912345678"]})
    kept = json.dumps([steps.record("mask_pii", {"action": "hash", **KEYED}, step), step.report()])
    assert SECRET not in kept
    assert environment.mask(f"x{SECRET}y") == "x${env:PII_KEY}y"


def test_another_key_than_that_of_the_training_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    record = steps.record("mask_pii", {"action": "hash", **KEYED}, made(action="hash", **KEYED))
    steps.restore([record], ["text"])
    monkeypatch.setenv("PII_KEY", SECRET + "!")
    with pytest.raises(VerificationError, match="not the one that the model was trained with"):
        steps.restore([record], ["text"])


# --- packages


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Let a package seem not to be installed."""
    real = plugins._version
    monkeypatch.setattr(plugins, "_version", lambda name: None if name == package else real(name))


def test_without_phonenumbers_the_other_kinds_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "phonenumbers")
    with pytest.raises(MissingPackageError, match="phonenumbers") as missing:
        made()
    assert missing.value.hint == "pip install 'aiaas[data]'"
    assert masked("打13912345678", kinds=["mobile"]) == "打[MOBILE]"


def test_without_faker_nothing_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "faker")
    with pytest.raises(MissingPackageError, match="faker"):
        made(action="fake", **KEYED)


def test_presidio_is_told_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "presidio-analyzer")
    with pytest.raises(MissingPackageError, match="presidio") as missing:
        made(engine="presidio")
    assert missing.value.status == 4
    assert missing.value.hint == "pip install 'aiaas[presidio]'"


needs_presidio = pytest.mark.skipif(
    None in plugins.installed(_pii_presidio.REQUIRES).values(), reason="presidio-analyzer is not installed"
)


@needs_presidio
def test_presidio_adds_what_it_finds() -> None:
    step = made(engine="presidio", kinds=["email", "phone"])
    after = step.apply({"text": ["打13912345678，write a@example.com or (202) 555-0143"]})["text"]
    assert after == ["打13912345678，write [EMAIL] or [PHONE]"]


@needs_presidio
def test_presidio_without_its_model_says_how_to_get_it() -> None:
    with pytest.raises(MissingPackageError, match="no_such_model") as missing:
        made(engine="presidio", spacy_model="no_such_model")
    assert missing.value.hint == "python -m spacy download no_such_model"


@pytest.mark.skipif(
    plugins._version("en-core-web-sm") is None, reason="the spaCy model en_core_web_sm is not installed"
)
@needs_presidio
def test_presidio_finds_names_by_a_model() -> None:
    after = masked("My name is Emily Johnson and I live in Boston.", engine="presidio", spacy_model="en_core_web_sm")
    assert "Emily Johnson" not in after
    assert "[PERSON]" in after


# --- from the data to the answers

PHONE, EMAIL, CARD = "13912345678", "planted.person@example.com", "6200000000000005"
ID_CARD = "11010519491231002X"
PLANTED = (PHONE, "139 1234 5678", EMAIL, CARD, ID_CARD)


def plant(project: Path, action: str = "mask") -> None:
    """Put personal data into the rows of `project`, contradicting ones too, and the step into its recipe."""
    lines = [f"{text}，电话{PHONE}，写信{EMAIL}" for text in ("房间很好", "早餐干净", "服务满意")]
    both = f"身份证{ID_CARD}和卡{CARD}都留了，一般"
    for name in ("good", "bad"):
        path = project / f"{name}.txt"
        own = [f"{line}{name}" for line in lines]
        path.write_text("\n".join([*own, both, path.read_text("utf-8").strip(), f"139 1234 5678 {name}"]), "utf-8")
    step = f"{{mask_pii: {{action: {action}, key: '${{env:PII_KEY}}'}}}}"
    recipe = RECIPE.replace("steps: [clean, deduplicate]", f"steps: [clean, deduplicate, {step}]")
    (project / "tiny.yaml").write_text(recipe, "utf-8")


def holding(folder: Path, values: tuple[str, ...]) -> list[str]:
    """The files below a folder in which one of the values stands, but for the collected rows themselves."""
    needles = [value.encode() for value in values]
    return [
        f"{path.relative_to(folder)}: {needle.decode()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "collect" not in path.parts
        for needle in needles
        if needle in path.read_bytes()
    ]


@contextmanager
def served(project: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A client that has the first key of the service, and its process."""
    command = [sys.executable, "-m", "aiaas", "serve", "tiny", "--port", "0", "--json"]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        started = json.loads(process.stdout.readline())
        key = {"authorization": f"Bearer {started['key']}"}
        with httpx.Client(base_url=started["url"], headers=key, trust_env=False) as http:
            yield http, process
    finally:
        process.terminate()


@pytest.mark.parametrize("action", ["mask", "hash"])
def test_nothing_gets_past_it(project: Path, aiaas: Aiaas, action: str) -> None:
    plant(project, action)
    done = aiaas("run", "tiny.yaml", "--json", track=action == "mask")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for value in (*PLANTED, SECRET):
        assert value not in done.stdout + done.stderr
    folder = Path(said["bundle"])
    assert holding(folder, (*PLANTED, SECRET)) == []
    assert holding(project / ".aiaas", (*PLANTED, SECRET)) == []
    assert "[MOBILE" in (folder / "examples.jsonl").read_text("utf-8")

    with served(project) as (http, process):
        path = "/v1/models/tiny/predict"
        answer = http.post(path, json={"inputs": [f"房间很好，打{PHONE}", f"太吵，{EMAIL}"]})
        assert answer.status_code == 200
        wrong = http.post(path, json={"inputs": [{PHONE: EMAIL}, {"text": 5, EMAIL: CARD}]})
        assert wrong.status_code == 422
        document = http.get("/openapi.json").text
    _, log = process.communicate(timeout=30)
    for value in PLANTED:
        assert value not in answer.text + wrong.text + document + log

    asked = aiaas("infer", "tiny", "-", stdin=f"房间很好，打{PHONE}\n太吵，{EMAIL}\n")
    assert asked.returncode == 0
    assert not [value for value in PLANTED if value in asked.stdout + asked.stderr]
    wrong = aiaas("infer", "tiny", "-", stdin=json.dumps({"text": "好", PHONE: 1}) + "\n")
    assert wrong.returncode == 3
    assert "[MOBILE" in wrong.stdout
    assert PHONE not in wrong.stdout + wrong.stderr


def test_the_model_sees_a_request_as_it_saw_the_rows(project: Path, aiaas: Aiaas) -> None:
    plant(project)
    assert aiaas("run", "tiny.yaml").returncode == 0
    model = bundle.find("tiny", Workspace.open(project / ".aiaas"))
    one, other = model.predict([f"房间很好，打{PHONE}", "房间很好，打138 0000 1111"])
    assert one == other
    assert model.protect([f"打{PHONE}"]) == ["打[MOBILE]"]


def test_dropped_rows_are_no_examples_and_such_requests_are_refused(project: Path, aiaas: Aiaas) -> None:
    plant(project, "drop")
    done = aiaas("run", "tiny.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert holding(Path(json.loads(done.stdout)["bundle"]), PLANTED) == []
    asked = aiaas("infer", "tiny", "-", stdin=f"房间很好\n打{PHONE}\n太吵\n")
    first, refused, last = map(json.loads, asked.stdout.splitlines())
    assert "label" in first
    assert "label" in last
    assert "holds personal data: mobile" in refused["error"]["message"]
    assert PHONE not in asked.stdout + asked.stderr
    assert asked.returncode == 3
    with served(project) as (http, process):
        answer = http.post("/v1/models/tiny/predict", json={"inputs": ["房间很好", f"打{PHONE}"]})
        assert answer.status_code == 422
        assert answer.json()["error"]["where"] == "inputs[1]"
        assert PHONE not in answer.text
    process.communicate(timeout=30)


def test_a_bundle_without_its_key_says_which_variable(project: Path, aiaas: Aiaas) -> None:
    plant(project, "hash")
    done = aiaas("run", "tiny.yaml", "--json")
    assert done.returncode == 0, done.stderr
    environment = {name: value for name, value in os.environ.items() if name != "PII_KEY"}
    command = [sys.executable, "-m", "aiaas", "infer", "tiny", "-"]
    failed = subprocess.run(command, cwd=project, env=environment, input="好\n", capture_output=True, text=True)
    assert failed.returncode == 2
    assert "PII_KEY" in failed.stderr
    other = aiaas("infer", "tiny", "-", stdin="好\n", environment={"PII_KEY": "x" * 20})
    assert other.returncode == 7
    assert "x" * 20 not in other.stderr


def test_a_log_holds_nothing_that_the_steps_take_out(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Masking:
        def protect(self, texts: list[str]) -> list[str]:
            return list(made().protect(texts))

    logger = logging.getLogger("aiaas.serve")
    with protected(lambda: [Masking()]):  # type: ignore[list-item]
        try:
            float(f"打{PHONE}")
        except ValueError as error:
            logger.error("request %s failed: %s", PHONE, error, exc_info=error)
    assert "could not convert string to float" in caplog.text
    assert "[MOBILE]" in caplog.text
    assert PHONE not in caplog.text
    logger.error("call %s", PHONE)
    assert PHONE in caplog.text  # and nothing is left behind


def test_checks_are_those_of_the_values_planted_here() -> None:
    assert checks.id_card(ID_CARD)
    assert checks.bank_card(CARD)
