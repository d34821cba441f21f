"""Exports of differences: applied to the rows of earlier versions they give those of later ones, whatever happened in between."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline.access import UNLIMITED
from leadline.api.insights import _exported
from leadline.db import jobs
from leadline.engine import Engine
from leadline.engine.difference import Difference
from leadline.errors import Conflict, InvalidRequest, LeadlineError, StoreError, VersionsGone
from leadline.exports import service
from leadline.exports.cleaning import clean_project
from leadline.exports.export_kind import ExportKind
from leadline.exports.kinds import KINDS
from leadline.exports.since import resolved
from leadline.exports.worker import Worker
from leadline.facts.query import Filters, Versions
from leadline.facts.write import write
from leadline.home import Home, Project
from leadline.ingest.pushed import deliver_pushed
from leadline.lake.history import versions_at
from leadline.lake.maintenance import drop_history
from leadline.metrics.request import Control, Pins, Since
from leadline.metrics.run import Runner, pin
from leadline.people import tree
from leadline.schedules.definition import check
from leadline.schema import TABLES
from metrics import changes, worlds
from metrics.world import TREE, load, load_people

Rows = list[dict[str, Any]]
START, END = worlds.START, worlds.END
SHAPES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("productivity", {"metrics": ["PR_Merged"], "options": {"granularity": "weekly"}}),
    ("facts", {"fact": "commits"}),
    ("facts", {"fact": "deployments"}),
    ("ticket-data", {"options": {"granularity": "weekly"}}),
)
CHANGING = ("commits", "deployments", "pull_requests", "work_item_changes", "work_items")
"""What the columns are is the same to a difference; these have keys of all forms."""


def asked(shape: tuple[str, Mapping[str, Any]], **more: Any) -> tuple[ExportKind, dict[str, Any]]:
    """A kind and the body of its create, for JSON lines."""
    name, further = shape
    body: dict[str, Any] = {
        "scope": {"orgTreeName": TREE},
        "dateRange": {"start": START.isoformat(), "end": END.isoformat()},
        **further,
        **more,
    }
    return KINDS[name], {**body, "options": {**further.get("options", {}), "format": "jsonl"}}


class Exports:
    """Files of a project, made on whatever versions."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.path, self.runner = project, folder / "out.jsonl", Runner(project.home)

    def rows(self, kind: ExportKind, body: Mapping[str, Any], pins: Pins, since: Pins | None = None) -> Rows:
        request = kind.parse(self.project, body).request
        earlier = kind.earlier(request, None if since is None else Since("", since))
        self.runner.produce(self.project, request, pins, self.path, Control(), kind.rows.query, earlier)
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def key(self, kind: ExportKind, body: Mapping[str, Any]) -> tuple[str, ...]:
        return kind.rows.key(kind.parse(self.project, body).request)


def by_key(rows: Rows, key: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows), "several rows have one key"
    return found


def applied(before: Rows, difference: Rows, key: tuple[str, ...], after: Rows) -> Rows:
    """What a warehouse has then, in the order of ``after``."""
    table = by_key(before, key)
    columns = list(after[0]) if after else []
    for row in difference:
        cells, what = {**row}, row["_change"]
        del cells["_change"]
        own = tuple(row[name] for name in key)
        assert (own in table) == (what != "insert"), row
        if what == "delete":
            table.pop(own)
        else:
            assert what == "insert" or table[own] != cells
            table[own] = cells
    order = {own: at for at, own in enumerate(by_key(after, key))}
    rows = [{name: row.get(name) for name in columns} for row in table.values()]
    return sorted(rows, key=lambda row: order.get(tuple(row[name] for name in key), -1))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("differences")
    with Home.open(folder / "home") as home:
        yield home.project()


# -- by hand -------------------------------------------------------------------------------------------------------------


CASES = {
    "nothing is as it was": ("1,a", "1,a", ""),
    "new": ("", "1,a 2,b", "1,a,insert 2,b,insert"),
    "gone": ("1,a 2,b", "", "1,a,delete 2,b,delete"),
    "other cells": ("1,a 2,b", "1,c 2,b", "1,c,update"),
    "unknown cells": ("1, 2,b 3,c", "1, 2, 3,d", "2,,update 3,d,update"),
    "an unknown key is one": (",a 1,b", ",c 1,b", ",c,update"),
    "in the order of the later rows, then those that are gone": (
        "5,e 9,z 1,a 8,y",
        "3,n 5,f 1,b 2,m",
        "3,n,insert 5,f,update 1,b,update 2,m,insert 9,z,delete 8,y,delete",
    ),
}


def cells(text: str) -> Rows:
    names = ("k", "v", "_change")
    return [
        {name: cell or None for name, cell in zip(names, row.split(","), strict=False)}
        for row in text.split(" ")
        if text
    ]


def result(text: str, columns: str = "k, v") -> str:
    values = ", ".join(
        f"({', '.join('NULL' if cell is None else repr(cell) for cell in row.values())})" for row in cells(text)
    )
    empty = "SELECT ''::VARCHAR AS k, ''::VARCHAR AS v WHERE false"
    return f"SELECT {columns} FROM (VALUES {values}) AS told(k, v)" if values else empty


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@pytest.mark.parametrize(("before", "after", "wanted"), CASES.values(), ids=CASES)
def test_cases(engine: Engine, tmp_path: Path, before: str, after: str, wanted: str) -> None:
    difference = Difference(tmp_path, ("k",))
    difference.stage(engine, result(before))
    assert engine.arrow(difference.text(engine, result(after))).to_pylist() == cells(wanted)


def test_columns_are_those_of_the_later_rows(engine: Engine, tmp_path: Path) -> None:
    difference = Difference(tmp_path, ("k",))
    difference.stage(
        engine, "SELECT * FROM (VALUES (1, 'gone', '7'), (2, 'gone', '8'), (3, '', 'x')) AS told(k, old, v)"
    )
    later = "SELECT * FROM (VALUES (1, 7, NULL), (2, 8, 5)) AS told(k, v, fresh)"
    assert engine.arrow(difference.text(engine, later)).to_pylist() == [
        {"k": 2, "v": 8, "fresh": 5, "_change": "update"},
        {"k": 3, "v": None, "fresh": None, "_change": "delete"},
    ]


def test_rows_that_cannot_be_told_apart_are_refused(engine: Engine, tmp_path: Path) -> None:
    difference = Difference(tmp_path, ("k",))
    difference.stage(engine, result("1,a"))
    with pytest.raises(StoreError, match="cannot be told apart"):
        difference.text(engine, result("1,a 1,b"))


# -- what happens to a project -------------------------------------------------------------------------------------------


def test_applied_to_the_earlier_rows_it_gives_the_later(project: Project, tmp_path: Path) -> None:
    """Over pushes, removals, merged files and moved people, drawn at random."""
    random = Random(7)
    world, mine = changes.drawn(random)
    _, other = changes.drawn(random)
    load(project, world, tmp_path)
    exports, seen = Exports(project, tmp_path), dict.fromkeys(("insert", "update", "delete"), 0)
    before = pin(project, TREE)
    for _ in range(30):
        changes.change(project, random, {name: mine[name] for name in CHANGING}, other, pushed=True)
    load_people(project, world.developers[:-1], tmp_path, TREE, START + timedelta(days=20))
    deliver_pushed(project)
    after = pin(project, TREE)
    for shape in SHAPES:
        kind, body = asked(shape)
        earlier, later = (exports.rows(kind, body, pins) for pins in (before, after))
        difference = exports.rows(kind, body, after, since=before)
        assert applied(earlier, difference, exports.key(kind, body), later) == later, shape
        for row in difference:
            seen[row["_change"]] += 1
    assert all(seen.values()), seen


def test_a_team_that_came_since_is_all_new(project: Project, tmp_path: Path) -> None:
    """So is what is of a tree that was not there, and all before there was any row."""
    exports, before = Exports(project, tmp_path), pin(project, TREE)
    people = [{"email": f"{name}@later.test", "full_name": name, "manager_email": boss, "team": name} for name, boss in
              (("ann", ""), ("bob", "ann@later.test"), ("cat", "bob@later.test"))]  # fmt: skip
    load_people(project, people, tmp_path, "Later", None)
    kind, body = asked(SHAPES[0], scope={"orgTreeName": "Later"})
    after = pin(project, "Later")
    rows = exports.rows(kind, body, after)
    new = [{**row, "_change": "insert"} for row in rows]
    assert rows
    assert exports.rows(kind, body, after, since=before) == new
    empty = Pins({}, {}, after.definitions, after.settings, after.today)
    assert exports.rows(kind, body, after, since=empty) == new
    dan = {"email": "dan@later.test", "full_name": "dan", "manager_email": "cat@later.test", "team": "cat"}
    load_people(project, [*people, dan], tmp_path, "Later", START)
    newest = pin(project, "Later")
    difference = exports.rows(kind, body, newest, since=after)
    came = {(row["Developer"], row["_change"]) for row in difference if row["_change"] != "update"}
    assert came == {("dan", "insert")}
    old = {node.ref_id for node in tree(project, "Later", 1).nodes}
    (team,) = (node for node in tree(project, "Later", 2).nodes if node.ref_id not in old)
    for shape in SHAPES[:2]:
        kind, body = asked(shape, scope={"teamId": str(team.ref_id)})
        rows = exports.rows(kind, body, newest)
        assert rows or shape[0] == "facts"
        assert exports.rows(kind, body, newest, since=after) == [{**row, "_change": "insert"} for row in rows]


# -- what names versions -------------------------------------------------------------------------------------------------


def completed(project: Project, kind: str = "productivity", **values: Any) -> str:
    """A finished export of a kind that read the newest versions."""
    body = asked(next(shape for shape in SHAPES if shape[0] == kind))[1]
    export = service.create(project, body, kind=kind, created_by="key", now=datetime.now(UTC), fresh=True).export
    pinned = {"pinned": pin(project, TREE).document(), "state": jobs.COMPLETED, **values}
    with project.db.write() as connection:
        connection.execute(jobs.exports.update().where(jobs.exports.c.id == export.id).values(**pinned))
    return export.id


def refused(project: Project, since: str) -> LeadlineError:
    with pytest.raises(LeadlineError) as raised:
        resolved(project, "productivity", since, TREE)
    assert [detail.field for detail in raised.value.details] in ([], ["options.since"])
    return raised.value


def test_an_export_names_what_it_read(project: Project) -> None:
    export = completed(project)
    since = resolved(project, "productivity", f" {export} ", TREE)
    assert (since.asked, since.pins) == (export, pin(project, TREE))


def test_equal_versions_are_equal_requests(project: Project) -> None:
    """Whatever names them; other versions, or none, are other requests."""
    kind, body = asked(SHAPES[0])
    made = [completed(project), completed(project)]
    now, parsed = datetime.now(UTC), {}
    for since in (None, *made, "2000-01-01T00:00:00Z"):
        options = {**body["options"], **({} if since is None else {"since": since})}
        parsed[since] = kind.parse(project, {**body, "options": options})
    hashes = {
        since: service.request_hash(kind.name, one.request, one.compression, one.since) for since, one in parsed.items()
    }
    assert hashes[made[0]] == hashes[made[1]]
    assert len(set(hashes.values())) == 3
    for _ in range(2):
        options = {**body["options"], "since": made[0]}
        created = service.create(project, {**body, "options": options}, kind=kind.name, created_by="key", now=now)
    assert created.reused


@pytest.mark.parametrize(
    ("since", "code"),
    [
        ("exp_of_nobody", "invalid_since"),
        ("", "invalid_since"),
        ("yesterday\n", "invalid_since"),
        ("2026-13-45", "invalid_since"),
        ("2999-01-01T00:00:00Z", "invalid_since"),
    ],
)
def test_what_names_nothing_is_refused(project: Project, since: str, code: str) -> None:
    error = refused(project, since)
    assert isinstance(error, InvalidRequest)
    assert error.code == code


def test_exports_that_cannot_be_compared_with_are_refused(project: Project) -> None:
    assert "of the kind facts" in refused(project, completed(project, "facts")).message
    queued = refused(project, completed(project, state=jobs.QUEUED))
    assert (queued.code, queued.http_status) == ("export_queued", 409)
    other = {**pin(project, TREE).document(), "definitions": "0"}
    assert isinstance(error := refused(project, completed(project, pinned=other)), Conflict)
    assert error.code == "other_definitions"
    for gone in ({"trees": {TREE: 99}}, {"trees": {"Removed": 1}}, {"tables": {"commits": 999}}):
        error = refused(project, completed(project, pinned={**pin(project, TREE).document(), **gone}))
        assert isinstance(error, VersionsGone), gone
        assert error.http_status == 410
        assert "export all rows" in error.message


def test_a_schedule_has_no_differences(project: Project) -> None:
    request = {
        "scope": {"orgTreeName": TREE},
        "dateRange": {"period": "last-month"},
        "options": {"since": "2001-01-01T00:00:00Z"},
    }
    body = {"name": "Monthly", "export": "productivity", "request": request, "at": {"cron": "0 6 1 * *"}}
    with pytest.raises(InvalidRequest) as raised:
        check(project, body, datetime.now(UTC))
    assert (raised.value.code, raised.value.details[0].field) == ("invalid_since", "request.options.since")


def test_cells_of_a_difference_are_not_traced(project: Project) -> None:
    since = {"asked": "2001-01-01", "pins": pin(project, TREE).document()}
    stored = service.get(project, completed(project)).request
    export = completed(project, request={**stored, "since": since})
    with pytest.raises(InvalidRequest) as raised:
        _exported(project, "productivity", export, UNLIMITED, None)
    assert raised.value.code == "not_traced"


def test_an_instant_names_what_was_newest_then(project: Project) -> None:
    random = Random(3)
    world, mine = changes.drawn(random)
    times, pins = [], []
    for _ in range(3):
        changes.change(project, random, {"commits": mine["commits"]}, {"commits": mine["commits"]})
        pins.append(pin(project, TREE))
        times.append(datetime.now(UTC))
    assert world.tables
    for at, expected in zip(times, pins, strict=True):
        assert versions_at(project.lake, at) == expected.tables
    since = resolved(project, "productivity", times[1].isoformat(), TREE).pins
    # Trees are loaded by the test's clock.
    assert (since.tables, since.definitions, since.settings) == (pins[1].tables, pins[1].definitions, pins[1].settings)
    early = resolved(project, "productivity", "2001-01-01T02:00:00+02:00", TREE).pins
    assert (early.tables, early.trees, early.today) == ({}, {}, date(2001, 1, 1))


def test_what_is_waited_for_keeps_its_trees(project: Project, tmp_path: Path) -> None:
    people = [{"email": "eve@eve.test", "full_name": "Eve", "manager_email": "", "team": "One"}]
    load_people(project, people, tmp_path, "Kept", START)
    export = completed(project)
    kind, body = asked(SHAPES[0])
    body["options"]["since"] = export
    waiting = service.create(project, body, kind=kind.name, created_by="key", now=datetime.now(UTC)).export
    load_people(project, [{**people[0], "full_name": "Eva"}], tmp_path, "Kept", START)
    clean_project(project, datetime.now(UTC) + timedelta(days=5000))
    assert resolved(project, "productivity", export, TREE)
    service.cancel(project, waiting.id, kind=kind.name, now=datetime.now(UTC))
    clean_project(project, datetime.now(UTC) + timedelta(days=5000))
    assert isinstance(refused(project, export), VersionsGone)


def test_the_command_for_facts_has_the_same_difference(project: Project, tmp_path: Path) -> None:
    kind, body = asked(SHAPES[1])
    exports, after = Exports(project, tmp_path), pin(project, TREE)
    before = Pins({}, after.trees, after.definitions, after.settings, after.today)
    wanted = exports.rows(kind, body, after, since=before)
    since = Versions(before.tables, before.trees, project.profile(TREE), before.today)
    path = tmp_path / "facts.jsonl"
    rows = write(project, "commits", path, Filters(START, END, TREE), form="jsonl", since=since)
    assert (rows, [json.loads(line) for line in path.read_text().splitlines()]) == (len(wanted), wanted)
    assert rows


def test_a_run_finds_that_versions_are_gone(project: Project) -> None:
    """The last test: it takes the history away."""
    export = completed(project)
    kind, body = asked(SHAPES[0])
    body["options"]["since"] = export
    waiting = service.create(project, body, kind=kind.name, created_by="key", now=datetime.now(UTC)).export
    random = Random(5)
    _, mine = changes.drawn(random)
    for table in ("commits", "pull_requests"):
        changes.deliver(
            project, table, [{**row, "message": "later"} if table == "commits" else row for row in mine[table]]
        )
        with project.writing(TABLES[table]) as writer:
            drop_history(writer)
    assert isinstance(refused(project, "2025-01-01T00:00:00Z"), VersionsGone)
    with Worker(project.home) as worker:
        while worker.run_one():
            pass
    told = service.get(project, waiting.id)
    assert (told.state, dict(told.error or {})["code"]) == (jobs.FAILED, "versions_gone")
