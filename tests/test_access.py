"""Who may ask what: keys, scopes, models, quotas, and the addresses that a service may listen on."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from aiaas.control import Control, Quota
from aiaas.errors import UsageError
from aiaas.serve.access import OPEN
from aiaas.serve.guard import Tls, check_address, first_key
from aiaas.workspace import Workspace
from tests import fleet_toy
from tests.conftest import Aiaas, answer
from tests.echo import Echo
from tests.keyed import Keyed, bearer, keyed, writing

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Keyed]:
    with keyed(tmp_path) as made:
        yield made


# --- default deny ---------------------------------------------------------------------------------------------------


def every_path(service: Keyed) -> set[str]:
    routes = {re.sub(r"\{[^}]*\}", "echo", route.path) for route in service.app.routes}  # type: ignore[attr-defined]
    return routes | {"/", "/metrics", "/nothing", "/v1", "/v1/admin", "/v1/models/", "/health", "/health/live/", "//"}


@pytest.mark.parametrize("given", [None, "aiaas_aaaaaaaaaa_" + "A" * 43, "nonsense", ""])
def test_without_a_key_every_route_is_closed(service: Keyed, given: str | None) -> None:
    headers = {} if given is None else bearer(given)
    asked = 0
    for path in sorted(every_path(service) - OPEN):
        for method in METHODS:
            response = service.http.request(method, path, headers=headers, follow_redirects=False)
            assert response.status_code == 401, (method, path)
            assert response.headers["www-authenticate"] == "Bearer"
            if method != "HEAD":
                assert "key" in sentence(response.json()), (method, path)
            asked += 1
    assert asked > 150


def sentence(problem: dict[str, Any]) -> str:
    """What an error says, in whichever protocol's form."""
    error = problem.get("error") or problem
    return str(error if isinstance(error, str) else error["message"])


def test_health_is_open(service: Keyed) -> None:
    assert {service.http.get(path).status_code for path in OPEN if path.startswith("/health")} == {200}


@pytest.mark.parametrize(
    "header",
    [
        lambda key: {"authorization": f"Bearer {key}"},
        lambda key: {"authorization": f"bearer   {key} "},
        lambda key: {"x-api-key": key},
        lambda key: {"authorization": "Basic abc", "x-api-key": key},
    ],
)
def test_where_a_key_may_stand(service: Keyed, header: Callable[[str], dict[str, str]]) -> None:
    key = service.key()["authorization"].removeprefix("Bearer ")
    assert service.ask(header(key)).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        lambda key: {"authorization": key},
        lambda key: {"authorization": f"Basic {key}"},
        lambda key: {"authorization": f"Bearer{key}"},
        lambda key: {"authorization": "Bearer", "x-api-key": key[:-1]},
        lambda key: {"cookie": f"key={key}"},
        lambda key: [("authorization", f"Bearer {key}"), ("authorization", "Bearer other")],
    ],
)
def test_where_a_key_may_not_stand(service: Keyed, wrong: Callable[[str], dict[str, str]]) -> None:
    key = service.key()["authorization"].removeprefix("Bearer ")
    assert service.ask(wrong(key)).status_code == 401
    assert service.http.get(f"/v1/models?key={key}&api_key={key}").status_code == 401


def test_a_key_that_was_closes_at_the_next_request(service: Keyed) -> None:
    key = service.key()
    assert service.ask(key).status_code == 200
    service.control.revoke(key["authorization"].removeprefix("Bearer "))
    response = service.ask(key)
    assert (response.status_code, response.json()["error"]["message"]) == (401, "the key was revoked")


def test_a_flood_of_guesses_is_answered_at_a_pace_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def ask(app: Any, headers: dict[str, str]) -> tuple[int, float]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            response = await client.get("/v1/models", headers=headers)
            return response.status_code, time.monotonic()

    async def flood(app: Any, key: dict[str, str]) -> tuple[list[tuple[int, float]], tuple[int, float], float]:
        began = time.monotonic()
        guesses = [asyncio.create_task(ask(app, {})) for _ in range(60)]
        await asyncio.sleep(0)
        valid = await ask(app, key)
        return await asyncio.gather(*guesses), valid, began

    with keyed(tmp_path, refusals=40) as service:
        guesses, valid, began = asyncio.run(flood(service.app, service.key()))
    assert {status for status, _ in guesses} == {401}
    assert valid[0] == 200
    late = [given for _, given in guesses if given > valid[1]]
    assert len(late) >= 15, "it is answered before those that come too fast"
    assert max(given for _, given in guesses) - began >= 0.4, "60 of them, 40 at once and 40 a second"


# --- scopes and models ----------------------------------------------------------------------------------------------


def test_scopes(service: Keyed) -> None:
    infer, admin = service.key(), service.key(scopes=["admin"])
    both = service.key(scopes=["admin", "infer"])
    assert [service.ask(key).status_code for key in (infer, admin, both)] == [200, 403, 200]
    for path in ("/v1/admin/keys", "/v1/admin/tenants", "/v1/admin/models"):
        assert [service.http.get(path, headers=key).status_code for key in (infer, admin, both)] == [403, 200, 200]
    refused = service.http.get("/v1/admin/keys", headers=infer).json()["error"]
    assert (refused["code"], refused["message"]) == ("forbidden", "the key has no scope 'admin'")
    for key, seen in ((infer, False), (admin, True)):
        document = service.http.get("/openapi.json", headers=key).json()
        assert ("/v1/admin/keys" in document["paths"]) is seen


def test_every_admin_route_needs_the_scope(service: Keyed) -> None:
    infer = service.key()
    paths = {path for path in every_path(service) if path.startswith("/v1/admin/")}
    assert len(paths) == 10
    for path in paths:
        for method in METHODS:
            assert service.http.request(method, path, headers=infer).status_code == 403, (method, path)


def test_models_that_were_not_given_do_not_exist(service: Keyed) -> None:
    key = service.key(models=["echo"])
    assert service.ask(key).status_code == 200
    hidden, absent = service.ask(key, model="other"), service.ask(key, model="othet")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.json()["error"] == absent.json()["error"]
    assert [each["name"] for each in service.http.get("/v1/models", headers=key).json()["models"]] == ["echo"]
    assert service.http.get("/v1/models/other", headers=key).status_code == 404
    assert "/other" not in service.http.get("/openapi.json", headers=key).text
    assert len(service.http.get("/v1/models", headers=service.key()).json()["models"]) == 2


def test_a_hidden_model_is_told_from_an_absent_one_by_nothing(service: Keyed) -> None:
    """By no protocol, whether its name stands in the path or in the body."""
    key = service.key(models=["echo"])
    paths = [route.path for route in service.app.routes if "{name}" in route.path]  # type: ignore[attr-defined]
    asked = [(path.replace("{version}", "3"), None) for path in paths if not path.startswith("/v1/admin")]
    asked += [("/v1/embeddings", "input"), ("/v1/completions", "prompt")]
    assert len(asked) > 15
    for path, field in asked:
        for method in ("GET", "POST"):
            told = []
            for name in ("other", "othet"):  # the first is there
                body = {"model": name, field: "a"} if field else {"inputs": ["a"]}
                response = service.http.request(method, path.replace("{name}", name), json=body, headers=key)
                assert response.status_code in {404, 405}, (method, path)
                own = response.headers["x-request-id"]
                told.append((response.status_code, response.text.replace(own, "")))
            assert told[0] == told[1], (method, path)
    assert '"other"' not in service.http.get("/openapi.json", headers=key).text


# --- quotas ---------------------------------------------------------------------------------------------------------


def test_requests_over_the_quota(service: Keyed) -> None:
    key = service.key(quota="requests=3/day")
    assert [service.ask(key).status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    response = service.ask(key)
    assert response.json()["error"]["code"] == "quota"
    assert response.json()["error"]["message"] == "the quota of this key is used up: 3 requests a day"
    assert 1 <= int(response.headers["retry-after"]) <= 86_400
    assert service.ask(service.key()).status_code == 200


def test_after_retry_after_it_passes(service: Keyed) -> None:
    key = service.key(quota="requests=1/s")
    while (response := service.ask(key)).status_code == 200:
        pass
    time.sleep(int(response.headers["retry-after"]))
    assert service.ask(key).status_code == 200


def test_rows_tokens_and_computing(tmp_path: Path) -> None:
    with keyed(tmp_path, Echo(seconds=0.05)) as service:
        rows = service.key(quota="rows=5/day")
        assert service.ask(rows, "a", "b", "c").status_code == 200
        assert service.ask(rows, "a", "b", "c").status_code == 429
        assert service.ask(rows, "a", "b").status_code == 200
        tokens = service.key(quota="tokens=10/day")
        assert service.ask(tokens, "x" * 11).status_code == 429
        assert service.ask(tokens, "x" * 10).status_code == 200
        assert service.ask(tokens, "x").status_code == 429
        compute = service.key(quota="compute=0.04/day")
        assert [service.ask(compute).status_code for _ in range(2)] == [200, 429]


def test_a_disk_without_room_for_a_new_quota(service: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has one is refused for as long as it cannot be counted, and no longer; who has none goes on."""
    key, free = service.key(quota="requests=5/day"), service.key()
    with monkeypatch.context() as patch:
        patch.setattr("aiaas.control.ledger.reserve", full)
        for _ in range(2):
            response = service.ask(key)
            assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
            assert response.headers["retry-after"] == "1"
        assert service.ask(free).status_code == 200
    assert service.ask(key).status_code == 200


def full(file: int, size: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_bad_requests_count_too(service: Keyed) -> None:
    key = service.key(quota="requests=2/day")
    codes = [service.ask(key, model="nothing").status_code, service.ask(key, "refuse").status_code]
    assert codes == [404, 422]
    assert service.ask(key).status_code == 429


def test_a_tenant_has_a_quota_for_all_its_keys(service: Keyed) -> None:
    first, second, other = service.key(), service.key(), service.key("other")
    service.control.limit("acme", Quota.parse("requests=3/day"))
    assert [service.ask(key).status_code for key in (first, second, first, second, other)] == [200, 200, 200, 429, 200]
    service.control.limit("acme", Quota.parse(""))
    assert service.ask(first).status_code == 200


def test_a_stream_is_settled(tmp_path: Path) -> None:
    """What a model that writes costs is known when the last piece was sent, or when the client left."""
    with writing(tmp_path) as service:
        key = service.key(quota="compute=0.05/day")
        body = {"inputs": ["a"], "stream": True}
        with service.http.stream("POST", "/v1/models/echo/predict", json=body, headers=key) as response:
            assert response.status_code == 200
            assert b"event: answer" in b"".join(response.iter_bytes())
        assert service.ask(key).status_code == 429


def test_what_is_written_counts_as_tokens(tmp_path: Path) -> None:
    with writing(tmp_path) as service:
        key = service.key(quota="tokens=3/day")  # one is read, three are written
        answered = service.http.post("/v1/models/echo/predict", json={"inputs": ["a"]}, headers=key)
        assert answered.json()["outputs"] == [{"text": "abc"}]
        assert service.ask(key).status_code == 429


# --- administrators -------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(service: Keyed) -> dict[str, str]:
    return service.key("boss", scopes=["admin"])


def test_an_administrator_makes_rotates_and_revokes(service: Keyed, admin: dict[str, str]) -> None:
    http = service.http
    asked = {"tenant": "acme", "models": ["echo"], "expires": "90d", "quota": "requests=100/s"}
    response = http.post("/v1/admin/keys", json=asked, headers=admin)
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    made = response.json()
    assert (made["tenant"], made["models"], made["quota"]) == ("acme", ["echo"], "requests=100/s")
    assert made["expires"] == pytest.approx(time.time() + 90 * 86_400, abs=60)
    assert service.ask(bearer(made["key"])).status_code == 200

    path = f"/v1/admin/keys/{made['key_id']}"
    new = http.post(f"{path}/rotate", json={"overlap": "1h"}, headers=admin).json()
    assert [service.ask(bearer(each["key"])).status_code for each in (made, new)] == [200, 200]
    assert http.delete(path, headers=admin).json() == {"revoked": [made["key_id"]]}
    assert [service.ask(bearer(each["key"])).status_code for each in (made, new)] == [401, 200]

    listed = http.get("/v1/admin/keys?tenant=acme", headers=admin)
    assert [(each["key_id"], each["state"]) for each in listed.json()["keys"]] == [
        (made["key_id"], "revoked"),
        (new["key_id"], "valid"),
    ]
    assert new["key"][17:] not in listed.text
    assert http.delete("/v1/admin/tenants/acme/keys", headers=admin).json() == {"revoked": [new["key_id"]]}
    assert service.ask(bearer(new["key"])).status_code == 401


def test_an_administrator_limits_a_tenant(service: Keyed, admin: dict[str, str]) -> None:
    key = service.key()
    put = service.http.put("/v1/admin/tenants/acme", json={"quota": "requests=1/day"}, headers=admin)
    assert put.json() == {"tenant": "acme", "quota": "requests=1/day"}
    assert [service.ask(key).status_code for _ in range(2)] == [200, 429]
    tenants = service.http.get("/v1/admin/tenants", headers=admin).json()["tenants"]
    assert {"tenant": "acme", "quota": "requests=1/day"} in tenants


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "where", "message"),
    [
        ("POST", "/v1/admin/keys", b"{", 400, "body", "not JSON"),
        ("POST", "/v1/admin/keys", b"\xff", 400, "body", "not UTF-8"),
        ("POST", "/v1/admin/keys", b"[]", 400, "body", "valid dictionary"),
        ("POST", "/v1/admin/keys", b"{}", 400, "tenant", "field required"),
        ("POST", "/v1/admin/keys", b'{"tenant": "a", "secret": 1}', 400, "body", "not known"),
        ("POST", "/v1/admin/keys", b'{"tenant": 7}', 400, "tenant", "valid string"),
        ("POST", "/v1/admin/keys", b'{"tenant": "secret secret"}', 400, "tenant", "a tenant is called by"),
        ("POST", "/v1/admin/keys", b'{"tenant": "a", "scopes": ["secret"]}', 400, "scopes", "a scope is one of"),
        ("POST", "/v1/admin/keys", b'{"tenant": "a", "models": ["secret/1"]}', 400, "models", "without version"),
        ("POST", "/v1/admin/keys", b'{"tenant": "a", "models": [1]}', 400, "models.0", "valid string"),
        ("POST", "/v1/admin/keys", b'{"tenant": "a", "expires": "secret"}', 400, "expires", "no length of time"),
        ("POST", "/v1/admin/keys", b'{"tenant": "a", "quota": "secret=1/s"}', 400, "quota", "what is limited"),
        ("POST", "/v1/admin/keys", b'{"tenant": "a", "quota": "secret"}', 400, "quota", "a limit reads"),
        ("POST", "/v1/admin/keys", b" " * 70_000, 413, None, "longer than"),
        ("POST", "/v1/admin/keys/secret/rotate", b"{}", 404, None, "no such key"),
        ("DELETE", "/v1/admin/keys/secret", b"", 404, None, "no such key"),
        ("DELETE", "/v1/admin/tenants/secret/keys", b"", 404, None, "no such tenant"),
        ("PUT", "/v1/admin/tenants/se cret", b'{"quota": ""}', 400, "tenant", "a tenant is called by"),
        ("PUT", "/v1/admin/tenants/acme", b"{}", 400, "quota", "field required"),
        ("PUT", "/v1/admin/models/secret/aliases/champion", b'{"version": 1}', 404, None, "no such model"),
        ("PUT", "/v1/admin/models/secret/aliases/champion", b'{"version": "1"}', 400, "version", "valid integer"),
        ("POST", "/v1/admin/models/secret/rollback", b"{}", 404, None, "no such model"),
        ("PATCH", "/v1/admin/keys", b"", 405, None, "Method Not Allowed"),
    ],
)
def test_what_an_administrator_cannot_do(
    service: Keyed,
    admin: dict[str, str],
    method: str,
    path: str,
    body: bytes,
    status: int,
    where: str | None,
    message: str,
) -> None:
    headers = {**admin, "content-type": "application/json"}
    response = service.http.request(method, path, content=body, headers=headers)
    error = response.json()["error"]
    assert (response.status_code, error["where"]) == (status, where), error
    assert message in error["message"]
    assert "secret" not in response.text


def test_the_document_tells_administrators_of_every_route(service: Keyed, admin: dict[str, str]) -> None:
    paths = service.http.get("/openapi.json", headers=admin).json()["paths"]
    told = {(path, method.upper()) for path, each in paths.items() for method in each if path.startswith("/v1/admin")}
    there = {
        (route.path, method)  # type: ignore[attr-defined]
        for route in service.app.routes
        if route.path.startswith("/v1/admin")  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert told == there
    for path, each in paths.items():
        for operation in each.values() if path.startswith("/v1/admin") else ():
            names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert names == set(re.findall(r"\{(\w+)\}", path))


def test_an_administrator_moves_aliases(project: Path, aiaas: Aiaas) -> None:
    """And asks what is registered; a version that is not there, a name that is no alias, are refused."""
    for alpha in ("0.5", "0.7"):
        assert aiaas("run", "tiny.yaml", "--set", f"model.params.alpha={alpha}").returncode == 0
    with keyed(project) as service:
        admin = service.key("boss", scopes=["admin"])
        path = "/v1/admin/models/tiny"

        def put(alias: str, version: int) -> httpx.Response:
            return service.http.put(f"{path}/aliases/{alias}", json={"version": version}, headers=admin)

        assert put("champion", 1).json() == {"name": "tiny", "alias": "champion", "version": 1}
        (tiny,) = service.http.get("/v1/admin/models", headers=admin).json()["registered"]
        assert (tiny["aliases"], [each["version"] for each in tiny["versions"]]) == ({"champion": 1}, [1, 2])
        back = service.http.post(f"{path}/rollback", json={}, headers=admin)
        assert back.json() == {"name": "tiny", "alias": "champion", "version": 2}
        refused = put("champion", 3)
        assert (refused.status_code, refused.json()["error"]["hint"]) == (400, "versions: 1, 2")
        assert put("v1", 1).status_code == 400
        other = service.http.post(f"{path}/rollback", json={"alias": "secret"}, headers=admin)
        assert (other.status_code, other.json()["error"]["hint"]) == (400, "aliases: champion")
        near = service.http.post("/v1/admin/models/tinny/rollback", json={}, headers=admin)
        assert near.json()["error"]["hint"] == "did you mean 'tiny'?"
        assert str(project) not in refused.text + other.text + near.text


def test_an_administrator_loads_and_unloads_models(service: Keyed, admin: dict[str, str]) -> None:
    space, http, path = service.control.workspace, service.http, "/v1/admin/models"
    fleet_toy.register(space, "toy")
    caller = service.key()
    assert service.ask(caller, model="toy").status_code == 404
    loaded = http.post(path, json={"model": "toy@champion"}, headers=admin)
    assert (loaded.status_code, loaded.json()["name"]) == (201, "toy")
    assert service.ask(caller, model="toy").status_code == 200
    again = http.post(path, json={"model": "toy/1"}, headers=admin)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    assert http.delete(f"{path}/toy", headers=admin).json() == {"unloaded": "toy"}
    assert service.ask(caller, model="toy").status_code == 404
    assert http.delete(f"{path}/toy", headers=admin).status_code == 404
    assert service.manager.asked == ["load toy@champion", "unload toy"]


@pytest.mark.parametrize(
    ("model", "status", "hint"),
    [
        ("tou", 404, "did you mean 'toy'?"),
        ("toy/2", 400, "versions: 1"),
        ("toy@other", 400, "aliases: champion"),
        ("../secret", 400, "NAME, NAME@ALIAS or NAME/VERSION"),
        ("/etc/secret", 400, "NAME, NAME@ALIAS or NAME/VERSION"),
        ("", 400, "NAME, NAME@ALIAS or NAME/VERSION"),
    ],
)
def test_what_cannot_be_loaded(service: Keyed, admin: dict[str, str], model: str, status: int, hint: str) -> None:
    fleet_toy.register(service.control.workspace, "toy")
    refused = service.http.post("/v1/admin/models", json={"model": model}, headers=admin)
    assert (refused.status_code, refused.json()["error"]["hint"]) == (status, hint)
    assert "secret" not in refused.text
    assert service.manager.asked == []


def test_a_database_that_is_away_is_no_fault_of_the_administrator(service: Keyed, admin: dict[str, str]) -> None:
    """Its file was deleted while the service runs: who has a key goes on, and the words of the database stay inside."""
    key = service.key()
    assert service.ask(key).status_code == 200
    (service.control.workspace.root / "control" / "control.db").unlink()
    for response in (
        service.http.get("/v1/admin/keys", headers=admin),
        service.http.post("/v1/admin/keys", json={"tenant": "acme"}, headers=admin),
        service.http.delete("/v1/admin/keys/aaaaaaaaaa", headers=admin),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
        assert response.headers["retry-after"] == "1"
        assert "aiaas_" not in response.text
        assert "control.db" not in response.text
    assert service.ask(key).status_code == 200


def test_a_load_that_fails_or_takes_long(service: Keyed, admin: dict[str, str]) -> None:
    fleet_toy.register(service.control.workspace, "toy")
    service.manager.refusing = "the model cannot be loaded"
    refused = service.http.post("/v1/admin/models", json={"model": "toy"}, headers=admin)
    assert (refused.status_code, refused.json()["error"]["message"]) == (409, "the model cannot be loaded")
    service.manager.refusing = "never"
    headers = {**admin, "x-request-timeout": "0.05"}
    assert service.http.delete("/v1/admin/models/echo", headers=headers).status_code == 504


# --- the door -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate for 127.0.0.1, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    made = Tls(folder / "cert.pem", folder / "key.pem")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(words, check=True, capture_output=True)
    return made


@pytest.mark.parametrize(
    "host", ["0", "127.1", "0x7f000001", "0x7f.0.0.1", "2130706433", "017700000001", "0177.0.0.1", "", " 127.0.0.1"]
)
def test_other_spellings_of_an_address_are_none(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no loopback address"):
        check_address(host, None, Workspace(tmp_path))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "::ffff:0.0.0.0", "::ffff:10.0.0.1", "0:0::0"])
def test_others_reach_it_with_tls_and_a_key_only(host: str, tls: Tls, tmp_path: Path) -> None:
    space = Workspace.open(tmp_path / ".aiaas")
    with pytest.raises(UsageError, match="there is not TLS and not a key"):
        check_address(host, None, space)
    with pytest.raises(UsageError, match="there is not a key to guard another") as caught:
        check_address(host, tls, space)
    assert caught.value.hint is not None
    assert "aiaas keys create --tenant" in caught.value.hint
    assert "--tls-cert" in caught.value.hint
    assert not (space.root / "control").exists()
    with Control(space) as control:
        made = control.create("acme")
    with pytest.raises(UsageError, match="there is not TLS to guard another"):
        check_address(host, None, space)
    check_address(host, tls, space)
    with Control(space) as control:
        control.revoke(made.key.name)
    with pytest.raises(UsageError, match="there is not a key"):
        check_address(host, tls, space)


def test_loopback_needs_neither(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.8.9.1"):
        check_address(host, None, Workspace(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_certificates_that_cannot_be_used(tls: Tls, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(other), "2048"], check=True, capture_output=True)
    locked = tmp_path / "locked.pem"
    words = ["openssl", "rsa", "-aes256", "-passout", "pass:geheim", "-in", str(tls.key), "-out", str(locked)]
    subprocess.run(words, check=True, capture_output=True)
    (tmp_path / "none.pem").write_text("nothing")
    tls.check()
    for certificate, key in (
        (tls.certificate, other),
        (tls.certificate, locked),
        (tmp_path / "none.pem", tls.key),
        (tls.certificate, tmp_path / "absent.pem"),
        (tmp_path, tls.key),
    ):
        with pytest.raises(UsageError):
            Tls(certificate, key).check()


def test_a_certificate_that_every_client_would_refuse(tls: Tls, tmp_path: Path) -> None:
    tls.check_dates()
    old = Tls(tmp_path / "cert.pem", tls.key)
    asked = tmp_path / "asked.pem"
    words = ["openssl", "req", "-new", "-key", str(tls.key), "-subj", "/CN=x", "-out", str(asked)]
    subprocess.run(words, check=True, capture_output=True)
    words = ["openssl", "x509", "-req", "-in", str(asked), "-key", str(tls.key), "-days", "-1"]
    subprocess.run([*words, "-out", str(old.certificate)], check=True, capture_output=True)
    old.check()
    with pytest.raises(UsageError, match="the certificate has expired"):
        old.check_dates()


def serving(project: Path, *words: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-m", "aiaas", "serve", "tiny", "--port", "0", "--json", *words]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def test_the_first_key_is_printed_once_and_works(project: Path, aiaas: Aiaas, tls: Tls) -> None:
    """Over TLS; the second time a key is there already, and none is shown. No request is lost when it stops."""
    assert aiaas("run", "tiny.yaml").returncode == 0
    process, started = serving(project, "--tls-cert", str(tls.certificate), "--tls-key", str(tls.key))
    try:
        assert started["url"].startswith("https://127.0.0.1:")
        headers = bearer(started["key"])
        context = ssl.create_default_context(cafile=str(tls.certificate))
        path = "/v1/models/tiny/predict"
        with httpx.Client(base_url=started["url"], verify=context, trust_env=False) as http:
            assert http.post(path, json={"inputs": ["很好"]}).status_code == 401
            given = http.post(path, json={"inputs": ["很好"]}, headers=headers)
            assert given.json()["outputs"][0]["label"] == "pos"
            assert http.get("/v1/admin/keys", headers=headers).json()["keys"][0]["tenant"] == "default"
        with httpx.Client(base_url=started["url"], trust_env=False) as http, pytest.raises(httpx.ConnectError):
            http.get("/health/live")
        aiaas("keys", "revoke", started["key"])
        with httpx.Client(base_url=started["url"], verify=context, trust_env=False) as http:
            assert http.post(path, json={"inputs": ["很好"]}, headers=headers).status_code == 401
    finally:
        process.terminate()
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in stderr) == (0, False)
    assert started["key"] not in stderr
    process, again = serving(project)
    process.terminate()
    process.communicate(timeout=30)
    assert again["key"] is None


def test_a_key_is_shown_to_people_too(project: Path, aiaas: Aiaas) -> None:
    assert aiaas("run", "tiny.yaml").returncode == 0
    command = [sys.executable, "-m", "aiaas", "serve", "tiny", "--port", "0"]
    process = subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines = [process.stderr.readline() for _ in range(2)]
    process.terminate()
    process.communicate(timeout=30)
    assert re.fullmatch(r"ready: http://127\.0\.0\.1:\d+  tiny \(native\)\n", lines[0])
    assert re.match(r"key:   aiaas_[a-z2-7]{10}_[\w-]{43}  \(shown once", lines[1])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tls-cert", "cert.pem"), "go together"),
        (("--tls-cert", "none.pem", "--tls-key", "none.pem"), "no such file"),
        (("--host", "0.0.0.0"), "not TLS and not a key"),
        (("--host", "example.org"), "no loopback address"),
        (("--database", "mysql://x"), "must be a PostgreSQL"),
    ],
)
def test_serve_refuses(project: Path, aiaas: Aiaas, words: tuple[str, ...], message: str) -> None:
    if "--database" in words:
        assert aiaas("run", "tiny.yaml").returncode == 0
    done = aiaas("serve", "tiny", "--port", "0", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


# --- the command line -----------------------------------------------------------------------------------------------


def test_keys_on_the_command_line(aiaas: Aiaas, project: Path) -> None:
    words = ("--tenant", "acme", "--models", "a,b", "--models", "c", "--expires", "90d", "--quota", "requests=5/s")
    made = aiaas("keys", "create", *words, "--quota", "rows=9/day")
    text = made.stdout.strip()
    assert re.fullmatch(r"aiaas_[a-z2-7]{10}_[\w-]{43}", text)
    assert text[6:16] in made.stderr
    assert made.stderr.count("no model that is registered here is called") == 3
    assert text not in made.stderr
    (key,) = answer(aiaas("keys", "list", "--json"))["keys"]
    assert key["models"] == ["a", "b", "c"]
    assert (key["quota"], key["scopes"], key["state"]) == ("requests=5/s,rows=9/day", ["infer"], "valid")
    new = answer(aiaas("keys", "rotate", text[6:16], "--overlap", "0s", "--json"))
    assert re.fullmatch(r"aiaas_[a-z2-7]{10}_[\w-]{43}", new["key"])
    assert aiaas("keys", "limit", "acme", "--quota", "tokens=100/day").stdout == "acme: tokens=100/day\n"
    shown = aiaas("keys", "list").stdout
    assert "expired" in shown
    assert "all keys of acme together: tokens=100/day" in shown
    assert new["key"][17:] not in shown
    assert aiaas("keys", "revoke", "--tenant", "acme").returncode == 0
    states = [each["state"] for each in answer(aiaas("keys", "list", "--json"))["keys"]]
    assert states == ["revoked", "revoked"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("create", "--tenant", "a b"), "a tenant is called by"),
        (("create", "--tenant", "a", "--scopes", "inferr"), "a scope is one of infer, admin"),
        (("create", "--tenant", "a", "--scopes", ""), "opens nothing"),
        (("create", "--tenant", "a", "--models", ""), "opens nothing"),
        (("create", "--tenant", "a", "--expires", "soon"), "no length of time"),
        (("create", "--tenant", "a", "--quota", "request=1/s"), "did you mean 'requests'?"),
        (("rotate", "aaaaaaaaaa"), "no such key"),
        (("rotate", "aaaaaaaaaa", "--overlap", "x"), "no length of time"),
        (("revoke", "aaaaaaaaaa"), "no such key"),
        (("revoke",), "name keys, or a tenant"),
        (("revoke", "aaaaaaaaaa", "--tenant", "a"), "name keys, or a tenant"),
        (("revoke", "--tenant", "a"), "no such tenant"),
        (("limit", "a b"), "a tenant is called by"),
        (("list", "--database", "postgresql://geheim:geheim@127.0.0.1:1/x"), "does not answer"),
    ],
)
def test_what_keys_refuses(aiaas: Aiaas, words: tuple[str, ...], message: str) -> None:
    done = aiaas("keys", *words)
    assert done.returncode == (8 if "list" in words else 2), done.stderr
    assert message in done.stderr
    assert "geheim" not in done.stderr.replace("geheim:***", "")
    assert "Traceback" not in done.stderr


def test_a_service_counts_what_several_ask_at_once(service: Keyed) -> None:
    key = service.key(quota="requests=40/day")
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.extend(service.ask(key).status_code for _ in range(10))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes.count(200), codes.count(429)) == (40, 40)


def test_first_key_is_for_everything(tmp_path: Path) -> None:
    made = first_key(Workspace(tmp_path / "new"))
    assert made is not None
    assert (made.key.scopes, made.key.models, made.key.expires) == ({"infer", "admin"}, None, None)
    assert (tmp_path / "new" / ".gitignore").read_text() == "*\n"
    assert first_key(Workspace(tmp_path / "new")) is None
