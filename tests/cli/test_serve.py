"""``leadline serve`` and ``leadline worker`` as processes; what they answer is tested with the API."""

from __future__ import annotations

import json
import signal
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from leadline.exports import service
from leadline.home import Home

from .running import Leadline


def test_an_empty_home_says_how_to_begin_and_where_it_answers(leadline: Leadline) -> None:
    process = leadline.start("serve", "--port", "0", "--workers", "0")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"leadline answers at http://127.0.0.1:")
    link = process.stdout.readline().decode().split()[-1]
    assert httpx.get(link).headers["location"] == "/"
    assert httpx.get(link).status_code == 401  # once
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert link.partition("once=")[2] not in errors.decode()
    for step in ("leadline import", "leadline org load", "leadline keys create", "leadline demo"):
        assert step in errors.decode()


def test_a_taken_port(leadline: Leadline) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = leadline.process("serve", "--port", taken.getsockname()[1], code=1)
    assert "error: Cannot listen on 127.0.0.1" in done.stderr
    assert "--port" in done.stderr


def test_who_reaches_it_from_elsewhere_gets_no_link(leadline: Leadline) -> None:
    process = leadline.start("serve", "--host", "0.0.0.0", "--port", "0", "--workers", "0", "--syncs", "0")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"leadline answers at http://0.0.0.0:")
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=120)
    assert b"once" not in rest


def test_open_opens_the_browser_signed_in(leadline: Leadline, tmp_path: Path) -> None:
    process = leadline.start("serve", "--port", "0", "--workers", "0", "--syncs", "0")
    assert process.stdout is not None
    address = process.stdout.readline().decode().split()[3]
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path / "address"}\n')
    browser.chmod(0o700)
    leadline.process("open", "--url", f"{address}/", env={"DISPLAY": ":0", "BROWSER": f"{browser} %s"})
    link = (tmp_path / "address").read_text().strip()
    assert link.startswith(f"{address}/sign-in?once=")
    answer = httpx.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert "`leadline serve`" in leadline("open", "--url", address, code=1).stderr
    assert leadline("open", "--url", address, "--print").stdout.startswith(f"{address}/sign-in?once=")
    assert "--url" in leadline("open", "--url", "ftp://x", code=2).stderr


def test_a_worker_completes_what_is_queued_while_commands_run(company: Leadline) -> None:
    body = {"scope": {"orgTreeName": "Research"}, "dateRange": {"start": "2026-01-01", "end": "2026-01-31"}}
    process = company.start("worker", "--workers", "2")
    with Home.open(company.home) as home:
        project = home.project()
        now = datetime.now(UTC)
        made = service.create(project, body, kind="productivity", created_by="test", now=now)
        deadline = time.monotonic() + 120
        while service.get(project, made.export.id).state != "completed" and time.monotonic() < deadline:
            company("import", "data/comments.csv")
            time.sleep(0.02)
        assert service.get(project, made.export.id).state == "completed"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    logged = [json.loads(line) for line in errors.decode().splitlines() if line.startswith("{")]
    assert any(line.get("export_id") == made.export.id for line in logged)
