"""The oracle: every productivity metric of metrics.md, computed the slow and obvious way from lists of dicts.

In come tables as lists of dicts (instants as aware datetimes, unknown as None or absent), HR rows, settings and a request;
out goes the table an export must show, as lists of cells (text, exact ``Fraction``, or None for empty). No SQL, no speed, no
leadline: whoever doubts a number reads the rule here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from .oracle_people import Accounts, Node, Row, Tables, team_of

Cell = str | Fraction | None
LEVEL_ONLY = {"PR_Velocity": "team", "LOC_Total": "team", "LOC_Added": "developer", "LOC_Removed": "developer"}
COLUMNS = (
    "Coding_Days",
    "PR_Cycle_Time_Days_Avg",
    "PR_Velocity",
    "Avg_Time_To_Complete",
    "PR_Merged",
    "PR_Merged_Small",
    "PR_Merged_Medium",
    "PR_Merged_Large",
    "LOC_Added",
    "LOC_Removed",
    "Work_Completed",
    "Work_Features_Completed",
    "Work_Bugs_Completed",
    "Work_Other_Completed",
    "LOC_Refactored",
    "LOC_Refactored_Recent",
    "LOC_Refactored_Legacy",
    "Rework_Percent",
    "Rework_Percent_Recent",
    "Rework_Percent_Legacy",
    "LOC_Total",
    "PR_Missing_Tickets",
    "Review_Comments_Per_PR_Avg",
    "Review_Time_To_First_Comment_Hrs_Avg",
)
COUNTS = (
    "PR_Merged",
    "PR_Merged_Small",
    "PR_Merged_Medium",
    "PR_Merged_Large",
    "LOC_Added",
    "LOC_Removed",
    "Work_Completed",
    "Work_Features_Completed",
    "Work_Bugs_Completed",
    "Work_Other_Completed",
    "LOC_Refactored",
    "LOC_Refactored_Recent",
    "LOC_Refactored_Legacy",
    "LOC_Total",
    "PR_Missing_Tickets",
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DEFAULTS = {
    "timezone": "UTC",
    "bots": "",
    "pr_size.small": "10",
    "pr_size.medium": "100",
    "rework.window_days": "30",
    "work_items.complete_from": "created",
}
WORK_TYPES = {
    **dict.fromkeys(("story", "user story", "feature", "new feature", "enhancement", "improvement"), "feature"),
    **dict.fromkeys(("bug", "defect"), "bug"),
}


@dataclass
class World:
    """All that an export is made of: tables, the org tree, its developers' rows and the settings that differ."""

    tables: Tables
    tree: Node
    developers: Sequence[Row]
    settings: dict[str, str] = field(default_factory=dict)

    def rows(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())

    def setting(self, key: str) -> str:
        return self.settings.get(key, DEFAULTS[key])

    def local_date(self, instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(self.setting("timezone"))).date()


@dataclass
class Commit:
    developer: str | None
    authored_at: datetime
    added: int
    removed: int


@dataclass
class PullRequest:
    developer: str | None
    merged_at: datetime
    cycle_days: Fraction | None
    size: int | None
    lines: int
    refactored: int
    recent: int
    file_lines: int
    linked: bool
    comments: int
    first_comment_hours: Fraction | None


@dataclass
class WorkItem:
    developer: str | None
    completed_at: datetime
    days: Fraction | None
    type: str


# --- commits -----------------------------------------------------------------------------------------------------------


def by_key(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in columns)].append(row)
    return groups


def parents(commit: Row) -> list[str]:
    return (commit.get("parents") or "").split()


def lines_of(row: Row, files: Sequence[Row], column: str) -> int:
    """Lines of a commit: as given, else the sum of its files'."""
    given = row.get(column)
    return sum(file.get(column) or 0 for file in files) if given is None else given


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
    for (_, _, developer, authored_at, added, removed), rows in copies.items():
        shas = {row["sha"] for row in rows}
        squashed = {sha for sha in shas if sha in squashes}
        # A rebase's last copy is a PR's merge commit too: the listed commit it copies is still credited.
        through = {sha for one in squashed for sha in squashes[one]}
        if shas - squashed if not squashed else (shas - squashed) & through:
            credited.append(Commit(developer, authored_at, added, removed))
    return credited


# --- pull requests -----------------------------------------------------------------------------------------------------


def non_negative(delta: timedelta, unit: timedelta) -> Fraction:
    return max(Fraction(delta // timedelta(microseconds=1), unit // timedelta(microseconds=1)), Fraction(0))


class PullRequests:
    """The merged PRs of a world, each with all that the metrics ask of it."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self.world, self.accounts = world, accounts
        key = ("repository", "number")
        self.listed = by_key(world.rows("pull_request_commits"), *key)
        self.files = by_key(world.rows("pull_request_files"), *key)
        self.comments = by_key(world.rows("comments"), *key)
        self.reviews = by_key(world.rows("reviews"), *key)
        self.commit = {(row["repository"], row["sha"]): row for row in world.rows("commits")}
        self.touches = by_key(world.rows("commit_files"), "repository", "path")
        self.mined = {row["repository"] for row in world.rows("commit_files")}

    def all(self) -> list[PullRequest]:
        return [self._one(row) for row in self.world.rows("pull_requests") if row.get("merged_at")]

    def _one(self, row: Row) -> PullRequest:
        key = (row["repository"], row["number"])
        first, files, size = self._first_commit(key), self.files[key], self._size(row)
        window = timedelta(days=int(self.world.setting("rework.window_days")))
        refactored = recent = 0
        for file in files:
            lines = min(file.get("additions") or 0, file.get("deletions") or 0)
            changed = self._last_change(row, file["path"], first)
            refactored += lines
            recent += lines if changed is not None and first is not None and changed >= first - window else 0
        opened = row.get("ready_at") or row.get("created_at")
        talk = [comment for comment in self.comments[key] if self._counts(row, comment)]
        verdicts = [review for review in self.reviews[key] if self._counts(row, review)]
        times = [one.get("created_at") for one in talk] + [one.get("submitted_at") for one in verdicts]
        earliest = min((time for time in times if time), default=None)
        return PullRequest(
            developer=self.accounts.developer("code", row.get("source"), row.get("author")),
            merged_at=row["merged_at"],
            cycle_days=non_negative(row["merged_at"] - first, timedelta(days=1)) if first else None,
            size=size,
            lines=size or 0,
            refactored=refactored,
            recent=recent,
            file_lines=sum((file.get("additions") or 0) + (file.get("deletions") or 0) for file in files),
            linked=bool(links(self.world, row)),
            comments=len(talk),
            first_comment_hours=non_negative(earliest - opened, timedelta(hours=1)) if earliest and opened else None,
        )

    def _first_commit(self, key: tuple[str, int]) -> datetime | None:
        times = []
        for row in self.listed[key]:
            known = self.commit.get((key[0], row["sha"]), {})
            times.append(row.get("authored_at") or known.get("authored_at"))
        return min((time for time in times if time), default=None)

    def _size(self, row: Row) -> int | None:
        if row.get("additions") is not None or row.get("deletions") is not None:
            return (row.get("additions") or 0) + (row.get("deletions") or 0)
        files = self.files[row["repository"], row["number"]]
        return sum((file.get("additions") or 0) + (file.get("deletions") or 0) for file in files) if files else None

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
        """Whether a comment or review is by a human other than the PR's author."""
        writer = remark.get("author")
        if not writer or self.accounts.bot("code", remark.get("source"), writer):
            return False
        mine = self.accounts.developer("code", request.get("source"), request.get("author"))
        theirs = self.accounts.developer("code", remark.get("source"), writer)
        same_person = mine is not None and mine == theirs
        return not same_person and writer.lower() != (request.get("author") or "").lower()


def links(world: World, request: Row) -> set[tuple[str, str]]:
    """(project, key) of the work items a PR names: whole words, any case, known items only."""
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
        if re.fullmatch(r"#?\d+", key):
            if item["project"] == repository and re.search(rf"(?<!\w)#{key.lstrip('#')}\b", text):
                found.add((item["project"], key))
        elif re.search(rf"\b{re.escape(key)}\b", text, re.IGNORECASE):
            found.add((item["project"], key))
    return found


# --- work items --------------------------------------------------------------------------------------------------------


def completed_items(world: World, accounts: Accounts) -> list[WorkItem]:
    changes = by_key(world.rows("work_item_changes"), "project", "key")
    items = []
    for row in world.rows("work_items"):
        history = sorted(changes[row["project"], row["key"]], key=lambda change: change["changed_at"])
        completed = row.get("completed_at") or last_done(row, history)
        if completed is None:
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
            )
        )
    return items


def last_done(row: Row, history: Sequence[Row]) -> datetime | None:
    """The last change to done, if the item is still done."""
    moves = [one for one in history if one.get("to_category")]
    still = row.get("status_category") or (moves[-1]["to_category"] if moves else None)
    done = [one["changed_at"] for one in moves if one["to_category"] == "done"]
    return max(done, default=None) if still == "done" else None


def assignee_at(row: Row, history: Sequence[Row], instant: datetime) -> str | None:
    moves = [one for one in history if one["field"].lower() == "assignee"]
    before = [one for one in moves if one["changed_at"] <= instant]
    if before:
        return before[-1].get("to_value")
    return moves[0].get("from_value") if moves else row.get("assignee")


# --- periods and aggregates --------------------------------------------------------------------------------------------


def periods(start: date, end: date, granularity: str) -> list[tuple[str, date, date]]:
    """(label, first day, last day) of the calendar periods, the first and last cut to the range."""
    labels: dict[str, list[date]] = {}
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        year, week, _ = day.isocalendar()
        label = {
            "daily": day.isoformat(),
            "weekly": f"{year}-W{week:02d}",
            "monthly": f"{MONTHS[day.month - 1]} {day.year}",
            "quarterly": f"Q{(day.month + 2) // 3} {day.year}",
        }[granularity]
        labels.setdefault(label, []).append(day)
    return [(label, days[0], days[-1]) for label, days in labels.items()]


def aggregate(values: Sequence[Fraction | int | None], how: str) -> Fraction | None:
    """Mean, or the percentile by Hyndman–Fan type 7, over the values there are; None over nothing."""
    known = sorted(Fraction(value) for value in values if value is not None)
    if not known:
        return None
    if how == "mean":
        return sum(known, Fraction(0)) / len(known)
    place = (len(known) - 1) * {"median": Fraction(1, 2), "p90": Fraction(9, 10), "p95": Fraction(19, 20)}[how]
    low = floor(place)
    high = min(low + 1, len(known) - 1)
    return known[low] + (place - low) * (known[high] - known[low])


def percent(part: int, whole: int) -> Fraction | None:
    return Fraction(part * 100, whole) if whole else None


def work_type(item: WorkItem, rules: dict[str, str] | None) -> str:
    return (rules if rules is not None else WORK_TYPES).get(item.type, "other")


def metrics(
    world: World,
    commits: Sequence[Commit],
    requests: Sequence[PullRequest],
    items: Sequence[WorkItem],
    people: set[str],
    how: str,
    rules: dict[str, str] | None,
) -> dict[str, Cell]:
    """Every metric of one row, over the events of that row's people and period."""
    days = {(one.developer, world.local_date(one.authored_at)) for one in commits}
    active = {one.developer for one in commits}
    small, medium = int(world.setting("pr_size.small")), int(world.setting("pr_size.medium"))
    sized = [one.size for one in requests if one.size is not None]
    types = [work_type(one, rules) for one in items]
    refactored, recent = sum(one.refactored for one in requests), sum(one.recent for one in requests)
    file_lines = sum(one.file_lines for one in requests)
    values: dict[str, Fraction | int | None] = {
        "Coding_Days": Fraction(len(days), len(active)) if active else None,
        "PR_Cycle_Time_Days_Avg": aggregate([one.cycle_days for one in requests], how),
        "PR_Velocity": Fraction(len(requests), len(people)) if people else 0,
        "Avg_Time_To_Complete": aggregate([one.days for one in items], how),
        "PR_Merged": len(requests),
        "PR_Merged_Small": sum(size < small for size in sized),
        "PR_Merged_Medium": sum(small <= size < medium for size in sized),
        "PR_Merged_Large": sum(size >= max(small, medium) for size in sized),
        "LOC_Added": sum(one.added for one in commits),
        "LOC_Removed": sum(one.removed for one in commits),
        "Work_Completed": len(items),
        "Work_Features_Completed": types.count("feature"),
        "Work_Bugs_Completed": types.count("bug"),
        "Work_Other_Completed": types.count("other"),
        "LOC_Refactored": refactored,
        "LOC_Refactored_Recent": recent,
        "LOC_Refactored_Legacy": refactored - recent,
        "Rework_Percent": percent(refactored, file_lines),
        "Rework_Percent_Recent": percent(recent, file_lines),
        "Rework_Percent_Legacy": percent(refactored - recent, file_lines),
        "LOC_Total": sum(one.lines for one in requests),
        "PR_Missing_Tickets": sum(not one.linked for one in requests),
        "Review_Comments_Per_PR_Avg": aggregate([one.comments for one in requests], how),
        "Review_Time_To_First_Comment_Hrs_Avg": aggregate([one.first_comment_hours for one in requests], how),
    }
    return {name: None if value is None else Fraction(value) for name, value in values.items()}


# --- the export --------------------------------------------------------------------------------------------------------


@dataclass
class Request:
    """What is asked: dates inclusive, ``scope`` a path of the tree (None: all), ``metrics`` columns (empty: all)."""

    start: date
    end: date
    level: str = "developer"
    granularity: str = "monthly"
    aggregation: str = "mean"
    scope: str | None = None
    metrics: Sequence[str] = ()


def renamed(column: str, how: str) -> str:
    """The column's name under an aggregation."""
    if how == "mean":
        return column
    word = {"median": "Median", "p90": "P90", "p95": "P95"}[how]
    if column == "Avg_Time_To_Complete":
        return f"{word}_Time_To_Complete"
    return re.sub("_Avg$", f"_{word}", column)


def safe(text: str) -> str:
    """Text a spreadsheet would run, neutralized (http-api.md, "CSV")."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def export(world: World, request: Request) -> tuple[list[str], list[list[Cell]]]:
    """Header and rows of the export; ``Team_Id`` is left empty, since ref ids are given out by leadline."""
    developers = {row["email"].lower(): row for row in world.developers}
    accounts = Accounts(world.tables, set(developers), world.setting("bots"))
    commits, items = credited_commits(world, accounts), completed_items(world, accounts)
    requests = PullRequests(world, accounts).all()
    scope = next(node for node in world.tree.preorder() if request.scope in (None, node.path))
    chosen = [
        column
        for column in COLUMNS
        if LEVEL_ONLY.get(column, request.level) == request.level
        and (not request.metrics or column.lower() in {name.lower() for name in request.metrics})
    ]
    leading = ["Developer", "Email", "Team"] if request.level == "developer" else ["Team", "Team_Id"]
    header = ["Granularity", "Start_Date", "End_Date", *leading, "Team_Hierarchy"]

    dated = [
        [(world.local_date(one.authored_at), one) for one in commits],
        [(world.local_date(one.merged_at), one) for one in requests],
        [(world.local_date(one.completed_at), one) for one in items],
    ]

    def cells(people: set[str], node: Node, first: date, last: date) -> list[Cell]:
        picked = [[one for day, one in events if first <= day <= last and one.developer in people] for events in dated]
        values = metrics(world, *picked, people, request.aggregation, node.rules)
        if request.level == "developer" and values["Coding_Days"] is None:
            values["Coding_Days"] = Fraction(0)
        return [values[column] for column in chosen]

    rows: list[list[Cell]] = []
    for label, first, last in periods(request.start, request.end, request.granularity):
        when: list[Cell] = [label, first.isoformat(), last.isoformat()]
        for node in scope.preorder():
            place = [safe(node.name), None, safe(node.path)]
            if request.level == "team":
                rows.append([*when, *place, *cells(node.people(), node, first, last)])
                continue
            for email in sorted(email for email in node.own if team_of(email, scope, developers) is node):
                who = [safe(developers[email]["full_name"]), safe(email), place[0], place[2]]
                rows.append([*when, *who, *cells({email}, node, first, last)])
    return [*header, *(renamed(column, request.aggregation) for column in chosen)], rows
