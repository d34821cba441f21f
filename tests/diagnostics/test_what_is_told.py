"""What `leadline status` tells of the data: whose activity is nobody's, environments of which nothing counts, names in several
letter cases, and repositories with the same commits, renamed ones told from forks."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.db import settings
from leadline.diagnostics.data_quality import oddities
from leadline.diagnostics.same_commits import History, judged, told
from leadline.diagnostics.status import AttributionStatus, status
from leadline.home import Project
from metrics.world import deliver, load_people, rows_of

PEOPLE = """
email,           full_name, manager_email
lea@example.com, Lea Berg,
ann@example.com, Ann Gross, lea@example.com
"""


@pytest.fixture
def team(project: Project, tmp_path: Path) -> Project:
    """A project with one team, of Lea and Ann."""
    load_people(project, rows_of("developers", PEOPLE), tmp_path)
    return project


def delivered(project: Project, **tables: str) -> Project:
    for table, text in tables.items():
        deliver(project, table, rows_of(table, text))
    return project


def lines(project: Project, word: str) -> list[str]:
    return [line for line in oddities(project) if word in line]


# -- nobody's ----------------------------------------------------------------------------------------------------------


def test_how_much_of_each_activity_is_nobodys(team: Project) -> None:
    delivered(
        team,
        commits="""
repository, sha,      author_email,    authored_at
o/r,        aaaa0001, ann@example.com, 2026-01-05T00:00Z
o/r,        aaaa0002, ANN@example.com, 2026-01-05T00:00Z
o/r,        aaaa0003, who@example.org, 2026-01-05T00:00Z
o/r,        aaaa0004, ,                2026-01-05T00:00Z
""",
        pull_requests="""
repository, number, author,          merged_at
o/r,        1,      ann@example.com, 2026-01-05T00:00Z
o/r,        2,      dependabot[bot], 2026-01-05T00:00Z
o/r,        3,      stranger,        2026-01-05T00:00Z
""",
        work_items="""
project, key,   assignee
P,       P-1,   lea@example.com
P,       P-2,
""",
        deployments="""
deployment_id, repository, environment, status,  finished_at
d1,            o/r,        production,  success, 2026-01-06T00:00Z
d2,            o/other,    production,  failure, 2026-01-06T00:00Z
d3,            o/other,    staging,     success, 2026-01-06T00:00Z
""",
        incidents="""
incident_id, repository, created_at,        resolved_at
i1,          o/r,        2026-01-06T00:00Z, 2026-01-07T00:00Z
i2,          o/other,    2026-01-06T00:00Z, 2026-01-07T00:00Z
i3,          o/other,    2026-01-06T00:00Z,
""",
    )
    rows = status(team).attribution
    assert isinstance(rows, list)
    assert {row.activity: (row.total, row.bots, row.nobodys, row.percent) for row in rows} == {
        "commits": (4, 0, 2, 50.0),
        "pull_requests": (3, 1, 1, 50.0),
        "reviews": (0, 0, 0, None),
        "comments": (0, 0, 0, None),
        "work_items": (2, 0, 1, 50.0),
        "deployments": (2, 0, 1, 50.0),
        "incidents": (2, 0, 1, 50.0),
    }


def test_an_agents_pull_request_is_whoevers_it_counts_for(team: Project) -> None:
    delivered(
        team,
        pull_requests="""
repository, number, author,          merged_by,       merged_at
o/r,        1,      ann@example.com, lea@example.com, 2026-01-05T00:00Z
o/r,        2,      Copilot,         ann@example.com, 2026-01-05T00:00Z
o/r,        3,      Copilot,         stranger,        2026-01-05T00:00Z
o/r,        4,      renovate,        ann@example.com, 2026-01-05T00:00Z
""",
    )

    def of_pulls() -> tuple[int, int, int, float | None]:
        rows = status(team).attribution
        assert isinstance(rows, list)
        (row,) = (row for row in rows if row.activity == "pull_requests")
        return row.total, row.bots, row.nobodys, row.percent

    assert of_pulls() == (4, 1, 1, 33.3)
    settings.put(team.db, team.id, {"ai.agent_prs": "nobody"})
    assert of_pulls() == (4, 1, 2, 66.7)


def test_by_a_rule_a_deployment_is_somebodys(team: Project) -> None:
    delivered(
        team,
        deployments="""
deployment_id, repository, environment, status,  finished_at
d1,            o/other,    production,  success, 2026-01-06T00:00Z
""",
    )
    of_deployments = AttributionStatus(activity="deployments", total=1, bots=0, nobodys=1, percent=100.0)
    assert of_deployments in status(team).attribution  # type: ignore[operator]
    settings.put(team.db, team.id, {"team.1.repository": "equals O/OTHER"})
    of_deployments = AttributionStatus(activity="deployments", total=1, bots=0, nobodys=0, percent=0.0)
    assert of_deployments in status(team).attribution  # type: ignore[operator]


# -- environments ------------------------------------------------------------------------------------------------------


def runs(environment: str, number: int, repository: str = "o/shop", status: str = "success") -> str:
    return "".join(
        f"{repository} {environment} {at}, {repository}, {environment}, {status}, 2026-01-{at + 1:02}T00:00Z\n"
        for at in range(number)
    )


HEAD = "deployment_id, repository, environment, status, finished_at\n"


def test_an_environment_that_counts_for_nothing_is_told_with_the_setting_that_would_do(team: Project) -> None:
    delivered(team, deployments=HEAD + runs("blue", 10) + runs("production", 1, "o/web") + runs("staging", 20, "o/web"))
    (line,) = lines(team, "environment ")
    assert line == (
        "environment 'blue': 10 successful deployments in 90 days of o/shop, of which nothing is deployed to production; by its "
        "name it is no production, so they count in nothing. If it is, say so: `leadline settings team.1.environment "
        '"equals blue, production"`'
    )
    settings.put(team.db, team.id, {"team.1.environment": "equals blue, production"})
    assert lines(team, "environment ") == []


def test_few_failed_and_old_deployments_are_nothing_to_tell(team: Project) -> None:
    old = "late, o/shop, green, success, 2026-06-01T00:00Z\n"
    delivered(team, deployments=HEAD + runs("blue", 9) + runs("red", 20, status="failure") + runs("green", 20) + old)
    assert lines(team, "environment ") == []


# -- letter case -------------------------------------------------------------------------------------------------------


def test_names_that_differ_in_letter_case_alone_are_told(project: Project) -> None:
    delivered(
        project,
        deployments="""
deployment_id, repository, service,        status,  finished_at
d1,            Acme/Shop,  Api;worker,     success, 2026-01-06T00:00Z
d2,            acme/shop,  api,            success, 2026-01-07T00:00Z
d3,            ACME/SHOP,  API; mail,      success, 2026-01-08T00:00Z
d4,            acme/other, mail,           success, 2026-01-08T00:00Z
""",
    )
    assert lines(project, "letter case") == [
        "repositories Acme/Shop, ACME/SHOP, acme/shop differ in letter case alone: they are one, shown as Acme/Shop",
        "services Api, API, api differ in letter case alone: they are one, shown as Api",
    ]


# -- names in settings -------------------------------------------------------------------------------------------------


def test_settings_of_services_and_repositories_that_are_not_there_are_told(project: Project) -> None:
    delivered(
        project,
        repositories="""
repository, former_names
Acme/Shop,  acme/store
""",
        deployments="""
deployment_id, repository, service,     status,  finished_at
d1,            acme/shop,  Web; worker, success, 2026-01-06T00:00Z
""",
    )
    texts = {
        "service.web.paths": "web/",
        "service.workers.paths": "worker/",
        "repository.ACME/shop.code.exclude": "gen/",
        "repository.acme/STORE.code.exclude": "gen/",
        "repository.acme/shopp.code.exclude": "gen/",
        "repository.x.code.exclude": "gen/",
    }
    settings.put(project.db, project.id, texts)
    assert [line for line in oddities(project) if line.startswith(("service.", "repository."))] == [
        "repository.acme/shopp.code.exclude: no repository is called so; it may be Acme/Shop",
        "repository.x.code.exclude: no repository is called so",
        "service.workers.paths: no deployment is of such a service; it may be worker",
    ]


# -- the same commits --------------------------------------------------------------------------------------------------


def history(name: str, commits: int, newest: int, *span: int) -> History:
    return History(name, commits, newest, *span)


@pytest.mark.parametrize(
    ("one", "other", "common", "verdict"),
    [
        # One ends before the other begins: whatever they are called, that was a renaming or a transfer.
        (history("a/old", 10, 5, 1, 5), history("a/new", 20, 9, 6, 9), 10, "a/old → a/new"),
        (history("b/shop", 20, 9, 6, 9), history("a/shop", 10, 5, 1, 5), 10, "a/shop → b/shop"),
        # Both are at work at the same time.
        (history("a/shop", 10, 9, 1, 9), history("d/shop", 20, 9, 6, 8), 10, "fork"),
        (history("a/shop", 10, 9, 1, 9), history("a/shop2", 20, 9, 6, 8), 10, "fork"),
        # Of one of them nothing but commits is known.
        (history("a/shop", 10, 9, 1, 9), history("d/shop", 11, 12), 10, "fork"),
        (history("a/shop", 10, 9, 1, 9), history("a/store", 11, 12), 10, "a/shop → a/store"),
        (history("a/shop", 10, 9), history("a/store", 11, 12), 10, "a/shop → a/store"),
        (history("a/shop", 10, 9), history("d/shop", 11, 12), 10, "fork"),
        # Few of the smaller one's: by the way.
        (history("a/shop", 10, 5, 1, 5), history("a/new", 20, 9, 6, 9), 4, None),
    ],
)
def test_renamed_repositories_are_told_from_forks(
    one: History, other: History, common: int, verdict: str | None
) -> None:
    for pair in (judged(one, other, common), judged(other, one, common)):
        shown = None if pair is None else f"{pair.old.name} → {pair.new.name}" if pair.renamed else "fork"
        assert shown == verdict


def test_of_many_forks_each_is_told_once_and_at_most_twenty() -> None:
    origin = history("acme/shop", 100, 9, 1, 9)
    pairs = [judged(origin, history(f"user{at:02}/shop", 101, 10), 100) for at in range(30)]
    among = judged(history("user00/shop", 101, 10), history("user01/shop", 101, 10), 99)
    shown = told(pair for pair in [*pairs, among] if pair is not None)
    assert len(shown) == 21
    assert shown[0].startswith("acme/shop and user00/shop have all 100 commits of acme/shop in common: taken for")
    assert shown[-1] == "10 more pairs of repositories have most of their commits in common"
