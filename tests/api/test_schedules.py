"""Schedules over HTTP, by the bodies that are printed; and a server that runs one to the file in its folder."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.serving import Client, Served, eventually, fill, serving
from leadline import people
from leadline.administration import keys, settings
from leadline.home import Home
from leadline.service.notifier import Notifier
from leadline.service.schedule_runner import ScheduleRunner
from stubs.endpoint import listening

REQUEST = {
    "scope": {"orgTreeName": "Engineering"},
    "dateRange": {"period": "previous_month", "count": 1},
    "metricGroups": ["velocity"],
    "options": {"granularity": "monthly"},
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, reports: Path) -> Iterator[Served]:
    """With schedules that are run, and endpoints that are told."""
    folder = tmp_path_factory.mktemp("scheduled")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        allowed = {"exports.folders": str(reports), "webhooks.private": "true"}
        settings.change(home.project(), allowed, on_machine=True)
        runner, notifier = ScheduleRunner(home, look_seconds=0.1), Notifier(home, look_seconds=0.1)
        with serving(home) as running:
            runner.start()
            notifier.start()
            yield running
            runner.stop(60)
            notifier.stop(60)


def printed(reports: Path, webhook: str) -> dict[str, Any]:
    """The body of the contract."""
    return {
        "name": "Monthly",
        "export": "productivity",
        "request": REQUEST,
        "at": {"cron": "0 6 1 * *", "timezone": "Europe/Berlin"},
        "waitForData": {"minutes": 120},
        "deliver": [{"folder": str(reports), "name": "{name}-{start}_{end}.csv.gz"}, {"webhook": webhook}],
        "keep": 12,
        "enabled": True,
    }


def test_the_printed_body_and_a_run_of_it(served: Served, reports: Path) -> None:
    admin, viewer = served.as_("admin"), served.as_("viewer")
    with listening() as endpoint:
        hook = admin.send("POST", "/v2/webhooks", body={"url": endpoint.url, "events": ["data.late"]}).json
        body = printed(reports, hook["id"])
        made = admin.send("POST", "/v2/schedules", body=body)
        assert made.status == 201, made.body
        schedule_id = made.json["id"]
        assert made.json["nextRunAt"] > made.json["createdAt"]
        assert {name: made.json[name] for name in body} == body
        assert viewer.get(f"/v2/schedules/{schedule_id}").json == {**made.json, "lastRun": None}
        assert [row["id"] for row in viewer.get("/v2/schedules").json["schedules"]] == [schedule_id]

        asked = admin.send("POST", f"/v2/schedules/{schedule_id}/run", body={})
        assert asked.status == 202, asked.body

        def ended() -> Any:
            (run,) = viewer.get(f"/v2/schedules/{schedule_id}/runs").json["runs"]
            assert run["state"] in ("waiting", "running", "completed"), run
            return run if run["state"] == "completed" else None

        run = eventually(ended)
        assert (run["requested"], run["late"], run["incompleteSources"], run["error"]) == (True, False, [], None)
        export = viewer.get(f"/v2/insights/productivity/exports/{run['exportId']}").json
        assert (export["createdBy"], export["status"]) == (schedule_id, "completed")
        assert (export["dateRange"]["start"], export["dateRange"]["end"]) == (run["start"], run["end"])
        (file,) = reports.iterdir()
        assert file.name == f"Monthly-{run['start']}_{run['end']}.csv.gz"
        downloaded = viewer.get(f"{viewer.exports}/{run['exportId']}/download", accept_encoding="identity").body
        assert gzip.decompress(file.read_bytes()) == downloaded
        message = eventually(lambda: endpoint.received and endpoint.received[0])
        assert message.signed_with(hook["secret"])
        assert (message.json["type"], message.json["data"]["exportId"]) == ("export.completed", run["exportId"])
        figures = viewer.get("/metrics").body.decode()
        assert 'leadline_schedules{state="completed"} 1.0' in figures

    changed = admin.send("PUT", f"/v2/schedules/{schedule_id}", body={**body, "enabled": False, "kep": 3})
    assert (changed.status, changed.json["nextRunAt"], changed.json["enabled"]) == (200, None, False)
    assert changed.json["warnings"] == ["kep: unknown field, ignored; did you mean keep?"]
    assert admin.send("DELETE", f"/v2/schedules/{schedule_id}").status == 204
    for method, path in (("GET", ""), ("GET", "/runs"), ("POST", "/run"), ("PUT", ""), ("DELETE", "")):
        sent = body if method in ("PUT", "POST") else None
        answer = admin.send(method, f"/v2/schedules/{schedule_id}{path}", body=sent)
        assert (answer.status, answer.json["code"]) == (404, "unknown_schedule")


def test_limited_keys_see_the_schedules_whose_exports_they_could_make(served: Served) -> None:
    project, now = served.home.project(), datetime.now(UTC)
    tree = people.tree(project, "Engineering")
    platform = next(node.ref_id for node in tree.nodes if node.name == "Platform")
    levels = {"of teams": "team", "of developers": "developer"}
    scopes = {"whole": {"orgTreeName": "Engineering"}, "platform": {"teamId": str(platform)}}
    admin = served.as_("admin")
    for level, scope in ((level, scope) for level in levels for scope in scopes):
        request = {**REQUEST, "scope": scopes[scope], "options": {"aggregationLevel": levels[level]}}
        body = {"name": f"{scope} {level}", "export": "productivity", "request": request, "at": {"cron": "0 6 1 * *"}}
        assert admin.send("POST", "/v2/schedules", body=body).status == 201

    def seen(**limits: Any) -> set[str]:
        made = keys.create(project, "limited", "viewer", now=now, **limits)
        client = Client(served.base, made.key)
        listed = client.get("/v2/schedules").json["schedules"]
        for row in admin.get("/v2/schedules").json["schedules"]:
            assert client.get(f"/v2/schedules/{row['id']}").status == (200 if row in listed else 404)
        return {row["name"] for row in listed}

    every = {f"{scope} {level}" for scope in scopes for level in levels}
    assert seen() == every
    assert seen(teams=[str(platform)]) == {"platform of teams", "platform of developers"}
    assert seen(developers=False) == {"whole of teams", "platform of teams"}


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"at": {"cron": "0 6 1 *"}}, "invalid_cron", "at.cron"),
        ({"at": {"cron": "0 6 1 * *", "timezone": "Mars"}}, "invalid_timezone", "at.timezone"),
        ({"export": "never"}, "unsupported_export", "export"),
        ({"request": {**REQUEST, "dateRange": {"period": "someday"}}}, "invalid_period", None),
        ({"request": {**REQUEST, "scope": {"orgTreeName": "Never"}}}, "invalid_org_tree_name", None),
        ({"deliver": [{"folder": "/etc"}]}, "invalid_folder", "deliver.folder"),
        ({"deliver": [{}]}, "invalid_delivery", None),
        ({"deliver": [{"webhook": "wh_0"}]}, "unknown_webhook", "deliver.webhook"),
    ],
)
def test_what_cannot_be_is_refused(served: Served, changed: dict[str, Any], code: str, field: str | None) -> None:
    body = {"name": "x", "export": "productivity", "request": REQUEST, "at": {"cron": "0 6 1 * *"}, **changed}
    answer = served.as_("admin").send("POST", "/v2/schedules", body=body)
    assert (answer.status, answer.json["code"]) == (400, code), answer.json
    assert field is None or field in [detail["field"] for detail in answer.json["details"]]


def test_several_of_a_period_can_be_exported_without_a_schedule(served: Served) -> None:
    body = {**REQUEST, "dateRange": {"period": "previous_month", "count": 3}}
    several, named = (
        served.client.create(body),
        served.client.create({**body, "dateRange": {"period": "last-3-months"}}),
    )
    assert (several.status, named.status, several.json["exportId"]) == (202, 200, named.json["exportId"])
    refused = served.client.create({**body, "dateRange": {"period": "month_to_date", "count": 3}})
    assert (refused.status, refused.json["code"]) == (400, "invalid_period")
