"""Keys in a PostgreSQL that several machines share; two workspaces stand for two of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aiaas.control import Control, Keyring, Quota, RefusedError, UnknownError, secret
from aiaas.errors import RemoteError, SecretError
from aiaas.workspace import Workspace
from tests import postgres
from tests.conftest import Aiaas, answer

pytestmark = pytest.mark.skipif(postgres.ready() is not None, reason=str(postgres.ready()))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    root = Path(tempfile.mkdtemp(prefix="pg-"))  # short: the path of a socket may have 107 characters
    try:
        with postgres.cluster(root) as address:
            yield address
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="module", autouse=True)
def _secret() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(secret.VARIABLE, "for-tests-only-" * 3)
        yield


@pytest.fixture
def here(server: str, tmp_path: Path) -> Iterator[Control]:
    with Control(Workspace.open(tmp_path / "here"), server) as control:
        yield control


@pytest.fixture
def there(server: str, tmp_path: Path) -> Iterator[Control]:
    with Control(Workspace.open(tmp_path / "there"), server) as control:
        yield control


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return False


def opens(ring: Keyring, text: str) -> bool:
    try:
        ring.find(text)
    except RefusedError:
        return False
    return True


def test_another_machine_knows_of_keys(here: Control, there: Control) -> None:
    ring = Keyring(there)
    made = here.create("acme", models=["a"], quota=Quota.parse("rows=5/day"))
    assert within(5, lambda: opens(ring, made.text))
    key = ring.find(made.text)
    assert (key.models, str(key.accounts[0].quota)) == ({"a"}, "rows=5/day")
    here.revoke(made.key.name)
    assert within(5, lambda: not opens(ring, made.text))
    ring.close()


def test_on_the_same_machine_nobody_waits_for_the_poll(here: Control) -> None:
    ring = Keyring(here, poll=600)
    made = here.create("acme")
    assert within(5, lambda: opens(ring, made.text))
    here.revoke(made.key.name)
    assert not opens(ring, made.text), "the very next request"
    ring.close()


def test_a_machine_that_is_gone_is_not_waited_for(here: Control) -> None:
    """As where a cable is cut: nothing here can be, so that the library was told is all there is to see."""
    with here.database.engine.connect() as connection:
        told = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert (told["tcp_user_timeout"], told["keepalives_idle"]) == ("10000", "10")


def test_all_that_can_be_done(here: Control) -> None:
    made = here.create("bcme", seconds=100)
    new = here.rotate(made.key.name, overlap=50)
    here.limit("bcme", Quota.parse("requests=1/s"))
    assert str(here.tenants()["bcme"]) == "requests=1/s"
    assert [key.name for key in here.listed("bcme")] == [made.key.name, new.key.name]
    assert len(here.revoke_all("bcme")) == 2
    for name in ("aaaaaaaaaa", "\x00", "'; DROP TABLE aiaas_keys; --"):
        with pytest.raises(UnknownError):
            here.revoke(name)
        with pytest.raises(UnknownError):
            here.revoke_all(name)
        assert here.listed(name) == []


def test_many_processes_make_the_tables_at_once(server: str, tmp_path: Path) -> None:
    import sqlalchemy as sa

    from aiaas.control.tables import Base

    engine = sa.create_engine(server)
    Base.metadata.drop_all(engine)
    engine.dispose()
    words = [sys.executable, "-m", "aiaas", "keys", "create", "--tenant", "acme", "--database", server]
    places = [[*words, "--workspace", str(tmp_path / str(number))] for number in range(4)]
    processes = [subprocess.Popen(place, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for place in places]
    told = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, told
    with Control(Workspace.open(tmp_path / "0"), server) as control:
        assert len(control.listed("acme")) == 4


def test_another_secret_is_told(here: Control, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(secret.VARIABLE)
    with pytest.raises(SecretError, match="another secret"):
        Control(Workspace.open(tmp_path / "third"), server)


def test_the_command_line_asks_it(aiaas: Aiaas, server: str) -> None:
    made = aiaas("keys", "create", "--tenant", "ccme", environment={"AIAAS_DATABASE": server})
    assert made.returncode == 0, made.stderr
    listed = answer(aiaas("keys", "list", "--tenant", "ccme", "--json", environment={"AIAAS_DATABASE": server}))
    assert [key["key_id"] for key in listed["keys"]] == [made.stdout[6:16]]
    assert (
        answer(aiaas("keys", "list", "--json", environment={secret.VARIABLE: os.environ[secret.VARIABLE]}))["keys"]
        == []
    )


def stop_at_once(data: Path) -> None:
    """As `pg_ctl stop -m fast`: the server waits for no client."""
    os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)


def test_keys_hold_while_it_is_away(tmp_path: Path) -> None:
    root = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        with postgres.cluster(root) as address:
            control = Control(Workspace.open(tmp_path / "w"), address)
            ring = Keyring(control, poll=0.05)
            made = control.create("acme", seconds=1000)
            assert within(5, lambda: opens(ring, made.text))
            stop_at_once(Path(address.partition("?host=")[2]))
        time.sleep(0.2)
        assert opens(ring, made.text)
        with pytest.raises(RemoteError, match="does not answer"):
            control.create("acme")
        ring.close()
        control.close()
    finally:
        shutil.rmtree(root)
