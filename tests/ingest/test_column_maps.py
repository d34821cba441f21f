"""A tool's own CSV export, read through a map of columns: Jira's, which leadline knows, and any other, which a file describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leadline.cli import importing as command
from leadline.db import settings
from leadline.engine import Engine
from leadline.errors import InvalidRequest, Unusable
from leadline.formats.column_map import NAMED, named_map, read_map
from leadline.home import Project
from leadline.ingest.importing import import_paths
from leadline.ingest.report import FileReport

JIRA = (
    "Summary,Issue key,Issue id,Issue Type,Status,Project key,Priority,Resolution,Assignee,Assignee Id,Reporter,Created,Updated,"
    "Resolved,Fix versions,Fix versions,Labels,Labels,Description,Sprint,Sprint,Custom field (Story Points),Parent key,"
    "Status Category\n"
    '"Basket shows ""0""",SHOP-1,10001,Story,Done,SHOP,High,Done,Ann Gross,712020:aa-1,Lea Berg,02/Mar/26 9:05 AM,'
    '06/Mar/26 5:00 PM,06/Mar/26 5:00 PM,1.0,1.1,ui,"one; not two","line one\nline two, with comma",Sprint 1,Sprint 2,3.0,,Done\n'
    "Fix login,SHOP-2,10002,Bug,In Progress,SHOP,High,Done,Ann Gross,712020:aa-1,Lea Berg,03/Mar/26 9:05 AM,"
    "06/Mar/26 5:00 PM,05/Mar/26 5:00 PM,,,,,,,Sprint 2,,SHOP-1,In Progress\n"
)


def written(folder: Path, text: str, name: str = "export.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def taken(project: Project, path: Path, **options: Any) -> FileReport:
    (report,) = import_paths(project, [path], **options).files
    return report


def rows(project: Project, table: str = "work_items") -> list[dict[str, Any]]:
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(None), [table])
        return [dict(row) for row in engine.arrow(f"SELECT * FROM {table} ORDER BY ALL").to_pylist()]


def jira(project: Project, folder: Path, text: str = JIRA) -> list[dict[str, Any]]:
    report = taken(project, written(folder, text), columns=named_map("jira-csv"))
    assert report.error is None, report.error
    return rows(project)


def test_jiras_own_export_is_taken(project: Project, tmp_path: Path) -> None:
    story, bug = jira(project, tmp_path)
    expected = {
        "project": "SHOP",
        "key": "SHOP-1",
        "type": "Story",
        "title": 'Basket shows "0"',
        "status": "Done",
        "status_category": "done",
        "assignee": "712020:aa-1",
        "reporter": "Lea Berg",
        "story_points": 3.0,
        "labels": ["ui", "one; not two"],
        "fix_versions": ["1.0", "1.1"],
        "sprints": ["Sprint 1", "Sprint 2"],
        "resolution": "Done",
        "source": "jira",
    }
    assert {name: story[name] for name in expected} == expected
    assert f"{story['created_at']:%Y-%m-%d %H:%M %z}" == "2026-03-02 09:05 +0000"
    assert f"{story['completed_at']:%Y-%m-%d %H:%M %z}" == "2026-03-06 17:00 +0000"
    assert (bug["status_category"], bug["parent_key"], bug["labels"]) == ("in_progress", "SHOP-1", None)
    assert bug["completed_at"] is None, "resolved by name only: Jira shows it as open"


def test_local_times_are_of_the_projects_time_zone(project: Project, tmp_path: Path) -> None:
    settings.put(project.db, project.id, {"timezone": "Europe/Berlin"})
    story, _ = jira(project, tmp_path)
    assert story["created_at"].timestamp() == 1772438700, "9:05 in Berlin is 8:05 UTC"


@pytest.mark.parametrize(
    "spelled",
    [
        "02/Mar/26 9:05 AM",
        "02/Mar/2026 9:05 AM",
        "2/Mar/26 09:05",
        "02.03.26 09:05",
        "02.03.2026 09:05",
        "2026-03-02 09:05",
        "2026-03-02T09:05:00Z",
        "2026-03-02T10:05:00+0100",
        "02/Mar/26 9:05\u202fAM",
        "Mar 2, 2026, 9:05 AM",
        "1772442300",
    ],
)
def test_times_are_read_as_jira_is_set_up_to_write_them(project: Project, tmp_path: Path, spelled: str) -> None:
    text = f'Issue key,Summary,Created\nSHOP-1,one,"{spelled}"\n'
    (row,) = jira(project, tmp_path, text)
    assert f"{row['created_at']:%Y-%m-%d %H:%M}" == "2026-03-02 09:05"


def test_a_day_that_may_be_a_month_is_refused(project: Project, tmp_path: Path) -> None:
    path = written(tmp_path, "Issue key,Summary,Created\nSHOP-1,one,3/2/2026 9:05\n")
    report = taken(project, path, columns=named_map("jira-csv"))
    (refusal,) = report.refused
    assert (refusal.line, refusal.column, refusal.value) == (2, "Created", "3/2/2026 9:05")
    assert "leaves no doubt" in refusal.reason
    assert "--map" in refusal.reason
    assert rows(project) == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_cells_may_be_separated_otherwise(project: Project, tmp_path: Path, delimiter: str) -> None:
    text = (
        delimiter.join(("Issue key", "Summary", "Project key"))
        + "\n"
        + delimiter.join(("SHOP-1", "one", "SHOP"))
        + "\n"
    )
    (row,) = jira(project, tmp_path, text)
    assert (row["project"], row["key"], row["title"]) == ("SHOP", "SHOP-1", "one")


def test_jiras_export_is_known_by_its_titles(project: Project, tmp_path: Path) -> None:
    report = taken(project, written(tmp_path, JIRA.replace(",", ";"), "x.csv"), table="work_items")
    assert (report.read_as, report.error, report.added) == ("jira-csv", None, 2)
    own = taken(project, written(tmp_path, "project,key,title\nSHOP,SHOP-9,one\n", "work_items.csv"))
    assert (own.read_as, own.added) == (None, 1)


MAP = """
table = "incidents"

[columns]
incident_id = "Ticket"
service = { from = ["System", "Service"] }
severity = { from = "Prio", values = { P1 = "critical", P2 = "high" } }
created_at = "Opened"
resolved_at = { from = "Closed", unless = { severity = ["high"] } }

[instants]
written = ["%m/%d/%Y %H:%M"]
time_zone = "America/New_York"
"""


def test_any_other_export_is_described_in_a_file(project: Project, tmp_path: Path) -> None:
    columns = read_map(written(tmp_path, MAP, "map.toml"))
    text = "Ticket,Service,Prio,Opened,Closed\n7,basket,p1,03/02/2026 09:05,03/02/2026 10:05\n8,search,P2,03/02/2026 09:05,\n"
    report = taken(project, written(tmp_path, text), columns=columns)
    assert (report.error, report.added) == (None, 2)
    first, second = rows(project, "incidents")
    assert (first["incident_id"], first["service"], first["severity"]) == ("7", "basket", "critical")
    assert first["created_at"].timestamp() == 1772460300, "9:05 in New York is 14:05 UTC"
    assert (first["resolved_at"] - first["created_at"]).total_seconds() == 3600
    assert second["resolved_at"] is None


def test_a_value_that_the_map_does_not_know_is_refused_where_it_stands(project: Project, tmp_path: Path) -> None:
    columns = read_map(written(tmp_path, MAP, "map.toml"))
    path = written(tmp_path, "Ticket,Prio\n7,P1\n8,P9\n")
    assert [(one.line, one.column, one.value) for one in taken(project, path, columns=columns).refused] == [
        (3, "Prio", "P9")
    ]
    report = taken(project, path, columns=columns, skip_bad_rows=True)
    assert (report.added, report.refused_rows) == (1, 1)
    assert report.refused_file is not None
    assert '"8,P9"' in report.refused_file.read_text()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("table = ", "tabel = "), "table: is required; it is the table that its rows are of"),
        (('"incidents"', '"incidence"'), "There is no table 'incidence'"),
        (("incident_id =", "ticket ="), "incident_id: a key column must be mapped"),
        (("severity = {", "gravity = {"), "table incidents has no such column"),
        (('"America/New_York"', '"New York"'), "time_zone"),
        (("unless = { severity", "unless = { colour"), "unless names colour, which is not mapped"),
        (('{ from = ["System", "Service"] }', "{ every = true }"), "say where it is from"),
        (('{ from = ["System", "Service"] }', '{ from = "System", every = true }'), "this column holds one value"),
        (('{ from = ["System", "Service"] }', "{ from = 'S', pattern = '[' }"), "service.pattern"),
        (("[columns]", "[columns"), "is no TOML"),
    ],
)
def test_a_map_that_cannot_be_is_refused_with_what_would_do(
    tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_map(written(tmp_path, MAP.replace(*change), "map.toml"))
    assert sentence in refused.value.message


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("", "table", "is required; it is the table that its rows are of"),
        ('table = "builds"\n', "columns", "is required; it is where its columns come from"),
        ('table = 5\n[columns]\nid = "Id"\n', "table (line 1)", "must be a text in quotes, not 5"),
        ('table = "nope"\n[columns]\nid = "Id"\n', "table (line 1)", "There is no table 'nope'"),
        ('table = "builds"\ncolumns = 5\n', "columns (line 2)", "must be a table, not 5"),
        (
            'tabel = "x"\ntable = "builds"\n[columns]\n',
            "tabel (line 1)",
            "is no field here; there are table, columns, ",
        ),
        (
            'table = "builds"\n[columns]\nname = 5\n',
            "columns.name (line 3)",
            "must be a text in quotes, or a list of them, not 5",
        ),
        (
            'table = "builds"\n[columns.name]\nfrm = "N"\n',
            "columns.name.frm (line 3)",
            "is no field here; there are from, value, ",
        ),
        (
            'table = "builds"\n[columns]\nname = { from = "N", every = "maybe" }\n',
            "columns.name.every (line 3)",
            'must be true or false, not "maybe"',
        ),
        (
            'table = "builds"\n[columns]\nname = { from = "N", pattern = "(" }\n',
            "columns.name.pattern (line 3)",
            'must be a regular expression, not "("',
        ),
        (
            'table = "builds"\n[columns]\n[instants]\ntime_zone = "Mars"\n',
            "instants.time_zone (line 4)",
            'an IANA time zone such as Europe/Berlin, not "Mars"',
        ),
        ('table = "builds"\n[columns]\nfoo = "F"\n', "columns.foo (line 3)", "has no such column"),
    ],
)
def test_what_is_wrong_with_a_map_is_told_by_its_field_and_line_in_plain_words(
    tmp_path: Path, text: str, field: str, says: str
) -> None:
    with pytest.raises(Unusable, match="will not do") as refused:
        read_map(written(tmp_path, text, "map.toml"))
    assert any(detail.field == field and says in detail.message for detail in refused.value.details), (
        refused.value.details
    )


def test_what_a_map_needs_must_be_in_the_file(project: Project, tmp_path: Path) -> None:
    report = taken(project, written(tmp_path, "Summary,Key\none,SHOP-1\n"), columns=named_map("jira-csv"))
    assert report.error is not None
    assert "'Issue key': the key column key is made from it" in report.error
    with pytest.raises(InvalidRequest, match="no CSV file"):
        import_paths(project, [written(tmp_path, "{}", "a.jsonl")], columns=named_map("jira-csv"))
    with pytest.raises(InvalidRequest, match="is about work_items"):
        import_paths(project, [written(tmp_path, JIRA)], columns=named_map("jira-csv"), table="commits")
    with pytest.raises(InvalidRequest, match="there is jira-csv"):
        named_map("xml")


def test_the_command_names_all_maps() -> None:
    assert all(name in str(command.import_files.__annotations__["format_name"]) for name in NAMED)
