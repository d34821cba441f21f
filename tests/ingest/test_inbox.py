"""Pushed rows from acceptance to the lake: judged as files are, delivered once in effect, whatever dies in between."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.lakes import Site
from leadline.db import inbox
from leadline.db.inbox import Delivery
from leadline.engine import Engine
from leadline.errors import StoreError
from leadline.formats.json_lines import parsed_document
from leadline.home import Home, Project
from leadline.ingest import inbox as pushed
from leadline.ingest.inbox import Accepted, Push, accept, flush
from leadline.ingest.pushed import deliver_pushed
from leadline.ingest.validation import RowValidator
from leadline.lake.maintenance import check_lake
from leadline.schema import TABLES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowValidator]:
    with Engine(temp_dir=tmp_path_factory.mktemp("judge")) as engine:
        yield RowValidator(engine)


def push(project: Project, judge: RowValidator, table: str, rows: Any, *, now: datetime = NOW) -> Accepted:
    """Push ``rows`` as the JSON of a request."""
    parsed = parsed_document(rows if isinstance(rows, str) else json.dumps(rows))
    (accepted,) = accept(project.db, judge, [Push(project.id, TABLES[table], parsed)], now)
    return accepted


def stored(project: Project, table: str) -> list[dict[str, Any]]:
    """The table's rows after delivery, without what is unknown."""
    deliver_pushed(project)
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), [table])
        columns = ", ".join(
            f"CAST({column.name} AS VARCHAR) AS {column.name}" if column.type == "instant" else column.name
            for column in TABLES[table].columns
        )
        kept = f", {'attributes' if TABLES[table].open_columns else 'NULL'} AS attributes"
        found = engine.arrow(f"SELECT {columns}{kept} FROM {table} ORDER BY ALL").to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in found]


def incident(number: object, **columns: Any) -> dict[str, Any]:
    return {"incident_id": f"i{number}", **columns}


# -- accepting -------------------------------------------------------------------------------------------------------


def test_good_rows_are_taken_and_bad_ones_told_one_by_one(project: Project, judge: RowValidator) -> None:
    rows = [
        {"repository": "o/r", "number": 1, "state": "MERGED", "labels": ["a", "b"], "draft": False},
        {"repository": "o/r", "number": "two"},
        {"number": 3, "state": "gone"},
        {"repository": "o/r", "number": 4, "merged_at": "yesterday"},
        7,
        {"repository": "o/r", "number": 5, "labels": "a;b"},
    ]
    accepted = push(project, judge, "pull_requests", rows)
    assert (accepted.rows, accepted.refused_rows) == (2, 4)
    assert [(refusal.line, refusal.column) for refusal in accepted.refusals] == [
        (1, "number"),
        (2, "repository"),
        (2, "state"),
        (3, "merged_at"),
        (4, ""),
    ]
    assert stored(project, "pull_requests") == [
        {"repository": "o/r", "number": 1, "state": "merged", "labels": ["a", "b"], "draft": False},
        {"repository": "o/r", "number": 5, "labels": ["a", "b"]},
    ]


def test_unknown_columns_are_left_out_and_told(project: Project, judge: RowValidator) -> None:
    accepted = push(project, judge, "incidents", [incident(1, titel="x", SEVERITY="high"), incident(2, titel="y")])
    assert accepted.rows == 2
    assert list(accepted.unknown) == ["titel"]
    assert "title" in accepted.unknown["titel"]
    assert stored(project, "incidents") == [{"incident_id": "i1", "severity": "high"}, {"incident_id": "i2"}]


def test_developers_keep_further_columns(project: Project, judge: RowValidator) -> None:
    accepted = push(project, judge, "developers", [{"email": "Ada@example.org", "cost center": "7", "=x": "1"}])
    assert accepted.rows == 1
    assert list(accepted.unknown) == ["=x"]
    (row,) = stored(project, "developers")
    assert row == {"email": "ada@example.org", "attributes": '{"cost center":"7"}'}


def test_numbers_and_texts_arrive_as_they_were_sent(project: Project, judge: RowValidator) -> None:
    title = 'a "quoted"\nsecond line\u2028third\t\\ end'
    text = f'[{{"project": "P", "key": "P-1", "story_points": 1.10, "title": {json.dumps(title)}}}]'
    assert push(project, judge, "work_items", text).rows == 1
    assert stored(project, "work_items") == [{"project": "P", "key": "P-1", "story_points": 1.1, "title": title}]
    huge = push(project, judge, "pull_requests", '[{"repository": "o/r", "number": 9223372036854775808}]')
    assert [refusal.reason for refusal in huge.refusals] == ["too large a number"]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ('{"incident_id": "a", "incident_id": "b"}', "incident_id", "twice"),
        ('{"incident_id": "a", "INCIDENT_ID": "b"}', "incident_id", "twice"),
        ('{"incident_id": NaN}', "incident_id", "no JSON number"),
        ('{"incident_id": {"a": 1}}', "incident_id", "an object"),
        ('{"incident_id": [1]}', "incident_id", "a list"),
        ('{"incident_id": "\\u0000"}', "incident_id", "NUL"),
        ('{"incident_id": "\\ud800"}', "incident_id", "Unicode"),
        ('{"incident_id": null}', "incident_id", "natural key"),
        ("{}", "incident_id", "natural key"),
        ("[]", "", "not a JSON object"),
        ("null", "", "not a JSON object"),
    ],
)
def test_a_row_that_cannot_be(project: Project, judge: RowValidator, row: str, column: str, reason: str) -> None:
    accepted = push(project, judge, "incidents", f'[{row}, {{"incident_id": "good"}}]')
    assert (accepted.rows, accepted.refused_rows) == (1, 1)
    (refusal,) = accepted.refusals
    assert (refusal.line, refusal.column) == (0, column)
    assert reason in refusal.reason
    assert stored(project, "incidents") == [{"incident_id": "good"}]


@pytest.mark.parametrize("key", ['"a\\ud800"', '"\\ud800"'])
def test_keys_that_are_not_unicode(project: Project, judge: RowValidator, key: str) -> None:
    accepted = push(project, judge, "developers", f'[{{"email": "a@example.org", {key}: "x"}}]')
    assert accepted.rows == 0


def test_several_requests_are_stored_together_and_answered_apart(project: Project, judge: RowValidator) -> None:
    pushes = [
        Push(project.id, TABLES["incidents"], [incident(1), {}]),
        Push(project.id, TABLES["builds"], [{"build_id": "b"}]),
        Push(project.id, TABLES["incidents"], [{}]),
        Push(project.id, TABLES["incidents"], []),
        Push(project.id, TABLES["incidents"], [incident(2)]),
    ]
    accepted = accept(project.db, judge, pushes, NOW)
    assert [(one.rows, one.refused_rows) for one in accepted] == [(1, 1), (1, 0), (0, 1), (0, 0), (1, 0)]
    assert [[refusal.line for refusal in one.refusals] for one in accepted] == [[1], [], [0], [], []]
    assert [row["incident_id"] for row in stored(project, "incidents")] == ["i1", "i2"]


CELLS = (
    st.sampled_from(
        ["", "1", "-1", "x", "2026-01-01", "2026-02-30", "2026-01-01T10:00:00+02:00", "MERGED", "open", "true", "yes"]
    )
    | st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.lists(st.sampled_from(["a", "b;c", ""]), max_size=2)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"repository": st.sampled_from(["o/r", "o/r", ""]), "number": st.sampled_from([1, "2", "x"])},
            optional=dict.fromkeys(
                ("state", "draft", "merged_at", "additions", "labels", "title", "updated_at"), CELLS
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_pushed_rows_are_judged_as_those_of_a_file(tmp_path_factory: Any, judge: RowValidator, rows: list[Any]) -> None:
    """The same refusals, whichever way in: the rows' numbers count from 0 here and lines from 1 there."""
    folder: Path = tmp_path_factory.mktemp("same")
    (folder / "pull_requests.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = Site(folder / "site").imports(folder / "pull_requests.jsonl", skip_bad_rows=True, dry_run=True)
    (imported,) = report.files
    with Home.open(folder / "home") as home:
        accepted = push(home.project(), judge, "pull_requests", rows)
    assert accepted.refused_rows == imported.refused_rows
    assert {(refusal.line + 1, refusal.column, refusal.reason) for refusal in accepted.refusals} == {
        (refusal.line, refusal.column, refusal.reason) for refusal in imported.refused
    }


# -- delivering ------------------------------------------------------------------------------------------------------


def test_what_was_acknowledged_is_in_the_newest_versions_once_delivered(
    database_project: Project, judge: RowValidator
) -> None:
    assert delivered_versions(database_project) == {}
    push(database_project, judge, "incidents", [incident(1)])
    versions = delivered_versions(database_project)
    assert set(versions) == {"incidents"}
    assert inbox.newest(database_project.db, database_project.id) is None
    assert delivered_versions(database_project) == versions, "nothing new, no new version"


def delivered_versions(project: Project, tables: set[str] | None = None) -> dict[str, int]:
    """The newest versions after pushed rows (for ``tables``) were delivered."""
    deliver_pushed(project, None if tables is None else lambda: tables)
    return project.lake.snapshot().versions


def test_pushing_again_changes_nothing(project: Project, judge: RowValidator) -> None:
    rows = [incident(1, title="a", updated_at="2026-01-01"), incident(2)]
    push(project, judge, "incidents", rows)
    once, version = stored(project, "incidents"), project.lake.version("incidents")
    for _ in range(2):
        push(project, judge, "incidents", rows)
    assert stored(project, "incidents") == once
    assert project.lake.version("incidents") == version


def test_the_last_pushed_wins_unless_it_is_older(project: Project, judge: RowValidator) -> None:
    push(project, judge, "incidents", [incident(1, title="a"), incident(2, title="a", updated_at="2026-01-02")])
    push(project, judge, "incidents", [incident(1, title="b"), incident(2, title="b", updated_at="2026-01-01")])
    assert [row["title"] for row in stored(project, "incidents")] == ["b", "a"]
    push(project, judge, "incidents", [incident(1, title="c")])
    assert [row["title"] for row in stored(project, "incidents")] == ["c", "a"]


def test_many_rows_go_in_several_deliveries(
    project: Project, judge: RowValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushed, "ROWS_AT_A_TIME", 5)
    for at in range(0, 40, 4):
        push(project, judge, ("incidents", "builds")[at % 8 > 0], [_row(at + n, at % 8 > 0) for n in range(4)])
    assert deliver_pushed(project) == 40
    assert (len(stored(project, "incidents")), len(stored(project, "builds"))) == (20, 20)


def _row(number: int, build: bool) -> dict[str, Any]:
    return {"build_id": f"b{number}"} if build else incident(number)


def test_only_what_will_be_read_is_waited_for(project: Project, judge: RowValidator) -> None:
    push(project, judge, "incidents", [incident(1)])
    push(project, judge, "builds", [{"build_id": "b"}])
    assert delivered_versions(project, {"builds", "commits"}).keys() == {"builds"}
    assert inbox.totals(project.db)["waiting"] == 1
    assert delivered_versions(project).keys() == {"builds", "incidents"}


def test_which_tables_are_read_is_not_asked_while_nothing_waits(project: Project, judge: RowValidator) -> None:
    """Finding out builds what the run reads, which takes longer than the run of a small export."""

    def asked() -> set[str]:
        raise LookupError

    assert deliver_pushed(project, asked) == 0
    push(project, judge, "incidents", [incident(1)])
    with pytest.raises(LookupError):
        deliver_pushed(project, asked)


def test_rows_due_without_anybody_asking(project: Project, judge: RowValidator) -> None:
    db = project.db
    assert pushed.due(db, NOW) == []
    push(project, judge, "incidents", [incident(1)])
    assert pushed.due(db, NOW) == []
    assert pushed.due(db, NOW + pushed.DUE_AFTER) == [project.id]
    push(project, judge, "incidents", [incident(n) for n in range(pushed.DUE_ROWS)])
    assert pushed.due(db, NOW) == [project.id]


def test_a_delivery_that_died_before_it_was_acknowledged_is_repeated(
    project: Project, judge: RowValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill between the lake's commit and the inbox': the rows are in both."""
    push(project, judge, "incidents", [incident(1, title="a"), incident(2)])
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "acknowledge", _die)
        with pytest.raises(KeyboardInterrupt):
            deliver_pushed(project)
    version = project.lake.version("incidents")
    assert version is not None
    push(project, judge, "incidents", [incident(1, title="b")])
    assert stored(project, "incidents") == [incident(1, title="b"), incident(2)]
    assert inbox.newest(project.db, project.id) is None


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_rows_that_the_declaration_no_longer_takes_are_kept_aside(project: Project, judge: RowValidator) -> None:
    """Stored as an earlier release might have: a value that is refused now, a table that is gone."""
    push(project, judge, "incidents", [incident(1)])
    content = '{"incident_id":"i2","created_at":"whenever"}\n{"incident_id":"i3"}\nno json'
    old = [Delivery(project.id, "incidents", 3, content), Delivery(project.id, "tickets", 2, "{}\n{}")]
    inbox.add(project.db, old, NOW)
    push(project, judge, "incidents", [incident(4)])
    assert [row["incident_id"] for row in stored(project, "incidents")] == ["i1", "i3", "i4"]
    incidents, tickets = inbox.refused(project.db, project.id)
    assert (incidents.table, incidents.rows, tickets.table, tickets.rows) == ("incidents", 2, "tickets", 2)
    assert tickets.reason == "there is no such table any more"
    assert inbox.newest(project.db, project.id) is None


def test_a_delivery_nobody_foresaw_does_not_hold_up_the_others(
    project: Project, judge: RowValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = pushed.raw_row

    def stumbling(parsed: Any, columns: Any) -> Any:
        if parsed.get("incident_id") == "i2":
            raise ZeroDivisionError
        return original(parsed, columns)

    for number in (1, 2, 3):
        push(project, judge, "incidents", [incident(number)])
    monkeypatch.setattr(pushed, "raw_row", stumbling)
    assert [row["incident_id"] for row in stored(project, "incidents")] == ["i1", "i3"]
    (aside,) = inbox.refused(project.db, project.id)
    assert (aside.rows, aside.reason) == (1, "ZeroDivisionError: ")


def test_rows_wait_while_the_lake_is_in_trouble(project: Project, judge: RowValidator) -> None:
    push(project, judge, "incidents", [incident(1)])
    stored(project, "incidents")
    (entry,) = (Path(project.lake.storage.location("incidents")) / "_delta_log").glob("*00.json")
    content = entry.read_bytes()
    entry.write_bytes(b"not a log")
    push(project, judge, "incidents", [incident(2)])
    project.lake.__init__(project.lake.storage)  # type: ignore[misc] # forget what it remembers of the log
    with pytest.raises(StoreError):
        deliver_pushed(project)
    assert inbox.totals(project.db) == {"waiting": 1, "refused": 0}
    entry.write_bytes(content)
    assert [row["incident_id"] for row in stored(project, "incidents")] == ["i1", "i2"]


def test_projects_do_not_mix(home: Home, judge: RowValidator) -> None:
    first, second = home.project(), home.project("acme", "web", create=True)
    push(first, judge, "incidents", [incident(1)])
    push(second, judge, "incidents", [incident(2)])
    assert delivered_versions(second).keys() == {"incidents"}
    assert first.lake.snapshot().versions == {}
    assert stored(second, "incidents") == [incident(2)]
    assert stored(first, "incidents") == [incident(1)]


def test_threads_flushing_at_once(project: Project, judge: RowValidator) -> None:
    for number in range(30):
        push(project, judge, "incidents", [incident(number)])
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(deliver_pushed(project))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(found) == [0, 0, 30]
    assert len(stored(project, "incidents")) == 30


def _flush_for_a_while(home: Path, sender: str, count: int) -> None:
    with Home.open(home) as opened, Engine(temp_dir=opened.temp) as engine:
        project, judge = opened.project(), RowValidator(engine)
        for number in range(count):
            push(project, judge, "incidents", [incident(f"{sender}{number}"), incident("both", title=f"{number}")])
            if number % 3 == 0:
                deliver_pushed(project)


def test_processes_pushing_and_flushing_at_once(database_project: Project) -> None:
    home = database_project.home.path
    spawn = multiprocessing.get_context("spawn")  # each opens its own database
    processes = [spawn.Process(target=_flush_for_a_while, args=(home, sender, 9)) for sender in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    rows = stored(database_project, "incidents")
    assert sorted(row["incident_id"] for row in rows) == sorted(
        ["iboth", *(f"i{s}{n}" for s in "ab" for n in range(9))]
    )
    assert next(row for row in rows if row["incident_id"] == "iboth")["title"] == "8"
    assert check_lake(database_project.lake) == []
    assert inbox.totals(database_project.db) == {"waiting": 0, "refused": 0}


def test_a_flush_has_an_end_though_pushes_go_on(
    project: Project, judge: RowValidator, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(project, judge, "incidents", [incident(0)])
    original, number = inbox.acknowledge, iter(range(1, 1000))

    def acknowledge_and_push(*arguments: Any, **options: Any) -> None:
        original(*arguments, **options)
        push(project, judge, "incidents", [incident(next(number))])

    monkeypatch.setattr(inbox, "acknowledge", acknowledge_and_push)
    delivered = flush(project, now=lambda: NOW)
    assert delivered == 1
    assert inbox.totals(project.db)["waiting"] == 1


def test_an_empty_inbox_costs_next_to_nothing(project: Project) -> None:
    import time

    deliver_pushed(project)
    started = time.process_time()
    for _ in range(50):
        deliver_pushed(project)
    assert time.process_time() - started < 50 * timedelta(milliseconds=1).total_seconds()
