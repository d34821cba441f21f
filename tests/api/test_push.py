"""Pushed rows and runs over HTTP: what is taken, what is refused and how, and that nothing acknowledged is ever lost."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.serving import BODY, EXPORTS, HERE, Answer, Client, Served, eventually, make_keys, served_by_process, serving
from leadline.api.push import rows as push_rows
from leadline.api.push.models import MAX_ROWS
from leadline.api.push.routes import KEPT_ERRORS
from leadline.api.push_batcher import PushBatcher
from leadline.db import inbox
from leadline.engine import Engine
from leadline.home import Home, Project
from leadline.ingest.inbox import Push
from leadline.ingest.pushed import deliver_pushed
from leadline.lake.maintenance import check_lake
from leadline.schema import TABLES

RUN: dict[str, Any] = {
    "pipeline": "deploy",
    "job_full_name": "shop/deploy",
    "qualified_name": "shop/deploy",
    "instance_name": "ci",
    "instance_guid": "5f0c",
    "start_time": 1771000000000,
    "duration": 60000,
    "result": "SUCCESS",
    "execution_id": "run-1",
    "repo_url": "https://git.example.com/org/app.git",
    "cd": True,
}


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without workers: tests that only look at answers share it."""
    with Home.open(tmp_path_factory.mktemp("pushed") / "home") as home, serving(home, workers=0) as running:
        yield running


def post(
    client: Client, path: str, body: Any, *, content_type: str | None = "application/json", **headers: str
) -> Answer:
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    sent = {"Content-Type": content_type} if content_type else {}
    return client.send("POST", path, headers={**sent, **headers}, body=raw)


def rows(project: Project, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The table's rows after delivery."""
    deliver_pushed(project)
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), [table])
        return engine.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL")


# -- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["ingestion", "admin"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", '[{"incident_id": "a"}, {"incident_id": "b"}]'),
        (None, '{"rows": [{"incident_id": "a"}, {"incident_id": "b"}]}'),
        ("application/x-ndjson", '{"incident_id": "a"}\r\n\n{"incident_id": "b"}\n'),
        ("application/json; charset=utf-8", '\ufeff [{"incident_id": "a"}, {"incident_id": "b"}]\n'),
    ],
)
def test_good_rows(empty: Served, role: str, content_type: str | None, body: str) -> None:
    answer = post(empty.as_(role), f"/v2/ingest/incidents?{HERE}", body, content_type=content_type)
    assert (answer.status, answer.json) == (202, {"accepted": 2, "rejected": 0, "errors": []})
    assert rows(empty.home.project(), "incidents", "incident_id") == [("a",), ("b",)]


def test_a_row_changes_what_it_tells(empty: Served) -> None:
    """Whether both come in one push, in two that reach the lake together, or one after the other."""
    started = {
        "deployment_id": "d",
        "repository": "acme/shop",
        "service": "web",
        "status": "running",
        "pipeline": "main",
    }
    ended = {"deployment_id": "d", "status": "success", "pipeline": None}
    columns = "repository, service, status, pipeline"
    for at, pushes in enumerate(
        ([[started, ended]], [[started], [ended]], [[{"deployment_id": "d"}], [ended, started, ended]])
    ):
        for body in pushes:
            named = [{**row, "deployment_id": f"d{at}"} for row in body]
            answer = post(empty.as_("ingestion"), "/v2/ingest/deployments", named)
            assert answer.json.get("repeated", 0) == len(body) - 1 - (len(body) == 3)
    found = rows(empty.home.project(), "deployments", columns)
    assert found == [("acme/shop", "web", "success", None)] * 3
    post(empty.as_("ingestion"), "/v2/ingest/deployments", [{"deployment_id": "d0", "service": "api"}])
    assert rows(empty.home.project(), "deployments", "service") == [("api",), ("web",), ("web",)]


def test_a_repeated_key_is_told(empty: Served) -> None:
    body = [
        {"incident_id": "a", "title": "one"},
        {"incident_id": "b"},
        {"incident_id": "a", "title": "two"},
        {"incident_id": "b"},
    ]
    answer = post(empty.as_("ingestion"), "/v2/ingest/incidents", body)
    assert answer.json == {
        "accepted": 4,
        "rejected": 0,
        "errors": [],
        "repeated": 1,
        "warnings": ["rows[2] has the key of rows[0], with other content: both are applied, in order"],
    }


def test_some_bad_rows(empty: Served) -> None:
    body = [{"incident_id": "a", "created_at": "x"}, {"incident_id": "b", "tile": 1}, {"title": "c"}]
    answer = post(empty.as_("ingestion"), "/v2/ingest/incidents", body)
    assert answer.status == 202
    assert (answer.json["accepted"], answer.json["rejected"]) == (1, 2)
    assert [(error["row"], error["field"]) for error in answer.json["errors"]] == [
        (0, "created_at"),
        (2, "incident_id"),
    ]
    assert answer.json["errors"][0]["message"].startswith("not an instant; write RFC 3339")
    assert answer.json["errors"][0]["message"].endswith("('x')")
    assert answer.json["warnings"] == ["tile: left out; table incidents has no such column; did you mean title?"]
    assert rows(empty.home.project(), "incidents", "incident_id") == [("b",)]


def test_nothing_but_bad_rows(pushed: Served) -> None:
    answer = post(pushed.as_("admin"), "/v2/ingest/incidents", [{"created_at": "x"}, 5])
    assert answer.status == 400
    assert answer.json["status"] == "failed"
    assert answer.json["code"] == "invalid_rows"
    assert [detail["field"] for detail in answer.json["details"]] == [
        "rows[0].incident_id",
        "rows[0].created_at",
        "rows[1]",
    ]
    assert inbox.totals(pushed.home.db)["waiting"] == 0


def test_no_rows_are_no_mistake(pushed: Served) -> None:
    for body in ("[]", '{"rows": []}'):
        answer = post(pushed.as_("admin"), "/v2/ingest/incidents", body)
        assert (answer.status, answer.json) == (202, {"accepted": 0, "rejected": 0, "errors": []})
    assert post(pushed.as_("admin"), "/v2/ingest/builds", "\n", content_type="application/x-ndjson").status == 202


def test_errors_are_told_up_to_a_limit(pushed: Served) -> None:
    body = [{"incident_id": f"{n}", "created_at": "x"} for n in range(KEPT_ERRORS + 5)]
    answer = post(pushed.as_("admin"), "/v2/ingest/incidents", [*body, {"incident_id": "good"}])
    assert answer.json["rejected"] == KEPT_ERRORS + 5
    assert len(answer.json["errors"]) == KEPT_ERRORS


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "7",
        "null",
        '"text"',
        "{}",
        '{"rows": 7}',
        '{"rows": [], "more": 1}',
        '{"incident_id": "a"}',
        "[1,]",
        pytest.param("[" * 100_000, id="deep"),
        '{"rows": [], "rows": []}',
        "[NaN",
        b"[\xff]",
        "// no\n[]",
    ],
)
def test_what_is_no_list_of_rows(pushed: Served, body: str | bytes) -> None:
    answer = post(pushed.as_("admin"), "/v2/ingest/incidents", body)
    assert (answer.status, answer.json["code"]) == (400, "malformed_body")
    assert "Traceback" not in answer.body.decode()


@pytest.mark.parametrize("odd", ['"\\ud800"', '"\\u0000"', '"a\\ud83d"', "NaN", "1e999", "[[[]]]"])
def test_odd_values_never_break_the_answer(pushed: Served, odd: str) -> None:
    for body in (
        f'[{{"incident_id": {odd}}}]',
        f'[{{"incident_id": "x", {odd if odd[0] == chr(34) else chr(34) * 2}: 1}}]',
    ):
        assert post(pushed.as_("admin"), "/v2/ingest/incidents", body).status in (202, 400)
    assert post(pushed.as_("admin"), "/v2/ingest/incidents", f"[{odd}]").status == 400
    run = f'{{"payload": {json.dumps(json.dumps(RUN)[:-1] + f", {json.dumps(odd)}: {odd}}}")}}}'
    assert post(pushed.as_("admin"), "/v1/custom-cicd", run).status in (202, 400)


def test_too_much(pushed: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pushed.as_("ingestion")
    many = "[" + ",".join(['{"incident_id":"a"}'] * (MAX_ROWS + 1)) + "]"
    answer = post(client, "/v2/ingest/incidents", many)
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    monkeypatch.setattr(push_rows, "MAX_BYTES", 1000)
    answer = post(client, "/v2/ingest/incidents", [{"incident_id": "a" * 1000}])
    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_as_many_as_are_allowed(empty: Served) -> None:
    body = [{"incident_id": f"{n}", "title": "t" * 100} for n in range(MAX_ROWS)]
    assert post(empty.as_("ingestion"), "/v2/ingest/incidents", body).json["accepted"] == MAX_ROWS
    assert len(rows(empty.home.project(), "incidents", "incident_id")) == MAX_ROWS


def test_other_refusals(pushed: Served) -> None:
    client, good = pushed.as_("ingestion"), [{"incident_id": "a"}]
    assert post(client, "/v2/ingest/incidents", good, content_type="text/csv").status == 415
    assert post(client, "/v2/ingest/incidents", good, **{"Content-Encoding": "gzip"}).status == 415
    answer = post(client, "/v2/ingest/tickets", good)
    assert (answer.status, answer.json["code"]) == (404, "unknown_table")
    assert "deployments" in answer.json["error"]
    assert client.get("/v2/ingest/incidents").status == 405
    for path, body in (("/v2/ingest/incidents", good), ("/v1/custom-cicd", RUN)):
        assert post(Client(pushed.base), path, body).status == 401
        assert post(pushed.as_("viewer"), path, body).status == 403
        assert post(client, f"{path}?projectIdentifier=other", body).status == 403
        assert post(client, f"{path}?{HERE}", body).status == 202


def test_a_full_queue_says_so(pushed: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadline.api.push_batcher.MAX_WAITING_ROWS", 1)
    answer = post(pushed.as_("admin"), "/v2/ingest/incidents", [{"incident_id": "a"}, {"incident_id": "b"}])
    assert (answer.status, answer.json["code"]) == (503, "busy")


def test_a_database_in_trouble_is_told_and_outlived(empty: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client = empty.as_("ingestion")
    with empty.home.db.write() as connection:
        connection.exec_driver_sql("ALTER TABLE inbox RENAME TO away")
    answer = post(client, "/v2/ingest/incidents", [{"incident_id": "a"}])
    assert (answer.status, answer.json["code"]) == (503, "store_error")
    with empty.home.db.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO inbox")
    assert post(client, "/v2/ingest/incidents", [{"incident_id": "a"}]).status == 202


# -- runs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/gratis/sei/api", "//sei/api/"])
def test_a_run(pushed: Served, prefix: str) -> None:
    answer = post(pushed.as_("ingestion"), f"{prefix}/v1/custom-cicd", RUN)
    assert (answer.status, answer.json) == (202, {"status": "accepted", "table": "deployments", "id": "run-1"})
    answer = post(pushed.as_("admin"), "/v1/custom-cicd", {**RUN, "cd": False, "reslt": 1})
    assert answer.json["table"] == "builds"
    assert answer.json["warnings"] == ["reslt: unknown field, ignored; did you mean result?"]


def test_runs_become_rows(empty: Served) -> None:
    client = empty.as_("ingestion")
    for body in ({**RUN, "result": "running"}, RUN, {**RUN, "execution_id": None, "build_number": 7}):
        assert post(client, "/v1/custom-cicd", body).status == 202
    post(
        client, "/v1/custom-cicd", "{/* comments and commas are fine */" + json.dumps({**RUN, "cd": False})[1:-1] + ",}"
    )
    project = empty.home.project()
    found = rows(project, "deployments", "deployment_id", "repository", "status", "CAST(finished_at AS VARCHAR)")
    assert found == [
        ("5f0c:shop/deploy:7", "org/app", "success", "2026-02-13 16:27:40+00"),
        ("run-1", "org/app", "success", "2026-02-13 16:27:40+00"),
    ]
    assert rows(project, "builds", "build_id", "pipeline") == [("run-1", "deploy")]


def test_a_wrong_run_is_told_with_every_finding(pushed: Served) -> None:
    answer = post(
        pushed.as_("ingestion"), "/v1/custom-cicd", {**RUN, "result": "GREEN", "duration": -1, "pipeline": None}
    )
    assert (answer.status, answer.json["code"]) == (400, "invalid_run")
    assert {detail["field"] for detail in answer.json["details"]} == {"pipeline", "duration", "result"}


# -- what is acknowledged --------------------------------------------------------------------------------------------


def test_the_next_export_has_what_was_pushed(served: Served) -> None:
    merged = {"repository": "org/new", "number": 1, "author": "cyd@example.org", "state": "merged"}
    body = {
        **BODY,
        "metrics": ["PR_Merged"],
        "metricGroups": [],
        "dateRange": {"start": "2025-06-01", "end": "2025-06-30"},
    }

    def merged_by_cyd() -> str:
        export = served.client.completed(body, Cache_Control="no-cache")
        text = served.client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="identity").body.decode()
        (line,) = [line for line in text.splitlines() if "cyd@" in line]
        return line.split(",")[-2]  # before the team's id

    before = int(merged_by_cyd())
    for _ in range(2):  # the same row again is the same row
        instants = {"created_at": "2025-06-03T10:00:00Z", "merged_at": "2025-06-04T10:00:00Z"}
        assert post(served.as_("ingestion"), "/v2/ingest/pull_requests", [{**merged, **instants}]).status == 202
        assert int(merged_by_cyd()) == before + 1


def test_waiting_rows_are_delivered_without_an_export(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadline.ingest.inbox.DUE_ROWS", 3)
    with serving(home) as running:
        client = running.as_("ingestion")
        post(client, "/v2/ingest/incidents", [{"incident_id": "a"}])
        text = Client(running.base).get("/metrics").body.decode()
        assert 'leadline_inbox_rows{state="waiting"} 1.0' in text
        post(client, "/v2/ingest/incidents", [{"incident_id": "b"}, {"incident_id": "c"}])
        eventually(lambda: home.project().lake.snapshot().row_counts() == {"incidents": 3})
        eventually(lambda: inbox.totals(home.db)["waiting"] == 0)


class Sender(threading.Thread):
    """Posts rows one by one on one connection, and notes which were acknowledged, until the server is gone."""

    def __init__(self, base: str, key: str, name: str) -> None:
        super().__init__(name=name)
        self.base, self.key = urlsplit(base), key
        self.acknowledged: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection(self.base.hostname or "", self.base.port, timeout=60)
        headers = {"SEI_API_KEY": self.key, "Content-Type": "application/json"}
        try:
            for number in range(1_000_000):
                row = f"{self.name}-{number}"
                path, body = (
                    ("/v2/ingest/deployments", [{"deployment_id": row, "status": "success"}]),
                    ("/v1/custom-cicd", {**RUN, "execution_id": row}),
                )[number % 2]
                connection.request("POST", path, json.dumps(body), headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 202
                self.acknowledged.append(row)
        except (OSError, http.client.HTTPException):
            return


def test_kill_9_loses_nothing_that_was_acknowledged(database_home: Home, tmp_path: Path) -> None:
    project = database_home.project()
    key = make_keys(project)["ingestion"]
    acknowledged: set[str] = set()
    for life in range(2):
        with served_by_process(database_home.path, log=tmp_path / "log") as (base, process):
            senders = [Sender(base, key, f"{life}{letter}") for letter in "abcd"]
            for sender in senders:
                sender.start()
            wanted = 10
            eventually(lambda: all(len(each.acknowledged) > wanted for each in senders))  # noqa: B023
            if life == 1:  # while rows are on their way to the lake, too
                threading.Thread(target=deliver_pushed, args=(project,)).start()
            process.send_signal(signal.SIGKILL)
            for sender in senders:
                sender.join(60)
                acknowledged.update(sender.acknowledged)
    found = {row for (row,) in rows(project, "deployments", "deployment_id")}
    assert acknowledged <= found
    assert len(found - acknowledged) <= 2 * 4, "at most the last one of each sender was stored but not acknowledged"
    assert check_lake(project.lake) == []


def test_stopping_stores_what_is_under_way(home: Home) -> None:
    project = home.project()
    pushes = [Push(project.id, TABLES["incidents"], [{"incident_id": f"{n}"}]) for n in range(50)]

    async def push_and_close() -> int:
        receiver = PushBatcher(home.db, home.temp, lambda: datetime.now(UTC))
        waiting = [asyncio.create_task(receiver.take(pushe)) for pushe in pushes]
        await asyncio.sleep(0)  # all of them are in its queue now
        await asyncio.to_thread(receiver.close)
        return sum([(await row).rows for row in waiting])

    assert asyncio.run(push_and_close()) == 50
    assert inbox.totals(home.db)["waiting"] == 50


def test_many_requests_share_transactions(empty: Served) -> None:
    """A burst is stored in far fewer transactions than it has requests: ids of one are in a row, instants the same."""
    client = empty.as_("ingestion")
    post(client, "/v2/ingest/incidents", [{"incident_id": "first"}])
    senders = [
        threading.Thread(target=post, args=(client, "/v2/ingest/incidents", [{"incident_id": f"{n}"}]))
        for n in range(60)
    ]
    started = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert time.monotonic() - started < 60
    with empty.home.db.read() as connection:
        stored, groups = connection.exec_driver_sql("SELECT count(*), count(DISTINCT received_at) FROM inbox").one()
    assert stored == 61
    assert groups < 45
