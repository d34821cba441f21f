"""Clients that would hold a server: slow, greedy, silent and broken ones, over raw sockets. Whatever they do, ``/healthz`` answers,
and what they hold is bounded."""

from __future__ import annotations

import gzip
import http.client
import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import psutil
import pytest

from api.serving import EXPORTS, HERE, Client, Served, eventually, fill, make_keys, served_by_process, serving
from leadline.home import Home
from leadline.service import connections
from leadline.service.connections import MAX_HEAD, connection_limit
from leadline.service.server import Server

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PUSH = b"POST /v2/ingest/commits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@contextmanager
def dialled(base: str, first: bytes = b"") -> Iterator[socket.socket]:
    """A connection on which ``first`` was sent; reading waits for a minute."""
    address = urlsplit(base)
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        client.sendall(first)
        yield client


def all_of(client: socket.socket) -> bytes:
    """What the server sends until it ends the connection."""
    received = bytearray()
    with suppress(ConnectionResetError):
        while data := client.recv(1 << 16):
            received += data
    return bytes(received)


def refusal(client: socket.socket, status: int, code: str) -> None:
    """The connection's one answer is a refusal of the one shape, and its last."""
    head, _, body = all_of(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert b"connection: close" in head.lower()
    answer = json.loads(body)
    assert (answer["status"], answer["code"]) == ("failed", code)
    assert answer["error"]


def lives(base: str) -> None:
    answer = Client(base).get("/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok"})


@pytest.fixture
def impatient(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that waits for two seconds where others wait longer."""
    for name in ("HEAD_SECONDS", "REST_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(connections, name, 2.0)
    with serving(home, workers=0) as running:
        yield running


def dribble(client: socket.socket, data: bytes, *, times: int = 300) -> None:
    """Send ``data`` again and again, ten times a second, until the server has had enough."""
    for _ in range(times):
        try:
            client.sendall(data)
        except OSError:
            return
        time.sleep(0.1)
    raise AssertionError("the server never had enough")


# -- slow clients ------------------------------------------------------------------------------------------------------


def test_a_slow_head_is_not_waited_for(impatient: Served) -> None:
    with dialled(impatient.base, b"GET /healthz HTTP/1.1\r\n") as client:
        threading.Thread(target=lambda: _quietly(dribble, client, b"X-Slow: 1\r\n"), daemon=True).start()
        refusal(client, 408, "too_slow")
    lives(impatient.base)


def _quietly(work: Callable[..., None], *arguments: object) -> None:
    with suppress(AssertionError):
        work(*arguments)


def test_a_silent_connection_ends(impatient: Served) -> None:
    with dialled(impatient.base) as client:
        assert all_of(client) == b""
    with dialled(impatient.base, HEALTH) as client:  # also after a request
        assert all_of(client).endswith(b'{"status":"ok"}')


def test_a_second_head_is_not_waited_for_either(impatient: Served) -> None:
    with dialled(impatient.base, HEALTH + b"GET /healthz HTTP/1.1\r\n") as client:
        answers = all_of(client)
    assert answers.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in answers


def test_requests_of_a_slow_poller_are_all_answered(impatient: Served) -> None:
    """Each request has its own time: a connection that is used now and then is no slow one."""
    address = urlsplit(impatient.base)
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)) as poller:
        poller.connect()
        mine = poller.sock
        for _ in range(6):
            poller.request("GET", "/healthz")
            assert poller.getresponse().read() == b'{"status":"ok"}'
            time.sleep(0.8)
        assert poller.sock is mine


def test_a_slow_body_is_not_waited_for(impatient: Served) -> None:
    key = b"x-api-key: " + impatient.keys["ingestion"].encode() + b"\r\n"
    with dialled(impatient.base, PUSH + key + b"Content-Length: 100000\r\n\r\n[") as client:
        threading.Thread(target=lambda: _quietly(dribble, client, b" "), daemon=True).start()
        refusal(client, 408, "too_slow")
    # What a client did is no fault of the server's.
    figures = eventually(
        lambda: [text for text in [Client(impatient.base).get("/metrics").body] if b'status="499"' in text]
    )
    assert b'status="500"' not in figures[0]


def test_a_body_that_comes_steadily_may_take_longer_than_a_stall(impatient: Served) -> None:
    key = b"x-api-key: " + impatient.keys["ingestion"].encode() + b"\r\n"
    with dialled(impatient.base, PUSH + key + b"Content-Length: 40000\r\n\r\n") as client:
        for _ in range(40):
            client.sendall(b" " * 1000)
            time.sleep(0.15)
        assert b'"code":"malformed_body"' in all_of(client)


def test_a_body_has_its_time(impatient: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BODY_SECONDS", 3.0)
    key = b"x-api-key: " + impatient.keys["ingestion"].encode() + b"\r\n"
    with dialled(impatient.base, PUSH + key + b"Transfer-Encoding: chunked\r\n\r\n") as client:
        steadily = b"400\r\n" + b" " * 1024 + b"\r\n"
        threading.Thread(target=lambda: _quietly(dribble, client, steadily), daemon=True).start()
        refusal(client, 408, "too_slow")


def test_an_endless_body_ends_with_its_answer(impatient: Served) -> None:
    """No key: the answer is out at once, and what still comes is dropped, for a while."""
    with dialled(impatient.base, PUSH + b"Transfer-Encoding: chunked\r\n\r\n") as client:
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 401")
        dribble(client, b"4000\r\n" + b" " * (16 << 10) + b"\r\n")
    lives(impatient.base)


def test_an_answer_that_nobody_reads_is_given_up(impatient: Served) -> None:
    log = psutil.Process()
    before = log.num_fds()
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(dialled(impatient.base))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        eventually(lambda: log.num_fds() >= before + 40)
        eventually(lambda: log.num_fds() <= before + 20)  # only this side of each is left
    lives(impatient.base)


# -- greedy clients ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, psutil.Process, dict[str, str]]]:
    """A server as a process of its own, of 200 connections: its address, itself, and keys."""
    folder = tmp_path_factory.mktemp("greedy")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        keys = make_keys(home.project())
    log, env = folder / "log", {"LEADLINE_CONNECTIONS": "200"}
    with served_by_process(folder / "home", workers=0, log=log, env=env) as (base, server):
        Client(base, keys["viewer"]).get(EXPORTS)
        settled(psutil.Process(server.pid))
        yield base, psutil.Process(server.pid), keys
        assert "Traceback" not in log.read_text()


def settled(server: psutil.Process) -> None:
    """Wait until a server has made ready what it does at its start, and so grows by nobody's doing."""
    sizes = [0, server.memory_info().rss]
    for _ in range(60):
        time.sleep(1)
        sizes.append(server.memory_info().rss)
        if max(sizes[-4:]) - min(sizes[-4:]) < 1 << 20:
            return


@contextmanager
def bounded(base: str, server: psutil.Process, mebibytes: int) -> Iterator[None]:
    """Meanwhile ``/healthz`` answers, soon, and the server grows by at most so much."""
    before, largest, slowest = server.memory_info().rss, 0, 0.0
    ended = threading.Event()

    def watch() -> None:
        nonlocal largest, slowest
        while not ended.wait(0.02):
            began = time.monotonic()
            lives(base)
            slowest = max(slowest, time.monotonic() - began)
            largest = max(largest, server.memory_info().rss)

    failures: list[BaseException] = []
    watcher = threading.Thread(target=lambda: _noted(watch, failures))
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(60)
    assert failures == []
    assert slowest < 10  # on any machine, whatever else it does; bench/clients.py measures
    assert (largest - before) >> 20 <= mebibytes


def _noted(work: Callable[[], None], failures: list[BaseException]) -> None:
    try:
        work()
    except BaseException as error:
        failures.append(error)


Process = tuple[str, psutil.Process, dict[str, str]]


def test_idle_connections_make_room(process: Process) -> None:
    base, server, _ = process
    with bounded(base, server, 64), ExitStack() as stack:
        idle = [stack.enter_context(dialled(base)) for _ in range(1000)]
        eventually(lambda: server.num_fds() < 300)
        lives(base)
        assert all_of(idle[0]) == b"", "the first came first"


def test_connections_that_send_a_body_for_ever_make_room(process: Process) -> None:
    base, server, _ = process
    head = b"POST /v1/webhooks/x HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: x\r\nContent-Length: 20000000\r\n\r\n"
    with bounded(base, server, 128), ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(dialled(base, head))
        lives(base)


def test_tiny_chunks_are_refused(process: Process) -> None:
    base, server, _ = process
    with bounded(base, server, 32), dialled(base, PUSH + b"Transfer-Encoding: chunked\r\n\r\n") as client:
        dribble(client, b"1\r\nx\r\n" * 100)
    with dialled(
        base, PUSH + b"Transfer-Encoding: chunked\r\n\r\n" + b"40\r\n" + b" " * 64 + b"\r\n0\r\n\r\n"
    ) as client:
        client.sendall(HEALTH)
        answers = client.recv(1 << 16)
        while b"ok" not in answers:
            answers += client.recv(1 << 16)
    assert answers.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("cut", [1 << 20, 1000])
@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz?" + b"a" * MAX_HEAD + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * MAX_HEAD + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * (MAX_HEAD // 6) + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 100_000 + b"\r\n",
    ],
    ids=["address", "cookie", "headers", "many headers"],
)
def test_large_heads_are_refused_however_they_are_cut(process: Process, head: bytes, cut: int) -> None:
    base, server, _ = process
    with bounded(base, server, 32), dialled(base) as client:
        with suppress(OSError):  # the answer is there already
            for start in range(0, len(head), cut):
                client.sendall(head[start : start + cut])
        refusal(client, 431, "head_too_large")


def test_the_largest_head_is_taken(process: Process) -> None:
    base = process[0]
    start, end = b"GET /healthz?", b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    fitting = start + b"a" * (MAX_HEAD - len(start) - len(end)) + end
    with dialled(base, fitting) as client:
        assert all_of(client).startswith(b"HTTP/1.1 200")
    with dialled(base, fitting.replace(b"?", b"?a")) as client:
        refusal(client, 431, "head_too_large")


def test_many_parameters_and_headers_are_read_in_time(process: Process) -> None:
    base, server, keys = process
    query = "&".join(f"{number:x}=1" for number in range(2200))
    headers = {f"x{number:x}": "1" for number in range(1300)}
    with bounded(base, server, 32):
        for _ in range(5):
            assert Client(base, keys["viewer"]).get(f"{EXPORTS}?{query}").status == 200
            assert Client(base, keys["viewer"]).send("GET", EXPORTS, headers=headers).status == 200


def test_pipelined_requests_are_answered_in_turn(process: Process) -> None:
    base, server, _ = process
    with (
        bounded(base, server, 64),
        dialled(base, HEALTH * 999 + HEALTH.replace(b"Host", b"Connection: close\r\nHost")) as client,
    ):
        assert all_of(client).count(b"HTTP/1.1 200 OK") == 1000


def test_http_1_0(process: Process) -> None:
    with dialled(process[0], b"GET /healthz HTTP/1.0\r\n\r\n") as client:
        answer = all_of(client)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_the_one_shape(process: Process, text: bytes) -> None:
    with dialled(process[0], text) as client:
        refusal(client, 400, "malformed_http")


def test_reset_connections_leave_nothing(process: Process) -> None:
    base, server, keys = process
    key = b"x-api-key: " + keys["viewer"].encode() + b"\r\n"
    asked = b"GET " + EXPORTS.encode() + b" HTTP/1.1\r\nHost: x\r\n" + key + b"\r\n"
    for number in range(60):
        with dialled(base, (asked * 3)[: 20 + number * 7]) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing resets
    lives(base)
    eventually(lambda: len(server.net_connections("tcp")) <= 1)  # where it listens


def hook_head(size: int) -> bytes:
    return b"POST /v1/webhooks/x HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: x\r\nContent-Length: %d\r\n\r\n" % size


def send_what_is_taken(client: socket.socket, data: bytes) -> None:
    """Send ``data``, or the part of it that the server reads."""
    client.settimeout(0.2)
    with suppress(OSError):
        client.sendall(data)
    client.settimeout(60)


def test_large_bodies_share_bounded_memory(process: Process) -> None:
    """Strangers' webhooks that never end: small ones and pushes are taken meanwhile, and large ones once they are gone."""
    base, server, keys = process
    size = 24 << 20
    with bounded(base, server, 150):
        with ExitStack() as stack:
            for _ in range(12):
                client = stack.enter_context(dialled(base, hook_head(size)))
                send_what_is_taken(client, b" " * (size - 1))
            with dialled(base, hook_head(2) + b"{}") as client:
                assert client.recv(1 << 16).startswith(b"HTTP/1.1 401")
            rows = [{"repository": "a/b", "sha": f"{number:040x}", "message": "x" * 900} for number in range(200)]
            pushed = Client(base, keys["ingestion"]).send(
                "POST", "/v2/ingest/commits", headers={"Content-Type": "application/json"}, body=json.dumps(rows)
            )
            assert pushed.status == 202 or pushed.json["code"] == "invalid_rows", pushed.body
        with dialled(base, hook_head(size) + b" " * size) as client:
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 401")


BOMBS = {
    "arrays": b"[" + b"[]," * 5_000_000 + b"[]]",
    "objects": b"[" + b"{}," * 5_000_000 + b"{}]",
    "numbers": b"[" + b"1," * 8_000_000 + b"1]",
    "columns": b"[{" + b",".join(b'"%x":1' % number for number in range(1_200_000)) + b"}]",
    "fewer columns": b"[{" + b",".join(b'"%x":1' % number for number in range(900_000)) + b"}]",
    "deep": b"[" * 16_000_000,
    "digits": b'[{"sha": ' + b"1" * 16_000_000 + b"}]",
    "lines": b"{}\n" * 5_000_000,
    "twice": b"[{" + b'"sha":1,' * 400_000 + b'"sha":1}]',
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_small_text_does_not_become_a_large_value(process: Process, bomb: str) -> None:
    base, server, keys = process
    client = Client(base, keys["ingestion"])
    kind = "application/x-ndjson" if bomb == "lines" else "application/json"
    with bounded(base, server, 400):
        answer = client.send("POST", "/v2/ingest/commits", headers={"Content-Type": kind}, body=BOMBS[bomb])
    assert answer.status in (400, 413), answer.body
    assert len(answer.body) < 10_000


def test_rows_of_any_depth_are_taken_or_refused(process: Process) -> None:
    base, _, keys = process
    client = Client(base, keys["ingestion"])
    for depth in [*range(1, 40, 6), *range(100, 1100, 45), 100_000]:
        nested = b"[" * depth + b"]" * depth
        for body in (
            b"[%s]",
            b'[{"parents": %s}]',
            b'[{"other": %s}]',
            b'{"rows": [%s]}',
            b'[{"attributes": {"a": %s}}]',
        ):
            for table in ("commits", "deployments"):
                headers = {"Content-Type": "application/json"}
                answer = client.send("POST", f"/v2/ingest/{table}", headers=headers, body=body % nested)
                assert answer.status == 400, (depth, body, answer.body)


def test_requests_of_any_depth_are_refused_in_every_spelling(process: Process) -> None:
    base, _, keys = process
    client = Client(base, keys["admin"])
    for depth in (33, 300, 990, 1010, 100_000):
        for start, end in ((b"[", b"]"), (b"{a:", b"}"), (b"/**/[", b"]"), (b'{"a":', b"}")):
            for path in (f"{EXPORTS}?{HERE}", "/v1/custom-cicd"):
                body = b'{"scope": ' + start * depth + end * depth + b"}"
                answer = client.send("POST", path, headers={"Content-Type": "application/json"}, body=body)
                assert (answer.status, answer.json["code"]) == (400, "malformed_body"), (depth, start, answer.body)


def test_packed_bodies_are_not_unpacked(process: Process) -> None:
    base, server, keys = process
    bomb = gzip.compress(b" " * (64 << 20))
    with bounded(base, server, 32):
        for path, kind in (
            ("/v2/ingest/commits", "application/json"),
            ("/v2/developers", "text/csv"),
            ("/v1/webhooks/x", "application/json"),
        ):
            headers = {"Content-Type": kind, "Content-Encoding": "gzip", "X-Gitlab-Token": "x"}
            answer = Client(base, keys["admin"]).send("POST", path, headers=headers, body=bomb)
            assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


# -- the limit ---------------------------------------------------------------------------------------------------------


def test_connections_leave_files_for_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(256, 1000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limit: limits.append(limit))
    assert connection_limit(1024) == (1000 - 256) // 2
    assert limits[-1] == (1000, 1000)
    assert connection_limit(100) == 100
    limits.append((resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert connection_limit(1024) == 1024


def test_the_newest_is_refused_where_all_others_work(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections.BoundedProtocol, "waits_for", lambda _self: None)
    monkeypatch.setattr("api.serving.Server", partial(Server, connections=2))
    with (
        serving(home, workers=0) as served,
        dialled(served.base, HEALTH),
        dialled(served.base, HEALTH),
        dialled(served.base) as third,
    ):
        refusal(third, 503, "too_many_connections")
