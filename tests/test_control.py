"""control: keys that open and no longer open, quotas, and what several processes see of them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiaas.control import Account, Control, Keyring, Ledger, Quota, RefusedError, UnknownError, secret
from aiaas.control.spans import seconds
from aiaas.errors import DataError, SecretError, UsageError, VerificationError
from aiaas.workspace import Workspace


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / ".aiaas")


@pytest.fixture
def control(space: Workspace) -> Iterator[Control]:
    with Control(space) as opened:
        yield opened


@pytest.fixture
def ring(control: Control) -> Iterator[Keyring]:
    made = Keyring(control, poll=0.05)
    yield made
    made.close()


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_key_opens_what_it_was_made_for(control: Control, ring: Keyring) -> None:
    made = control.create("acme", scopes=["infer"], models=["reviews"], quota=Quota.parse("requests=5/s"))
    key = ring.find(made.text)
    assert (key.tenant, key.scopes, key.models) == ("acme", {"infer"}, {"reviews"})
    assert str(key.accounts[0].quota) == "requests=5/s"
    assert key == made.key


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text + "A",
        lambda text: text[:-1],
        lambda text: text.upper(),
        lambda text: " " + text,
        lambda text: text[:16],
        lambda text: "",
        lambda text: "aiaas_" + "a" * 10 + text[16:],
        lambda text: text + "\n",
        lambda text: text.replace("_", "-"),
        lambda text: "\ud800" * 60,
    ],
)
def test_what_is_nearly_a_key_opens_nothing(control: Control, ring: Keyring, change: Any) -> None:
    text = control.create("acme").text
    with pytest.raises(RefusedError, match="the key is not known"):
        ring.find(change(text))


def test_nothing_that_opens_is_stored(control: Control, space: Workspace) -> None:
    text = control.create("acme").text
    assert text not in repr(control.create("acme"))
    bits = text[17:].encode()
    for path in space.root.rglob("*"):
        assert not path.is_file() or bits not in path.read_bytes()
    assert (space.root / "control").stat().st_mode & 0o077 == 0
    assert (space.root / "control" / "secret").stat().st_mode & 0o077 == 0


def test_the_database_alone_makes_no_key(control: Control, ring: Keyring) -> None:
    """Whoever can write to it, and knows all that stands in it, lacks the secret."""
    made = control.create("acme")
    name, text = secret.new_key()
    with sqlite3.connect(control.database._url.database or "") as database:
        database.execute("UPDATE aiaas_keys SET name = ?, digest = ?", (name, secret.digest(b"guessed", text)))
        database.execute("UPDATE aiaas_state SET generation = generation + 1")
    ring._load()
    for attempt in (text, made.text):
        with pytest.raises(RefusedError):
            ring.find(attempt)


def test_a_revoked_key_opens_nothing_at_once(control: Control, ring: Keyring) -> None:
    made, other = control.create("acme"), control.create("acme")
    ring.find(made.text)
    control.revoke(made.key.name)
    with pytest.raises(RefusedError, match="was revoked"):
        ring.find(made.text)
    assert ring.find(other.text).name == other.key.name
    (again,) = control.revoke(made.key.name)
    assert again.state(time.time()) == "revoked"


def test_all_keys_of_a_tenant_are_revoked(control: Control, ring: Keyring) -> None:
    mine = [control.create("acme") for _ in range(3)]
    other = control.create("other")
    assert {key.name for key in control.revoke_all("acme")} == {made.key.name for made in mine}
    for made in mine:
        with pytest.raises(RefusedError):
            ring.find(made.text)
    assert ring.find(other.text)
    assert control.revoke_all("acme") == []
    with pytest.raises(UnknownError) as caught:
        control.revoke_all("acmee")
    assert caught.value.hint == "did you mean 'acme'?"


def test_one_unknown_name_revokes_none(control: Control, ring: Keyring) -> None:
    made = control.create("acme")
    with pytest.raises(UnknownError):
        control.revoke(made.key.name, "aaaaaaaaaa")
    assert ring.find(made.text)


def test_a_key_expires(control: Control) -> None:
    made = control.create("acme", seconds=60)
    now = time.time()
    late = Keyring(control, clock=lambda: now + 61)
    early = Keyring(control, clock=lambda: now + 59)
    assert early.find(made.text)
    with pytest.raises(RefusedError, match="has expired"):
        late.find(made.text)
    late.close()
    early.close()


def test_rotation_overlaps(control: Control) -> None:
    made = control.create("acme", models=["a"], quota=Quota.parse("rows=7/day"), seconds=1000)
    new = control.rotate(made.key.name, overlap=60)
    now = time.time()
    later = Keyring(control, clock=lambda: now + 61)
    assert later.find(new.text).models == {"a"}
    assert later.find(new.text).accounts == made.key.accounts  # one quota for both
    with pytest.raises(RefusedError, match="has expired"):
        later.find(made.text)
    later.close()
    at_once = Keyring(control)
    old = at_once.find(made.text)
    assert (old.state(now), old.replaced) == ("replaced", new.key.name)
    at_once.close()
    assert new.key.expires == pytest.approx(now + 1000, abs=5)
    with pytest.raises(UsageError, match="the key is replaced"):
        control.rotate(made.key.name)
    assert control.rotate(new.text, overlap=0, seconds=5).key.expires == pytest.approx(now + 5, abs=5)


def test_rotation_makes_no_key_live_longer(control: Control) -> None:
    made = control.create("acme", seconds=10)
    control.rotate(made.key.name, overlap=1000)
    old = next(key for key in control.listed() if key.name == made.key.name)
    assert old.expires == made.key.expires


def test_the_first_key_is_made_once(control: Control, space: Workspace) -> None:
    found: list[Any] = []

    def ask() -> None:
        with Control(space) as other:
            found.append(other.first("default"))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (made,) = [each for each in found if each]
    assert made.key.scopes == {"infer", "admin"}
    assert control.first("default") is None
    assert len(control.listed()) == 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"tenant": ""}, "a tenant is called by"),
        ({"tenant": "a b"}, "a tenant is called by"),
        ({"tenant": "x" * 65}, "a tenant is called by"),
        ({"tenant": "a", "scopes": []}, "opens nothing"),
        ({"tenant": "a", "scopes": ["inferr"]}, "a scope is one of infer, admin"),
        ({"tenant": "a", "models": []}, "opens nothing"),
        ({"tenant": "a", "models": ["a/3"]}, "without version"),
        ({"tenant": "a", "models": [""]}, "without version"),
        ({"tenant": "a", "seconds": 0.0}, "expires at once opens nothing"),
    ],
)
def test_what_cannot_be_a_key(control: Control, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        control.create(asked.pop("tenant"), **asked)
    assert control.listed() == []


# --- what other processes do ----------------------------------------------------------------------------------------


def test_another_process_revokes(control: Control, ring: Keyring, space: Workspace) -> None:
    made = control.create("acme")
    ring.find(made.text)
    words = [sys.executable, "-m", "aiaas", "keys", "revoke", made.key.name, "--workspace", str(space.root)]
    subprocess.run(words, check=True, capture_output=True)
    with pytest.raises(RefusedError):  # the very next request
        ring.find(made.text)


def closes(ring: Keyring, text: str) -> bool:
    """Whether the key opens nothing any more, before long."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            ring.find(text)
        except RefusedError:
            return True
        time.sleep(0.01)
    return False


def test_a_change_that_was_never_counted_is_found_all_the_same(control: Control, ring: Keyring) -> None:
    """As when a process is killed between its commit and telling of it."""
    made = control.create("acme")
    ring.find(made.text)
    with control.database.change() as session:
        control._known(session, made.key.name).revoked = time.time()
    assert closes(ring, made.text)


def test_keys_hold_while_the_database_is_away(
    control: Control, ring: Keyring, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = control.create("acme")
    ring.find(made.text)

    def away(generation: int) -> bool:
        raise DataError("it is away")

    monkeypatch.setattr(control, "changed", away)
    time.sleep(0.3)
    assert ring.find(made.text)
    assert [record.getMessage() for record in caplog.records].count(
        "it is away; the keys stay as they are known until it does"
    ) == 1


def test_a_change_that_cannot_be_read_now_is_read_later(
    control: Control, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = control.create("acme"), control.create("acme")
    ring.find(made.text)
    away = threading.Event()
    snapshot = control.snapshot

    def read() -> Any:
        if not away.is_set():
            raise DataError("the database is locked")
        return snapshot()

    monkeypatch.setattr(control, "snapshot", read)
    control.revoke(other.key.name)
    for _ in range(20):
        assert ring.find(made.text)
    away.set()
    assert closes(ring, other.text)


def test_a_database_that_is_silent_holds_requests_up_once(
    control: Control, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not for as long as it is silent: all that a worker answers would wait with it."""
    made, other = control.create("acme"), control.create("acme")
    ring.find(made.text)
    speaks = threading.Event()
    snapshot = control.snapshot

    def read() -> Any:
        speaks.wait(30)
        return snapshot()

    monkeypatch.setattr(control, "snapshot", read)
    monkeypatch.setattr("aiaas.control.ring.PATIENCE", 0.1)
    control.revoke(other.key.name)
    began = time.monotonic()
    for _ in range(200):
        assert ring.find(made.text)
    assert time.monotonic() - began < 5
    speaks.set()
    assert closes(ring, other.text)


def test_whatever_became_of_the_database_it_is_looked_at_again(
    control: Control, ring: Keyring, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = control.create("acme")
    ring.find(made.text)
    with monkeypatch.context() as patch:
        patch.setattr(control, "changed", lambda generation: 1 / 0)
        while not caplog.records:
            time.sleep(0.01)
    with control.database.change() as session:
        control._known(session, made.key.name).revoked = time.time()
    assert closes(ring, made.text)


def test_many_processes_make_the_tables_and_keys_at_once(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "aiaas", "keys", "create", "--tenant", "acme", "--workspace", str(tmp_path / "w")]
    processes = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    made = [process.communicate(timeout=60)[0].decode().strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    with Control(Workspace(tmp_path / "w")) as control:
        ring = Keyring(control)
        assert len({ring.find(text).name for text in made}) == 4
        assert len({ring.find(text).accounts[0].number for text in made}) == 4
        ring.close()


# --- the secret and the database ------------------------------------------------------------------------------------


def test_another_secret_is_told(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with Control(space) as control:
        control.create("acme")
    monkeypatch.setenv(secret.VARIABLE, "x" * 32)
    with pytest.raises(SecretError, match="another secret"):
        Control(space)
    monkeypatch.setenv(secret.VARIABLE, "short")
    with pytest.raises(SecretError, match="fewer than 32"):
        Control(space)
    monkeypatch.delenv(secret.VARIABLE)
    (space.root / "control" / "secret").write_text("cut")
    with pytest.raises(DataError, match="cut short"):
        Control(space)


def test_a_secret_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(secret.VARIABLE, os.urandom(32).hex())
    with Control(Workspace.open(tmp_path / "w")) as control:
        ring = Keyring(control)
        assert ring.find(control.create("acme").text)
        ring.close()
    assert not (tmp_path / "w" / "control" / "secret").exists()


def test_a_newer_database(space: Workspace) -> None:
    with Control(space) as control, control.database.change() as session:
        from aiaas.control.tables import State

        session.get_one(State, 1).schema = 99
    with pytest.raises(VerificationError, match="a newer aiaas"):
        Control(space)


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://a:geheim@b/c", "sqlite://", "postgresql+asyncpg://a:geheim@b/c", "://", "${env:NONE}"],
)
def test_no_address_of_a_database(space: Workspace, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Control(space, url)
    assert "geheim" not in f"{caught.value.as_dict()}"


def test_a_file_that_is_no_database(space: Workspace) -> None:
    folder = space.root / "control"
    folder.mkdir()
    (folder / "control.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(DataError, match="cannot be used"):
        Control(space)


# --- quotas ---------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 20_000 * 86_400.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "use", clock)
    yield opened
    opened.close()


ALL = (0, 1, 2, 3)
REQUEST = (1.0, 0.0, 0.0, 0.0)


def account(text: str, number: int = 1) -> Account:
    return Account(number, Quota.parse(text), "key")


@pytest.mark.parametrize(
    "text", ["", "requests=20/s", "requests=0.5/s,tokens=5000000/day", "rows=1/s,compute=3600/day"]
)
def test_a_quota_is_read_as_it_is_written(text: str) -> None:
    assert str(Quota.parse(text)) == text


def test_a_quota_may_be_written_with_space() -> None:
    assert str(Quota.parse(" rows = 5 / day , requests=1.50/s, ")) == "requests=1.5/s,rows=5/day"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("requests", "a limit reads", "such as"),
        ("requests=5", "a limit reads", "such as"),
        ("requests=-5/s", "a limit reads", "such as"),
        ("requests=1e9/s", "a limit reads", "such as"),
        ("requests=nan/s", "a limit reads", "such as"),
        ("requests=9999999999999999/s", "a limit reads", "such as"),
        ("request=5/s", "what is limited is one of", "did you mean 'requests'?"),
        ("rows=5/hour", "a period is one of s, day", "such as"),
        ("rows=0/day", "allows nothing", "revoke"),
        ("rows=0.0/day", "allows nothing", "revoke"),
        ("requests=0.5/day", "less than one of requests a day allows nothing", "such as"),
        ("rows=5/s,rows=6/s", "given twice", None),
    ],
)
def test_what_is_no_quota(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Quota.parse(text)
    assert (caught.value.hint or "").startswith(hint or "")


def test_requests_a_second(ledger: Ledger, clock: Clock) -> None:
    ten = [account("requests=10/s")]
    assert [ledger.take(ten, REQUEST, ALL) for _ in range(10)] == [None] * 10
    over = ledger.take(ten, REQUEST, ALL)
    assert over is not None
    assert str(over) == "the quota of this key is used up: 10 requests a second"
    assert over.after == pytest.approx(0.1)
    clock.now += 0.1
    assert ledger.take(ten, REQUEST, ALL) is None
    assert ledger.take(ten, REQUEST, ALL) is not None
    clock.now += 100  # nothing is saved up beyond a second
    assert [ledger.take(ten, REQUEST, ALL) is None for _ in range(11)] == [True] * 10 + [False]


def test_over_a_long_time_the_rate_is_the_quota(ledger: Ledger, clock: Clock) -> None:
    passed = 0
    for _ in range(2000):  # 20 times as many as may
        clock.now += 0.005
        passed += ledger.take([account("requests=10/s")], REQUEST, ALL) is None
    assert passed == pytest.approx(10 * 10 + 10, abs=1)


def test_less_than_one_a_second(ledger: Ledger, clock: Clock) -> None:
    slow = [account("requests=0.5/s")]
    assert ledger.take(slow, REQUEST, ALL) is None
    over = ledger.take(slow, REQUEST, ALL)
    assert over is not None
    assert over.after == pytest.approx(2.0)
    clock.now += 2.001
    assert ledger.take(slow, REQUEST, ALL) is None


def test_what_is_more_than_a_seconds_quota_is_paid_off(ledger: Ledger, clock: Clock) -> None:
    rows = [account("rows=100/s")]
    assert ledger.take(rows, (0, 350, 0, 0), (1, 2)) is None
    over = ledger.take(rows, (0, 1, 0, 0), (1, 2))
    assert over is not None
    assert over.after == pytest.approx(2.51)
    clock.now += over.after + 0.001
    assert ledger.take(rows, (0, 1, 0, 0), (1, 2)) is None


def test_a_day_is_never_exceeded_and_ends(ledger: Ledger, clock: Clock) -> None:
    daily = [account("rows=100/day")]
    clock.now += 80_000
    assert ledger.take(daily, (0, 60, 0, 0), (1, 2)) is None
    over = ledger.take(daily, (0, 41, 0, 0), (1, 2))
    assert over is not None
    assert over.after == pytest.approx(6_400)
    assert ledger.take(daily, (0, 40, 0, 0), (1, 2)) is None
    assert ledger.take(daily, REQUEST, ALL) is not None  # nothing is left, so no request needs to be read
    clock.now += over.after
    assert ledger.take(daily, (0, 100, 0, 0), (1, 2)) is None


def test_computing_is_counted_afterwards(ledger: Ledger, clock: Clock) -> None:
    some = [account("compute=2/s,compute=10/day")]
    assert ledger.take(some, REQUEST, ALL) is None
    ledger.add(some, (0, 0, 0, 5.0))
    over = ledger.take(some, REQUEST, ALL)
    assert over is not None
    assert (over.name, over.period, over.after) == ("compute", "second", pytest.approx(1.5))
    clock.now += 1.6
    assert ledger.take(some, REQUEST, ALL) is None
    ledger.add(some, (0, 0, 0, 5.0))
    clock.now += 60
    over = ledger.take(some, REQUEST, ALL)
    assert over is not None
    assert over.period == "day"


def test_all_accounts_or_none(ledger: Ledger) -> None:
    key, tenant = account("requests=100/s", 1), Account(2, Quota.parse("requests=1/s"), "tenant")
    assert ledger.take([key, tenant], REQUEST, ALL) is None
    over = ledger.take([key, tenant], REQUEST, ALL)
    assert over is not None
    assert over.account.whose == "tenant"
    assert [ledger.take([key], REQUEST, ALL) is None for _ in range(100)] == [True] * 99 + [False]


def test_accounts_do_not_touch_each_other(ledger: Ledger) -> None:
    far = [account("requests=1/s", number) for number in (1, 2, 511, 512, 513, 40_000)]
    for each in far:
        assert ledger.take([each], REQUEST, ALL) is None
    for each in far:
        assert ledger.take([each], REQUEST, ALL) is not None


def test_a_clock_that_goes_back_gives_nothing_away(ledger: Ledger, clock: Clock) -> None:
    ten = [account("requests=10/s")]
    for _ in range(10):
        ledger.take(ten, REQUEST, ALL)
    clock.now -= 30
    assert ledger.take(ten, REQUEST, ALL) is not None
    clock.now += 0.2
    assert ledger.take(ten, REQUEST, ALL) is None


def test_a_clock_put_back_over_midnight_begins_no_new_day(ledger: Ledger, clock: Clock) -> None:
    daily = [account("rows=5/day")]
    clock.now += 1
    assert ledger.take(daily, (0, 5, 0, 0), (1,)) is None
    clock.now -= 2
    assert ledger.take(daily, (0, 1, 0, 0), (1,)) is not None
    clock.now += 2
    assert ledger.take(daily, (0, 1, 0, 0), (1,)) is not None
    clock.now -= 10 * 86_400  # it was wrong by far: nobody waits for that day to come
    assert ledger.take(daily, (0, 1, 0, 0), (1,)) is None


def test_use_survives_a_restart(tmp_path: Path, clock: Clock) -> None:
    first = Ledger(tmp_path / "use", clock)
    assert first.take([account("rows=5/day")], (0, 5, 0, 0), (1,)) is None
    first.close()
    second = Ledger(tmp_path / "use", clock)
    assert second.take([account("rows=5/day")], (0, 1, 0, 0), (1,)) is not None
    second.close()


COUNTING = """
import sys
from pathlib import Path
from aiaas.control import Account, Ledger, Quota
ledger = Ledger(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
account = Account(int(sys.argv[2]), Quota.parse("requests=1000/day"), "key")
print(sum(ledger.take([account], (1.0, 0.0, 0.0, 0.0), (0, 1, 2, 3)) is None for _ in range(700)))
"""


def test_several_processes_share_a_quota(tmp_path: Path) -> None:
    """One of them makes the file longer while the others count in it."""
    words = [sys.executable, "-c", COUNTING, str(tmp_path / "use")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*words, number], **pipes) for number in ("3", "3", "3", "60000")]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = [process.communicate("go\n", timeout=60)[0] for process in processes]
    assert sum(map(int, told[:3])) == 1000
    assert int(told[3]) == 700


@pytest.mark.parametrize(("text", "length"), [("90d", 7_776_000), ("12h", 43_200), ("1.5m", 90), ("0s", 0)])
def test_spans(text: str, length: float) -> None:
    assert seconds(text, "--expires") == length


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1w", "1e9d", "999999999d", "nan"])
def test_no_spans(text: str) -> None:
    with pytest.raises(UsageError, match="no length of time"):
        seconds(text, "--expires")
