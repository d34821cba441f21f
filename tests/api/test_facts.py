"""Facts over HTTP: filters, columns, order, pages at the same versions, CSV, and refusals."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from api.serving import MOMENTS, Answer, Served, fill, fill_delivery, pull_request, put, serving
from api.test_errors import in_shape
from cli.running import Leadline
from leadline.exports.cursor import Cursor
from leadline.exports.service import pin_newest
from leadline.facts.catalogue import FACTS
from leadline.home import Home
from leadline.metrics.relative_range import relative_range


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the small organization and its deployments."""
    folder = tmp_path_factory.mktemp("delivered")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        fill_delivery(home.project())
        put(home.project(), work_items=[work_item(number) for number in range(4)], sprints=[SPRINT])
        with serving(home, workers=0) as running:
            yield running


SPRINT = {"board": "APP", "sprint_id": "1", "start_at": MOMENTS[0], "completed_at": MOMENTS[6]}


def work_item(number: int) -> dict[str, Any]:
    """One completed on one of the ``MOMENTS``."""
    done = MOMENTS[2 + number]
    owner = {"project": "APP", "key": f"APP-{number}", "type": "Bug", "assignee": "cyd@example.org"}
    return {**owner, "created_at": MOMENTS[number], "completed_at": done, "sprints": ["1"]}


def ask(served: Served, fact: str, headers: dict[str, str] | None = None, **asked: Any) -> Answer:
    return served.client.send("GET", f"/v2/facts/{fact}?{urlencode(asked, doseq=True)}", headers=headers)


@pytest.mark.parametrize("fact", list(FACTS))
def test_rows_and_what_their_columns_mean(delivered: Served, fact: str) -> None:
    body = ask(delivered, fact).json
    assert body["kind"] == fact
    assert [column["name"] for column in body["columns"]] == list(FACTS[fact].columns) == list(body["rows"][0])
    assert all(column["definition"].endswith(".") for column in body["columns"])
    instants = [row[FACTS[fact].happened] for row in body["rows"]]
    assert instants == sorted(instants, key=lambda instant: (instant is None, instant or ""))
    types = {column["name"]: column["type"] for column in body["columns"]}
    said = {"string": str, "integer": int, "number": float, "boolean": bool, "instant": str, "list": list}
    assert all(cell is None or type(cell) is said[types[name]] for row in body["rows"] for name, cell in row.items())
    assert body["total"] == len(body["rows"])


@pytest.mark.parametrize("fact", list(FACTS))
def test_a_page_of_csv_is_what_the_command_writes(delivered: Served, fact: str, tmp_path: Path) -> None:
    days = {"dateFrom": "2025-02-01", "dateTo": "2025-11-30", "orgTreeName": "Engineering"}
    page = ask(delivered, fact, {"Accept": "text/csv"}, **days, limit=1000)
    assert page.headers["content-type"].startswith("text/csv")
    path = tmp_path / "facts.csv"
    leadline = Leadline(delivered.home.path, tmp_path)
    range_ = ("--start", "2025-02-01", "--end", "2025-11-30", "--org-tree", "Engineering")
    leadline("facts", fact, *range_, "-o", str(path))
    sent, written = (sorted(csv.reader(io.StringIO(text))) for text in (page.body.decode(), path.read_text("utf-8")))
    assert sent == written
    assert int(page.headers["leadline-total"]) == len(written) - 1 > 0
    assert "leadline-next" not in page.headers


def test_what_is_kept_and_in_which_order(delivered: Served) -> None:
    own = ask(delivered, "pull-requests", developer="CYD@example.org", columns="number,developer", sort="-number").json
    assert [list(row) for row in own["rows"]] == [["number", "developer"]] * 6
    assert [row["number"] for row in own["rows"]] == [10, 8, 6, 4, 2, 0]
    march = ask(delivered, "pull-requests", dateFrom="2025-03-01", dateTo="2025-03-31", teamId="2").json
    assert [row["number"] for row in march["rows"]] == [2]


def test_a_period_is_the_days_that_it_is_today(delivered: Served) -> None:
    everything = ask(delivered, "commits").json["total"]
    start, end = relative_range("last-10-years").days(datetime.now(UTC).date())
    assert ask(delivered, "commits", period="last-10-years").json["total"] == everything
    assert ask(delivered, "commits", dateFrom=start, dateTo=end).json["total"] == everything
    assert ask(delivered, "commits", period="last-day").json["total"] == 0 < everything


def test_pages_read_the_same_versions_whatever_comes_meanwhile(delivered: Served) -> None:
    asked = {"limit": 5, "columns": "number"}
    pages = [ask(delivered, "pull-requests", **asked).json]
    put(delivered.home.project(), pull_requests=[{**pull_request(0), "number": 77}])
    while pages[-1]["next"]:
        pages.append(ask(delivered, "pull-requests", **asked, cursor=pages[-1]["next"]).json)
    assert [row["number"] for page in pages for row in page["rows"]] == list(range(12))
    assert {page["total"] for page in pages} == {12}
    assert len({(page["dataAsOf"], str(page["tableVersions"])) for page in pages}) == 1
    assert ask(delivered, "pull-requests", **asked).json["total"] == 13
    following = ask(delivered, "pull-requests", {"Accept": "text/csv"}, **asked).headers["leadline-next"]
    assert ask(delivered, "pull-requests", **asked, cursor=following).json["rows"][0]["number"] == 4


def test_versions_that_are_gone_are_told(delivered: Served) -> None:
    project = delivered.home.project()
    pins = pin_newest(project, None)
    later = Cursor(replace(pins, tables={**pins.tables, "commits": 999}), datetime.now(UTC), 0)
    answer = ask(delivered, "commits", cursor=later.text(project))
    assert in_shape(answer.json)
    assert (answer.status, answer.json["code"]) == (410, "versions_gone")


@pytest.mark.parametrize(
    ("fact", "asked", "status", "code", "field"),
    [
        ("shoes", {}, 404, "unknown_fact", None),
        ("commits", {"columns": "sha,shoe"}, 400, "unknown_column", "columns"),
        ("commits", {"sort": "-shoe"}, 400, "unknown_column", "sort"),
        ("commits", {"limit": "1001"}, 400, "invalid_parameter", "limit"),
        ("commits", {"dateFrom": "2025-02-30"}, 400, "invalid_parameter", "dateFrom"),
        ("commits", {"dateFrom": "2025-03-01", "dateTo": "2025-02-01"}, 400, "invalid_date_range", "dateFrom"),
        ("commits", {"period": "soon"}, 400, "invalid_parameter", "period"),
        ("commits", {"period": "last-month", "dateTo": "2025-02-01"}, 400, "conflicting_date_range", "period"),
        ("commits", {"orgTreeName": "Nowhere"}, 400, "invalid_org_tree_name", None),
        ("commits", {"teamId": "99"}, 400, "invalid_team_id", None),
        ("commits", {"cursor": "nonsense"}, 400, "invalid_cursor", "cursor"),
        ("deployments", {"developer": "cyd@example.org"}, 400, "not_of_developers", "developer"),
    ],
)
def test_refusals(
    delivered: Served, fact: str, asked: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    answer = ask(delivered, fact, **asked)
    assert in_shape(answer.json)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert field is None or field in [detail["field"] for detail in answer.json["details"]]
