"""`why` of facts names every rule of the metric definitions that left something out of a row or cut it: a row for each rule."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.db import settings
from leadline.facts.catalogue import FACTS
from leadline.facts.write import write
from leadline.home import Project
from metrics.world import deliver, load_people, rows_of

PEOPLE = """
email,           full_name, manager_email
lea@example.com, Lea Berg,
ann@example.com, Ann Gross, lea@example.com
bob@example.com, Bob Rau,   lea@example.com
"""
TABLES = {
    "identities": """
source, account, email
github, ann,     ann@example.com
github, bob,     bob@example.com
""",
    "repositories": """
repository, former_names
o/r,        o/was
""",
    "commits": """
repository, sha,      parents,           author_email,    authored_at,       additions, deletions, message
o/r,        aaaa0001, ,                  ann@example.com, 2026-01-01T10:00Z, 1,         0,         first
o/r,        aaaa0002, aaaa0001,          ann@example.com, 2026-01-02T10:00Z, 2,         1,         second
o/r,        aaaa0003, aaaa0002,          ann@example.com, 2026-01-03T10:00Z, 3,         1,         third
o/r,        aaaa0004, aaaa0003,          bob@example.com, 2026-01-03T12:00Z, 4,         1,         its listed commit
o/r,        aaaa0005, aaaa0003,          bob@example.com, 2026-01-04T12:00Z, 4,         1,         squashed
o/r,        aaaa0006, aaaa0003 aaaa0004, bob@example.com, 2026-01-04T12:00Z, ,          ,          merged
o/r,        aaaa0007, aaaa0005,          bob@example.com, 2026-01-04T12:00Z, 4,         1,         backport of a squash
o/r,        aaaa0008, aaaa0005,          ann@example.com, 2026-01-05T10:00Z, 9,         1,         picked
o/r,        aaaa0009, aaaa0005,          ann@example.com, 2026-01-05T10:00Z, 9,         1,         picked again
o/r,        aaaa0010, aaaa0005,          ann@example.com, ,                  1,         1,         undated
o/r,        aaaa0011, aaaa0005,          ann@example.com, 2026-01-06T10:00Z, ,          ,          no lines
o/r,        aaaa0012, aaaa0005,          x-bot@e.org,     2026-01-06T10:00Z, 1,         1,         bot
o/r,        aaaa0013, aaaa0005,          who@e.org,       2026-01-06T10:00Z, 1,         1,         stranger
o/r,        aaaa0014, aaaa0005,          ann@example.com, 2026-01-07T10:00Z, 9,         0,         with a lock file
o/z,        aaaa0014, aaaa0005,          ann@example.com, 2026-01-07T10:00Z, 9,         0,         with a lock file
""",
    "commit_files": """
repository, sha,      path,   additions, deletions, excluded
o/r,        aaaa0014, go.sum, 7,         0,
o/r,        aaaa0014, a.go,   2,         0,
o/r,        aaaa0008, gen.go, 4,         0,         true
o/r,        aaaa0013, gen.go, 4,         0,         true
""",
    "pull_requests": """
repository,number,author,created_at,ready_at,merged_at,merge_commit_sha,merged_by,base_branch,labels,additions,deletions,title
o/r, 1, ann, 2026-01-02T11:00Z, , 2026-01-02T12:00Z, aaaa0002, , main, , 2, 1, P-1 P-3 P-6
o/r, 2, bob, 2026-01-03T11:00Z, , 2026-01-04T12:00Z, aaaa0005, , main, , , , P-2
o/r, 3, , 2026-01-03T11:00Z, , 2026-01-04T12:00Z, , , main, , , , none
o/r, 4, x-bot, 2026-01-03T11:00Z, , 2026-01-04T12:00Z, , , main, , 1, 1, none
o/r, 5, stranger, 2026-01-03T11:00Z, , , , , main, , 1, 1, P-8
o/r, 6, Copilot, 2026-01-03T11:00Z, , 2026-01-04T12:00Z, , bob, main, , 1, 1, none
o/r, 7, ann, 2026-01-06T11:00Z, 2026-01-06T12:00Z, 2026-01-06T10:00Z, aaaa9999, , release, skip, 1, 1, none
o/r, 8, ann, 2026-01-03T11:00Z, 2026-01-03T12:00Z, 2026-01-04T12:00Z, aaaa0003, , main, , 1, 1, P-4
o/q, 1, ann, 2026-01-03T11:00Z, , 2026-01-04T12:00Z, bbbb0001, , main, , 9, 4, none
""",
    "pull_request_commits": """
repository, number, sha,      authored_at
o/r,        1,      aaaa0002, 2026-01-02T10:00Z
o/r,        2,      aaaa0004, 2026-01-03T12:00Z
o/r,        7,      aaaa7777, 2026-01-06T11:00Z
o/r,        8,      aaaa8888, 2026-01-03T10:00Z
""",
    "pull_request_files": """
repository, number, path,   additions, deletions
o/r,        1,      go.sum, 1,         1
o/r,        1,      a.go,   1,         0
o/r,        2,      a.go,   1,         1
o/q,        1,      b.go,   5,         4
""",
    "comments": """
repository, number, comment_id, author,          created_at
o/r,        1,      1,          ann,             2026-01-02T11:30Z
o/r,        1,      2,          dependabot[bot], 2026-01-02T11:30Z
o/r,        1,      3,          ghost,           2026-01-02T11:30Z
o/r,        8,      4,          bob,             2026-01-03T11:30Z
""",
    "work_items": """
project, key,  type,  status_category, resolution, assignee,        created_at,        started_at,        completed_at
P,       P-1,  Story, done,            ,           ann@example.com, 2026-01-01T00:00Z, 2026-01-03T00:00Z, 2026-01-02T13:00Z
P,       P-2,  Story, in_progress,     ,           ann@example.com, 2026-01-01T00:00Z, ,                  2026-01-03T00:00Z
P,       P-3,  Epic,  done,            ,           ,                2026-01-05T00:00Z, ,                  2026-01-04T00:00Z
P,       P-4,  Story, done,            Won't Do,   ann@example.com, 2026-01-01T00:00Z, ,                  2026-01-04T13:00Z
P,       P-5,  Story, todo,            ,           x-bot,           2026-01-01T00:00Z, ,
P,       P-6,  Story, done,            ,           who,             ,                  ,                  2026-01-01T00:00Z
P,       P-7,  Story, done,            ,           ann@example.com, 2026-01-01T00:00Z, ,
P,       P-8,  Story, done,            ,           ann@example.com, 2026-01-01T00:00Z, 2026-01-02T00:00Z, 2026-01-05T00:00Z
""",
    "deployments": """
deployment_id, repository, service, environment, sha,      status,    rollback, started_at,        finished_at
d00,           o/r,        web,     production,  aaaa0001, success,   ,         ,                  2026-01-01T12:00Z
d01,           o/r,        web,     production,  aaaa0002, success,   ,         ,                  2026-01-02T11:00Z
d02,           o/r,        web,     production,  aaaa0001, success,   true,     ,                  2026-01-03T00:00Z
d03,           o/r,        web,     production,  aaaa0001, failure,   true,     ,                  2026-01-03T01:00Z
d04,           o/r,        web,     staging,     aaaa0003, success,   ,         ,                  2026-01-03T02:00Z
d05,           o/r,        web,     production,  aaaa0003, cancelled, ,         ,                  2026-01-03T03:00Z
d06,           o/r,        web,     production,  aaaa0003, success,   ,         2026-01-03T05:00Z, 2026-01-03T04:00Z
d07,           o/r,        web,     production,  aaaa0003, ,          ,         ,
d08,           o/r,        web,     production,  ffffffff, failure,   ,         ,                  2026-01-03T05:00Z
d09,           ,           api,     production,  aaaa0003, success,   true,     ,                  2026-01-03T06:00Z
d10,           o/r,        web,     production,  aaaa0003, success,   ,         ,                  2026-01-03T07:00Z
d11,           o/none,     mail,    production,  cccc0001, success,   ,         ,                  2026-01-03T07:00Z
""",
    "incidents": """
incident_id, service, repository, created_at,        resolved_at,       deployment_id
i1,          web,     ,           2026-01-03T08:00Z, 2026-01-03T07:00Z, d06
i2,          web,     ,           2026-01-03T04:30Z, 2026-01-03T09:00Z,
i3,          ,        o/r,        2026-01-03T04:30Z, ,                  gone
i4,          other,   ,           2026-01-03T08:00Z, 2026-01-03T09:00Z,
i5,          mail,    ,           ,                  2026-01-03T09:00Z, d11
""",
}
RULES = [
    # Credited commits; left out of lines; whose.
    ("commits", "o/r aaaa0006", "merge commit: not credited"),
    ("commits", "o/r aaaa0005", "result of a squash or rebase: its listed commits are credited"),
    ("commits", "o/r aaaa0007", "copy of the result of a squash: not credited"),
    ("commits", "o/r aaaa0009", "copy of aaaa0008: credited once"),
    ("commits", "o/z aaaa0014", "credited in o/r"),
    ("commits", "o/r aaaa0014", "7 lines left out by code.exclude"),
    ("commits", "o/r aaaa0008", "4 lines left out by .gitattributes"),
    ("commits", "o/r aaaa0013", "fewer lines told than left out: cut to 0"),
    ("commits", "o/r aaaa0010", "no author date: counts in no period"),
    ("commits", "o/r aaaa0011", "no lines known"),
    ("commits", "o/r aaaa0012", "bot"),
    ("commits", "o/r aaaa0013", "author is no known developer"),
    # Pull requests: whose, left out, cut, first comment, size, links, delivery.
    ("pull-requests", "o/r 3", "no author"),
    ("pull-requests", "o/r 4", "bot: counts for nobody"),
    ("pull-requests", "o/r 5", "author is no known developer"),
    ("pull-requests", "o/r 5", "not merged: counts in no period"),
    ("pull-requests", "o/r 6", "an agent's: its requester's, who merged it"),
    ("pull-requests", "o/r 3", "no dated listed commit: no cycle time"),
    ("pull-requests", "o/r 7", "merged before its first commit: cycle time cut to 0"),
    ("pull-requests", "o/r 7", "review would be negative: cut to 0"),
    ("pull-requests", "o/r 1", "no comment or review by others: left out of time to first comment"),
    ("pull-requests", "o/r 1", "comments by its author, bots or nobody, not counted: 3"),
    ("pull-requests", "o/r 8", "comments by others were all before it was ready for review or after its merge"),
    ("pull-requests", "o/r 3", "no size known"),
    ("pull-requests", "o/r 2", "size from its files"),
    ("pull-requests", "o/r 1", "2 lines left out by code.exclude"),
    ("pull-requests", "o/r 3", "no files known: left out of rework"),
    (
        "pull-requests",
        "o/q 1",
        "no files of commits known: the age of reworked code by the merges of earlier pull requests",
    ),
    ("pull-requests", "o/r 3", "linked to no work item"),
    ("pull-requests", "o/r 1", "linked: P-1 in title, P-3 in title, P-6 in title"),
    ("pull-requests", "o/r 1", "no finished build of the merge: deploy starts at the merge"),
    ("pull-requests", "o/r 1", "deploy would be negative: cut to 0"),
    ("pull-requests", "o/r 1", "deployed: its merge is in the deployed history of service web"),
    ("pull-requests", "o/r 7", "its merge commit is not known: which deployment carries it cannot be told"),
    ("pull-requests", "o/r 2", "no production deployment after a service's first known one carries it"),
    # Work items: whose, completed, cut, links, stages.
    ("work-items", "P P-3", "no assignee"),
    ("work-items", "P P-5", "bot: counts for nobody"),
    ("work-items", "P P-6", "assignee is no known developer"),
    ("work-items", "P P-4", "left out: its resolution Won't Do is not completed work"),
    ("work-items", "P P-5", "not completed: counts in no period"),
    ("work-items", "P P-7", "done, but since when is not known: counts in no period"),
    ("work-items", "P P-2", "completed by its date, though its status is open"),
    ("work-items", "P P-6", "start unknown: no time to complete"),
    ("work-items", "P P-3", "completed before it was created: time to complete cut to 0"),
    ("work-items", "P P-2", "no start of work known: no planning and no coding"),
    ("work-items", "P P-8", "no dated commit of its pull requests: no coding and no review"),
    ("work-items", "P P-8", "none of its pull requests is merged: no review, build and deploy"),
    ("work-items", "P P-7", "linked to no pull request"),
    ("work-items", "P P-2", "begun after it was completed, not among its times: o/r#2"),
    ("work-items", "P P-1", "coding would be negative: cut to 0"),
    # Deployments: production, outcome, what it carries, whose.
    ("deployments", "d04 web", "not production: counts in nothing"),
    ("deployments", "d07 web", "no status: not finished"),
    ("deployments", "d05 web", "cancelled: counts in nothing"),
    ("deployments", "d07 web", "no finish known: counts in no period"),
    ("deployments", "d06 web", "finished before it started"),
    ("deployments", "d02 web", "a rollback, of d01"),
    ("deployments", "d03 web", "a rollback that failed: undoes nothing"),
    ("deployments", "d09 api", "a rollback, of nothing that is known"),
    ("deployments", "d01 web", "failed: it was rolled back"),
    ("deployments", "d08 web", "failed: carries nothing"),
    ("deployments", "d00 web", "the first known of its service: carries nothing"),
    ("deployments", "d10 web", "carries nothing new"),
    ("deployments", "d08 web", "sha ffffffff is not a known commit"),
    ("deployments", "d09 api", "no repository: carries nothing"),
    ("deployments", "d10 web", "teams by repositories its people merged to in the days before"),
    ("deployments", "d11 mail", "no team: nobody merged to its repository in the days before"),
    # Incidents: resolved, cut, which deployment by which rule.
    ("incidents", "i3", "not resolved: counts in no period"),
    ("incidents", "i5 mail", "creation unknown: no time to restore"),
    ("incidents", "i1 web", "resolved before it was created: cut to 0"),
    ("incidents", "i3", "names a deployment that is not known: gone"),
    ("incidents", "i1 web", "deployment: the one that it names"),
    ("incidents", "i2 web", "deployment: the latest of its service before it"),
    ("incidents", "i3", "deployment: the latest of its repository before it"),
    ("incidents", "i4 other", "no production deployment before it is known"),
    ("incidents", "i4 other", "no team"),
    # Visits of work items to statuses: whose, and what is not known.
    ("status-visits", "P P-3", "no assignee"),
    ("status-visits", "P P-5", "bot: counts for nobody"),
    ("status-visits", "P P-6", "assignee is no known developer"),
    ("status-visits", "P P-3", "its name is not known: no time in any status"),
    ("status-visits", "P P-6", "since when is not known: no time in it"),
    ("status-visits", "P P-1", "not left"),
]
BY_SETTINGS = {
    "left out": {
        "pull_requests.base_branches": "main",
        "pull_requests.exclude_labels": "skip",
        "work_items.exclude_types": "epic",
        "lead_time.order": "exceptions",
        "lead_time.work": "deployed",
        "ai.agent_prs": "nobody",
    },
    "label": {"pull_requests.exclude_labels": "skip", "work_items.complete_from": "started", "ai.agent_prs": "merger"},
    "team": {"team.1.pull_requests.exclude_labels": "Skip", "service.WEB.paths": "nowhere/"},
    "incidents": {"cfr.source": "incidents", "team.1.environment": "equals production, staging"},
}
RULES_BY_SETTINGS = [
    ("left out", "pull-requests", "o/r 7", "left out: it was for the branch release"),
    ("left out", "work-items", "P P-3", "left out: its type Epic is left out"),
    ("left out", "pull-requests", "o/r 7", "review would be negative: left out"),
    ("left out", "pull-requests", "o/r 2", "not deployed: left out of lead time"),
    ("left out", "pull-requests", "o/r 6", "an agent's: nobody's (ai.agent_prs)"),
    ("label", "pull-requests", "o/r 7", "left out: it is labelled skip"),
    ("label", "pull-requests", "o/r 6", "an agent's: its merger's"),
    ("label", "work-items", "P P-1", "completed before it was started: time to complete cut to 0"),
    ("team", "pull-requests", "o/r 7", "left out: it is labelled skip"),
    ("team", "pull-requests", "o/r 1", "not carried by service web: touches none of its paths"),
    ("incidents", "deployments", "d08 web", "failed: change failure rate looks at incidents alone"),
    ("incidents", "deployments", "d06 web", "failed: it caused incidents"),
    ("incidents", "deployments", "d04 web", "production by an environment rule alone"),
    ("incidents", "deployments", "d10 web", "teams by own rule"),
    ("incidents", "deployments", "d02 web", "a rollback"),
    # Whatever makes a failure, an incident says which deployment is its.
    ("incidents", "incidents", "i2 web", "deployment: the latest of its service before it"),
    ("incidents", "incidents", "i3", "deployment: the latest of its repository before it"),
]

Told = Mapping[str, Mapping[str, list[str]]]
"""By fact and row its sentences."""


def shown(project: Project, folder: Path) -> Told:
    told = {}
    for fact in FACTS.values():
        path = folder / f"{fact.name}.csv"
        write(project, fact.name, path)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        keys = [" ".join(list(row.values())[:2]).strip() for row in rows]
        told[fact.name] = {key: row["why"].split("; ") for key, row in zip(keys, rows, strict=True)}
    return told


@pytest.fixture(scope="module")
def filled(module_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    load_people(module_project, rows_of("developers", PEOPLE), tmp_path_factory.mktemp("people"))
    for table, text in TABLES.items():
        deliver(module_project, table, rows_of(table, text))
    return module_project


@pytest.fixture(scope="module")
def told(filled: Project, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Told]:
    """What is told by the settings of each name ('' the defaults)."""
    by_settings = {"": shown(filled, tmp_path_factory.mktemp("default"))}
    for name, values in BY_SETTINGS.items():
        settings.put(filled.db, filled.id, values)
        by_settings[name] = shown(filled, tmp_path_factory.mktemp("other"))
        for key in values:
            settings.remove(filled.db, filled.id, key)
    return by_settings


@pytest.mark.parametrize(("by", "fact", "row", "sentence"), [*(("", *rule) for rule in RULES), *RULES_BY_SETTINGS])
def test_why_names_the_rule(told: Mapping[str, Told], by: str, fact: str, row: str, sentence: str) -> None:
    sentences = told[by][fact][row]
    assert any(one.startswith(sentence) for one in sentences), sentences


def test_a_row_of_which_nothing_is_left_out_says_nothing(told: Mapping[str, Told]) -> None:
    assert told[""]["commits"]["o/r aaaa0001"] == [""]


# -- types -------------------------------------------------------------------------------------------------------------


def declared(column: str) -> pa.DataType:
    if column.endswith("_at"):
        return pa.timestamp("us", "UTC")
    if column.endswith(("_seconds", "_points")) or column.startswith("points_") or column == "share":
        return pa.float64()
    if column.endswith("_tickets") or column in (
        "number",
        "additions",
        "deletions",
        "comments",
        "refactored",
        "refactored_recent",
        "new_work",
    ):
        return pa.int64()
    if column in ("production", "credited", "committed", "done"):
        return pa.bool_()
    if column in ("work_items", "pull_requests", "failed_by", "commits", "teams", "team_ids", "reviewers", "boards"):
        return pa.list_(pa.field("element", pa.string()))
    return pa.string()


@pytest.mark.parametrize("exclude", ["", "*.go"])
@pytest.mark.parametrize("fact", FACTS)
def test_parquet_has_the_declared_types(filled: Project, tmp_path: Path, fact: str, exclude: str) -> None:
    settings.put(filled.db, filled.id, {"code.exclude": exclude})
    write(filled, fact, tmp_path / "facts.parquet", form="parquet")
    settings.remove(filled.db, filled.id, "code.exclude")
    schema = pq.read_schema(tmp_path / "facts.parquet")
    assert {field.name: field.type for field in schema} == {name: declared(name) for name in FACTS[fact].columns}


@pytest.mark.parametrize("fact", FACTS)
def test_parquet_has_the_declared_types_of_nothing(project: Project, tmp_path: Path, fact: str) -> None:
    write(project, fact, tmp_path / "facts.parquet", form="parquet")
    schema = pq.read_schema(tmp_path / "facts.parquet")
    assert {field.name: field.type for field in schema} == {name: declared(name) for name in FACTS[fact].columns}
