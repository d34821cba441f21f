"""The oracle's events: credited commits, merged pull requests and completed work items, found the slow and obvious way.

In comes a ``World``: tables as lists of dicts (instants as aware datetimes, unknown as None or absent), HR rows and settings.
Out go its events, each with all that the metrics of ``oracle`` ask of it. No SQL, no speed, no leadline.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from .oracle_people import Accounts, Node, Row, Tables, team_of

DEFAULTS = {
    "timezone": "UTC",
    "people.history": "dated",
    "bots": "",
    "code.exclude": "package-lock.json, yarn.lock, pnpm-lock.yaml, Cargo.lock, poetry.lock, uv.lock, Pipfile.lock, "
    "composer.lock, Gemfile.lock, go.sum, npm-shrinkwrap.json, bun.lockb, packages.lock.json, gradle.lockfile, mix.lock, "
    "pubspec.lock, Podfile.lock, flake.lock",
    "ai.agents": "",
    "ai.agent_prs": "requester",
    "ai.currency": "USD",
    "pr_size.small": "10",
    "pr_size.medium": "100",
    "rework.window_days": "30",
    "rework.method": "file",
    "work_items.complete_from": "created",
    "pull_requests.base_branches": "",
    "pull_requests.exclude_labels": "",
    "work_items.exclude_types": "",
    "work_items.not_done_resolutions": "Won't Do, Won't Fix, Duplicate, Cannot Reproduce, Declined, Rejected, Invalid, "
    "Obsolete, Incomplete, Not a Bug",
    "flow.wait_statuses": "wait, waiting, blocked, hold, ready, queue, queued, pending",
    "lead_time.unit": "auto",
    "lead_time.stages": "planning,coding,review,build,deploy",
    "lead_time.work": "completed",
    "lead_time.order": "enforce",
    "deployments.source": "auto",
    "deployments.branches": "",
    "deployments.labels": "",
    "releases.tags": "",
    "incidents.source": "both",
    "deployments.first_carries": "false",
    "deployments.team_days": "90",
    "cfr.source": "pipelines",
    "ratings.lead_time.elite": "1",
    "ratings.lead_time.high": "7",
    "ratings.lead_time.medium": "30",
    "ratings.deployment_frequency.elite": "1",
    "ratings.deployment_frequency.high": "1/7",
    "ratings.deployment_frequency.medium": "1/30",
    "ratings.change_failure_rate.elite": "15",
    "ratings.change_failure_rate.high": "20",
    "ratings.change_failure_rate.medium": "30",
    "ratings.time_to_restore.elite": "1/24",
    "ratings.time_to_restore.high": "1",
    "ratings.time_to_restore.medium": "7",
}


@dataclass
class InForce:
    """A tree with its developers' rows, in force from a day (None: from the beginning) until the next one is. ``document`` is the
    nested file that says so, if it is none of rows."""

    start: date | None
    tree: Node
    developers: Sequence[Row]
    document: dict[str, Any] | None = None


@dataclass
class World:
    """All that an export is made of: tables, the org tree, its developers' rows, the settings that differ, and trees of ``later``
    days, in the order in which they were loaded."""

    tables: Tables
    tree: Node
    developers: Sequence[Row]
    settings: dict[str, str] = field(default_factory=dict)
    later: Sequence[InForce] = ()

    def trees(self) -> list[InForce]:
        """In the order of their days; of one day the last one holds."""
        return sorted([InForce(None, self.tree, self.developers), *self.later], key=lambda one: one.start or date.min)

    def everybody(self) -> set[str]:
        """All who are in any tree, ever: who left is who it was."""
        return {row["email"].lower() for one in self.trees() for row in one.developers}

    def rows(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())

    def setting(self, key: str) -> str:
        return self.settings.get(key, DEFAULTS[key])

    def own(self, scope: str, name: str, rule: str) -> str | None:
        """What is set for one repository or service, whose name is compared in any letter case."""
        wanted = f"{scope}.{name}.{rule}".lower()
        return next((text for key, text in self.settings.items() if key.lower() == wanted), None)

    def names_of(self, repository: str) -> list[str]:
        """Its name and those that it had."""
        names = [repository]
        for name in names:
            for row in self.rows("repositories"):
                if row["repository"].lower() == name.lower():
                    names += [old for old in row.get("former_names") or [] if old not in names]
        return names

    def local_date(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.setting("timezone"))).date()


@dataclass
class Commit:
    developer: str | None
    authored_at: datetime
    added: int
    removed: int
    row: Row


@dataclass
class PullRequest:
    developer: str | None
    merged_at: datetime
    cycle_days: Fraction | None
    size: int | None
    lines: int
    refactored: int
    recent: int
    new_work: int
    file_lines: int
    item_types: Sequence[str]
    comments: int
    first_comment_hours: Fraction | None
    reviewed: bool
    stages: dict[str, Fraction | None]
    reverted: bool
    row: Row


@dataclass
class WorkItem:
    developer: str | None
    completed_at: datetime
    days: Fraction | None
    type: str
    row: Row


# --- commits -----------------------------------------------------------------------------------------------------------


def by_key(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in columns)].append(row)
    return groups


def parents(commit: Row) -> list[str]:
    return (commit.get("parents") or "").split()


def lines_of(row: Row, files: Sequence[Row], column: str) -> int:
    """Lines of a commit or PR: as given, else the sum of its files'."""
    given = row.get(column)
    return sum(file.get(column) or 0 for file in files) if given is None else given


def counts(world: World, file: Row) -> bool:
    """Whether the lines of a file count: `.gitattributes` do not mark it, and no glob of `code.exclude` names it or a folder that
    it lies in."""
    if file.get("excluded"):
        return False
    own = [world.own("repository", name, "code.exclude") for name in world.names_of(file["repository"])]
    globs = next((text for text in own if text is not None), world.setting("code.exclude"))
    return not is_named(file["path"], globs)


def is_named(path: str, globs: str) -> bool:
    parts = path.split("/")
    several = [part.strip() for part in globs.split(",") if part.strip()]
    return any(names_path(glob, parts[:-1] if glob.endswith("/") else parts) for glob in several)


def names_path(glob: str, parts: list[str]) -> bool:
    *folders, name = glob.rstrip("/").split("/")
    if not folders:
        return any(fnmatchcase(part, name) for part in parts)
    wanted = [folder for folder in folders if folder] + [name]
    return any(along(wanted, parts[:depth]) for depth in range(1, len(parts) + 1))


def along(globs: list[str], parts: list[str]) -> bool:
    """Whether the parts of a path are, one by one, what the globs stand for; `**` is any folders, at the end all in one."""
    if not globs or globs == ["**"]:
        return not parts if not globs else bool(parts)
    if globs[0] == "**":
        return any(along(globs[1:], parts[skipped:]) for skipped in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], globs[0]) and along(globs[1:], parts[1:])


def counted_lines(world: World, row: Row, files: Sequence[Row], column: str) -> int:
    """Lines of a commit or PR in files that count."""
    left_out = sum(file.get(column) or 0 for file in files if not counts(world, file))
    return max(lines_of(row, files, column) - left_out, 0)


def uncredited_squashes(world: World) -> dict[str, set[str]]:
    """Single-parent merge commits of PRs that are credited through listed commits: sha → those commits.

    Where the parents are unknown it is a squash or a merge commit, neither of which is credited. A fork that holds the
    squash too does not make it one to credit: a sha in several repositories is one commit.
    """
    known = {(row["repository"], row["sha"]): row for row in world.rows("commits")}
    listed = by_key(world.rows("pull_request_commits"), "repository", "number")
    found: dict[str, set[str]] = defaultdict(set)
    for request in world.rows("pull_requests"):
        key = (request["repository"], request.get("merge_commit_sha"))
        shas = {row["sha"] for row in listed[request["repository"], request["number"]]}
        present = {sha for sha in shas if (request["repository"], sha) in known}
        if key in known and len(parents(known[key])) < 2 and key[1] not in shas and present:
            found[key[1]] |= present
    return found


def with_their_files(
    copies: dict[tuple[Any, ...], list[Row]], files: dict[tuple[Any, ...], list[Row]]
) -> Iterable[tuple[tuple[Any, ...], list[Row]]]:
    """Commits that look alike, taken apart by the paths that they touched; one without known files goes with the first."""
    for key, rows in copies.items():
        paths = [sorted(file["path"] for file in files[row["repository"], row["sha"]]) for row in rows]
        first = min(("\n".join(own) for own in paths if own), default="")
        groups: dict[str, list[Row]] = defaultdict(list)
        for row, own in zip(rows, paths, strict=True):
            groups["\n".join(own) or first].append(row)
        yield from ((key, group) for group in groups.values())


def earliest_committed(row: Row) -> tuple[Any, ...]:
    """The order of copies; one whose time is unknown comes last."""
    time = row.get("committed_at")
    return (False, time, row["sha"]) if time else (True, row["sha"])


def credited_commits(world: World, accounts: Accounts) -> list[Commit]:
    squashes = uncredited_squashes(world)
    files = by_key(world.rows("commit_files"), "repository", "sha")
    first_repository: dict[str, str] = {}
    for row in world.rows("commits"):
        first_repository[row["sha"]] = min(row["repository"], first_repository.get(row["sha"], row["repository"]))
    copies: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in world.rows("commits"):
        if len(parents(row)) > 1 or first_repository[row["sha"]] != row["repository"] or not row.get("authored_at"):
            continue
        own = files[row["repository"], row["sha"]]
        added, removed = lines_of(row, own, "additions"), lines_of(row, own, "deletions")
        developer = accounts.developer("git", row.get("source"), row.get("author_email"))
        address = (row.get("author_email") or "").lower()
        copies[row["repository"], developer or address, developer, row["authored_at"], added, removed].append(row)
    credited = []
    for (_, _, developer, authored_at, _, _), rows in with_their_files(copies, files):
        shas = {row["sha"] for row in rows}
        squashed = {sha for sha in shas if sha in squashes}
        # A rebase's last copy is a PR's merge commit too: the listed commit it copies is still credited.
        through = {sha for one in squashed for sha in squashes[one]}
        candidates = (shas - squashed) & through if squashed else shas
        if candidates:
            # Which one it is matters where the same lines are spread otherwise over files that count and others.
            one = min((row for row in rows if row["sha"] in candidates), key=earliest_committed)
            own = files[one["repository"], one["sha"]]
            lines = (counted_lines(world, one, own, column) for column in ("additions", "deletions"))
            credited.append(Commit(developer, authored_at, *lines, one))
    return credited


# --- pull requests -----------------------------------------------------------------------------------------------------


def non_negative(delta: timedelta, unit: timedelta) -> Fraction:
    return max(Fraction(delta // timedelta(microseconds=1), unit // timedelta(microseconds=1)), Fraction(0))


def excluded_paths(world: World) -> dict[tuple[str, int], set[str]]:
    """Per PR the paths that one of its own commits, the merge commit among them, has as excluded."""
    marked = by_key((file for file in world.rows("commit_files") if file.get("excluded")), "repository", "sha")
    own = [(row["repository"], row["number"], row["sha"]) for row in world.rows("pull_request_commits")]
    own += [(row["repository"], row["number"], row.get("merge_commit_sha")) for row in world.rows("pull_requests")]
    paths: dict[tuple[str, int], set[str]] = defaultdict(set)
    for repository, number, sha in own:
        paths[repository, number].update(file["path"] for file in marked.get((repository, sha), ()))
    return paths


class PullRequests:
    """The merged PRs of a world, each with all that the metrics ask of it."""

    def __init__(self, world: World, accounts: Accounts, on: Callable[[date], InForce] | None = None) -> None:
        """``on`` gives the tree of a day (default: by the days of the world's trees)."""
        self.world, self.accounts = world, accounts
        self.on = on or (lambda day: [one for one in world.trees() if (one.start or date.min) <= day][-1])
        key = ("repository", "number")
        self.listed = by_key(world.rows("pull_request_commits"), *key)
        excluded = excluded_paths(world)
        files = [
            {**row, "excluded": row["path"] in excluded[row["repository"], row["number"]]}
            for row in world.rows("pull_request_files")
        ]
        self.files = by_key(files, *key)
        self.comments = by_key(world.rows("comments"), *key)
        self.reviews = by_key(world.rows("reviews"), *key)
        self.commit = {(row["repository"], row["sha"]): row for row in world.rows("commits")}
        self.touches = by_key(world.rows("commit_files"), "repository", "path")
        self.mined = {row["repository"] for row in world.rows("commit_files")}
        self.reverted = reverted(world)

    def all(self) -> list[PullRequest]:
        merged = [row for row in self.world.rows("pull_requests") if row.get("merged_at")]
        return [self._one(row) for row in merged if not self.is_left_out(row)]

    def is_left_out(self, row: Row) -> bool:
        """By what is in force on the day of its merge."""
        return is_left_out(self.world, row, self.owner(row), self.on(self.world.local_date(row["merged_at"])))

    def _one(self, row: Row) -> PullRequest:
        key = (row["repository"], row["number"])
        first, files, size = self.first_commit(key), self.files[key], self._size(row)
        window = timedelta(days=int(self.world.setting("rework.window_days")))
        refactored = recent = new_work = 0
        by_line = self.world.setting("rework.method") == "line"
        for file in (file for file in files if counts(self.world, file)):
            lines = min(file.get("additions") or 0, file.get("deletions") or 0)
            refactored += lines
            new_work += max((file.get("additions") or 0) - (file.get("deletions") or 0), 0)
            if by_line:
                recent += self._recent_lines(row, file, lines, None if first is None else first - window)
                continue
            changed = self._last_change(row, file["path"], first)
            recent += lines if changed is not None and first is not None and changed >= first - window else 0
        opened = row.get("ready_at") or row.get("created_at")
        talk = [comment for comment in self.comments[key] if self._counts(row, comment)]
        verdicts = [review for review in self.reviews[key] if self._counts(row, review)]
        times = [one.get("created_at") for one in talk] + [one.get("submitted_at") for one in verdicts]
        earliest = self._first_in_time(row, times)
        approved = self._first_in_time(
            row, [one.get("submitted_at") for one in verdicts if one.get("state") == "approved"]
        )
        return PullRequest(
            developer=self.owner(row),
            merged_at=row["merged_at"],
            cycle_days=non_negative(row["merged_at"] - first, timedelta(days=1)) if first else None,
            size=size,
            lines=size or 0,
            refactored=refactored,
            recent=recent,
            new_work=new_work,
            file_lines=sum(
                (file.get("additions") or 0) + (file.get("deletions") or 0)
                for file in files
                if counts(self.world, file)
            ),
            item_types=self._types(row),
            comments=len(talk),
            first_comment_hours=non_negative(earliest - opened, timedelta(hours=1)) if earliest and opened else None,
            reviewed=earliest is not None,
            stages={
                name: non_negative(end - start, timedelta(days=1)) if start and end else None
                for name, start, end in (
                    ("Creation", first, opened),
                    ("First_Review", opened, earliest),
                    ("Approval", earliest, approved),
                    ("Merge", approved, row["merged_at"]),
                )
            },
            reverted=key in self.reverted,
            row=row,
        )

    def _first_in_time(self, row: Row, times: Iterable[datetime | None]) -> datetime | None:
        """The first of these when the PR was ready, as far as that is known, and not merged yet."""
        opened = row.get("ready_at") or row.get("created_at")
        return min((time for time in times if time and (opened or time) <= time <= row["merged_at"]), default=None)

    def _types(self, row: Row) -> list[str]:
        """The types of the work items it is linked to, in lower case."""
        known = {
            (item["project"], item["key"]): (item.get("type") or "").lower() for item in self.world.rows("work_items")
        }
        return [known[key] for key in links(self.world, row)]

    def owner(self, row: Row) -> str | None:
        """Whose a PR is: its author's, or whoever's an AI agent's is."""
        author = row.get("author")
        if not author or not self.accounts.agent("code", row.get("source"), author):
            return self.accounts.developer("code", row.get("source"), author)
        how = self.world.setting("ai.agent_prs")
        candidates = []
        if how == "requester":
            candidates += [("code", row.get("source"), account.strip()) for account in row.get("assignees") or []]
            candidates += self._co_authors((row["repository"], row["number"]))
        if how != "nobody":
            candidates.append(("code", row.get("source"), row.get("merged_by")))
        owners = [self.accounts.developer(*candidate) for candidate in candidates]
        return next((owner for owner in owners if owner), None)

    def _co_authors(self, key: tuple[str, int]) -> list[tuple[str, str | None, str]]:
        """The addresses in the trailers of a PR's listed commits, the earliest commit first."""
        dated = []
        for row in self.listed[key]:
            commit = self.commit.get((key[0], row["sha"]))
            if commit is not None:
                when = row.get("authored_at") or commit.get("authored_at")
                dated.append((when is None, when and when.timestamp(), row["sha"], commit))
        found = []
        for *_, commit in sorted(dated, key=lambda one: one[:3]):
            lines = (commit.get("message") or "").split("\n")
            trailers = [re.match(r"[ \t]*co-authored-by:[^<]*<([^<>]+)>", line, re.IGNORECASE) for line in lines]
            found += [("git", commit.get("source"), trailer[1].strip()) for trailer in trailers if trailer]
        return found

    def first_commit(self, key: tuple[str, int]) -> datetime | None:
        times = []
        for row in self.listed[key]:
            known = self.commit.get((key[0], row["sha"]), {})
            times.append(row.get("authored_at") or known.get("authored_at"))
        return min((time for time in times if time), default=None)

    def _size(self, row: Row) -> int | None:
        files = self.files[row["repository"], row["number"]]
        if not files and row.get("additions") is None and row.get("deletions") is None:
            return None
        return sum(counted_lines(self.world, row, files, column) for column in ("additions", "deletions"))

    def _recent_lines(self, row: Row, file: Row, reworked: int, since: datetime | None) -> int:
        """Of the lines reworked in a file, those whose code changed at ``since`` or later, as the `line` method sees it."""
        if since is None or not reworked:
            return 0
        deleted = [
            one
            for one in self.world.rows("deleted_lines")
            if (one["repository"], one["path"]) == (row["repository"], file["path"])
        ]
        listed = {one["sha"] for one in self.listed[row["repository"], row["number"]]}
        own = {*listed, row.get("merge_commit_sha")}
        of_merge = [one for one in deleted if one["sha"] == row.get("merge_commit_sha")]
        of_commits = [one for one in deleted if one["sha"] in listed and one["origin"] not in own]
        complete = sum(one["lines"] for one in of_merge) >= file["deletions"]
        chosen = of_merge if complete or not of_commits else of_commits
        recent = sum(one["lines"] for one in chosen if one["changed_at"] and one["changed_at"] >= since)
        known = max(sum(one["lines"] for one in chosen), file["deletions"])
        return int(Fraction(reworked * recent, known) + Fraction(1, 2))

    def _last_change(self, row: Row, path: str, first: datetime | None) -> datetime | None:
        """When the path last changed before the PR's first commit, as the `file` method sees it."""
        repository = row["repository"]
        if first is None:
            return None
        if repository in self.mined:
            own = {one["sha"] for one in self.listed[repository, row["number"]]} | {row.get("merge_commit_sha")}
            commits = [self.commit.get((repository, one["sha"]), {}) for one in self.touches[repository, path]]
            times = [c.get("authored_at") for c in commits if c and c["sha"] not in own and len(parents(c)) < 2]
        else:
            others = [one for one in self.world.rows("pull_requests") if one["repository"] == repository]
            times = [
                one.get("merged_at")
                for one in others
                if one["number"] != row["number"]
                and any(file["path"] == path for file in self.files[repository, one["number"]])
            ]
        return max((time for time in times if time and time < first), default=None)

    def _counts(self, request: Row, remark: Row) -> bool:
        """Whether a comment or review is by a human other than the PR's author and whose it is."""
        writer = remark.get("author")
        if not writer or writer.lower() == "ghost" or self.accounts.bot("code", remark.get("source"), writer):
            return False
        mine = self.owner(request)
        theirs = self.accounts.developer("code", remark.get("source"), writer)
        same_person = mine is not None and mine == theirs
        return not same_person and writer.lower() != (request.get("author") or "").lower()


def of_team(world: World, one: InForce, developer: str | None, key: str) -> str:
    """A setting as the developer's primary team in a tree has it: its own, else the nearest ancestor's, else the tree's or the
    project's."""
    found = world.setting(key)
    above: list[Node] = [one.tree]
    if developer is None or not any(name.startswith("team.") and name.endswith(f".{key}") for name in world.settings):
        return found
    if not any(developer in node.own for node in one.tree.preorder()):
        return found
    home = team_of(developer, one.tree, {row["email"].lower(): row for row in one.developers})
    while True:
        node = above[-1]
        found = world.settings.get(f"team.{node.key}.{key}", found)
        if node is home:
            return found
        above.append(next(child for child in node.children if home in child.preorder()))


def is_left_out(world: World, row: Row, developer: str | None, one: InForce) -> bool:
    """Whether a PR is left out by the branch that it was for, or by a label, as its developer's team has it in the tree of the day
    of its merge."""
    branches, labels = (
        [part.strip() for part in of_team(world, one, developer, f"pull_requests.{name}").split(",") if part.strip()]
        for name in ("base_branches", "exclude_labels")
    )
    branch = row.get("base_branch")
    own = {label.strip().lower() for label in row.get("labels") or []}
    elsewhere = branches and branch is not None and not any(fnmatchcase(branch, glob) for glob in branches)
    return bool(elsewhere) or bool(own & {label.lower() for label in labels})


def links(world: World, request: Row) -> set[tuple[str, str]]:
    """(project, key) of the work items a PR names: any case, no letter or digit beside the key, known items only."""
    repository = request["repository"]
    shas = {
        row["sha"]
        for row in world.rows("pull_request_commits")
        if (row["repository"], row["number"]) == (repository, request["number"])
    } | {request.get("merge_commit_sha")}
    messages = [
        row.get("message") for row in world.rows("commits") if row["repository"] == repository and row["sha"] in shas
    ]
    texts = [request.get("head_branch"), request.get("title"), request.get("body"), *messages]
    text = "\n".join(part for part in texts if part)
    found = set()
    for item in world.rows("work_items"):
        key = item["key"]
        numbered = re.fullmatch(r"#?(\d+)", key)
        names = {repository.lower(), repository.lower().rpartition("/")[2]}
        if numbered and item["project"].lower() not in names:
            continue
        written = [f"#{numbered[1]}" if numbered else re.escape(key)]
        written += [re.escape(old) for old in item.get("former_keys") or []]
        if any(re.search(rf"(?<![^\W_]){one}(?![^\W_])", text, re.IGNORECASE) for one in written):
            found.add((item["project"], key))
    return found


def reverted(world: World) -> set[tuple[str, int]]:
    """(repository, number) of the merged PRs that a PR of their repository, merged later, says it reverts."""
    pulls = world.rows("pull_requests")
    merged = [row for row in pulls if row.get("merged_at")]
    shas = {(row["repository"], row["number"]): {(row.get("merge_commit_sha") or "").lower()} for row in pulls}
    for row in world.rows("pull_request_commits"):
        shas.get((row["repository"], row["number"]), set()).add(row["sha"].lower())
    known: dict[str, set[str]] = defaultdict(set)
    for row in world.rows("commits"):
        known[row["repository"]].add(row["sha"].lower())
    for (repository, _), own in shas.items():
        known[repository] |= own
    found = set()
    for later in merged:
        repository, body = later["repository"], (later.get("body") or "").lower()
        own = shas[repository, later["number"]]
        messages = [
            row["message"].lower()
            for row in world.rows("commits")
            if row["repository"] == repository and row["sha"].lower() in own and row.get("message")
        ]
        text = "\n".join([body, *messages])
        names = set(re.findall(r"\bthis\s+reverts\s+commit\s+([0-9a-f]{7,64})\b", text, re.ASCII))
        numbers = {int(one) for one in re.findall(r"\bthis\s+reverts\s+merge\s+request\s+!(\d+)\b", body, re.ASCII)}
        for place, number in re.findall(r"\breverts\s+([\w./-]*)#(\d+)\b", body, re.ASCII):
            if place in ("", repository.lower()):
                numbers.add(int(number))
        for earlier in merged:
            key = (earlier["repository"], earlier["number"])
            if key[0] != repository or not earlier["merged_at"] < later["merged_at"]:
                continue
            if key[1] in numbers or any(named(name, known[repository]) in shas[key] for name in names):
                found.add(key)
    return found


def named(name: str, known: set[str]) -> str | None:
    """The known sha that ``name`` is, or that alone begins so."""
    begins = {sha for sha in known if sha.startswith(name)}
    return name if name in begins else begins.pop() if len(begins) == 1 else None


# --- work items --------------------------------------------------------------------------------------------------------


def completed_items(world: World, accounts: Accounts) -> list[WorkItem]:
    changes = by_key(world.rows("work_item_changes"), "project", "key")
    items = []
    for row in world.rows("work_items"):
        history = sorted(changes[row["project"], row["key"]], key=lambda change: change["changed_at"])
        completed = row.get("completed_at") or last_done(row, history)
        if completed is None or left_out(world, row):
            continue
        begun = row.get("created_at")
        if world.setting("work_items.complete_from") == "started":
            moves = [one["changed_at"] for one in history if one.get("to_category") == "in_progress"]
            begun = row.get("started_at") or min(moves, default=None)
        items.append(
            WorkItem(
                developer=accounts.developer("work", row.get("source"), assignee_at(row, history, completed)),
                completed_at=completed,
                days=non_negative(completed - begun, timedelta(days=1)) if begun else None,
                type=(row.get("type") or "").lower(),
                row=row,
            )
        )
    return items


def left_out(world: World, row: Row) -> bool:
    """Whether an item is no completed work, by its type or by how it was resolved."""
    return any(
        (row.get(column) or "").strip().lower()
        in {name.strip().lower() for name in world.setting(key).split(",")} - {""}
        for column, key in (("type", "work_items.exclude_types"), ("resolution", "work_items.not_done_resolutions"))
    )


def last_done(row: Row, history: Sequence[Row]) -> datetime | None:
    """The last change into done from what is not, if the item is still done."""
    moves = [one for one in history if one.get("to_category")]
    still = row.get("status_category") or (moves[-1]["to_category"] if moves else None)
    done = [one["changed_at"] for one in moves if one["to_category"] == "done" != one.get("from_category")]
    return max(done, default=None) if still == "done" else None


def assignee_at(row: Row, history: Sequence[Row], instant: datetime) -> str | None:
    moves = [one for one in history if one["field"].lower() == "assignee"]
    before = [one for one in moves if one["changed_at"] <= instant]
    if before:
        return before[-1].get("to_value")
    return moves[0].get("from_value") if moves else row.get("assignee")
