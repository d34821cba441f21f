"""What the connector of Copilot asks and reads, held against what GitHub publishes of its REST API. Cursor and Anthropic publish no
description that could be fetched: their stubs have the shapes of their documentation."""

from __future__ import annotations

from pathlib import Path

from cli.running import Leadline
from published.openapi import Description
from published.packages import OPENAPI, published
from published.test_others import OF_ANY_ANSWER
from published.traffic import matching, recorded
from stubs import copilot
from stubs.server import serving
from sync.scenarios import NOON, clock_at


def test_copilot(tmp_path: Path) -> None:
    days = ["2026-01-17", "2026-01-18"]
    hub = copilot.Hub(
        seats=[copilot.seat(f"user-{number}", used="2026-01-19") for number in range(101)],
        reports={day: [copilot.user(day, "ada"), copilot.user(day, "ben")] for day in days},
        clock=clock_at(NOON),
    )
    secret = {"COPILOT_TOKEN": copilot.TOKEN}
    with recorded() as exchanges, serving(hub) as url:
        reads = Leadline(tmp_path / "home", tmp_path)
        reads("sources", "add", "copilot", "acme", "--url", url, "--since", days[0], "--name", "it")
        reads("sources", "test", "it", env=secret)
        reads("sync", env=secret)
    assert reads.rows()["ai_usage"] == 4 * 101 + 2 * 2
    asked = matching(exchanges, lambda exchange: not exchange.path.startswith("/files/"))
    described = Description.read(published(OPENAPI, OPENAPI.files[0]), "/api/v3")
    # That there is no report yet is answered with nothing at all, of which nothing is described.
    told = [exchange for exchange in asked if exchange.status != 204]
    assert len(told) < len(asked)
    faults = {fault for exchange in told for fault in described.faults(exchange)}
    assert {fault for fault in faults if not fault.endswith(OF_ANY_ANSWER)} == set()
    read = {path for exchange in told for path in exchange.reads}
    assert {("seats", "[]", "assignee", "login"), ("seats", "[]", "created_at"), ("download_links",)} <= read
