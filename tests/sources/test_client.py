"""The patient client: what it waits for, for how long, and what it gives up."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.kit import client as client_module
from leadline.sources.kit.client import ATTEMPTS, LIMIT_WAITS, SAME_ASKED, Client, Lasting, Refused, Unavailable
from stubs.github import TOKEN, Hub
from stubs.server import SERVER_ERROR, TOO_MANY, Fault, serving

JSON = ("Content-Type", "application/json")
GOOD = Fault(200, (JSON,), b'{"good": true}')


class Asked:
    """A client on a stub that answers with ``answers`` in turn, the last one for ever."""

    def __init__(self, stack: ExitStack, *answers: Fault, **options: Any) -> None:
        self.hub = Hub(faults=lambda request: answers[min(request.number, len(answers)) - 1])
        self.url = stack.enter_context(serving(self.hub))
        self.waits: list[float] = []
        settings: dict[str, Any] = {"wait": self.waits.append, "chance": lambda: 1.0, **options}
        self.client = stack.enter_context(Client(headers={"Authorization": f"Bearer {TOKEN}"}, tool="Tool", **settings))

    def ask(self) -> Any:
        return self.client.request("GET", f"{self.url}/x").body


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_waits_grow_and_end(stack: ExitStack) -> None:
    asked = Asked(stack, SERVER_ERROR)
    with pytest.raises(Unavailable, match="in 6 attempts: it answered 502"):
        asked.ask()
    assert asked.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert asked.client.calls == len(asked.hub.requests) == ATTEMPTS


def test_chance_halves_a_wait_at_most(stack: ExitStack) -> None:
    asked = Asked(stack, SERVER_ERROR, SERVER_ERROR, GOOD, chance=lambda: 0.0)
    assert asked.ask() == {"good": True}
    assert asked.waits == [0.5, 1.0]


def test_a_storm_of_limits_is_waited_out_and_in_the_end_given_up(stack: ExitStack) -> None:
    asked = Asked(stack, *[TOO_MANY] * LIMIT_WAITS, GOOD)
    assert asked.ask() == {"good": True}
    assert asked.waits == [3.0] * LIMIT_WAITS
    endless = Asked(stack, TOO_MANY)
    with pytest.raises(Unavailable, match="rate limit"):
        endless.ask()


def test_a_limit_without_a_time_lasts_a_minute_and_longer(stack: ExitStack) -> None:
    asked = Asked(stack, Fault(429, (JSON,), b"{}"), Fault(429, (JSON,), b"{}"), GOOD)
    asked.ask()
    assert asked.waits == [60.0, 120.0]


def test_who_waits_is_told_for_which_host(stack: ExitStack) -> None:
    told: list[str] = []
    limited = Asked(stack, TOO_MANY, SERVER_ERROR, GOOD, waiting=lambda _seconds, why: told.append(why))
    limited.ask()
    assert [why.partition(": ")[0] for why in told] == ["127.0.0.1", "127.0.0.1"]
    assert "rate limit" in told[0]


def test_retry_after_as_a_date(stack: ExitStack) -> None:
    asked = Asked(stack, Fault(503), Fault(429, (("Retry-After", "Mon, 05 Jan 2026 09:00:30 GMT"), JSON), b"{}"), GOOD)
    asked.hub.clock = 1767603600 - time.time()  # 2026-01-05 09:00:00
    asked.ask()
    assert asked.waits[0] == 1.0
    assert 25 <= asked.waits[1] <= 31


def test_a_good_answer_may_ask_to_wait_before_the_next(stack: ExitStack) -> None:
    """As Azure DevOps does before it refuses anything."""
    asked = Asked(stack, Fault(200, (JSON, ("Retry-After", "30")), b'{"good": true}'), GOOD)
    assert [asked.ask(), asked.ask(), asked.ask()] == [{"good": True}] * 3
    (wait,) = asked.waits
    assert 0 < wait <= 30


def test_a_server_in_trouble_is_asked_again_when_it_says_but_within_a_minute(stack: ExitStack) -> None:
    troubles = [Fault(503, (("Retry-After", seconds),)) for seconds in ("0", "20", "7200", "soon", "²")]
    asked = Asked(stack, *troubles, GOOD)
    assert asked.ask() == {"good": True}
    assert asked.waits == [1.0, 20.0, 60.0, 8.0, 16.0]


def test_a_secret_that_is_sent_back_is_shown_to_nobody(stack: ExitStack) -> None:
    body = f'{{"message": "no token {TOKEN}, and none {TOKEN[:4]}"}}'.encode()
    asked = Asked(stack, Fault(400, (JSON,), body))
    assert asked.ask() == {"message": f"no token ***, and none {TOKEN[:4]}"}


def test_403_is_a_limit_only_if_it_says_so(stack: ExitStack) -> None:
    asked = Asked(stack, Fault(403, (JSON,), b'{"message": "no"}'))
    assert asked.client.request("GET", f"{asked.url}/x").status == 403
    assert asked.waits == []


def test_nobody_there() -> None:
    with Client(headers={}, tool="Tool", wait=lambda _: None) as client, pytest.raises(Unavailable, match="Connect"):
        client.request("GET", "http://127.0.0.1:1/")


def unresolved(monkeypatch: pytest.MonkeyPatch, error: int) -> list[str]:
    """Have every name answered with ``error``; which names were asked for comes back."""
    asked: list[str] = []

    def getaddrinfo(host: bytes | str, *_: object, **__: object) -> list[Any]:
        asked.append(host if isinstance(host, str) else host.decode())
        raise socket.gaierror(error, "as it is said")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    ("error", "attempts", "says"),
    [
        (socket.EAI_NONAME, 1, "the name tool.example.com cannot be resolved .DNS.; is the address right"),
        (socket.EAI_FAIL, 1, "the name tool.example.com cannot be resolved .DNS.; is the address right"),
        (socket.EAI_AGAIN, 2, "the name tool.example.com cannot be resolved now: no name server .DNS. answers"),
    ],
)
@pytest.mark.parametrize("by", ["request", "stream"])
def test_a_name_that_nobody_knows_is_asked_once_and_a_silent_name_server_twice(
    monkeypatch: pytest.MonkeyPatch, error: int, attempts: int, says: str, by: str
) -> None:
    waits: list[float] = []
    asked = unresolved(monkeypatch, error)
    with Client(headers={}, tool="Tool", wait=waits.append) as client:
        ask = {"request": partial(client.request, "GET"), "stream": partial(client.stream, take=lambda *_: None)}[by]
        with pytest.raises(Lasting, match=f"Tool could not be read: {says}"):
            ask("https://tool.example.com/")
    assert asked == ["tool.example.com"] * attempts
    assert len(waits) == attempts - 1


def test_a_proxy_whose_name_nobody_knows_is_named_instead_of_the_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:secret@proxy.example.com:3128")
    asked = unresolved(monkeypatch, socket.EAI_NONAME)
    with Client(headers={}, tool="Tool") as client, pytest.raises(Lasting) as refused:
        client.request("GET", "https://tool.example.com/")
    assert asked == ["proxy.example.com"]
    assert "the name proxy.example.com:3128 (the proxy for tool.example.com) cannot be resolved" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_no_json(stack: ExitStack) -> None:
    with pytest.raises(Refused, match="text/plain instead of JSON"):
        Asked(stack, Fault(200, (("Content-Type", "text/plain"),), b"hello")).ask()


def test_an_answer_is_refused_while_it_grows_however_small_it_came(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "BODY_BYTES", 1 << 20)
    headers = (JSON, ("Content-Encoding", "gzip"))
    bomb = gzip.compress(b'"' + bytes(64 << 20))
    with pytest.raises(Refused, match="Tool sent more than 1,048,576 bytes at once"):
        Asked(stack, Fault(200, headers, bomb)).ask()
    page = gzip.compress(b'["' + b"x" * (1 << 19) + b'"]')
    assert len(Asked(stack, Fault(200, headers, page)).ask()[0]) == 1 << 19


def test_the_token_is_in_no_error(stack: ExitStack) -> None:
    for fault in (SERVER_ERROR, Fault(200, (("Content-Type", "text/html"),), b"<html>"), Fault(cut=True)):
        with pytest.raises((Unavailable, Refused)) as raised:
            Asked(stack, fault).ask()
        assert TOKEN not in repr(raised.value)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("SSL_CERT_FILE", "/no/such/file.pem", "names no certificates that can be read: No such file or directory"),
        ("SSL_CERT_FILE", __file__, "names no certificates that can be read"),
        ("HTTPS_PROXY", "gopher://ada:s3cr3t@proxy.example.com", "HTTPS_PROXY cannot be the address of a proxy"),
        ("ALL_PROXY", "http://[::1", "ALL_PROXY cannot be the address of a proxy"),
    ],
)
def test_surroundings_that_cannot_be_are_named(
    variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidRequest, match=says) as raised:
        Client(headers={}, tool="Tool")
    assert "s3cr3t" not in str(raised.value)


def test_closing_wakes_whoever_waits(stack: ExitStack) -> None:
    waits = threading.Event()
    asked = Asked(stack, TOO_MANY, wait=None, waiting=lambda _seconds, _why: waits.set())
    ended: list[BaseException] = []

    def ask() -> None:
        try:
            asked.ask()
        except Unavailable as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert waits.wait(30)
    asked.client.__exit__()
    thread.join(2)  # less than the 3 seconds it was told to wait
    assert ended


def test_pages_that_lead_to_themselves_come_to_an_end(stack: ExitStack) -> None:
    asked = Asked(stack, GOOD)
    for _ in range(SAME_ASKED):  # in turn, as two pages that name each other
        asked.ask()
        asked.client.request("POST", f"{asked.url}/x", body={"after": "b"})
    with pytest.raises(Refused, match="the same page again and again"):
        asked.ask()
