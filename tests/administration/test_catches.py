"""What a setting would catch: counted from rows, by the rules that numbers are made with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.serving import put
from leadline.administration.catches import NAMED, Catch, catch
from leadline.errors import InvalidRequest
from leadline.home import Home, Project
from leadline.settings.rules import OPERATORS, parse_filters

AT = datetime(2026, 1, 5, tzinfo=UTC)
DEPLOYED = [
    {
        "repository": "acme/web",
        "service": "web",
        "pipeline": "deploy",
        "environment": "production",
        "tags": ["v1", "eu"],
    },
    {
        "repository": "acme/web",
        "service": "web;Web-admin",
        "pipeline": "deploy",
        "environment": "Staging",
        "tags": None,
    },
    {"repository": "acme/api", "service": "api", "pipeline": None, "environment": "production", "tags": ["v2"]},
    {"repository": "acme/api", "service": None, "pipeline": "release", "environment": None, "tags": []},
]


@pytest.fixture(scope="module")
def filled(module_project: Project) -> Project:
    """A few rows of every table that settings look at."""
    pulls = [("main", ["wip", "Docs"]), ("main", None), ("release/1", ["docs"]), (None, []), ("dev", ["x"])]
    put(
        module_project,
        pull_requests=[
            {
                "repository": "acme/web",
                "number": n,
                "author": f"person-{n % 2}",
                "base_branch": branch,
                "labels": labels,
            }
            | {"created_at": AT, "merged_at": None if branch == "dev" else AT}
            for n, (branch, labels) in enumerate(pulls)
        ],
        commits=[
            {
                "repository": "acme/web",
                "sha": f"{n:040x}",
                "author_email": author,
                "authored_at": AT,
                "committed_at": AT,
            }
            for n, author in enumerate(("robo@example.org", "ada@example.org", "renovate[bot]"))
        ],
        pull_request_files=[
            {"repository": repository, "number": 1, "path": path}
            for repository, path in (
                *(("acme/web", "src/a.py"), ("acme/web", "vendor/x/b.py"), ("acme/web", "yarn.lock")),
                ("acme/api", "vendor/c.py"),
            )
        ],
        work_items=[
            {"project": "A", "key": f"A-{n}", "type": kind, "resolution": resolution, "labels": ["ops"] * n}
            | {"created_at": AT, "status": "Done"}
            for n, (kind, resolution) in enumerate((("Epic", "Done"), (" story", "Won't Do"), ("Incident", None)))
        ],
        releases=[{"repository": "acme/web", "tag": tag, "published_at": AT} for tag in ("v1.0", "web@2", "v2.0")],
        deployments=[
            {"deployment_id": f"d-{n}", "status": "success", "started_at": AT, "finished_at": AT, **row}
            for n, row in enumerate(DEPLOYED)
        ],
    )
    return module_project


@pytest.mark.parametrize(
    ("key", "text", "nouns", "total", "names"),
    [
        ("pull_requests.base_branches", "main", "merged pull requests", 4, {"main": 2, "": 1}),
        ("pull_requests.base_branches", "rel*, m?in", "merged pull requests", 4, {"main": 2, "": 1, "release/1": 1}),
        ("pull_requests.exclude_labels", "DOCS", "merged pull requests", 4, {"Docs": 1, "docs": 1}),
        ("deployments.branches", "release/*", "merged pull requests", 3, {"release/1": 1}),
        ("team.4.pull_requests.base_branches", "dev", "merged pull requests", 4, {"": 1}),
        ("code.exclude", "vendor/", "files", 4, {"vendor/c.py": 1, "vendor/x/b.py": 1}),
        ("repository.Acme/Web.code.exclude", "vendor/", "files of the repository", 3, {"vendor/x/b.py": 1}),
        ("service.web-ADMIN.paths", "src/", "files of its repositories", 3, {"src/a.py": 1}),
        ("service.nothing.paths", "src/", "files of its repositories", 0, {}),
        ("bots", "robo", "accounts", 5, {"renovate[bot]": 1, "robo@example.org": 1}),
        ("ai.agents", "person-1", "accounts", 5, {"person-1": 1}),
        ("work_items.exclude_types", "epic, Story", "work items", 3, {"Epic": 1, "story": 1}),
        ("work_items.not_done_resolutions", "Won't Do", "work items", 3, {"Won't Do": 1}),
        ("releases.tags", "v*", "releases", 3, {"v1.0": 1, "v2.0": 1}),
        ("team.4.service", "equals WEB-admin", "deployments", 4, {"web, Web-admin": 1}),
        ("team.4.environment", "not contains prod", "deployments", 4, {"": 1, "Staging": 1}),
        ("team.4.incident.label", "equals ops", "work items", 3, {"ops": 1, "ops, ops": 1}),
        ("team.4.work_type", "feature = Story; bug = Bug", "work items", 3, {"story": 1}),
    ],
)
def test_what_is_caught(filled: Project, key: str, text: str, nouns: str, total: int, names: dict[str, int]) -> None:
    caught = catch(filled, key, text)
    assert caught is not None
    assert (caught.nouns, caught.total, dict(caught.names)) == (nouns, total, names)
    assert (caught.caught, caught.different) == (sum(names.values()), len(names))


_VALUES = ("web", "acme", "production", "v", "prod", "api", "eu", "WEB")
PROPERTIES = ("repository", "service", "pipeline", "environment", "tag", "label")


def things(row: dict[str, Any], name: str) -> list[str | None]:
    if name in ("tag", "label"):
        return row["tags"] or []
    return [part.strip() for part in (row[name] or "").split(";")] if name == "service" and row[name] else [row[name]]


@settings(max_examples=60)
@given(
    st.sampled_from(PROPERTIES),
    st.lists(
        st.tuples(st.sampled_from(OPERATORS), st.lists(st.sampled_from(_VALUES), min_size=1, max_size=3)),
        min_size=1,
        max_size=2,
    ),
)
def test_filters_catch_what_they_hold_for(filled: Project, name: str, parts: list[tuple[str, list[str]]]) -> None:
    text = "; ".join(f"{operator} {', '.join(values)}" for operator, values in parts)
    caught = catch(filled, f"team.4.{name}", text)
    held = [row for row in DEPLOYED if all(one.holds(things(row, name)) for one in parse_filters(text))]
    assert isinstance(caught, Catch)
    assert (caught.caught, caught.total) == (len(held), len(DEPLOYED))


def test_of_many_names_a_few_are_told(filled: Project) -> None:
    rows = [{"repository": "acme/many", "number": 9, "path": f"lib/{n:02}.py"} for n in range(NAMED + 3)]
    put(filled, pull_request_files=rows)
    caught = catch(filled, "repository.acme/many.code.exclude", "lib/")
    assert caught is not None
    assert (caught.different, len(caught.names), caught.names[0]) == (NAMED + 3, NAMED, ("lib/00.py", 1))


@pytest.mark.parametrize(("key", "text"), [("timezone", "UTC"), ("bots", ""), ("team.4.integrations", "SCM = a")])
def test_what_names_nothing_catches_nothing(filled: Project, key: str, text: str) -> None:
    assert catch(filled, key, text) is None


def test_without_data_nothing_is_told(home: Home) -> None:
    assert catch(home.project(), "code.exclude", "vendor/") is None


@pytest.mark.parametrize(("key", "text"), [("code.exclude", "!x"), ("nothing", "x"), ("team.4.tag", "is v1")])
def test_what_cannot_be_is_refused(filled: Project, key: str, text: str) -> None:
    with pytest.raises(InvalidRequest):
        catch(filled, key, text)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadline.administration.catches.SECONDS", 0.0)


def test_what_takes_too_long_is_not_told(filled: Project, hurried: None) -> None:
    """The engine is stopped, whatever it is at."""
    assert catch(filled, "code.exclude", "vendor/, never-asked/") is None


def test_it_is_counted_anew_when_the_data_change(filled: Project) -> None:
    before, again = (catch(filled, "releases.tags", "w*") for _ in range(2))
    assert before is again is not None
    put(filled, releases=[{"repository": "acme/api", "tag": "web@3", "published_at": AT}])
    after = catch(filled, "releases.tags", "w*")
    assert after is not None
    assert (before.caught, after.caught) == (1, 2)
