"""A served organization of several teams, and keys that see more or less of it: what the tests of access ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from api.people import LIST, send, upload
from api.serving import (
    BUSINESS_EXPORTS,
    EFFICIENCY_EXPORTS,
    EXPORTS,
    FACTS_EXPORTS,
    FLOW_EXPORTS,
    SPRINT_EXPORTS,
    TICKET_EXPORTS,
    Answer,
    Client,
    put,
    serving,
)
from leadline import people
from leadline.access import UNLIMITED, Access
from leadline.agents.http import install as install_mcp
from leadline.db import keys, saved_views, settings
from leadline.home import Home, Project
from leadline.page.install import install
from leadline.people import load_org

ENGINEERING = """email,full_name,manager_email,team,Pager
ada@example.org,Ada Arnold,,,1
ben@example.org,Ben Brookfield,ada@example.org,Platform,2
cyd@example.org,Cyd Cranebrook,ben@example.org,Platform,3
Dee@example.org,Dee Doylesson,ben@example.org,Platform,4
eve@example.org,Eve Ekholm,ada@example.org,Webshop,5
fay@example.org,Fay Frosthill,eve@example.org,Webshop,6
gus@example.org,Gus Graywood,eve@example.org,,7
hal@example.org,Hal Huntington,gus@example.org,,8
"""
OPERATIONS = """email,full_name,manager_email,team
olaf@example.org,Olaf Orrington,,
pia@example.org,Pia Pondwater,olaf@example.org,Night
"""
PEOPLE = ("ada", "ben", "cyd", "dee", "eve", "fay", "gus", "hal", "olaf", "pia")
NAMES = (
    "Ada Arnold",
    "Ben Brookfield",
    "Cyd Cranebrook",
    "Dee Doylesson",
    "Eve Ekholm",
    "Fay Frosthill",
    "Gus Graywood",
    "Hal Huntington",
)
NAMES_OF_OTHERS = ("Olaf Orrington", "Pia Pondwater")
SURNAMES = [name.split()[1] for name in (*NAMES, *NAMES_OF_OTHERS)]
ASKER = "Zoe Zimmermann"
"""What the key is called that an admin asks with: the name of a person."""
BEGUN = datetime(2025, 1, 10, 12, tzinfo=UTC)

DATES = {"start": "2025-01-01", "end": "2025-12-31"}


def activity(repository: str, first: int, *emails: str) -> dict[str, list[dict[str, Any]]]:
    """Twelve pull requests of ``emails`` in turn, each deployed the next day, the last of them with an incident."""
    rows: dict[str, list[dict[str, Any]]] = {"pull_requests": [], "commits": [], "deployments": [], "incidents": []}
    for number in range(12):
        at = BEGUN + timedelta(days=30 * number)
        who, sha = emails[number % len(emails)], f"{first + number:040x}"
        rows["pull_requests"].append(
            {"repository": repository, "number": number, "author": who, "created_at": at, "merged_at": at}
            | {"state": "merged", "merge_commit_sha": sha}
        )
        rows["commits"].append(
            {"repository": repository, "sha": sha, "author_email": who, "authored_at": at, "committed_at": at}
        )
        rows["deployments"].append(
            {"deployment_id": f"{repository}-{number}", "repository": repository, "environment": "production"}
            | {"sha": sha, "status": "success", "started_at": at, "finished_at": at + timedelta(days=1)}
        )
    resolved = BEGUN + timedelta(days=340)
    incident = {"incident_id": f"INC-{first}", "repository": repository, "created_at": resolved - timedelta(hours=3)}
    rows["incidents"].append({**incident, "resolved_at": resolved})
    return rows


def fill(project: Project, folder: Path) -> None:
    """Two trees, and what the people of three teams did, each in a repository of their own."""
    for name, text in (("Engineering", ENGINEERING), ("Nightwatch", OPERATIONS)):
        path = folder / f"{name}.csv"
        path.write_text(text)
        load_org(project, path, name, now=datetime(2025, 1, 1, tzinfo=UTC))
    tables: dict[str, list[dict[str, Any]]] = {}
    for first, (repository, emails) in enumerate(
        (
            ("org/platform", ("cyd@example.org", "dee@example.org")),
            ("org/web", ("fay@example.org", "hal@example.org")),
            ("org/night", ("pia@example.org",)),
        )
    ):
        for table, rows in activity(repository, 1000 * (first + 1), *emails).items():
            tables.setdefault(table, []).extend(rows)
    put(project, **tables)


def teams_of(project: Project) -> dict[str, int]:
    """Ref ids of all teams by name."""
    trees = [people.tree(project, known.name) for known in people.trees(project)]
    return {node.name: node.ref_id for tree in trees for node in tree.nodes}


OF_TEAMS = (EFFICIENCY_EXPORTS, FLOW_EXPORTS, SPRINT_EXPORTS, TICKET_EXPORTS)
"""Exports whose rows are teams alone."""


@dataclass
class Limited:
    """A project of ``fill`` on a server, with a viewer's key of each kind of access."""

    base: str
    project: Project
    keys: dict[str, str]
    teams: dict[str, int]
    trees: dict[str, int]
    version: str = ""
    webhook: str = ""
    schedule: str = ""
    views: list[str] = field(default_factory=list)
    """Views of the page that an admin saved."""
    exports: dict[tuple[str, str], str] = field(default_factory=dict)
    """The exports of an admin by path and what they are of."""

    def call(
        self, key: str, method: str, address: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request with the key for an access; downloads are plain."""
        client = Client(self.base, self.keys[key])
        extra = {"Accept-Encoding": "identity", **(headers or {})}
        if body is None:
            return client.send(method, address, headers=extra)
        return send(client, method, address, body, **extra)

    def create(self, key: str, path: str, scope: Mapping[str, Any], level: str = "team") -> Answer:
        """Create an export."""
        return self.call(key, "POST", f"{path}?{self.here}", self.body(path, scope, level))

    def rows(self, key: str, path: str, scope: Mapping[str, Any], level: str = "team") -> list[str]:
        """The lines of a completed export's file."""
        created = self.create(key, path, scope, level)
        assert created.status in (200, 202), created.body
        export = created.json["exportId"]
        Client(self.base, self.keys[key], path).wait_for(export)
        lines: list[str] = self.call(key, "GET", f"{path}/{export}/download").body.decode().splitlines()
        return lines

    @property
    def here(self) -> str:
        """The query that names the project."""
        return f"orgIdentifier={self.project.organization}&projectIdentifier={self.project.name}"

    @staticmethod
    def body(path: str, scope: Mapping[str, Any], level: str) -> dict[str, Any]:
        """What is sent to create an export."""
        if path == EFFICIENCY_EXPORTS:
            about: dict[str, Any] = {"metricGroups": ["summary"], "options": {"granularity": "QUARTERLY"}}
        elif path == FACTS_EXPORTS:
            about = {"fact": "pull-requests" if level == "developer" else "deployments"}
        elif path == BUSINESS_EXPORTS:
            about = {"options": {"metricLevel": level, "granularity": "QUARTERLY"}}
        else:
            about = {"options": {"aggregationLevel": level, "granularity": "quarterly"}}
        return {"scope": dict(scope), "dateRange": DATES, **about}


def report_body(section: str, **team: Any) -> dict[str, Any]:
    """What is sent for a report."""
    return {"dateStart": DATES["start"], "dateEnd": DATES["end"], section: {"metrics": []}, **team}


def accesses(project: Project) -> dict[str, tuple[str, Access]]:
    """Role and access of each kind of key."""
    teams = teams_of(project)
    platform, operations = teams["Platform"], teams["Nightwatch"]
    return {
        "admin": ("admin", UNLIMITED),
        "unlimited": ("viewer", UNLIMITED),
        "team": ("viewer", Access(frozenset([platform]))),
        "several": ("viewer", Access(frozenset([platform, operations]))),
        "no developers": ("viewer", Access(None, developers=False)),
        "team rows": ("viewer", Access(frozenset([platform]), developers=False)),
    }


def _furnished(served: Limited) -> Limited:
    scopes: dict[str, dict[str, Any]] = {
        "whole": {"orgTreeName": "Engineering"},
        "operations": {"orgTreeName": "Nightwatch"},
        "platform": {"teamId": str(served.teams["Platform"])},
        "web": {"teamId": str(served.teams["Webshop"])},
    }
    for name, scope in scopes.items():
        of_people = product((EXPORTS, FACTS_EXPORTS, BUSINESS_EXPORTS), ("developer", "team"))
        for path, level in (*of_people, *((path, "team") for path in OF_TEAMS)):
            created = served.create("admin", path, scope, level)
            assert created.status == 202, created.body
            served.exports[path, f"{name} {level}"] = created.json["exportId"]
            Client(served.base, served.keys["admin"], path).wait_for(created.json["exportId"])
    admin = Client(served.base, served.keys["admin"])
    served.version = upload(admin, LIST, "PUT", "/v2/developers?orgTreeName=Engineering").json["versionId"]
    hook = {"url": "https://127.0.0.1/never", "events": ["data.late"]}
    served.webhook = _made(served, "/v2/webhooks", hook)["id"]
    schedule = {
        "name": "monthly",
        "export": "productivity",
        "request": {"scope": scopes["whole"], "dateRange": {"period": "previous_month"}},
        "at": {"cron": "0 6 1 * *"},
    }
    served.schedule = _made(served, "/v2/schedules", schedule)["id"]
    served.views = list(_saved(served))
    return served


def _made(served: Limited, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    made = served.call("admin", "POST", f"{path}?{served.here}", body)
    assert made.status == 201, made.body
    answered: dict[str, Any] = made.json
    return answered


@contextmanager
def limited_project(folder: Path) -> Iterator[tuple[Limited, Limited]]:
    """A project that shows names and one that hides them, with the same data, on one server."""
    with Home.open(folder / "home") as home:
        projects = [home.project(), home.project("veiled", "names", create=True)]
        for project in projects:
            fill(project, folder)
        settings.put(home.db, projects[1].id, {"developers.names": "hidden"})
        with serving(home, faces=[install, install_mcp]) as served:
            yield _served(served.base, projects[0]), _served(served.base, projects[1])


def _served(base: str, project: Project) -> Limited:
    now = datetime.now(UTC)
    made = {
        name: keys.create(
            *(project.db, project.id, ASKER if name == "admin" else name, role), now=now, access=access
        ).key
        for name, (role, access) in accesses(project).items()
    }
    trees = {known.name: known.id for known in people.trees(project)}
    return _furnished(Limited(base, project, made, teams_of(project), trees))


def _saved(served: Limited) -> Iterator[str]:
    """Of each team a view of all and one of a person."""
    project, now = served.project, datetime.now(UTC)
    for name, email in (
        ("Platform", "cyd@example.org"),
        ("Platform", "fay@example.org"),
        ("Webshop", "fay@example.org"),
    ):
        for who in ("", f"&developer={email}", f"&fact=effort&whose={email}"):
            address = f"/facts?team={served.teams[name]}{who}"
            title = f"{name} {len(who)} {email[0]}"
            view = saved_views.save(
                *(project.db, project.id),
                name=title,
                address=address,
                team=served.teams[name],
                who=("x", ASKER),
                now=now,
            )
            yield view.id
