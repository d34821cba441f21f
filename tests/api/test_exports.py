"""The life of an export over HTTP: create, reuse, poll, list, cancel."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.serving import BODY, EXPORTS, Client, Served, eventually, fill, serving
from leadline.api.exports.models import ListQuery
from leadline.api.query import read
from leadline.errors import InvalidRequest
from leadline.home import Home, Project
from leadline.metrics.request import Control, MetricsRequest, Pins, Produced
from leadline.settings.server import DOCUMENTED_PREFIXES

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_a_new_export_is_202_and_an_identical_one_200(served: Served) -> None:
    body = {**BODY, "dateRange": {"start": "2025-01-01", "end": "2025-01-31"}}
    new = served.client.create(body)
    assert new.status == 202
    assert new.json == {
        "exportId": new.json["exportId"],
        "createdAt": new.json["createdAt"],
        "message": "Export created successfully",
    }
    assert re.fullmatch(r"exp_\w+", new.json["exportId"])
    assert INSTANT.fullmatch(new.json["createdAt"])
    assert new.headers["content-type"] == "application/json"
    assert new.headers["cache-control"] == "no-store"
    same = {**body, "metricGroups": ["VELOCITY", "activity", "velocity"], "options": {"granularity": "Monthly"}}
    again = served.client.create(same)
    assert again.status == 200
    assert again.json == {**new.json, "message": "Using existing export with identical parameters"}


WORDS = ("scope", "dateRange", "metricGroups", "metrics", "options", "fact")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("productivity", BODY),
        ("productivity", {**BODY, "scope": {"teamId": "2", "orgTreeName": "Engineering"}, "metrics": ["pr_merged"]}),
        ("productivity", {**BODY, "options": {"aggregationLevel": "Team", "granularity": "WEEKLY", "format": "jsonl"}}),
        ("efficiency", {**BODY, "metricGroups": ["lttc"], "options": {"granularity": "WEEKLY", "aggregation": "p90"}}),
        (
            "efficiency",
            {**BODY, "metricGroups": ["df"], "options": {"granularity": "MONTHLY", "aggregationLevel": "service"}},
        ),
        ("facts", {"scope": {"teamId": "2"}, "dateRange": BODY["dateRange"], "fact": "commits"}),
        ("facts", {"scope": {"orgTreeName": "Engineering"}, "dateRange": BODY["dateRange"], "fact": "incidents"}),
    ],
)
def test_the_poll_answer_can_be_sent_again(served: Served, kind: str, body: dict[str, Any]) -> None:
    client = Client(served.base, served.keys["viewer"], f"/v2/insights/{kind}/exports")
    made = client.create(body)
    assert made.status in (200, 202), made.body
    poll = client.get(f"{client.exports}/{made.json['exportId']}").json
    words = {name: poll[name] for name in WORDS if name in poll}
    assert words["dateRange"] == body["dateRange"]
    again = client.create(words)
    assert (again.status, again.json["exportId"]) == (200, made.json["exportId"])
    # The words are those that were sent, so that the same is noted about them.
    assert again.json.get("warnings") == made.json.get("warnings")


def test_parameters_that_there_are_not_are_named(served: Served) -> None:
    answer = served.client.get(f"{EXPORTS}?stauts=completed&zzz=1&limit=1&projectIdentifier=default")
    assert answer.status == 200
    first, second = answer.json["warnings"]
    assert first == "stauts: unknown parameter, ignored; did you mean status?"
    assert second.startswith("zzz: unknown parameter, ignored; known here: status, scope, teamId")
    assert "warnings" not in served.client.get(f"{EXPORTS}?status=completed&orgIdentifier=default").json


def test_no_cache_makes_a_new_one(served: Served) -> None:
    first = served.client.completed()
    fresh = served.client.create(BODY, cache_control="max-age=0, No-Cache")
    assert fresh.status == 202
    assert fresh.json["exportId"] != first


def test_unknown_fields_are_reported(served: Served) -> None:
    answer = served.client.create({**BODY, "options": {"granularty": "weekly"}})
    assert answer.status in (200, 202)
    assert answer.json["warnings"] == ["options.granularty: unknown field, ignored; did you mean options.granularity?"]


def test_comments_and_trailing_commas_are_read(served: Served) -> None:
    text = json.dumps(BODY)[:-1] + ", // a comment\n}"
    assert served.client.create(text).status in (200, 202)


def test_poll_of_a_completed_export(served: Served) -> None:
    export = served.client.completed()
    poll = served.client.get(f"{EXPORTS}/{export}").json
    assert poll["download"] == {
        "url": f"{EXPORTS}/{export}/download",
        "filename": "developer-insights-2025.csv",
        "contentType": "text/csv",
    }
    assert (poll["exportId"], poll["status"], poll["progress"], poll["rowCount"]) == (export, "completed", 1.0, 48)
    assert all(INSTANT.fullmatch(poll[name]) for name in ("createdAt", "completedAt", "expiresAt", "dataAsOf"))
    assert poll["tableVersions"] == {"commits": 1, "pull_requests": 1}
    assert poll["orgTreeVersions"] == {"Engineering": 1}
    assert poll["definitionVersion"]
    assert poll["createdBy"].startswith("key_")
    stored = served.client.get(f"{EXPORTS}/{export}/download")
    assert poll["sizeBytes"] == len(stored.body)


@pytest.mark.parametrize("prefix", ["", *DOCUMENTED_PREFIXES])
def test_every_documented_base_path_reaches_the_api(served: Served, prefix: str) -> None:
    client = Client(f"{served.base}{prefix}/", served.keys["viewer"])
    export = client.completed()
    poll = client.get(f"{EXPORTS}/{export}").json
    assert poll["download"]["url"].startswith("/v2/")
    assert client.get(poll["download"]["url"]).status == 200


# -- while it runs -----------------------------------------------------------------------------------------------------


class Held:
    """Takes the place of the metrics: holds each run until released or cancelled."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.release = threading.Event()
        self.fail = False

    def __call__(self, _: Project, __: MetricsRequest, ___: Pins, path: Path, control: Control) -> Produced:
        self.running.set()
        while not self.release.wait(0.01):
            control.check()
        if self.fail:
            raise InvalidRequest("The team vanished", code="team_vanished")
        path.write_bytes(b"")
        return Produced(0)


@pytest.fixture
def held(home: Home, tmp_path: Path) -> Any:
    """A server whose one worker is held: (served, held)."""
    fill(home.project(), tmp_path)
    hold = Held()
    with serving(home, produce=hold) as running:
        yield running, hold
        hold.release.set()


def create_two(served: Served, hold: Held) -> tuple[str, str]:
    """One export that is processing, and one that is queued behind it."""
    first = served.client.create().json["exportId"]
    assert hold.running.wait(60)
    return first, served.client.create(BODY, cache_control="no-cache").json["exportId"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/cancel"), ("DELETE", "")])
def test_cancel(held: tuple[Served, Held], method: str, path: str) -> None:
    served, hold = held
    processing, queued = create_two(served, hold)
    for export in (queued, processing):
        answer = served.client.send(method, f"{EXPORTS}/{export}{path}")
        assert (answer.status, answer.json["status"]) == (200, "cancelled")
        assert "download" not in answer.json
        again = served.client.send(method, f"{EXPORTS}/{export}{path}")
        assert (again.status, again.json["code"]) == (409, "export_cancelled")
        download = served.client.get(f"{EXPORTS}/{export}/download")
        assert (download.status, download.json["code"]) == (409, "export_cancelled")
    folder = served.home.project().folder / "exports"
    eventually(lambda: not [path for path in folder.rglob("*") if path.is_file()])


def test_a_download_that_is_not_ready_is_409_with_the_status(held: tuple[Served, Held]) -> None:
    served, hold = held
    processing, queued = create_two(served, hold)
    for export, status in ((processing, "processing"), (queued, "queued")):
        poll = served.client.get(f"{EXPORTS}/{export}").json
        assert (poll["status"], poll["completedAt"]) == (status, None)
        assert "download" not in poll
        answer = served.client.get(f"{EXPORTS}/{export}/download")
        assert (answer.status, answer.json["code"]) == (409, f"export_{status}")
        assert status in answer.json["error"]
        assert served.client.send("HEAD", f"{EXPORTS}/{export}/download").status == 409


def test_a_failed_export_says_why(held: tuple[Served, Held]) -> None:
    served, hold = held
    hold.fail = True
    hold.release.set()
    export = served.client.create().json["exportId"]
    poll = served.client.wait_for(export, "failed")
    assert (poll["error"], poll["code"]) == ("The team vanished", "team_vanished")
    assert "download" not in poll
    download = served.client.get(f"{EXPORTS}/{export}/download")
    assert (download.status, download.json["error"]) == (409, "The team vanished")
    assert served.client.send("DELETE", f"{EXPORTS}/{export}").status == 409


def test_a_completed_export_cannot_be_cancelled(served: Served) -> None:
    export = served.client.completed()
    answer = served.client.send("DELETE", f"{EXPORTS}/{export}")
    assert (answer.status, answer.json["code"]) == (409, "export_completed")
    assert served.client.get(f"{EXPORTS}/{export}/download").status == 200


# -- the list ----------------------------------------------------------------------------------------------------------


def test_list(held: tuple[Served, Held]) -> None:
    served, hold = held
    first, second = create_two(served, hold)
    team = served.as_("admin").create({**BODY, "scope": {"teamId": platform(served)}}).json["exportId"]
    served.client.send("DELETE", f"{EXPORTS}/{second}")

    def ids(query: str) -> list[str]:
        answer = served.client.get(f"{EXPORTS}?{query}")
        assert answer.status == 200, answer.body
        return [export["exportId"] for export in answer.json["exports"]]

    assert ids("") == ids("scope=all") == ids("sortBy=CREATEDAT&sortOrder=DESC") == [team, second, first]
    assert ids("sortOrder=asc&limit=2") == [first, second]
    assert ids("sortOrder=asc&limit=2&page=1") == [team]
    assert ids("page=9") == []
    assert ids("status=Cancelled") == [second]
    assert ids("scope=mine") == [second, first]
    assert ids(f"teamId={platform(served)}") == [team]
    assert ids("createdBy=a%20admin") == [team]
    created_by = served.client.get(f"{EXPORTS}/{team}").json["createdBy"]
    assert ids(f"createdBy={created_by}") == [team]
    today = datetime.now(UTC)
    assert ids(f"dateFrom={today:%Y-%m-%d}&dateTo={today:%Y-%m-%d}") == [team, second, first]
    assert ids(f"dateTo={today - timedelta(days=1):%Y-%m-%d}") == []
    assert ids(f"dateFrom={today + timedelta(days=1):%Y-%m-%d}") == []
    assert sorted(ids("sortBy=status&sortOrder=asc")) == sorted([first, second, team])
    page = served.client.get(f"{EXPORTS}?limit=2").json
    assert (page["page"], page["limit"], page["total"]) == (0, 2, 3)


def platform(served: Served) -> str:
    """The ref id of the team Platform."""
    from leadline.people import tree

    nodes = tree(served.home.project(), "Engineering").nodes
    return str(next(node.ref_id for node in nodes if node.name == "Platform"))


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("status=done", ["status"]),
        ("scope=team", ["scope"]),
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=%D9%A1", ["limit"]),
        ("page=-1", ["page"]),
        ("page=99999999999999999999", ["page"]),
        ("sortBy=size", ["sortBy"]),
        ("sortOrder=up", ["sortOrder"]),
        ("dateFrom=yesterday", ["dateFrom"]),
        ("dateTo=2025-02-30", ["dateTo"]),
        ("dateFrom=2025-02-02&dateTo=2025-02-01", ["dateFrom"]),
        ("status=queued&status=failed", ["status"]),
        (f"teamId={'x' * 300}", ["teamId"]),
        ("createdBy=%00", ["createdBy"]),
        ("limit=x&page=y", ["limit", "page"]),
    ],
)
def test_wrong_list_parameters_are_named(served: Served, query: str, fields: list[str]) -> None:
    answer = served.client.get(f"{EXPORTS}?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalid_parameter")
    assert [detail["field"] for detail in answer.json["details"]] == fields


def test_instants_bound_a_list_exactly() -> None:
    query = {"dateFrom": ["2026-01-01T10:00:00 02:00"], "dateTo": ["2026-01-01T09:00:00Z"]}
    wanted = read(ListQuery, query).filter("k")
    assert wanted.created_from == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert wanted.created_before == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert read(ListQuery, {"dateTo": ["9999-12-31"]}).filter("k").created_before is not None


@pytest.mark.parametrize(
    ("insight", "groups"),
    [
        ("productivity", {"activity", "velocity", "volume", "quality", "collaboration", "ai"}),
        ("efficiency", {"lttc", "lttc_items", "work_items", "df", "cfr", "mttr", "rating", "summary"}),
    ],
)
def test_the_catalogue(served: Served, insight: str, groups: set[str]) -> None:
    metrics = served.client.get(f"/v2/insights/{insight}/metrics").json["metrics"]
    assert groups == {group for metric in metrics for group in metric["groups"]}
    assert {"id", "column", "group", "groups", "aliases", "unit", "levels", "definition"} == set(metrics[0])
    client = served.client if insight == "productivity" else served.efficiency
    for name in (metrics[0]["column"].lower(), metrics[0]["id"], *metrics[0]["aliases"]):
        body = {**BODY, "metricGroups": [], "metrics": [name]}
        assert client.create(body).status in (200, 202)
