"""Service hooks of Azure DevOps over HTTP: who is believed, what is stored, and that a poll of the same agrees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.serving import Served, serving
from leadline.db import sources
from leadline.engine import Engine
from leadline.home import Home, Project
from leadline.ingest.pushed import deliver_pushed
from leadline.sources.kit.secrets import SecretPlace
from leadline.sources.kit.settings import SourceSettings
from stubs import azure_webhooks as hooks
from stubs.azure import CART, WEB
from stubs.azure_data import BEN, Node, build, comment, opened, pull_request

PATH = "/v1/webhooks/azure:example"


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[Served]:
    """A server with a source of one repository."""
    (tmp_path / "secret").write_text(hooks.SECRET)
    with Home.open(tmp_path / "home") as home:
        project = home.project()
        place = SecretPlace(file=str(tmp_path / "secret"))
        added = SourceSettings("azure", "azure:example", ("example/Shop/cart",), webhook_secret=place)
        sources.add(project.db, project.id, added.name, added.kind, added.stored(), datetime.now(UTC))
        with serving(home, workers=0) as running:
            yield running


def tell(served: Served, sent: Node, **signed: str) -> tuple[int, Any]:
    headers, body = hooks.delivery(sent, **signed)
    answer = served.client.send("POST", PATH, headers={"SEI_API_KEY": "", **headers}, body=body)
    return answer.status, answer.json


def rows(project: Project, table: str) -> list[dict[str, Any]]:
    deliver_pushed(project)
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), [table])
        found: list[dict[str, Any]] = engine.arrow(f"SELECT * FROM {table} ORDER BY ALL").to_pylist()
    return found


def test_who_does_not_know_the_password_learns_nothing(hooked: Served) -> None:
    sent = hooks.pull_request("created", opened(CART, 1, 0), 1)
    refusals = [tell(hooked, sent, secret="another"), tell(hooked, sent, secret="")]
    answer = hooked.client.send("POST", PATH, headers={"SEI_API_KEY": ""}, body=b"{}")
    refusals.append((answer.status, answer.json))
    elsewhere = hooked.client.send("POST", "/v1/webhooks/none", headers=dict(hooks.delivery(sent)[0]), body=b"{}")
    refusals.append((elsewhere.status, elsewhere.json))
    assert {status for status, _ in refusals} == {401}
    assert len({str(found["error"]) for _, found in refusals}) == 1


def test_from_opened_to_merged(hooked: Served) -> None:
    project = hooked.home.project()
    node = opened(CART, 1, 0)
    assert tell(hooked, hooks.pull_request("created", node, 1))[0] == 202
    assert tell(hooked, hooks.comment(comment(1, 5, BEN), node, 7, 5), user="")[0] == 202
    merged = hooks.pull_request("merged", pull_request(CART, 1, 0), 30)
    assert tell(hooked, merged)[0] == 202
    assert tell(hooked, hooks.pull_request("updated", node, 20))[0] == 202  # late
    assert tell(hooked, merged)[0] == 202  # twice
    (row,) = rows(project, "pull_requests")
    assert (row["repository"], row["number"], row["state"]) == ("Shop/cart", 1, "merged")
    assert row["merged_at"] is not None
    (said,) = rows(project, "comments")
    assert (said["comment_id"], said["author"]) == ("7/1", "ben@example.com")


def test_a_run_that_ended(hooked: Served) -> None:
    assert tell(hooked, hooks.build(build(CART, 7, 0), "cart"))[0] == 202
    (row,) = rows(hooked.home.project(), "builds")
    assert (row["build_id"], row["repository"], row["status"]) == ("azure:example:7", "Shop/cart", "succeeded")


def test_what_is_not_read_is_told_and_not_stored(hooked: Served) -> None:
    status, answer = tell(hooked, hooks.pull_request("created", opened(WEB, 9, 0), 1))
    assert (status, answer["status"]) == (200, "ignored")
    assert "Shop/web-shop is none of the repositories" in answer["reason"]
    assert tell(hooked, hooks.payload("git.push", {}))[0] == 200
    status, answer = tell(hooked, hooks.payload("git.pullrequest.created", None))
    assert (status, answer["code"]) == (400, "invalid_payload")
