"""The parts of a service of several workers, without processes: board, talk, entrance, switches, decisions, rest."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from aiaas.bundle import Bundle, Located
from aiaas.errors import VerificationError
from aiaas.serve.batching import Size
from aiaas.serve.calls import LOCAL, Call
from aiaas.serve.entrance import Entrance
from aiaas.serve.errors import DeadlineError, NotFoundError
from aiaas.serve.fleet import process, rollout
from aiaas.serve.fleet.aliases import Aliases
from aiaas.serve.fleet.board import EMPTY, LEAVING, OPEN, STARTING, STILL, Board, Crowd
from aiaas.serve.fleet.channel import Channel
from aiaas.serve.fleet.faults import Faults
from aiaas.serve.fleet.messages import Arm, Begin, Counted, Drop, Failed, Forget, Message, Prepare, Settle, Turn
from aiaas.serve.fleet.rollout import RefusedError, Rollout, StateError
from aiaas.serve.fleet.switches import Switches
from aiaas.serve.fleet.worker import Worker, environment
from aiaas.serve.guard import Tls
from aiaas.serve.limits import Limits
from aiaas.serve.models import Models
from aiaas.serve.rest import Rest
from aiaas.serve.seen import Places, numbers
from aiaas.serve.seen.metrics import Metrics
from aiaas.serve.settings import Settings
from aiaas.serve.watching import All, Ended
from aiaas.track import Registry
from aiaas.workspace import Workspace
from tests import fleet_toy

# --- the board ------------------------------------------------------------------------------------------------------


def test_the_board_is_one_for_all_who_have_its_file() -> None:
    board, file = Board.make(workers=2)
    other = Board(os.dup(board.handle))
    with file:
        assert (board.epoch, board.missing, board.slots) == (0, 2, 6)
        board.epoch = 7
        board.set_state(board.free() or 0, OPEN)
        assert (other.epoch, other.missing, other.free()) == (7, 1, 1)
        other.set_state(1, STARTING)
        assert board.missing == 1
        other.set_state(1, OPEN)
        other.set_connections(1, 3)
        assert board.missing == 0
        assert list(board.others(0)) == [3]
        board.set_state(1, EMPTY)
        assert board.connections(1) == 0
        assert 0 <= other.still(1) < 60
        for slot in range(6):
            board.set_state(slot, STARTING)
        assert board.free() is None


def test_a_worker_that_does_not_move_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    board, file = Board.make(workers=1)
    with file:
        board.set_state(0, OPEN)
        assert board.missing == 0
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + STILL + 1)
        assert board.missing == 1
        board.move(0)
        assert board.missing == 0


def test_who_has_more_connections_than_another_is_ahead() -> None:
    board, file = Board.make(workers=3)
    with file:
        crowd = Crowd(board, 0)
        assert not crowd.is_ahead(5), "nobody else is there"
        for slot, state, count in ((1, OPEN, 4), (2, LEAVING, 0)):
            board.set_state(slot, state)
            board.set_connections(slot, count)
        assert crowd.is_ahead(5)
        assert not crowd.is_ahead(4), "one that leaves takes nobody"
        assert board.connections(0) == 4


@pytest.mark.parametrize(
    ("mine", "others", "excess"),
    [(16, (16,), 0), (32, (0,), 16), (20, (16,), 0), (24, (16,), 0), (3, (0,), 0), (6, (0, 0), 4), (0, (9,), 0)],
)
def test_clients_are_sent_away_where_others_have_few(mine: int, others: tuple[int, ...], excess: int) -> None:
    board, file = Board.make(workers=3)
    with file:
        for slot, count in enumerate((0, *others)):
            board.set_state(slot, OPEN)
            board.set_connections(slot, count)
        assert Crowd(board, 0).excess(mine) == excess


# --- the talk -------------------------------------------------------------------------------------------------------


def test_messages_arrive_as_they_were_sent() -> None:
    ours, theirs = Channel.pair()
    model = Located("toy", Path("/models/toy"), "d" * 64, "3")
    sent: list[Message] = [
        Begin(2, (model,), Settings(Path("/ws"), 4, 30.0, 10**9), Places(Path("/m"), Path("/a"), Path("/l"))),
        Prepare(3, model, at_once=True),
        Counted({"d": (10, 2)}),
        Turn(),
    ]
    for message in sent:
        ours.send(message)
    assert [theirs.receive() for _ in sent] == sent
    ours.close()
    assert theirs.receive() is None
    theirs.send(Turn())  # nobody hears it, and nothing is raised
    theirs.close()


def test_the_end_of_the_other_is_heard() -> None:
    async def listen() -> list[Message | None]:
        ours, theirs = Channel.pair()
        heard: list[Message | None] = []
        ours.listen(heard.append)
        theirs.send(Turn())
        theirs.close()
        while None not in heard:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        ours.close()
        return heard

    assert asyncio.run(listen()) == [Turn(), None]


def test_a_worker_that_cannot_be_started_leaves_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    def pair() -> tuple[Channel, Channel]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Channel, "pair", pair)

    async def start() -> int | None:
        board, file = Board.make(workers=1)
        begin = Begin(0, (), Settings(Path("/")), Places(Path("/"), Path("/"), Path("/")))
        with file, socket.socket() as door:
            with pytest.raises(OSError, match="Too many"):
                await Worker(begin, board, door).start()
            return board.free()

    assert asyncio.run(start()) == 0


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (7, "ended with status 7"),
        (-signal.SIGKILL, "was ended by SIGKILL"),
        (-36, "was ended by signal 36"),  # one of those that have no names
    ],
)
def test_how_a_worker_ended(status: int, words: str) -> None:
    worker: Any = object.__new__(Worker)
    worker._process = SimpleNamespace(returncode=status)
    assert worker.ending == words


def test_a_worker_computes_with_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiaas.serve.fleet.worker.cores", lambda: 8)
    monkeypatch.delenv("AIAAS_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert environment(3)["AIAAS_THREADS"] == "2"
    assert environment(20)["AIAAS_THREADS"] == "1"
    assert environment(3)["OMP_NUM_THREADS"] == "5", "whoever starts the service knows better"


# --- the entrance ---------------------------------------------------------------------------------------------------


class Ahead:
    """A crowd that says what it is told to."""

    def __init__(self, *, ahead: bool) -> None:
        self.ahead = ahead
        self.asked = 0

    def is_ahead(self, connections: int) -> bool:
        self.asked += 1
        return self.ahead


@pytest.mark.parametrize("ahead", [True, False])
def test_who_is_ahead_takes_a_newcomer_when_nobody_else_does(ahead: bool) -> None:
    async def come() -> tuple[int, int]:
        with socket.create_server(("127.0.0.1", 0)) as door:
            crowd: Any = Ahead(ahead=ahead)
            met: list[asyncio.Protocol] = []

            class Meeting(asyncio.Protocol):
                def connection_made(self, transport: asyncio.BaseTransport) -> None:
                    met.append(self)
                    transport.close()

            entrance = Entrance(door, Meeting, None, lambda: 0, crowd)
            entrance.open()
            guests = [socket.create_connection(door.getsockname()) for _ in range(5)]
            while len(met) < 5:
                await asyncio.sleep(0.001)
            entrance.close()
            for guest in guests:
                guest.close()
            return len(met), crowd.asked

    assert asyncio.run(come()) == (5, 5)


def test_a_process_that_may_open_no_file_goes_on_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiaas.serve.entrance.EXHAUSTED", 0.01)

    class Door(socket.socket):
        full = 3

        def accept(self) -> Any:
            Door.full -= 1
            if Door.full > 0:
                raise OSError(24, "Too many open files")
            return super().accept()

    async def come() -> int:
        met = asyncio.Event()

        class Meeting(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                transport.close()
                met.set()

        with Door(socket.AF_INET, socket.SOCK_STREAM) as door:
            door.bind(("127.0.0.1", 0))
            door.listen()
            entrance = Entrance(door, Meeting, None, lambda: 0)
            entrance.open()
            with socket.create_connection(door.getsockname()):
                await asyncio.wait_for(met.wait(), 10)
            entrance.close()
        return Door.full

    assert asyncio.run(come()) <= 0


# --- versions in a worker -------------------------------------------------------------------------------------------


class Epoch:
    """The board's, in a test's hand."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> int:
        return self.number


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bundle]:
    """Loads a bundle that behaves as it is told."""
    from aiaas import plugins
    from aiaas.bundle import load

    real = plugins.architecture
    monkeypatch.setattr(
        "aiaas.plugins.architecture",
        lambda backend, name: fleet_toy if backend == "toys" else real(backend, name),
    )

    def make(name: str = "toy", version: str = "1", **told: Any) -> Bundle:
        folder = tmp_path / f"{name}-{version}"
        fleet_toy.bundle(folder, name, version=version, **told)
        return load(folder, version=version)

    return make


def models_of(*bundles: Bundle) -> Models:
    models = Models(ThreadPoolExecutor(1), Limits(), All())
    for bundle in bundles:
        models.put(bundle.name, bundle)
    return models


def test_a_version_waits_for_its_turn(toys: Callable[..., Bundle]) -> None:
    models, epoch = models_of(toys()), Epoch()
    switches = Switches(models, epoch)
    models.turn = switches.turn
    switches.add(3, models.make("toy", toys(version="2")))
    assert models.find("toy", LOCAL).bundle.version == "1"
    epoch.number = 2
    assert models.find("toy", LOCAL).bundle.version == "1"
    epoch.number = 3
    assert models.find("toy", LOCAL).bundle.version == "2"
    assert [live.bundle.version for live in switches.before()] == ["1"]
    back = switches.held("toy", switches.before()[0].bundle.digest)
    assert back is not None, "the one before is still there"
    assert back.bundle.version == "1"
    switches.add(4, back)
    epoch.number = 4
    assert [live.bundle.version for live in models] == ["1"]
    switches.settle("toy")
    assert switches.before() == []
    assert switches.held("toy", "0" * 64) is None


def test_what_was_forgotten_has_no_turn(toys: Callable[..., Bundle]) -> None:
    models, epoch = models_of(toys()), Epoch()
    switches = Switches(models, epoch)
    models.turn = switches.turn
    switches.add(1, models.make("toy", toys(version="2")))
    switches.forget(1)
    epoch.number = 2
    assert models.find("toy", LOCAL).bundle.version == "1"


def test_a_version_that_comes_after_its_turn_is_switched_to_at_once(toys: Callable[..., Bundle]) -> None:
    models, epoch = models_of(toys()), Epoch()
    switches = Switches(models, epoch)
    epoch.number = 5
    switches.turn()
    switches.add(5, models.make("toy", toys(version="2")))
    assert [live.bundle.version for live in models] == ["2"]


def test_a_version_that_was_settled_is_known_as_long_as_it_ends_what_it_began(toys: Callable[..., Bundle]) -> None:
    models, epoch = models_of(toys()), Epoch()
    switches = Switches(models, epoch)
    under_way = models.find("toy", LOCAL)
    switches.switch_now(models.make("toy", toys(version="2")))
    switches.settle("toy")
    assert switches.before() == [under_way], "its errors may quote what its steps take out"
    del under_way
    assert switches.before() == []


def test_faults_are_counted_by_version_and_told_soon() -> None:
    async def watch() -> list[Mapping[str, tuple[int, int]]]:
        told: list[Mapping[str, tuple[int, int]]] = []
        faults = Faults(told.append)
        for digest, status, failed in [("a", 200, False), ("a", 500, False), ("b", 200, True), ("b", 422, False)]:
            call = Call("1", LOCAL, 0, 1, about={"digest": digest}, failed=failed)
            faults.ended(Ended("1", "POST", "/", status, 0.1, call))
        faults.ended(Ended("1", "GET", "/", 500, 0.1))  # of no model
        faults.computed({}, Size(1, 1), 0.1)
        assert told == []
        await asyncio.sleep(0.2)
        faults.forget("a")
        faults.ended(Ended("1", "POST", "/", 500, 0.1, Call("1", LOCAL, 0, 1, about={"digest": "a"})))
        await asyncio.sleep(0.2)
        return told

    assert asyncio.run(watch()) == [{"a": (2, 1), "b": (2, 1)}, {"a": (1, 1), "b": (2, 1)}]


def test_a_certificate_that_is_unusable_by_now_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a worker that begins later, as after SIGHUP: it says why it cannot, and not that memory ran out."""
    monkeypatch.setattr(process.signal, "signal", lambda number, handler: None)
    ours, theirs = Channel.pair()
    settings = Settings(tmp_path, tls=Tls(tmp_path / "cert.pem", tmp_path / "key.pem"))
    ours.send(Begin(0, (), settings, Places(tmp_path, tmp_path, tmp_path)))
    assert process.main(0, 0, os.dup(theirs.fileno())) == 2
    failed = ours.receive()
    assert isinstance(failed, Failed)
    assert (failed.error, failed.message) == ("UsageError", "there is no such file")


# --- what the supervisor decides ------------------------------------------------------------------------------------


@dataclass(eq=False)
class Follower:
    """A worker that does what it is asked, but loads nothing."""

    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    holds: dict[str, Located] = field(default_factory=dict)
    heard: list[Message] = field(default_factory=list)
    refusing: str | None = None
    dying: str | None = None
    loading: float = 0.0
    killed: bool = False

    async def prepare(self, number: int, model: Located) -> str | None:
        self.heard.append(Prepare(number, model))
        await asyncio.sleep(self.loading)
        return self.refusing

    async def arm(self, key: int, number: int, model: Located) -> str | None:
        self.heard.append(Arm(key, number))
        return self.dying

    async def drop(self, number: int, name: str) -> str | None:
        self.heard.append(Drop(number, name))
        return self.dying

    def send(self, message: Message) -> None:
        self.heard.append(message)

    def kill(self) -> None:
        self.killed = True


ONE, TWO, THREE = (Located("toy", Path("/"), digest, version) for digest, version in ("a1", "b2", "c3"))


class Case:
    def __init__(self, probation: float = 60.0) -> None:
        self.board, file = Board.make(2)
        file.close()  # the page stays as long as it is mapped
        self.workers = [Follower(), Follower()]
        self.said: list[str] = []
        workers: Any = self.workers
        self.rollout = Rollout({"toy": ONE}, self.board, lambda: workers, self.said.append, probation)

    def version(self) -> str | None:
        return self.rollout.plan["toy"].version


def test_all_workers_switch_or_none() -> None:
    case = Case()
    asyncio.run(case.rollout.offer(TWO))
    assert (case.version(), case.board.epoch) == ("2", 2)
    assert all(each.heard == [Prepare(1, TWO), Arm(1, 2), Turn()] for each in case.workers)
    assert all(each.holds == {"toy": TWO} for each in case.workers)
    case.workers[1].refusing = "it is damaged"
    asyncio.run(case.rollout.offer(THREE))
    assert (case.version(), case.board.epoch) == ("2", 2)
    assert case.workers[0].heard[-1] == Forget(3)
    assert case.said[-1] == "toy version 3 does not take the place of version 2: it is damaged"
    case.workers[1].refusing = None
    asyncio.run(case.rollout.offer(THREE))
    assert case.version() == "2", "it is not tried again while the alias stands there"
    asyncio.run(case.rollout.offer(TWO))
    asyncio.run(case.rollout.offer(THREE))
    assert (case.version(), case.board.epoch) == ("3", 5)


def test_what_was_armed_is_forgotten_when_one_dies_of_it() -> None:
    case = Case()
    case.workers[1].dying = "the worker died"
    asyncio.run(case.rollout.offer(TWO))
    assert (case.version(), case.board.epoch) == ("1", 0)
    assert case.workers[0].heard == [Prepare(1, TWO), Arm(1, 2), Forget(2), Forget(1)]
    case.workers[1].dying = None
    asyncio.run(case.rollout.offer(TWO))
    assert case.version() == "2"


def test_a_worker_that_comes_while_a_version_is_loaded_switches_too() -> None:
    case = Case()
    late = Follower()

    async def go() -> None:
        case.workers[0].loading = 0.05
        offering = asyncio.create_task(case.rollout.offer(TWO))
        await asyncio.sleep(0.01)
        case.workers.append(late)
        await offering

    asyncio.run(go())
    assert late.heard == [Prepare(1, TWO), Arm(1, 2), Turn()]
    assert late.holds == {"toy": TWO}


def test_what_errs_goes_back_while_another_is_loaded() -> None:
    case = Case()
    other = Located("other", Path("/"), "d", "9")
    case.rollout.plan["other"] = Located("other", Path("/"), "e", "8")

    async def go() -> None:
        await case.rollout.offer(TWO)
        case.workers[0].loading = 0.2
        offering = asyncio.create_task(case.rollout.offer(other))
        await asyncio.sleep(0.01)
        case.workers[0].loading = 0.0
        case.workers[0].counted = {"b": (10, 10)}
        await case.rollout.judge()
        assert case.version() == "1"
        assert not offering.done()
        await offering

    asyncio.run(go())
    assert case.rollout.plan["other"] == other


def test_a_version_that_nobody_is_there_to_load_waits() -> None:
    case = Case()
    workers = list(case.workers)
    case.workers.clear()
    for _ in range(2 * rollout.TRIES):
        asyncio.run(case.rollout.offer(TWO))
    assert case.version() == "1", "those who begin would have to load it, and might not be able to"
    case.workers.extend(workers)
    assert case.rollout.again() == [TWO]
    asyncio.run(case.rollout.offer(TWO))
    assert case.version() == "2"


def test_one_worker_loads_a_version_before_the_others_do() -> None:
    case = Case()
    case.workers[0].refusing = case.workers[1].refusing = "the worker died"
    asyncio.run(case.rollout.offer(TWO))
    assert sum(Prepare in map(type, worker.heard) for worker in case.workers) == 1, "all would have died at once"
    assert case.rollout.again() == [TWO]
    case.workers[0].refusing = case.workers[1].refusing = None
    asyncio.run(case.rollout.offer(TWO))
    assert case.version() == "2"
    assert case.rollout.again() == []


def test_a_death_while_it_is_loaded_is_tried_again() -> None:
    case = Case()
    for worker in case.workers:
        worker.refusing = "the worker died"
    for _ in range(5):
        asyncio.run(case.rollout.offer(TWO))
    assert len(case.said) == rollout.TRIES
    assert case.rollout.again() == []


@pytest.mark.parametrize(
    ("new", "old", "goes_back"),
    [
        ([(10, 2), (0, 0)], (0, 0), False),  # too few to tell
        ([(10, 2), (10, 1)], (0, 0), True),
        ([(900, 3), (100, 0)], (0, 0), False),  # one in three hundred
        ([(10, 5), (10, 5)], (100, 30), False),  # the one before failed a third of its requests
        ([(10, 7), (10, 7)], (100, 30), True),
    ],
)
def test_what_errs_goes_back(new: list[tuple[int, int]], old: tuple[int, int], goes_back: bool) -> None:
    case = Case()

    async def go() -> None:
        await case.rollout.offer(TWO)
        for worker, counted in zip(case.workers, new, strict=True):
            worker.counted = {"b": counted}
        case.workers[0].counted["a"] = old
        await case.rollout.judge()

    asyncio.run(go())
    assert case.version() == ("1" if goes_back else "2")
    assert case.board.epoch == (4 if goes_back else 2)
    if goes_back:
        assert case.workers[0].heard[-3:] == [Arm(3, 4), Turn(), Settle("toy")]
        asyncio.run(case.rollout.offer(TWO))
        assert case.version() == "1"


def test_the_faults_of_workers_that_died_count() -> None:
    case = Case()

    async def go() -> None:
        await case.rollout.offer(TWO)
        worker: Any = Follower({"b": (4, 3)})
        case.rollout.died(worker)
        await case.rollout.judge()

    asyncio.run(go())
    assert case.version() == "1"


def test_a_worker_that_cannot_go_back_is_killed() -> None:
    case = Case()

    async def go() -> None:
        await case.rollout.offer(TWO)
        case.workers[0].counted = {"b": (5, 5)}
        case.workers[1].refusing = "no memory"
        await case.rollout.judge()

    asyncio.run(go())
    assert case.version() == "1"
    assert [each.killed for each in case.workers] == [False, True]


def test_what_did_well_is_settled() -> None:
    case = Case(probation=0.0)

    async def go() -> None:
        await case.rollout.offer(TWO)
        await asyncio.sleep(0.01)
        await case.rollout.judge()
        case.workers[0].counted = {"b": (5, 5)}
        await case.rollout.judge()

    asyncio.run(go())
    assert case.version() == "2", "nothing is left to go back to"
    assert case.workers[0].heard[-1] == Settle("toy")


def test_an_alias_that_leads_nowhere_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    space = Workspace.open(tmp_path)
    fleet_toy.register(space, "toy")
    aliases = Aliases({"toy": "toy"}, space)
    assert [each.version for each in aliases.look()] == ["1"]
    assert list(aliases.look()) == []
    registry = tmp_path / "models" / "toy" / "registry.json"
    kept = registry.read_text("utf-8")
    registry.write_text(kept.replace('"champion"', '"elsewhere"'), "utf-8")
    for _ in range(3):
        assert list(aliases.look()) == []
    assert caplog.text.count("toy stays as it is") == 1
    Registry(space.models).set_alias("toy", "champion", 1)
    assert [each.version for each in aliases.look()] == ["1"]


def test_a_model_comes_and_goes_in_all_workers_or_in_none() -> None:
    case = Case()
    other = Located("other", Path("/"), "d", "1")
    case.workers[1].refusing = "it is damaged"
    with pytest.raises(RefusedError, match="damaged"):
        asyncio.run(case.rollout.add(other))
    assert (list(case.rollout.plan), case.board.epoch) == (["toy"], 0)
    case.workers[1].refusing = None
    asyncio.run(case.rollout.add(other))
    assert (case.rollout.plan["other"], case.board.epoch) == (other, 3)
    with pytest.raises(StateError, match="answers already"):
        asyncio.run(case.rollout.add(other))
    asyncio.run(case.rollout.drop("toy"))
    assert (list(case.rollout.plan), case.board.epoch) == (["other"], 4)
    assert case.workers[0].heard[-3:] == [Drop(4, "toy"), Turn(), Settle("toy")]
    assert all(each.holds == {"other": other} for each in case.workers)
    with pytest.raises(StateError, match="does not answer"):
        asyncio.run(case.rollout.drop("toy"))
    asyncio.run(case.rollout.offer(TWO))  # its alias was looked at before
    assert list(case.rollout.plan) == ["other"]


def test_what_was_unloaded_while_a_version_was_loaded_does_not_come_back() -> None:
    case = Case()

    async def go() -> None:
        case.workers[0].loading = 0.05
        offering = asyncio.create_task(case.rollout.offer(TWO))
        await asyncio.sleep(0.01)
        await case.rollout.drop("toy")
        await offering

    asyncio.run(go())
    assert case.rollout.plan == {}
    assert case.workers[0].heard[-1] == Forget(1)


def test_what_was_unloaded_does_not_go_back() -> None:
    case = Case()

    async def go() -> None:
        await case.rollout.offer(TWO)
        case.workers[0].counted = {"b": (5, 5)}
        case.workers[0].loading = 0.05
        judging = asyncio.create_task(case.rollout.judge())
        await asyncio.sleep(0.01)
        await case.rollout.drop("toy")
        await judging
        await case.rollout.judge()

    asyncio.run(go())
    assert case.rollout.plan == {}


def test_a_model_that_was_dropped_is_in_no_memory_for_the_metrics(toys: Callable[..., Bundle], tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    models = Models(ThreadPoolExecutor(1), Limits(), All([metrics]))
    for loaded, change in ((1, lambda: models.put("toy", toys())), (0, lambda: models.take_away("toy"))):
        change()
        shown = numbers.text(tmp_path, "")[0].decode()
        assert f'aiaas_models_loaded{{model="toy",version="1"}} {loaded}.0' in shown
    metrics.close()


def test_a_model_that_was_dropped_ends_what_it_began(toys: Callable[..., Bundle]) -> None:
    async def go() -> list[Any]:
        models, epoch = models_of(toys(seconds=0.05)), [0]
        switches = Switches(models, lambda: epoch[0])
        models.turn = switches.turn
        live = models.find("toy", LOCAL)
        loop = asyncio.get_running_loop()
        asked = asyncio.ensure_future(live.batches.ask(["250 a"], [1], "t", loop.time() + 60))
        await asyncio.sleep(0.01)
        switches.drop(1, "toy")
        assert models.find("toy", LOCAL) is live, "not before the board says so"
        epoch[0] = 1
        with pytest.raises(NotFoundError):
            models.find("toy", LOCAL)
        switches.settle("toy")
        return (await asked)[0]

    (answer,) = asyncio.run(go())
    assert answer["scores"]["high"] == 0.25


# --- rest -----------------------------------------------------------------------------------------------------------

FOREVER = 1e12


def test_the_least_used_leave_before_another_comes(toys: Callable[..., Bundle]) -> None:
    async def go() -> list[list[str]]:
        models = models_of(*(toys(name) for name in ("a", "b", "c")))
        rest = Rest(models, None, 250, {"a": 100, "b": 100, "c": 100})
        models.waking = rest
        rest.begin()
        in_memory = []
        for name in ("", "c", "b", "b", "a"):
            if name:
                assert (await models.awake(name, LOCAL, FOREVER)).awake
                rest.sizes[name] = 100  # what is measured is noise, so small is the toy
            in_memory.append([live.name for live in models if live.awake])
        return in_memory

    first, *others = asyncio.run(go())
    assert first == ["a", "b"], "of those that nobody asked for, the first named stay"
    assert all(len(each) <= 2 for each in others)
    assert others[-1] == ["a", "b"]


def test_a_model_of_unknown_size_makes_room_when_it_is_known(
    toys: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiaas.serve.rest.measured", lambda loading: (loading(), 100))

    async def go() -> list[str]:
        models = models_of(toys("a"), toys("b"))
        rest = Rest(models, None, 250, {"a": 100, "b": 100})
        rest.begin()
        await rest.load("c", lambda: toys("c"))
        return [live.name for live in models if live.awake]

    assert asyncio.run(go()) == ["a"]


def test_all_who_ask_wait_for_one_loading(toys: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> tuple[int, bool]:
        models = models_of(toys(loading=0.1))
        rest = Rest(models, None, None, {})
        models.waking = rest
        rest._unload(list(models))
        assert not models.find("toy", LOCAL).awake
        assert models.find("toy", LOCAL).described["name"] == "toy"
        loaded = 0
        real = rest._load

        async def counting(*given: Any) -> Bundle:
            nonlocal loaded
            loaded += 1
            return await real(*given)

        monkeypatch.setattr(rest, "_load", counting)
        found = await asyncio.gather(*(models.awake("toy", LOCAL, FOREVER) for _ in range(5)))
        return loaded, len({id(each) for each in found}) == 1 and found[0].bundle.scored(["250 a"]) != []

    assert asyncio.run(go()) == (1, True)


def test_models_that_are_asked_at_once_stay_within_the_budget(toys: Callable[..., Bundle]) -> None:
    async def go() -> int:
        models = models_of(*(toys(name, loading=0.02) for name in ("a", "b", "c", "d")))
        rest = Rest(models, None, 150, dict.fromkeys(("a", "b", "c", "d"), 100))
        models.waking = rest
        rest.begin()
        most = 0

        async def ask(name: str) -> None:
            nonlocal most
            await models.awake(name, LOCAL, FOREVER)
            most = max(most, sum(live.awake for live in models))

        with patch("aiaas.serve.rest.resident", lambda: 0), patch("aiaas.serve.rest._files", lambda path: 100):
            await asyncio.gather(*(ask(name) for name in ("a", "b", "c", "d") for _ in range(3)))
        return most

    assert asyncio.run(go()) == 1


def test_who_cannot_wait_is_told_so_and_the_loading_goes_on(toys: Callable[..., Bundle]) -> None:
    async def go() -> bool:
        models = models_of(toys(loading=0.2))
        rest = Rest(models, None, None, {})
        models.waking = rest
        rest._unload(list(models))
        with pytest.raises(DeadlineError):
            await models.awake("toy", LOCAL, asyncio.get_running_loop().time() + 0.01)
        await asyncio.sleep(0.5)
        return models.find("toy", LOCAL).awake

    assert asyncio.run(go())


def test_what_was_altered_meanwhile_does_not_come_back(toys: Callable[..., Bundle]) -> None:
    async def go() -> None:
        bundle = toys()
        models = models_of(bundle)
        rest = Rest(models, None, None, {})
        models.waking = rest
        rest._unload(list(models))
        (bundle.path / "model" / "told.json").write_text('{"other": 1}')
        for _ in range(2):
            with pytest.raises(VerificationError, match="altered"):
                await models.awake("toy", LOCAL, FOREVER)

    asyncio.run(go())


def test_a_version_that_came_while_another_was_loaded_stays(toys: Callable[..., Bundle]) -> None:
    async def go() -> str | None:
        models = models_of(toys(loading=0.2))
        rest = Rest(models, None, None, {})
        models.waking = rest
        rest._unload(list(models))
        waiting = asyncio.create_task(models.awake("toy", LOCAL, FOREVER))
        await asyncio.sleep(0.05)
        models.put("toy", toys(version="2"))
        assert (await waiting).bundle.version == "2"
        return models.find("toy", LOCAL).bundle.version

    assert asyncio.run(go()) == "2"


def test_what_was_unloaded_while_it_was_loaded_stays_away(toys: Callable[..., Bundle]) -> None:
    async def go() -> None:
        models = models_of(toys(loading=0.1))
        rest = Rest(models, None, None, {})
        models.waking = rest
        rest._unload(list(models))
        waiting = asyncio.create_task(models.awake("toy", LOCAL, FOREVER))
        await asyncio.sleep(0.02)
        models.take_away("toy")
        with pytest.raises(NotFoundError):
            await waiting
        assert list(models) == []

    asyncio.run(go())


def test_unused_models_leave(toys: Callable[..., Bundle]) -> None:
    async def go() -> list[str]:
        models = models_of(toys("used"), toys("unused"))
        rest = Rest(models, 0.3, None, {})
        models.waking = rest
        rest.begin()
        for _ in range(12):
            await models.awake("used", LOCAL, FOREVER)
            await asyncio.sleep(0.05)
        return [live.name for live in models if live.awake]

    assert asyncio.run(go()) == ["used"]


def test_a_resting_bundle_says_all_but_answers(toys: Callable[..., Bundle]) -> None:
    from aiaas.serve.rest import Absent

    resting = replace(toys(), model=Absent())
    assert resting.signature.labels == fleet_toy.LABELS
    assert len(list(resting.examples())) == 3
    with pytest.raises(RuntimeError, match="not in memory"):
        resting.scored(["1"])
