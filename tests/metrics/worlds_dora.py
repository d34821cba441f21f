"""Made-up worlds for property tests of efficiency: small commit graphs, deployments of all sorts, rules that overlap.

A ``random.Random`` comes in, a ``DoraWorld`` goes out. Values are few, so that rules meet: short shas that two commits
share, deployments that finish at one instant, cherry-picks of what is deployed anyway, services of several repositories.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from .oracle import Request
from .oracle_events import World
from .oracle_people import nested
from .world import TREE
from .worlds import ZONES, paths_in
from .worlds_trees import later_nested
from .worlds_versions import versions

Rows = list[dict[str, Any]]
START, END = date(2026, 2, 16), date(2026, 3, 25)
ALL_GROUPS = ("lttc", "work_items", "lttc_items", "df", "cfr", "mttr", "rating")
REPOSITORIES = ("o/a", "o/b")
SERVICES = (None, "", "api", "web", "api;web", "web; jobs")
SERVICE_PATHS = ("a/x.py", "a/b/y.go", "b/x", "c", "d/c/z.py", "readme")
ENVIRONMENTS = (None, "prod", "prod", "prod", "eu-prod1", "Live", "staging", "canary", "not live")
RULES = {
    "repository": ("equals o/a", "not equals o/a", "ends with b, x"),
    "service": ("equals api", "not contains api", "contains w, j"),
    "pipeline": ("starts with deploy", "not equals test"),
    "environment": ("equals canary, staging", "contains prod", "not contains live; not equals staging"),
    "label": ("equals blue", "not equals blue"),
}
SOURCE_RULES = {
    "deployments.source": ("pipelines", "releases", "merges", "versions", "versions", "auto"),
    "deployments.branches": ("main", "release/*", "m*, release/?"),
    "deployments.labels": ("deploy", "Deploy, blue"),
    "releases.tags": ("v*", "*@*, 1.*"),
    "incidents.source": ("incidents", "work_items", "both"),
    "incident.type": ("equals bug", "equals bug, incident", "not equals task"),
    "incident.label": ("equals outage", "not contains noise"),
    "incident.priority": ("equals P1", "starts with p"),
    "incident.project": ("equals P", "equals OPS"),
}
TAGS = ("v1", "v2", "1.0.0", "v1.2.0-rc.1", "web@2.0.0", "1.0.0+build-5", "2026-02-20", "1.1-hotfix")
UNKNOWN = "9999000011112222"


@dataclass
class DoraWorld:
    """A world and the nested file of its tree."""

    world: World
    org: dict[str, Any]


class Maker:
    """Draws one world; every table is a method, so that each can be read alone."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.people = [f"p{number}@example.com" for number in range(6)]
        self.newcomers = ["n1@example.com", "n2@example.com"]
        self.org = self._org()
        self.later = later_nested(random, self.org, self.newcomers, START, END)
        self.serial = 0

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def maybe(self, value: Any, one_in: int = 4) -> Any:
        return None if self.chance(one_in) else value

    def instant(self) -> datetime:
        """A second in or near the range, from few that are often beside a midnight of one of the zones."""
        day = datetime(2026, 2, 14, tzinfo=UTC) + timedelta(days=self.random.randrange(42))
        edges = (0, 4 * 3600, 5 * 3600, 18 * 3600 + 1800, 12 * 3600)
        return day + timedelta(seconds=self.random.choice(edges) + self.random.choice((-1, 0, 0, 600)))

    def account(self) -> str:
        return self.random.choice([*self.people, *self.newcomers, "P0@Example.com", "guest"])

    def _org(self) -> dict[str, Any]:
        """Up to five teams in two levels, their names in order; people in any of them, some in several."""
        named = {"email": "", "full_name": ""}

        def node(name: str, key: str | None) -> dict[str, Any]:
            return {"name": name, "members": [], "children": [], **({"key": key} if key else {})}

        root = node(TREE, "root")
        nodes = [root]
        for letter in "ABC"[: self.random.randrange(1, 4)]:
            team = node(letter, f"key-{letter.lower()}")
            root["children"].append(team)
            nodes.append(team)
            for digit in "12"[: self.random.randrange(3) if letter != "B" else 0]:
                below = node(f"{letter}{digit}", f"key-{letter.lower()}{digit}")
                team["children"].append(below)
                nodes.append(below)
        for email in self.people:
            for place in self.random.sample(nodes, 1 if not self.chance(4) or len(nodes) < 3 else 2):
                place["members"].append({**named, "email": email, "full_name": email[:2].title()})
        self.keys = [one["key"] for one in nodes]
        return root

    # --- code -----------------------------------------------------------------------------------------------------------

    def commits(self) -> Rows:
        """A graph per repository: mostly a line, with roots, merges of up to three parents and unknown parents."""
        rows: Rows = []
        for repository in REPOSITORIES:
            shas: list[str] = []
            for number in range(self.random.randrange(16)):
                sha = f"{self.random.choice(('abcd', 'abcd', 'abce', '12ab'))}{number:04x}ffff"
                parents = self.random.sample(shas[-4:], min(len(shas), self.random.choice((0, 1, 1, 1, 1, 2, 3))))
                if self.chance(12):
                    parents.append(UNKNOWN)
                message = f"Change {number}"
                if self.chance(4):
                    picked = self.random.choice([*shas, UNKNOWN, UNKNOWN[::-1]])
                    message += f"\n\n(cherry picked from commit {picked})\nSigned-off-by: Somebody"
                if self.chance(5):
                    message += "\nfor P-1"
                rows.append(
                    {
                        "repository": repository,
                        "sha": sha,
                        "parents": " ".join(parents),
                        "authored_at": self.instant(),
                        "message": message,
                    }
                )
                shas.append(sha)
        return rows

    def pull_requests(self, commits: Rows) -> dict[str, Rows]:
        tables: dict[str, Rows] = {"pull_requests": [], "pull_request_commits": []}
        for number in range(self.random.randrange(5, 30)):
            repository = self.random.choice(REPOSITORIES)
            here = [row["sha"] for row in commits if row["repository"] == repository]
            created = self.instant()
            merged = self.maybe(created + timedelta(hours=self.random.randrange(-3, 200), seconds=number), 6)
            tables["pull_requests"].append(
                {
                    "repository": repository,
                    "number": number,
                    "author": self.account(),
                    "title": self.random.choice(("Fix", f"P-{number}", f"p-{number // 2} more", "P-3 and P-4", "xP-1")),
                    "state": "merged" if merged else self.random.choice(("open", "closed")),
                    "created_at": self.maybe(created, 12),
                    "ready_at": self.maybe(created + timedelta(hours=self.random.randrange(30)), 2),
                    "merged_at": merged,
                    "base_branch": self.random.choice(("main", "main", "main", "master", "release/1", "trunk", None)),
                    "labels": self.random.choice(
                        (None, [], ["deploy"], ["Deploy ", "blue"], ["v1"], ["wip"], [" SYNC"])
                    ),
                    "merge_commit_sha": self.maybe(self.random.choice([*here, *here, *here, UNKNOWN[::-1]]), 8),
                }
            )
            for sha in self.random.sample(here, min(len(here), self.random.randrange(4))):
                time = self.maybe(created - timedelta(hours=self.random.randrange(-5, 90)), 3)
                row = {"repository": repository, "number": number, "sha": sha, "authored_at": time}
                tables["pull_request_commits"].append(row)
        return tables

    def builds(self, commits: Rows, requests: Rows) -> Rows:
        shas = [(row["repository"], row["sha"]) for row in commits]
        merges = [(row["repository"], row["merge_commit_sha"]) for row in requests if row["merge_commit_sha"]]
        rows = []
        for number in range(self.random.randrange(14) if shas or merges else 0):
            repository, sha = self.random.choice([*shas, *merges, *merges, *merges])
            time = self.maybe(self.instant(), 4)
            status = self.random.choice(("success", "failure", None))
            rows.append(
                {"build_id": str(number), "repository": repository, "sha": sha, "status": status, "finished_at": time}
            )
        return rows

    # --- deployments and incidents --------------------------------------------------------------------------------------

    def sha(self, commits: Rows, repository: str | None) -> str | None:
        """What a run says it deploys: a sha whole, short, ambiguous or unknown, a tag, or nothing."""
        here = [row["sha"] for row in commits if row["repository"] == repository]
        if not here or self.chance(6):
            return self.random.choice((UNKNOWN, None, "v1", "v2", "v9", "abc"))
        whole = self.random.choice(here)
        return self.random.choice((whole, whole, whole, whole.upper(), whole[:8], whole[:4]))

    def deployments(self, commits: Rows) -> Rows:
        rows = []
        places = self.random.choice((REPOSITORIES, REPOSITORIES, ("o/b",), ("o/c",)))
        for number in range(self.random.randrange(5, 60)):
            repository = self.random.choice((*places, *places, *places, None))
            finished = self.instant()
            service = self.random.choice(SERVICES)
            if rows and self.chance(5):  # at the same instant as another one of its service
                repository, service = rows[-1]["repository"], rows[-1]["service"]
                finished = rows[-1]["finished_at"] or finished
            listed = [self.sha(commits, repository) for _ in range(self.random.choice((0, 0, 1, 3)))]
            rows.append(
                {
                    "deployment_id": f"d{self.random.randrange(100):02d}-{number}",
                    "repository": repository,
                    "service": service,
                    "environment": self.random.choice(ENVIRONMENTS),
                    "sha": self.sha(commits, repository),
                    "shas": [sha for sha in listed if sha] or None,
                    "pipeline": self.random.choice((None, "deploy-1", "test", "Deploy")),
                    "status": self.random.choice(
                        ("success",) * 7 + ("failure", "failure", "cancelled", "running", None)
                    ),
                    "rollback": self.random.choice((None, False, False, True)),
                    "started_at": self.maybe(finished - timedelta(minutes=9)),
                    "finished_at": self.maybe(finished, 15),
                    "tags": self.random.choice((None, [], ["blue"], ["v1"], ["green", "v2"], ["blue", "v9"])),
                }
            )
        return rows

    def releases(self, commits: Rows) -> Rows:
        rows = []
        for repository in REPOSITORIES:
            here = [row["sha"] for row in commits if row["repository"] == repository]
            for tag in TAGS:
                sha = self.random.choice([*here, *here, UNKNOWN, None])
                row = {"repository": repository, "tag": tag, "sha": sha, "published_at": self.maybe(self.instant(), 5)}
                row["prerelease"] = self.random.choice((None, False, False, True))
                rows += [] if self.chance(3) else [row]
        return rows

    def incidents(self, deployments: Rows) -> Rows:
        ids = [row["deployment_id"] for row in deployments]
        rows = []
        for number in range(self.random.randrange(14)):
            created = self.instant()
            rows.append(
                {
                    "incident_id": f"i{number}",
                    "service": self.random.choice((None, None, "", "api", "web", "mail")),
                    "repository": self.random.choice((None, None, *REPOSITORIES)),
                    "deployment_id": self.random.choice([None, None, "ghost", *ids[:4]]),
                    "created_at": self.maybe(created, 12),
                    "resolved_at": self.maybe(created + timedelta(minutes=self.random.randrange(-90, 9000)), 5),
                }
            )
        return rows

    # --- work -----------------------------------------------------------------------------------------------------------

    def work(self) -> dict[str, Rows]:
        tables: dict[str, Rows] = {"work_items": [], "work_item_changes": []}
        for number in range(self.random.choice((0, 0, 9, 18))):
            place = {"project": self.random.choice(("P", "P", "OPS")), "key": f"P-{number}"}
            created = self.instant()
            moment, category, assignee = created, "todo", self.maybe(self.account(), 6)
            for _ in range(self.random.randrange(5)):
                moment += timedelta(hours=self.random.randrange(1, 120))
                change = {**place, "changed_at": moment}
                if self.chance(4):
                    newer = self.account()
                    change |= {"field": "assignee", "from_value": assignee, "to_value": newer}
                    assignee = newer
                else:
                    newer = self.random.choice(
                        [one for one in ("todo", "in_progress", "done") if one != category or one == "done"]
                    )
                    change |= {"field": "status", "from_category": category, "to_category": newer}
                    category = newer
                tables["work_item_changes"].append(change)
            if self.chance(3):
                category = "done"
            completed = self.maybe(moment + timedelta(hours=self.random.choice((0, -30, 30))), 2)
            tables["work_items"].append(
                {
                    **place,
                    "assignee": assignee,
                    "status_category": category,
                    "type": self.random.choice(
                        (None, "Bug", "Incident", "Incident", "INCIDENT", " incident", "Incident report")
                    ),
                    "priority": self.random.choice((None, "P1", "p2", "Low")),
                    "labels": self.random.choice((None, [], ["outage"], ["Outage", "noisebox"])),
                    "resolution": self.random.choice((None, None, None, None, "Done", "Duplicate")),
                    "created_at": self.maybe(created, 10),
                    "started_at": self.maybe(created + timedelta(hours=self.random.randrange(-9, 90)), 2),
                    "completed_at": completed if category == "done" else None,
                }
            )
        return tables

    def files(self, commits: Rows, requests: Rows) -> dict[str, Rows]:
        """Files of some pull requests, and of some commits, a few of which moved."""
        tables: dict[str, Rows] = {"pull_request_files": [], "commit_files": []}
        for row in requests:
            if self.chance(2):
                place = {"repository": row["repository"], "number": row["number"]}
                paths = self.random.sample(SERVICE_PATHS, self.random.randrange(1, 3))
                tables["pull_request_files"] += [{**place, "path": path} for path in paths]
        for row in commits:
            if self.chance(2):
                place = {"repository": row["repository"], "sha": row["sha"]}
                paths = self.random.sample(SERVICE_PATHS, self.random.randrange(1, 3))
                old = self.maybe(self.random.choice(SERVICE_PATHS), 4)
                tables["commit_files"] += [{**place, "path": path, "old_path": old} for path in paths]
        return tables

    def spell(self, tables: dict[str, Rows]) -> None:
        """Names of repositories and services in other letter case here and there, and a repository that was renamed."""
        for row in [*tables["deployments"], *tables["builds"], *tables["incidents"]]:
            for column in ("repository", "service"):
                if row.get(column) and self.chance(6):
                    row[column] = self.random.choice((str.upper, str.title))(row[column])
        tables["repositories"] = [
            {"repository": repository, "default_branch": self.random.choice(("main", "trunk", None))}
            for repository in REPOSITORIES
        ]
        if self.chance(2):
            tables["repositories"] = [
                {**row, "former_names": ["O/Once"] if row["repository"] == "o/a" else None}
                for row in tables["repositories"]
            ]
            for table in ("pull_requests", "pull_request_commits", "pull_request_files", "builds"):
                for row in tables[table]:
                    if row["repository"] == "o/a" and row.get("number", 0) % 2:
                        row["repository"] = "o/once"
            for row in tables["deployments"]:
                if row["repository"] == "o/a" and self.chance(3):
                    row["repository"] = "o/once"

    def settings(self) -> dict[str, str]:
        found = {
            "timezone": self.random.choice(ZONES),
            "people.history": self.random.choice(("dated", "dated", "dated", "current")),
            "lead_time.unit": self.random.choice(("auto", "auto", "work_items", "pull_requests")),
            "lead_time.stages": self.random.choice(("planning,coding,review,build,deploy", "coding,deploy", "review")),
            "lead_time.work": self.random.choice(("completed", "completed", "deployed")),
            "lead_time.order": self.random.choice(("enforce", "exceptions")),
            "deployments.first_carries": self.random.choice(("false", "true")),
            "deployments.team_days": self.random.choice(("90", "7", "30")),
            "cfr.source": self.random.choice(("pipelines", "incidents")),
            "deployments.source": self.random.choice(("auto", "auto", "pipelines", "releases", "merges", "versions")),
            "deployments.branches": self.random.choice(("", "", "main, release/*")),
            "deployments.labels": self.random.choice(("", "", "deploy")),
            "releases.tags": self.random.choice(("", "", "v*, 1.*")),
            "incidents.source": self.random.choice(("both", "both", "incidents", "work_items")),
            "work_items.exclude_types": self.random.choice(("", "", "incident")),
        }
        for service in self.random.sample(("api", "Web", "jobs"), self.random.randrange(4)):
            found[f"service.{service}.paths"] = self.random.choice(("a/", "a/, b/x", "*.py, c", ""))
        for prefix in ("", *(f"team.{key}." for key in self.keys)):
            if self.chance(4):
                found[f"{prefix}pull_requests.base_branches"] = self.random.choice(("main", "main, rel*", ""))
            if self.chance(4):
                found[f"{prefix}pull_requests.exclude_labels"] = self.random.choice(("sync", "Sync, wip", ""))
        for key in self.keys:
            for rule in self.random.sample(sorted(RULES), self.random.choice((0, 0, 1, 2))):
                found[f"team.{key}.{rule}"] = self.random.choice(RULES[rule])
            for rule in self.random.sample(sorted(SOURCE_RULES), self.random.choice((0, 0, 0, 1, 2))):
                found[f"team.{key}.{rule}"] = self.random.choice(SOURCE_RULES[rule])
        return found


def dora_world(random: Random) -> DoraWorld:
    """A world of two repositories and some dozens of events."""
    maker = Maker(random)
    commits = maker.commits()
    tables = {"commits": commits, **maker.pull_requests(commits), **maker.work()}
    tables["builds"] = maker.builds(commits, tables["pull_requests"])
    tables["deployments"] = maker.deployments(commits)
    tables["releases"] = maker.releases(commits)
    tables["versions"] = versions(random, tables["work_items"], maker.instant)
    tables["incidents"] = maker.incidents(tables["deployments"])
    tables |= maker.files(commits, tables["pull_requests"])
    maker.spell(tables)
    developers = [{"email": email, "full_name": email[:2].title()} for email in maker.people]
    return DoraWorld(World(tables, nested(maker.org), developers, maker.settings(), maker.later), maker.org)


def dora_request(random: Random, of: World) -> Request:
    """A request for every efficiency metric, over the whole tree or a part of it."""
    return Request(
        START,
        END,
        level="team",
        granularity=random.choice(("weekly", "monthly", "quarterly")),
        aggregation=random.choice(("mean", "median", "p90", "p95")),
        scope=random.choice([None, None, *paths_in(of, START, END)]),
        groups=ALL_GROUPS,
        insight="efficiency",
    )
