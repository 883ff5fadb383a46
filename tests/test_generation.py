"""Text generation from the task to the stream: options, the LSTM in numpy, bundles, infer and the service."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from aiaas import infer
from aiaas.backends.characters import END, UNKNOWN, learn
from aiaas.backends.generator import CharacterGenerator
from aiaas.bundle import Bundle, of_words
from aiaas.contracts import Signature
from aiaas.errors import DataError, OptionError, TrainingError, UsageError
from aiaas.tasks import text_generation as task
from aiaas.tasks.text_generation import Options
from tests import writer
from tests.echo import Echo

TEXT = Signature({"text": "string"}, None)
PREDICT = "/v1/models/writer/predict"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return writer.write(tmp_path_factory.mktemp("writer") / "made")


# --- the task ----------------------------------------------------------------------------------------------------


def test_figures_are_those_of_all_texts_together() -> None:
    scores = np.array([[6.0, 3, 2], [2.0, 1, 0]], np.float32)
    told = task.measure(np.array([]), scores, TEXT)
    assert told["perplexity"] == pytest.approx(math.exp(8 / 4))
    assert told["bits_per_character"] == pytest.approx(8 / math.log(2) / 2)
    assert task.answer(scores[1], TEXT)["bits_per_character"] is None


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"max_length": 0}, "max_length"),
        ({"max_length": 1.5}, "max_length"),
        ({"max_length": "9"}, "max_length"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.01}, "top_p"),
        ({"repetition_penalty": 0.5}, "repetition_penalty"),
        ({"seed": -1}, "seed"),
        ({"stop": ["a", ""]}, "stop"),
        ({"stop": "a"}, "stop"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"max_length": 3, "min_length": 4}, "min_length 4 is more than max_length 3"),
        ({"temprature": 1}, "allowed: max_length"),
    ],
)
def test_a_wrong_option_is_named_with_what_is_allowed(made: Bundle, given: dict[str, Any], named: str) -> None:
    with pytest.raises(OptionError, match=named) as caught:
        made.predict(["我"], given)
    assert "options" in str(caught.value.where)
    with pytest.raises(OptionError, match=named):
        made.stream("我", given)


def test_options_of_words_are_those_of_json(made: Bundle) -> None:
    words = ["max-length=5", "temperature=0.5", "stop=，", "stop=a=b", "seed=7", "top_k=3"]
    wanted = {"max_length": 5, "temperature": 0.5, "stop": ["，", "a=b"], "seed": 7, "top_k": 3}
    assert of_words(Options, words) == wanted
    for wrong in ("temperature", "temperature=warm", "max_length=1.5", "=3", "top_k=0"):
        with pytest.raises(OptionError):
            of_words(Options, [wrong])
    with pytest.raises(OptionError) as caught:
        of_words(Options, ["max_lenght=3"])
    assert caught.value.hint == "did you mean 'max_length'?"


# --- characters and the network ----------------------------------------------------------------------------------


def test_characters_come_by_their_frequency_and_others_are_unknown() -> None:
    known = learn([["好好好的的", "的的\n😀"], ["\n他"]], min_count=2, most=10)
    assert known.characters == "的好\n"
    assert known.encode("的好\n他").tolist() == [2, 3, 4, UNKNOWN]
    assert "".join(map(known.decode, [2, 3, 4])) == "的好\n"
    assert learn([["好好好的的"]], min_count=1, most=1).characters == "好"
    with pytest.raises(TrainingError, match="3 times"):
        learn([["好的"]], min_count=3, most=10)


def test_numpy_computes_what_keras_does() -> None:
    pytest.importorskip("tensorflow")
    from aiaas.backends.tensorflow import _generator
    from aiaas.backends.tensorflow.lstm_generator import Params

    params = Params(embedding=12, units=20, layers=2, window=9, dropout=0.3)
    network = _generator.build(params, 30)
    random = np.random.default_rng(5)
    network.set_weights([random.normal(0, 0.5, each.shape) for each in network.get_weights()])
    tokens = random.integers(0, 30, (3, 10)).astype(np.int32)
    logits = np.asarray(network(tokens[:, :-1], training=False), np.float64)
    scores = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    wanted = -np.take_along_axis(scores, tokens[:, 1:, None], axis=2)[:, :, 0]

    plain = _generator.finished(network, params)
    found = plain.log_losses([tokens[0], tokens[1, :4], tokens[2]])
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-4)
    np.testing.assert_allclose(found[1], wanted[1, :3], atol=1e-4)
    np.testing.assert_allclose(found[2], wanted[2], atol=1e-4)
    state = plain.start()
    for place, token in enumerate(tokens[0, :-1]):
        after, state = plain.step(int(token), state)
        np.testing.assert_allclose(after, logits[0, place], atol=1e-4)


def test_running_text_holds_every_text_once_an_epoch_and_is_the_same_again() -> None:
    pytest.importorskip("tensorflow")
    from aiaas.backends.tensorflow._generator import RunningText

    texts = [np.arange(2, 2 + size, dtype=np.int32) for size in (5, 0, 1, 12, 3, 7)]
    running = RunningText(texts, window=4, rows=2, seed=3)
    for epoch in range(3):
        batches = list(running.epoch(epoch, 0))
        assert len(batches) == running.steps
        inputs, targets, weights = (np.concatenate([each[part].ravel() for each in batches]) for part in range(3))
        targets = targets[weights > 0]
        assert targets.size == sum(text.size + 1 for text in texts if text.size)
        np.testing.assert_array_equal(inputs[: targets.size], [END, *targets[:-1]])
        parts = np.split(targets, np.flatnonzero(targets == END) + 1)[:-1]
        assert sorted(part[:-1].size for part in parts) == [1, 3, 5, 7, 12]
        for one, other in zip(running.epoch(epoch, 2), batches[2:], strict=True):
            for left, right in zip(one, other, strict=True):
                np.testing.assert_array_equal(left, right)
    orders = [np.concatenate([each[1].ravel() for each in running.epoch(epoch, 0)]).tolist() for epoch in range(3)]
    assert len({str(order) for order in orders}) > 1, "shuffled anew"


def test_the_loss_of_a_text_is_that_of_its_tokens_and_of_spelling_what_is_unknown() -> None:
    model = writer.generator()
    nats, tokens, characters = model.predict(["我在😀"])[0]
    state, token, total = model.network.start(), END, 0.0
    for following in (*model.characters.encode("我在😀").tolist(), END):
        logits, state = model.network.step(token, state)
        wide = logits.astype(np.float64)
        total += float(np.log(np.exp(wide - wide.max()).sum()) + wide.max() - wide[following])
        token = following
    assert (tokens, characters) == (4, 3)
    assert nats == pytest.approx(total + math.log(model.characters.others), rel=1e-5)
    assert model.predict([""])[0, 1:].tolist() == [1, 0], "an empty text is an end"


def test_a_state_is_carried_so_that_a_token_costs_the_same_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    model = writer.generator()
    network = type(model.network)
    sizes: list[int] = []
    step = network.step

    def counted(self: Any, token: int, state: Any) -> Any:
        assert isinstance(token, int), "one token a step"
        logits, after = step(self, token, state)
        sizes.append(sum(array.size for pair in after for array in pair))
        return logits, after

    monkeypatch.setattr(network, "step", counted)
    options = Options(max_length=10_000, min_length=10_000, repetition_penalty=1.1)
    written = list(model.generate("我在中国", options))
    assert len(written) == 10_000
    assert len(sizes) == 1 + 4 + 10_000 - 1, "each token of the prompt and of the text is read once"
    assert set(sizes) == {2 * (24 + 16)}, "what is kept does not grow"


@pytest.mark.parametrize("prompt", ["", "我", "龘😀\u0301", " \n", "我" * 3000])
def test_any_prompt_is_written_on_from(prompt: str) -> None:
    model = writer.generator()
    text = "".join(model.generate(prompt, Options(max_length=50, min_length=50)))
    assert len(text) == 50
    assert set(text) <= set(writer.CHARACTERS), "what is unknown is never written"


def test_equal_options_equal_text_and_what_was_saved_writes_alike(tmp_path: Path) -> None:
    model = writer.generator()
    model.save(tmp_path)
    again = CharacterGenerator.load(tmp_path)
    texts = [
        "".join(each.generate("我", Options(max_length=60, min_length=60, seed=4))) for each in (model, model, again)
    ]
    assert len(set(texts)) == 1
    assert "".join(model.generate("我", Options(max_length=60, min_length=60, seed=5))) != texts[0]


def test_stop_ends_the_text() -> None:
    model = writer.generator()
    whole = "".join(model.generate("我", Options(max_length=200, min_length=200)))
    stop = whole[20:23]
    cut = "".join(model.generate("我", Options(max_length=200, min_length=200, stop=(stop,))))
    assert cut == whole[: whole.index(stop)]


def test_steps_take_one_thread_while_anyone_writes_and_give_the_others_back() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads() -> set[int]:
        libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").info()
        return {each["num_threads"] for each in libraries if "numpy" in each["filepath"]}

    with threadpoolctl.threadpool_limits(2, "blas"):
        before = threads()
        options = Options(max_length=50, min_length=50)
        first, second = (writer.generator().generate("我", options) for _ in range(2))
        assert threads() == before, "nothing was begun"
        next(first)
        next(second)
        assert threads() == {1}
        first.close()  # type: ignore[attr-defined]
        assert threads() == {1}, "the second still writes"
        list(second)
        assert threads() == before


# --- a bundle ----------------------------------------------------------------------------------------------------


def test_a_bundle_answers_streams_and_replays(made: Bundle) -> None:
    (answer,) = made.predict([{"text": "我"}], {"seed": 3, "max_length": 30})
    assert "".join(made.stream("我", {"seed": 3, "max_length": 30})) == answer["text"]
    assert made.replay() == 2
    assert made.predict([]) == []
    with pytest.raises(DataError, match="text is needed"):
        made.stream(3)


def test_another_model_takes_no_options_and_writes_nothing(made: Bundle) -> None:
    from dataclasses import replace

    from aiaas.tasks import text_classification

    other = replace(made, task=text_classification)
    assert other.options is None
    with pytest.raises(OptionError, match="takes no options"):
        other.predict(["我"], {"seed": 1})
    with pytest.raises(UsageError, match="does not write"):
        other.stream("我")
    with pytest.raises(UsageError, match="does not write on"):
        infer.write(Echo(), "我", None)  # type: ignore[arg-type]


# --- infer -------------------------------------------------------------------------------------------------------


def command(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aiaas", "infer", *words],
        input=stdin, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_prompt_is_written_on_from_as_plain_text(made: Bundle) -> None:
    wanted = made.predict(["我"], {"seed": 3})[0]
    done = command(str(made.path), "--prompt", "我", "-O", "seed=3")
    assert (done.stdout, done.returncode) == (wanted["text"] + "\n", 0)
    assert done.stderr == f"answered by {made.name}, runtime numpy\n"
    told = json.loads(command(str(made.path), "--prompt", "我", "-O", "seed=3", "--json").stdout)
    assert (told["ok"], told["prompt"], told["answer"]) == (True, "我", wanted)


def test_lines_are_prompts(made: Bundle) -> None:
    done = command(str(made.path), "--option", "max_length=9", stdin="我\n\n国\n")
    assert [json.loads(line) for line in done.stdout.splitlines()] == made.predict(["我", "", "国"], {"max_length": 9})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--prompt", "我", "-O", "top_p=2"], "top_p: must be less than or equal to 1"),
        (["--prompt", "我", "-O", "topp=1"], "did you mean 'top_p'?"),
        (["--prompt", "我", "-O", "seed"], "NAME=VALUE"),
        (["--prompt", "我", "lines.txt"], "exclude each other"),
    ],
)
def test_wrong_words_end_with_status_2(made: Bundle, words: list[str], told: str) -> None:
    done = command(str(made.path), *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_text_comes_as_it_is_written_and_nobody_need_read_to_the_end(made: Bundle) -> None:
    words = [sys.executable, "-m", "aiaas", "infer", str(made.path), "--prompt", "我"]
    words += ["-O", "max_length=100000", "-O", "min_length=100000"]
    for stop in ("close", "interrupt"):
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.read(30), "before the end, which is far"
            if stop == "close":
                process.stdout.close()
            else:
                process.send_signal(signal.SIGINT)
                process.stdout.read()
            assert process.stderr is not None
            assert b"Traceback" not in process.stderr.read()
            assert process.wait(30) == (0 if stop == "close" else 75)


# --- the service -------------------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path, seconds: float = 0.0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.writer", str(folder), str(seconds)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("served") / "made") as (_, address):
        yield address


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_service_answers_whole_or_streams(http: httpx.Client, made: Bundle) -> None:
    wanted = made.predict(["我", ""], {"max_length": 20, "seed": 2})
    body = {"inputs": ["我", ""], "options": {"max_length": 20, "seed": 2}}
    whole = http.post(PREDICT, json=body).json()
    assert whole["outputs"] == wanted
    response = http.post(PREDICT, json={**body, "inputs": ["我"], "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-request-id"]
    *tokens, (last, answer) = events(response.text)
    assert {name for name, _ in tokens} == {"token"}
    assert "".join(data["text"] for _, data in tokens) == wanted[0]["text"]
    assert last == "answer"
    assert answer == {**whole, "outputs": wanted[:1]}
    assert http.post(PREDICT, json={"inputs": []}).json()["outputs"] == []


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("body", "status", "where", "told"),
    [
        ({"inputs": ["secret"], "options": {"top_p": 2}}, 422, "options.top_p", "less than or equal to 1"),
        ({"inputs": ["secret"], "options": {"secret": 2}}, 422, "options", "allowed: max_length"),
        ({"inputs": ["secret"], "options": {"seed": "secret"}}, 422, "options.seed", "integer"),
        ({"inputs": ["secret"], "options": ["secret"]}, 400, "options", "no object"),
        ({"inputs": [3], "options": {}}, 422, "inputs[0]", "text is needed"),
        ({"inputs": ["secret"], "secret": 1}, 400, "body", "more than inputs, options, stream"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    http: httpx.Client, body: dict[str, Any], stream: bool, status: int, where: str, told: str
) -> None:
    response = http.post(PREDICT, json={**body, "stream": stream})
    assert response.status_code == status
    error = response.json()["error"]
    assert (error["where"], told in error["message"]) == (where, True)
    assert "secret" not in response.text


def test_limits_of_a_model_that_writes(http: httpx.Client) -> None:
    assert http.post(PREDICT, json={"inputs": ["x"] * 65}).status_code == 413
    assert http.post(PREDICT, json={"inputs": ["x"] * 2, "stream": True}).status_code == 400
    assert http.post(PREDICT, json={"inputs": ["x"], "stream": "yes"}).status_code == 400


def test_an_error_while_writing_is_the_last_event(http: httpx.Client) -> None:
    body = {"inputs": ["个"], "options": {"min_length": 9, "max_length": 9}}
    *tokens, (last, problem) = events(http.post(PREDICT, json={**body, "stream": True}).text)
    assert len(tokens) == 3
    assert (last, problem["error"]["code"]) == ("error", "internal")
    assert "secret" not in str(problem)
    assert http.post(PREDICT, json=body).status_code == 500


def test_a_model_behind_a_url_streams(url: str, made: Bundle) -> None:
    options = {"max_length": 20, "seed": 2}
    wanted = made.predict(["我"], options)[0]
    with closing(infer.RemoteModel(url)) as remote:
        assert remote.options is Options
        assert "".join(remote.write("我", options)) == wanted["text"]
        assert remote.answer(["我"], options) == [wanted]
        with pytest.raises(OptionError, match="top_p"):
            list(remote.write("我", {"top_p": 7}))
    done = command(url, "--prompt", "我", "-O", "max_length=20", "-O", "seed=2")
    assert (done.stdout, done.returncode) == (wanted["text"] + "\n", 0)


def test_the_document_tells_of_options_and_events(http: httpx.Client) -> None:
    operation = http.get("/openapi.json").json()["paths"][PREDICT]["post"]
    taken = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert set(taken["options"]["properties"]) == set(Options.model_fields)
    assert taken["inputs"]["maxItems"] == 64
    assert "text/event-stream" in operation["responses"]["200"]["content"]


@pytest.mark.parametrize("stream", [True, False])
def test_who_goes_away_stops_the_work(tmp_path: Path, stream: bool) -> None:
    options = {"min_length": 100_000, "max_length": 100_000}
    with served(tmp_path / "made", 0.01) as (process, url):
        assert process.stdout is not None
        body = {"inputs": ["我"], "options": options, "stream": stream}
        with httpx.Client(base_url=url, trust_env=False, timeout=1.0) as client:
            if stream:
                with client.stream("POST", PREDICT, json=body) as response:
                    next(response.iter_bytes())
            else:
                with pytest.raises(httpx.ReadTimeout):
                    client.post(PREDICT, json=body)
        assert process.stdout.readline() == "writing\n"
        word, written = process.stdout.readline().split()
        assert word == "wrote"
        assert int(written) < 10_000


def test_a_stream_that_was_begun_is_ended_when_the_service_stops(tmp_path: Path) -> None:
    body = {"inputs": ["我"], "options": {"min_length": 60, "max_length": 60}, "stream": True}
    with (
        served(tmp_path / "made", 0.02) as (process, url),
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
        client.stream("POST", PREDICT, json=body) as response,
    ):
        parts = response.iter_text()
        text = next(parts)
        process.send_signal(signal.SIGTERM)
        text += "".join(parts)
        assert events(text)[-1][0] == "answer"
        assert len(events(text)) == 61
        assert process.wait(20) == 0
