"""The secret of every kind of source stands in no log, status, error, traceback or file, and in no command line of a server's
processes, also where leadline itself fails."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from leadline.cli.main import main
from leadline.sources.kit.client import Client
from stubs.every_tool import EVERY, Reached

from .running import Leadline, _surroundings, _text, environment
from .test_every_source import nowhere


@pytest.fixture
def reached() -> Iterator[dict[str, Reached]]:
    """A tool of every kind."""
    with ExitStack() as stack:
        yield {kind: stack.enter_context(EVERY[kind]()) for kind in EVERY}


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("where", ["_attempt", "_parsed", "_sent"])
def test_a_fault_of_leadline_itself_shows_no_secret(
    leadline: Leadline, reached: dict[str, Reached], monkeypatch: pytest.MonkeyPatch, debug: str, where: str
) -> None:
    def fail(self: Client, *_: Any, **__: Any) -> Any:
        secret = dict(self._http.headers)  # a local variable, as any may be
        raise TypeError(f"nobody foresaw it: {len(secret)}")

    monkeypatch.setattr(Client, where, fail)
    for kind, tool in reached.items():
        if kind == "files" and where != "_sent":
            continue  # a file is no page of an API
        given = {tool.variable: tool.secret, "LEADLINE_DEBUG": debug}
        words = ["--home", str(leadline.home), "sync", kind, *tool.targets, *tool.options]
        with _surroundings(leadline.cwd, environment(given)) as (out, errors):
            code = main(words)
        said = _text(out) + _text(errors)
        assert (code, "nobody foresaw it" in said) == (1, True), (kind, said)
        assert ("Traceback" in said) == bool(debug)
        assert tool.secret not in said
        status = leadline("status", "--json").stdout + leadline("status").stdout
        assert tool.secret not in status
        nowhere(leadline, tool.secret)


def test_a_server_that_reads_every_kind_shows_no_secret(
    leadline: Leadline, reached: dict[str, Reached], tmp_path: Path
) -> None:
    given = {tool.variable: tool.secret for tool in reached.values()}
    for kind, tool in reached.items():
        leadline("sources", "add", kind, *tool.targets, *tool.options, "--name", f"its-{kind}", "--every", "1h")
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = psutil.Popen(
            leadline.command("serve", "--port", "0"),
            cwd=leadline.cwd,
            env=environment(given),
            stdout=output,
            stderr=output,
        )
    lines: set[str] = set()
    try:
        deadline, look = time.monotonic() + 120, 0
        while True:
            for process in (server, *server.children(recursive=True)):
                try:
                    lines.add(" ".join(process.cmdline()))
                except psutil.Error:
                    continue
            time.sleep(0.1)  # asking all the time would take that of the sources
            if (look := look + 1) % 10:
                continue
            states = {source["kind"]: source["state"] for source in leadline.json("status")["sources"]}
            if set(states.values()) == {"done"}:
                break
            assert time.monotonic() < deadline, states
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    assert any("source_process" in line for line in lines)
    told = [*lines, log.read_text(), leadline("status").stdout, leadline("status", "--json").stdout]
    told += [leadline("sources", "list").stdout, leadline("sources", "list", "--json").stdout]
    for kind, tool in reached.items():
        assert not [text for text in told if tool.secret in text], kind
        nowhere(leadline, tool.secret)
