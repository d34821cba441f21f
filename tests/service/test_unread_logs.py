"""A server whose log goes to a pipe, or a socket, that nobody reads: it answers all the same, ends as it should, and tells what was
dropped to who reads at last."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from api.serving import eventually
from leadline.api import log_stream
from leadline.api.log_stream import KEPT_BYTES, UnblockedStream


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_log_that_nobody_reads_stops_no_server(tmp_path: Path, kind: str) -> None:
    if kind == "pipe":
        unread, ours = os.pipe()
    else:
        ends = socket.socketpair()
        unread, ours = ends[0].detach(), ends[1].detach()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "leadline.cli.main",
        "--home",
        str(tmp_path / "home"),
        "serve",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=ours, stderr=ours)
    os.close(ours)
    try:
        base = f"http://127.0.0.1:{port}"
        assert eventually(lambda: status(f"{base}/healthz") == 200)
        for number in range(2500):  # some hundred bytes of log for each; a pipe takes 64 KiB
            assert status(f"{base}/{'x' * 150}{number}") == 404
        assert status(f"{base}/healthz") == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
        os.close(unread)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.mark.parametrize("kind", ["pipe", "pipe without /proc", "socket"])
def test_what_has_no_room_waits_then_is_dropped_and_counted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "without" in kind:

        def refuse(*_: object) -> int:
            raise OSError

        monkeypatch.setattr(log_stream.os, "open", refuse)
    if kind == "socket":
        ends = socket.socketpair()
        reading, writing = ends[0].detach(), ends[1].detach()
    else:
        reading, writing = os.pipe()
    stream = UnblockedStream(writing)
    line = "x" * 999 + "\n"
    sent = 6 * (KEPT_BYTES // 1000)
    for _ in range(sent):
        stream.write(line)
    os.set_blocking(reading, False)
    got = b""
    for _ in range(100_000):
        try:
            got += os.read(reading, 1 << 20)
        except BlockingIOError:
            stream.flush()
            if b"dropped" in got:
                break
    lines = got.decode().splitlines()
    (told,) = [text for text in lines if "dropped" in text]
    assert told == lines[-1]
    assert all(text == line[:-1] for text in lines[:-1])
    assert len(lines) - 1 + int(told.split()[0]) == sent
    assert len(lines) > KEPT_BYTES // 1000
    stream.write("again\n")
    assert os.read(reading, 100) == b"again\n"


def test_a_reader_that_went_away_is_nobodys_trouble() -> None:
    reading, writing = os.pipe()
    stream = UnblockedStream(writing)
    os.close(reading)
    for _ in range(3):
        assert stream.write("nobody\n") == 7
