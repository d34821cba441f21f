"""Facts as `commands.md` describes them: one hand-made pull request in full, and every column against the metrics."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from leadline.errors import InvalidRequest
from leadline.facts.catalogue import FACTS
from leadline.facts.query import Filters, fact_rows
from leadline.facts.write import write
from leadline.home import Project
from metrics import oracle, oracle_events, worlds
from metrics.oracle_events import World
from metrics.oracle_people import Accounts, tree_of
from metrics.world import TREE, load, rows_of

DEVELOPERS = """
email,           full_name, manager_email
mia@example.com, Mia,
dan@example.com, Dan,       mia@example.com
"""
TABLES = {
    "pull_requests": """
repository, number, author,          created_at,        ready_at,          merged_at,         merge_commit_sha, title
o/r,        1,      Dan@example.com, 2026-01-05T10:00Z, 2026-01-06T10:00Z, 2026-01-07T10:00Z, s1,               PROJ-1 and PROJ-2
o/r,        2,      dan@example.com, 2026-01-05T10:00Z, ,                  2026-02-07T10:00Z, ,                 nothing
o/r,        3,      stranger,        2026-01-05T10:00Z, ,                  ,                  ,                 nothing
""",
    "pull_request_commits": """
repository, number, sha, authored_at
o/r,        1,      c1,  2026-01-04T10:00Z
o/r,        2,      c2,  2026-02-08T10:00Z
""",
    "pull_request_files": """
repository, number, path, additions, deletions
o/r,        1,      a.py, 8,         3
o/r,        1,      b.py, 2,         7
""",
    "commits": """
repository, sha, parents, author_email,    authored_at,       additions, deletions, message
o/r,        c1,  p0,      dan@example.com, 2026-01-04T10:00Z, 8,         3,         work
o/r,        s1,  p0,      dan@example.com, 2026-01-07T10:00Z, 10,        10,        squash
o/r,        m1,  p0 s1,   dan@example.com, 2026-01-07T11:00Z, ,          ,          merge
o/r,        a1,  q0,      mia@example.com, 2025-12-24T10:00Z, 1,         0,         earlier
""",
    "commit_files": """
repository, sha, path, additions, deletions
o/r,        a1,  a.py, 1,         0
""",
    "comments": """
repository, number, comment_id, author,          created_at
o/r,        1,      1,          mia@example.com, 2026-01-06T12:00Z
o/r,        1,      2,          mia@example.com, 2026-01-06T13:00Z
""",
    "reviews": """
repository, number, review_id, author,          state,             submitted_at
o/r,        1,      1,         mia@example.com, changes_requested, 2026-01-06T11:30Z
o/r,        1,      2,         mia@example.com, approved,          2026-01-06T15:00Z
""",
    "work_items": """
project, key,    type
PROJ,    PROJ-1, Story
PROJ,    PROJ-2, Bug
""",
}


@pytest.fixture(scope="module")
def loaded(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    people = rows_of("developers", DEVELOPERS)
    tables = {table: rows_of(table, text) for table, text in TABLES.items()}
    load(module_project, World(tables, tree_of(TREE, people), people), tmp_path_factory.mktemp("people"))
    return module_project


def facts(project: Project, fact: str, folder: Path, **filters: Any) -> list[dict[str, str]]:
    path = folder / "facts.csv"
    count = write(project, fact, path, Filters(**filters))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    return rows


def moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def test_one_pull_request_in_full(loaded: Project, tmp_path: Path) -> None:
    rows = facts(loaded, "pull-requests", tmp_path)
    row = next(row for row in rows if row["number"] == "1")
    instants = {name: moment(row[name]) for name in row if name.endswith("_at")}
    assert instants == {
        "created_at": moment("2026-01-05T10:00+00:00"),
        "ready_at": moment("2026-01-06T10:00+00:00"),
        "first_commit_at": moment("2026-01-04T10:00+00:00"),
        "first_comment_at": moment("2026-01-06T11:30+00:00"),
        "approved_at": moment("2026-01-06T15:00+00:00"),
        "merged_at": moment("2026-01-07T10:00+00:00"),
        "build_finished_at": None,
        "deployed_at": None,
        "wait_began_at": None,  # it waits for nothing any more
    }
    assert (row["repository"], row["developer"], row["team"]) == ("o/r", "dan@example.com", TREE)
    assert sorted(row["work_items"].split(";")) == ["PROJ-1", "PROJ-2"]
    assert row["work_type"] == "feature"  # a story and a bug
    assert (row["additions"], row["deletions"], row["comments"]) == ("10", "10", "2")
    # a.py was touched 11 days before the first commit: its min(8, 3) is recent; b.py's min(2, 7) is not.
    assert (row["refactored"], row["refactored_recent"]) == ("5", "3")
    hour = 3600
    seconds = {name: float(row[name]) for name in row if name.endswith("_seconds") and row[name]}
    assert seconds == {
        "cycle_seconds": 72 * hour,  # first commit → merge
        "creation_seconds": 48 * hour,  # first commit → ready
        "first_comment_seconds": 1.5 * hour,  # ready → first comment or review
        "approval_seconds": 3.5 * hour,  # that → approval
        "merge_seconds": 19 * hour,  # approval → merge
        "coding_seconds": 48 * hour,  # first commit → opened (ready)
        "review_seconds": 24 * hour,  # opened (ready) → merged
        "lead_seconds": 72 * hour,  # the stages it has: neither built nor deployed
    }


def test_a_duration_cut_to_0_says_why(loaded: Project, tmp_path: Path) -> None:
    row = next(row for row in facts(loaded, "pull-requests", tmp_path) if row["number"] == "2")
    assert float(row["cycle_seconds"]) == 0
    assert row["why"]


AGENTS = """
repository, number, author,          assignees,               merged_by,       merged_at
o/r,        1,      Copilot,         Copilot;dan@example.com, mia@example.com, 2026-01-07T10:00Z
o/r,        2,      Copilot,         Copilot,                 mia@example.com, 2026-01-07T10:00Z
o/r,        3,      Copilot,         ,                        mia@example.com, 2026-01-07T10:00Z
o/r,        4,      Copilot,         stranger,                stranger,        2026-01-07T10:00Z
o/r,        5,      dependabot[bot], dan@example.com,         mia@example.com, 2026-01-07T10:00Z
"""
AGENTS_COMMITS = """
repository, sha,  author_email,        authored_at,       message
o/r,        c100, copilot@agents.test, 2026-01-07T10:00Z, Work\\n\\nCo-authored-by: Dan <dan@example.com>
"""


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (
            "requester",
            [
                ("dan@example.com", "an agent's: its requester's, the first assignee who is a developer"),
                (
                    "dan@example.com",
                    "an agent's: its requester's, the first co-author of its commits who is a developer",
                ),
                ("mia@example.com", "an agent's: its requester's, who merged it"),
                ("", "an agent's: no developer is known to have asked for it"),
                ("", "bot: counts for nobody"),
            ],
        ),
        (
            "merger",
            [
                *[("mia@example.com", "an agent's: its merger's")] * 3,
                ("", "an agent's: no developer is known to have merged it"),
                ("", "bot: counts for nobody"),
            ],
        ),
        ("nobody", [*[("", "an agent's: nobody's (ai.agent_prs)")] * 4, ("", "bot: counts for nobody")]),
    ],
)
def test_an_agents_pull_request_says_whose_it_is_and_why(
    project: Project, tmp_path: Path, setting: str, expected: list[tuple[str, str]]
) -> None:
    people = rows_of("developers", DEVELOPERS)
    tables = {
        "pull_requests": rows_of("pull_requests", AGENTS),
        "pull_request_commits": rows_of("pull_request_commits", "repository, number, sha\no/r, 2, c100"),
        "commits": rows_of("commits", AGENTS_COMMITS),
    }
    load(project, World(tables, tree_of(TREE, people), people, {"ai.agent_prs": setting}), tmp_path)
    rows = facts(project, "pull-requests", tmp_path)
    assert [(row["developer"], row["why"].split("; ")[0]) for row in rows] == expected
    assert {row["author"] for row in rows[:4]} == {"Copilot"}


def test_commits_say_whether_they_are_credited_and_why_not(loaded: Project, tmp_path: Path) -> None:
    rows = {row["sha"]: row for row in facts(loaded, "commits", tmp_path)}
    assert {sha: row["credited"] for sha, row in rows.items()} == {
        "c1": "true",
        "s1": "false",
        "m1": "false",
        "a1": "true",
    }
    assert all(rows[sha]["why"] for sha in ("s1", "m1"))
    assert rows["c1"]["developer"] == "dan@example.com"


def test_lines_left_out_are_told(project: Project, tmp_path: Path) -> None:
    """In both facts that have lines, by which way, and only where there are any; what both ways leave out is told once."""
    tables = {table: rows_of(table, text) for table, text in TABLES.items()}
    people = rows_of("developers", DEVELOPERS)
    for path, additions, deletions in (("web/yarn.lock", 4, 2), ("api.gen", 1, 0), ("go.sum", 1, 0)):
        file = {"repository": "o/r", "path": path, "additions": additions, "deletions": deletions}
        tables["commit_files"].append({**file, "sha": "c1", "excluded": path != "web/yarn.lock"})
        tables["pull_request_files"].append({**file, "number": 1})
    load(project, World(tables, tree_of(TREE, people), people), tmp_path)
    keys = {"commits": "sha", "pull-requests": "number"}
    rows = {fact: {row[key]: row for row in facts(project, fact, tmp_path)} for fact, key in keys.items()}
    commit, pull = rows["commits"]["c1"], rows["pull-requests"]["1"]
    assert (commit["additions"], commit["deletions"]) == ("2", "1")
    assert (pull["additions"], pull["deletions"], pull["refactored"]) == ("10", "10", "5")
    told = [(fact, key) for fact, by_key in rows.items() for key, row in by_key.items() if "left out by" in row["why"]]
    assert told == [("commits", "c1"), ("pull-requests", "1")]
    for row in (commit, pull):
        assert "7 lines left out by code.exclude; 1 lines left out by .gitattributes" in row["why"]
        assert "cut to 0" not in row["why"]


def test_lines_cut_are_told(project: Project, tmp_path: Path) -> None:
    """A tool tells fewer lines than its files add up to, and these are left out."""
    tables = {table: rows_of(table, text) for table, text in TABLES.items()}
    people = rows_of("developers", DEVELOPERS)
    lock = {"repository": "o/r", "path": "yarn.lock", "additions": 0, "deletions": 5000}
    for row in tables["commits"] + tables["pull_requests"]:
        row |= {"additions": 7, "deletions": 1}
    tables["commit_files"].append({**lock, "sha": "c1"})
    tables["pull_request_files"].append({**lock, "number": 1})
    load(project, World(tables, tree_of(TREE, people), people), tmp_path)
    for fact, key, name in (("commits", "sha", "c1"), ("pull-requests", "number", "1")):
        rows = {row[key]: row for row in facts(project, fact, tmp_path)}
        assert (rows[name]["additions"], rows[name]["deletions"]) == ("7", "0")
        assert [key for key, row in rows.items() if "fewer lines told than left out: cut to 0" in row["why"]] == [name]


def test_filters(loaded: Project, tmp_path: Path) -> None:
    january = {"start": date(2026, 1, 1), "end": date(2026, 1, 31)}
    assert [row["number"] for row in facts(loaded, "pull-requests", tmp_path, **january)] == ["1"]
    assert [row["sha"] for row in facts(loaded, "commits", tmp_path, developer="MIA@example.com")] == ["a1"]
    assert {row["number"] for row in facts(loaded, "pull-requests", tmp_path, tree_name=TREE)} == {"1", "2"}
    with pytest.raises(InvalidRequest):
        facts(loaded, "pull-requests", tmp_path, start=date(2026, 2, 1), end=date(2026, 1, 1))
    with pytest.raises(InvalidRequest):
        facts(loaded, "pull-request", tmp_path)


def test_rows_come_a_page_at_a_time_in_the_order_asked_for(loaded: Project, tmp_path: Path) -> None:
    names = [row["sha"] for row in facts(loaded, "commits", tmp_path)]
    with fact_rows(loaded, "commits", Filters()) as rows:
        assert rows.count() == len(names)
        pages = [rows.page(2, offset)["sha"].to_pylist() for offset in range(0, len(names), 2)]
        assert [sha for page in pages for sha in page] == names
        assert rows.page(99).column_names == list(FACTS["commits"].columns)
        downwards = rows.page(99, sort=[("repository", False), ("sha", True)])
        assert downwards["sha"].to_pylist() == sorted(names, reverse=True)
        with pytest.raises(InvalidRequest, match="no column 'weather'") as refused:
            rows.page(1, sort=[("weather", True)])
        assert refused.value.code == "unknown_column"


def test_every_format_has_the_same_rows(loaded: Project, tmp_path: Path) -> None:
    names = [row["sha"] for row in facts(loaded, "commits", tmp_path)]
    write(loaded, "commits", tmp_path / "facts.jsonl", form="jsonl")
    lines = (tmp_path / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["sha"] for line in lines] == names
    write(loaded, "commits", tmp_path / "facts.parquet", form="parquet")
    assert pq.read_table(tmp_path / "facts.parquet").column("sha").to_pylist() == names


STAGES = ("creation", "first_comment", "approval", "merge")


def test_facts_are_what_the_oracle_says(project: Project, tmp_path: Path) -> None:
    """The numbers of every merged pull request and credited commit of a random world. The stages of a cycle that has all of
    them in order add up to it."""
    world = worlds.world(Random(4))
    load(project, world, tmp_path)
    accounts = Accounts(world.tables, world.everybody(), world.setting("bots"), world.setting("ai.agents"))
    merged = oracle_events.PullRequests(world, accounts).all()
    expected = [
        (
            one.developer or "",
            one.merged_at,
            None if one.cycle_days is None else float(one.cycle_days * 86400),
            one.refactored,
            one.recent,
            one.comments,
            [None if stage is None else float(stage * 86400) for stage in one.stages.values()],
            oracle.work_type_of_all(one.item_types, None) or "",
        )
        for one in merged
    ]
    rows = [row for row in facts(project, "pull-requests", tmp_path) if row["merged_at"]]
    actual = [
        (
            row["developer"],
            moment(row["merged_at"]),
            float(row["cycle_seconds"]) if row["cycle_seconds"] else None,
            int(row["refactored"]),
            int(row["refactored_recent"]),
            int(row["comments"]),
            [float(row[f"{stage}_seconds"]) if row[f"{stage}_seconds"] else None for stage in STAGES],
            row["work_type"],
        )
        for row in rows
    ]
    whole = [row for row in rows if all(row[f"{stage}_seconds"] for stage in STAGES)]
    in_order = [row for row in whole if (row["ready_at"] or row["created_at"]) >= row["first_commit_at"]]
    assert in_order
    for row in in_order:
        assert sum(float(row[f"{stage}_seconds"]) for stage in STAGES) == float(row["cycle_seconds"])
    assert sorted(actual, key=str) == sorted(expected, key=str)
    commits = oracle_events.credited_commits(world, accounts)
    credited = [row for row in facts(project, "commits", tmp_path) if row["credited"] == "true"]
    # As sets: whether commits of unknown lines are copies of each other shows nowhere else.
    assert {(row["developer"], moment(row["authored_at"])) for row in credited} == {
        (one.developer or "", one.authored_at) for one in commits
    }
    assert sum(int(row["additions"] or 0) for row in credited) == sum(one.added for one in commits)
