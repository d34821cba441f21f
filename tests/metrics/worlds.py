"""Made-up worlds for property tests: few people, few repositories and many collisions, drawn from a random source.

A ``random.Random`` (hypothesis hands one in and shrinks it) comes in, a ``World`` goes out. The values are chosen so that
rules meet: copies of commits, squashes, shared developers, accounts of nobody, instants on both sides of midnights.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from .oracle import Request
from .oracle_ai import AI_COLUMNS, AI_TEAM_ONLY
from .oracle_events import World
from .oracle_people import tree_of
from .oracle_trees import Trees
from .world import TREE
from .worlds_trees import later_lists

Rows = list[dict[str, Any]]
START, END = date(2026, 2, 16), date(2026, 4, 12)
REPOSITORIES = ("o/a", "o/b", "o/c")
PATHS = ("a.py", "b.py", "src/c.py", "d.bin", "src/gen/e.py", "web/yarn.lock")
EXCLUDED = ("", "src/", "gen, b.*", "**/gen/*, *.lock", "src/**, /?.py", "*.bin, go.sum", "src/*.py, web/**/yarn.lock")
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")
STRANGERS = ("guest", "build-bot", "dependabot[bot]", "Renovate", "ci-helper")
UNKNOWN = "nobody@elsewhere.test"
MARKS = (
    "Co-authored-by: Claude Opus 4.6 <noreply@anthropic.com>",
    "Co-Authored-By: Copilot <223556219+Copilot@users.noreply.github.com>",
    "Assisted-by: Claude",
    "🤖 Generated with [Claude Code](https://claude.com/claude-code)",
    "Co-authored-by: Claude <claude@example.org>",
    "with Claude Code and Copilot",
    "    Co-authored-by: Claude <noreply@anthropic.com>",
)
AGENTS = ("Copilot", "app/devin-ai-integration", "cursor[bot]")
TITLES = (
    "Fix",
    "P-1 fix",
    "p-2",
    "#3",
    "#4 and xP-1",
    "P-12",
    "fix_P-1_x",
    "P-2é",
    "x_#3",
    "1#4",
    "P-4, P-5",
    "p-6 P-7 P-1",
)
BRANCHES = ("main", "feature/P-2-x", "feature_P-2_x", "éP-1", None)


class Maker:
    """Draws one world; every table is a method, so that each can be read alone."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.developers = self._developers()
        self.newcomers = ["n1@example.com", "n2@example.com"]
        self.later = later_lists(random, TREE, self.developers, self.newcomers, START, END)
        self.people = [row["email"] for row in self.developers] + self.newcomers
        self.identities: Rows = []
        self.tool_accounts: Rows = []
        self.accounts = {email: self._accounts(email) for email in self.people}
        self.tool_accounts += [self._told("github", name) for name in STRANGERS if self.chance(3)]

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def instant(self) -> datetime:
        """A second in or near the range, often beside a midnight of one of the zones."""
        day = datetime(2026, 1, 10, tzinfo=UTC) + timedelta(days=self.random.randrange(100))
        edges = (0, 4 * 3600, 5 * 3600, 18 * 3600 + 1800, 9 * 3600, 13 * 3600, 16 * 3600)
        return day + timedelta(seconds=self.random.choice(edges) + self.random.choice((-1, 0, 1, 600)))

    def maybe(self, value: Any, one_in: int = 4) -> Any:
        """The value, or unknown once in a while."""
        return None if self.chance(one_in) else value

    def _developers(self) -> Rows:
        managers: list[str] = []
        rows: Rows = []
        for number in range(self.random.randrange(3, 9)):
            email = f"p{number}@example.com"
            above = self.random.choice(managers) if managers else ""
            manages = number < 3 and (number == 0 or self.chance(2))
            if not manages and len(managers) > 1 and self.chance(3):
                above = ";".join(self.random.sample(managers, 2))
            if number and manages and self.chance(4):
                above = ""
            team = self.random.choice(("", "Core", f"Team {number}"))
            rows.append({"email": email, "full_name": f"Person {number}", "manager_email": above, "team": team})
            if manages:
                managers.append(email)
        reporting = {manager for row in rows for manager in row["manager_email"].split(";")}
        if "p0@example.com" not in reporting:
            rows[-1]["manager_email"] = "p0@example.com"
        # Names are unique so that siblings have one order and paths are the names; a value that teams share would repeat one.
        for row in rows:
            above, _, others = row["manager_email"].partition(";")
            if row["email"] in reporting:
                row["team"] = f"Team of {row['full_name']}"
            elif others:
                row["team"] = ""
            elif row["team"] == "Core":
                row["team"] = f"Core of {above}"
        return rows

    def _accounts(self, email: str) -> list[str]:
        """How a person signs: the address, or an account mapped on GitHub, Jira and git, or told by some of these tools."""
        name = email.split("@", maxsplit=1)[0]
        if self.chance(3):
            return [email, email.upper()]
        account, signs = f"{name}-Dev", [email, f"{name}-dev", f"{name}-DEV"]
        self.tool_accounts += [self._told(tool, account, email) for tool in ("github", "jira") if self.chance(2)]
        if self.chance(3):
            return signs
        self.identities += [
            {"source": "github", "account": account, "email": email},
            {"source": "jira", "account": account.lower(), "email": email},
            {"source": "git", "account": f"{name}@home.test", "email": email},
        ]
        return signs

    def _told(self, tool: str, account: str, email: str = UNKNOWN) -> dict[str, Any]:
        """What a tool says of an account: the email, in some letter case, but now and then none or another's."""
        said = self.maybe(self.random.choice((email, email, email.title(), self.random.choice(self.people))), 6)
        return {
            "source": tool,
            "account": account,
            "email": said,
            "name": self.random.choice(self.developers)["full_name"],
        }

    def account(self, strangers: bool = True) -> str:
        if strangers and self.chance(5):
            return self.random.choice(STRANGERS)
        return self.random.choice(self.accounts[self.random.choice(self.people)])

    def signed(self, tool: str) -> dict[str, Any]:
        """An account with the tool it is of, where that is known. Strangers and plain addresses are of no tool."""
        account = self.account()
        return {"author": account, "source": self.maybe(tool, 2) if "-d" in account.lower() else None}

    def address(self) -> str:
        if self.chance(8):
            return UNKNOWN
        email = self.random.choice(self.people)
        mapped = len(self.accounts[email]) == 3
        name = email.split("@", maxsplit=1)[0]
        others = (f"{name}@home.test", f"1{email[1]}+{name}-dev@users.noreply.github.com") if mapped else ()
        return self.random.choice((email, email.title(), *others))

    def commits(self) -> tuple[Rows, Rows]:
        """Commits and their files. `o/c` is never mined for files."""
        commits: Rows = []
        files: Rows = []
        for number in range(self.random.randrange(1, 40)):
            lines = (self.random.randrange(6), self.random.randrange(4))
            row = {
                "repository": self.random.choice(REPOSITORIES),
                "sha": f"{number:08x}",
                "parents": self.random.choice(("p1", "p1", "p1", "p1 p2", "", None)),
                "author_email": self.address(),
                "authored_at": self.instant(),
                "message": self.random.choice(("work", "fix p-1", "P-2: more", "closes #3")),
                "additions": lines[0],
                "deletions": lines[1],
            }
            if commits and self.chance(4):  # a copy, as rebasing or cherry-picking makes
                same = ("repository", "author_email", "authored_at", "additions", "deletions")
                original = self.random.choice(commits)
                row |= {name: original[name] for name in same}
            mined = row["repository"] != "o/c"
            if mined and row["additions"] is not None and self.chance(3):
                row |= {"additions": None, "deletions": None}
            commits.append(row)
            for path in self.random.sample(PATHS, self.random.randrange(3)) if mined else ():
                binary = path.endswith(".bin")
                count = None if binary else self.random.randrange(5)
                place = {"repository": row["repository"], "sha": row["sha"], "path": path}
                excluded = self.random.choice((True, False, None, None))
                files.append({**place, "additions": count, "deletions": count, "excluded": excluded})
        return commits + self._forked(commits), files

    def _forked(self, commits: Rows) -> Rows:
        """Some commits a second time, under the name of a fork; they have no copies, and a date of their own."""
        dates = [row["authored_at"] for row in commits]
        alone = [row for row in commits if dates.count(row["authored_at"]) == 1 and row["additions"] is not None]
        return [
            {**row, "repository": self.random.choice(("n/fork", "z/fork"))}
            for row in self.random.sample(alone, len(alone) // 4)
        ]

    def pull_requests(self, commits: Rows) -> dict[str, Rows]:
        tables: dict[str, Rows] = {"pull_requests": [], "pull_request_commits": [], "pull_request_files": []}
        for serial in range(self.random.randrange(1, 25)):
            number, repository = serial // 3, REPOSITORIES[serial % 3]
            key = {"repository": repository, "number": number}
            here = [row for row in commits if row["repository"] == repository]
            files = self._files(key)
            size = sum((row["additions"] or 0) + (row["deletions"] or 0) for row in files)
            given = self.maybe({"additions": size, "deletions": 0} if files else {"additions": 60, "deletions": 45})
            created = self.instant()
            merged = self.maybe(created + timedelta(hours=self.random.randrange(-3, 300)))
            tables["pull_requests"].append(
                {
                    **key,
                    **self.signed("github"),
                    "state": "merged" if merged else "open",
                    "created_at": self.maybe(created, 10),
                    "ready_at": self.maybe(created + timedelta(hours=self.random.randrange(50)), 2),
                    "merged_at": merged,
                    "merge_commit_sha": self.maybe(self.random.choice([*(row["sha"] for row in here), "feedbeef"]), 3),
                    "title": self.random.choice(TITLES),
                    "head_branch": self.random.choice(BRANCHES),
                    **(given or {}),
                }
            )
            listed = self.random.sample(here, min(len(here), self.random.randrange(4)))
            for row in [*listed, *([{"sha": f"dead{serial:04d}"}] if self.chance(4) else [])]:
                seen = {"sha": row["sha"], "author": self.maybe(self.account(), 2)}
                time = self.maybe(row.get("authored_at") or self.instant(), 3)
                tables["pull_request_commits"].append({**key, **seen, "authored_at": time})
            tables["pull_request_files"] += files
        return tables

    def deleted_lines(self, touched: Rows, tables: dict[str, Rows], commits: Rows) -> Rows:
        """What commits and merges deleted in files of pull requests: as much as those, or less, or more; older lines and newer
        ones, some of which one of the pull request's own commits had written."""
        rows: dict[tuple[str, ...], dict[str, Any]] = {}
        for file in touched:
            own = [
                row
                for name in ("pull_requests", "pull_request_commits")
                for row in tables[name]
                if (row["repository"], row["number"]) == (file["repository"], file["number"])
            ]
            shas = [sha for row in own if (sha := row.get("sha") or row.get("merge_commit_sha"))]
            others = [row["sha"] for row in commits if row["repository"] == file["repository"]]
            for sha in self.random.sample(shas, self.random.randrange(len(shas) + 1)):
                origins = [*others, *shas, "01d"]
                for origin in self.random.sample(origins, self.random.randrange(1, min(4, len(origins) + 1))):
                    key = {"repository": file["repository"], "sha": sha, "path": file["path"], "origin": origin}
                    lines = self.random.choice((self.random.randrange(1, 30), file["deletions"] or 1))
                    rows[tuple(key.values())] = {**key, "changed_at": self.maybe(self.instant(), 8), "lines": lines}
        return list(rows.values())

    def reverts(self, commits: Rows, tables: dict[str, Rows]) -> None:
        """Bodies of pull requests and messages of commits that say what they revert, rightly or not."""
        for row in [*tables["pull_requests"], *commits]:
            if self.chance(2):
                same = [one for one in tables["pull_requests"] if one["repository"] == row["repository"]]
                targets = same if same and not self.chance(6) else tables["pull_requests"]
                row["message" if "message" in row else "body"] = self._revert(self.random.choice(targets), tables)

    def _revert(self, target: dict[str, Any], tables: dict[str, Rows]) -> str:
        """What a revert of ``target`` says: one of its commits, in full or in part, or its number."""
        place, number = target["repository"], target["number"]
        listed = [
            row["sha"]
            for row in tables["pull_request_commits"]
            if (row["repository"], row["number"]) == (place, number)
        ]
        sha = self.random.choice([target["merge_commit_sha"] or "feedbeef", *listed])
        return self.random.choice(
            (
                f"Oops\n\nThis reverts commit {sha}.",
                f"THIS REVERTS\nCOMMIT {sha.upper()}, reversing\nchanges made to 00000001.",
                f"This reverts commit {sha[:7]}.\nThis reverts commit 00000002 (work).",
                f"This reverts commit {sha[:6]}. This reverts commit {sha}0",
                f"Reverts #{number}",
                f"reverts {place.upper()}#{number} and reverts #0",
                f"Reverts o/x#{number}, unreverts #{number}, reverts commit {sha}",
                f"Revert it\n\nThis reverts merge request !{number}",
            )
        )

    def _files(self, key: dict[str, Any]) -> Rows:
        rows = []
        for path in self.random.sample(PATHS, self.random.randrange(4)):
            binary = path.endswith(".bin")
            lines = {name: None if binary else self.random.randrange(60) for name in ("additions", "deletions")}
            rows.append({**key, "path": path, **lines})
        return rows

    def agents(self, requests: Rows, commits: Rows) -> None:
        """Some pull requests are an AI agent's, with or without what tells who asked for it."""
        for row in requests:
            if not self.chance(3):
                continue
            row |= {"author": self.random.choice(AGENTS), "source": self.maybe("github", 2)}
            row["assignees"] = self.maybe(
                [row["author"], *(self.account() for _ in range(self.random.randrange(3)))], 2
            )
            row["merged_by"] = self.maybe(self.account(), 3)
        for row in commits:
            if self.chance(2):
                names = [self.random.choice((*self.people, "P1@Home.test", UNKNOWN)) for _ in range(2)]
                row["message"] += "\n\n" + "\n".join(f"Co-authored-by: Somebody <{name}>" for name in names)

    def talk(self, requests: Rows) -> dict[str, Rows]:
        tables: dict[str, Rows] = {"comments": [], "reviews": []}
        for number in range(self.random.randrange(120)):
            request = self.random.choice(requests)
            opened = request["ready_at"] or request["created_at"] or self.instant()
            time = self.maybe(opened + timedelta(minutes=self.random.randrange(-500, 9000)), 10)
            row = {"repository": request["repository"], "number": request["number"]}
            writer = self.maybe(self.random.choice((self.account(), request["author"])), 10)
            if self.chance(2):
                verdict = {
                    "state": self.random.choice(("approved", "approved", "commented", "changes_requested", None))
                }
                tables["reviews"].append(
                    {**row, "review_id": str(number), "author": writer, "submitted_at": time, **verdict}
                )
            else:
                tables["comments"].append({**row, "comment_id": str(number), "author": writer, "created_at": time})
        return tables

    def work(self) -> dict[str, Rows]:
        tables: dict[str, Rows] = {"work_items": [], "work_item_changes": []}
        for number in range(self.random.randrange(1, 15)):
            project, key = ("o/a", self.random.choice(("#3", "4"))) if number == 3 else ("P", f"P-{number}")
            place = {"project": project, "key": key}
            moment = self.instant() - timedelta(days=10)
            created, assignee, category = self.maybe(moment, 10), self.maybe(self.account(), 8), "todo"
            for _ in range(self.random.randrange(5)):
                moment += timedelta(hours=self.random.randrange(1, 200))
                change = {**place, "changed_at": moment}
                if self.chance(3):
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
            completed = self.maybe(moment + timedelta(hours=self.random.choice((0, -30, 30))), 2)
            tables["work_items"].append(
                {
                    **place,
                    "type": self.random.choice(("Story", "bug", "Task", "NEW FEATURE", "Defects", None)),
                    "assignee": assignee,
                    "status_category": category,
                    "created_at": created,
                    "started_at": self.maybe(moment - timedelta(hours=20), 2),
                    "completed_at": completed if category == "done" else None,
                }
            )
        return tables

    def marks(self, tables: dict[str, Rows]) -> None:
        """What AI tools left behind: trailers and footers, accounts, lines told, and what looks like it."""
        for row in tables["commits"]:
            if self.chance(3):
                row["message"] += "\n\n" + self.random.choice(MARKS)
            if self.chance(8):
                row["committer_email"] = self.random.choice(
                    ("noreply@anthropic.com", "noreply@github.com", "p1@example.com")
                )
        for row in tables["pull_requests"]:
            if self.chance(6):
                row["body"] = (row.get("body") or "") + "\n\n" + self.random.choice(MARKS)
        told = self.random.sample(tables["commits"], len(tables["commits"]) // 4)
        tables["commit_ai"] = [
            {
                "repository": row["repository"],
                "sha": row["sha"],
                "tool": self.random.choice((None, "claude", "acme")),
                "lines_ai": self.random.choice((None, 0, 1, 3, 100)),
            }
            for row in told
        ]

    def usage(self) -> Rows:
        """Days of use of some tools, from some day on to another."""
        first = date(2026, 2, 1) + timedelta(days=self.random.randrange(40))
        keys = {
            (tool, (first + timedelta(days=self.random.randrange(30))).isoformat(), self.account(), model)
            for tool in ("copilot", "claude-code", "cursor")
            for model in ("a", "b", None)
            for _ in range(self.random.randrange(8))
        }
        reported = ("sessions", "suggestions", "acceptances", "lines_suggested", "lines_accepted", "cost")
        return [
            {
                **dict(zip(("tool", "day", "account", "model"), key, strict=True)),
                "source": "github" if "-d" in key[2].lower() else None,
                "email": self.maybe(self.random.choice(self.people), 2),
                "active": self.random.choice((True, False, None)),
                "licensed": self.random.choice((True, False, None)),
                "currency": self.random.choice(("USD", "eur", None)),
                **{name: self.maybe(self.random.randrange(4), 3) for name in reported},
            }
            for key in sorted(keys, key=str)
        ]


def world(random: Random) -> World:
    """A world of a few people and some dozens of events."""
    maker = Maker(random)
    commits, files = maker.commits()
    tables = {"commits": commits, "commit_files": files, **maker.pull_requests(commits)}
    maker.reverts(commits, tables)
    tables |= maker.talk(tables["pull_requests"]) | maker.work()
    tables |= {"identities": maker.identities, "tool_accounts": maker.tool_accounts}
    settings = {
        "timezone": random.choice(ZONES),
        "rework.window_days": random.choice(("7", "30")),
        "work_items.complete_from": random.choice(("created", "started")),
        "people.history": random.choice(("dated", "dated", "dated", "current")),
        "bots": random.choice(("", "CI-helper")),
        "ai.agent_prs": random.choice(("requester", "requester", "merger", "nobody")),
    }
    if random.randrange(3):
        settings["code.exclude"] = random.choice(EXCLUDED)
    for repository in random.sample(REPOSITORIES, random.randrange(3)):
        spelled = random.choice((repository, repository.upper()))
        settings[f"repository.{spelled}.code.exclude"] = random.choice(("", *EXCLUDED))
    maker.agents(tables["pull_requests"], commits)
    maker.marks(tables)
    tables["ai_usage"] = maker.usage()
    tables["deleted_lines"] = maker.deleted_lines(tables["pull_request_files"], tables, commits)
    settings["rework.method"] = random.choice(("file", "line"))
    return World(tables, tree_of(TREE, maker.developers), maker.developers, settings, maker.later)


def request(random: Random, level: str, of: World) -> Request:
    """A request for every metric of the level, over the whole tree or a part of it."""
    return Request(
        START,
        END,
        level=level,
        granularity=random.choice(("daily", "weekly", "monthly", "quarterly")),
        aggregation=random.choice(("mean", "median", "p90", "p95")),
        scope=random.choice([None, *paths_in(of, START, END)]),
    )


def ai_request(random: Random, level: str, of: World) -> Request:
    """A request for every metric of AI tools."""
    metrics = [name for name in AI_COLUMNS if level == "team" or name not in AI_TEAM_ONLY]
    return replace(request(random, level, of), metrics=metrics)


def paths_in(world: World, start: date, end: date) -> list[str]:
    """The paths of all teams that may be asked for between two days."""
    if world.setting("people.history") == "current":
        return [node.path for node in world.trees()[-1].tree.preorder()]
    return list(dict.fromkeys(node.path for one in Trees(world).within(start, end) for node in one.tree.preorder()))
