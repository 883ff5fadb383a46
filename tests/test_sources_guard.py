"""Which addresses may be connected to, and where secrets go."""

from __future__ import annotations

import ipaddress
import logging
import socket

import httpx
import pytest

from aiaas.sources import _credentials, _exchange
from aiaas.sources._guard import Forbidden, Guard, Unknown, is_public

PRIVATE = [
    "127.0.0.1",
    "127.255.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]
PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "2606:2800:220:1::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_found_in_whatever_it_is_wrapped(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(Forbidden, match="no public address"):
        Guard().check(address)
    Guard(True).check(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_goes_through(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    assert Guard().addresses(address, 80) == [str(ipaddress.ip_address(address))]


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "017700000001"])
def test_an_address_in_another_spelling_is_what_it_means(host: str) -> None:
    with pytest.raises(Forbidden):
        Guard().addresses(host, 80)
    assert "127.0.0.1" in Guard(("127.0.0.0/8",)).addresses(host, 80)


def test_the_host_that_a_recipe_names_may_be_private_as_it_was_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"own.test": "10.0.0.1", "other.test": "10.0.0.1", "third.test": "10.0.0.2"}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **more: [(2, 1, 6, "", (answers[host], port))])
    guard = Guard(named="own.test")
    assert guard.addresses("own.test", 80) == ["10.0.0.1"]
    with pytest.raises(Forbidden):
        guard.addresses("third.test", 80)
    answers["own.test"] = "10.0.0.3"
    with pytest.raises(Forbidden):
        guard.addresses("own.test", 80)
    public = Guard(named="own.test")
    answers["own.test"] = "8.8.8.8"
    assert public.addresses("own.test", 80) == ["8.8.8.8"]
    answers["own.test"] = "127.0.0.1"
    with pytest.raises(Forbidden):
        public.addresses("own.test", 80)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 64 + ".test", "a..b"])
def test_a_name_that_means_nothing(host: str) -> None:
    with pytest.raises(Unknown, match="cannot be looked up"):
        Guard().addresses(host, 80)


@pytest.mark.parametrize(
    ("url", "belongs"),
    [
        ("https://h/x", True), ("https://h:443/y", True), ("https://H/", True), ("http://h/", False),
        ("https://h:8443/", False), ("https://h.evil.test/", False), ("https://evil.test/h", False),
        ("https://h@evil.test/", False),
    ],
)  # fmt: skip
def test_secrets_belong_to_one_origin(url: str, belongs: bool) -> None:
    assert _credentials.of("https://h/a", {"X-Key": "k"}).belong_to(url) is belongs


def test_secrets_may_go_from_http_to_https_of_the_same_host() -> None:
    credentials = _credentials.of("http://h/a", {"X-Key": "k"})
    assert credentials.belong_to("https://h/")
    assert not credentials.belong_to("https://h:8443/")
    assert not _credentials.of("http://h:8080/a").belong_to("https://h/")


def test_secrets_are_in_no_repr_and_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    url = "http://me:hunter2@127.0.0.1:9/a"
    credentials = _credentials.of(url, {"X-Key": "hunter3"}, {"key": "hunter4"})
    assert credentials.headers["Authorization"] == "Basic bWU6aHVudGVyMg=="
    request = _exchange.Request(url, "a", 1, 1.0, None, credentials=credentials)
    with caplog.at_level(logging.DEBUG), _exchange.connect(request) as client, pytest.raises(httpx.ConnectError):
        _exchange.send(client, request, {})
    assert "hunter" not in caplog.text + repr(credentials)


def test_what_a_server_gives_back_of_a_secret_is_masked() -> None:
    credentials = _credentials.of("https://h/", {"Authorization": "Bearer abc/def+ghi"}, {"key": "s3cret key"})
    text = '{"next": "https://h/?key=s3cret+key", "you": "abc/def+ghi", "quoted": "abc%2Fdef%2Bghi s3cret%20key"}'
    assert credentials.masked(text) == '{"next": "https://h/?key=***", "you": "***", "quoted": "*** ***"}'
