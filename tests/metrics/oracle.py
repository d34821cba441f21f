"""The oracle: every productivity metric of metrics.md, computed the slow and obvious way from lists of dicts.

In come tables as lists of dicts (instants as aware datetimes, unknown as None or absent), HR rows, settings and a request;
out goes the table an export must show, as lists of cells (text, exact ``Fraction``, or None for empty). No SQL, no speed, no
leadline: whoever doubts a number reads the rule here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor

from .oracle_ai import AI_COLUMNS, AI_TEAM_ONLY, Marks, Usage, ai_metrics
from .oracle_events import Commit, PullRequest, PullRequests, WorkItem, World, completed_items, credited_commits
from .oracle_names import one_name
from .oracle_people import Accounts, team_of
from .oracle_trees import DeveloperRow, TeamRow, Trees, developer_rows, heads

Cell = str | Fraction | None
LEVEL_ONLY = {
    **dict.fromkeys(AI_TEAM_ONLY, "team"),
    "PR_Velocity": "team",
    "LOC_Total": "team",
    "LOC_Added": "developer",
    "LOC_Removed": "developer",
}
COLUMNS = (
    "Coding_Days",
    "PR_Cycle_Time_Days_Avg",
    "PR_Creation_Time_Days_Avg",
    "PR_First_Review_Time_Days_Avg",
    "PR_Approval_Time_Days_Avg",
    "PR_Merge_Time_Days_Avg",
    "PR_Velocity",
    "Avg_Time_To_Complete",
    "PR_Merged",
    "PR_Merged_Small",
    "PR_Merged_Medium",
    "PR_Merged_Large",
    "PR_Merged_Features",
    "PR_Merged_Bugs",
    "PR_Merged_Other",
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
    "LOC_New_Work",
    "New_Work_Percent",
    "LOC_Total",
    "PR_Missing_Tickets",
    "PR_Without_Review",
    "PR_Reverted_Percent",
    "Review_Comments_Per_PR_Avg",
    "Review_Time_To_First_Comment_Hrs_Avg",
)
COUNTS = (
    "PR_Merged",
    "PR_Merged_Small",
    "PR_Merged_Medium",
    "PR_Merged_Large",
    "PR_Merged_Features",
    "PR_Merged_Bugs",
    "PR_Merged_Other",
    "LOC_Added",
    "LOC_Removed",
    "Work_Completed",
    "Work_Features_Completed",
    "Work_Bugs_Completed",
    "Work_Other_Completed",
    "LOC_Refactored",
    "LOC_Refactored_Recent",
    "LOC_Refactored_Legacy",
    "LOC_New_Work",
    "LOC_Total",
    "PR_Missing_Tickets",
    "PR_Without_Review",
    "Total_Work_Items",
    "PR_Associations",
    "DF_Deployment_Count",
    "Total_Success",
    "Total_Failures",
    "Incident_Count",
    *("PR_AI_Assisted", "LOC_Added_AI", "AI_Active_Days", "AI_Lines_Suggested", "AI_Lines_Accepted", "AI_Licensed"),
    "PR_Merged_By_Agents",
    "Arrivals",
    "Throughput",
    "WIP_End",
    "Reopened",
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WORK_TYPES = {
    **dict.fromkeys(("story", "user story", "feature", "new feature", "enhancement", "improvement"), "feature"),
    **dict.fromkeys(("bug", "defect"), "bug"),
}


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


def work_type(of_type: str, rules: dict[str, str] | None) -> str:
    return (rules if rules is not None else WORK_TYPES).get(of_type, "other")


def work_type_of_all(types: Sequence[str], rules: dict[str, str] | None) -> str | None:
    """What a pull request with work items of these types is: a feature goes before a bug, a bug before anything else."""
    found = {work_type(one, rules) for one in types}
    return next((name for name in ("feature", "bug", "other") if name in found), None)


def metrics(
    world: World,
    commits: Sequence[Commit],
    requests: Sequence[PullRequest],
    items: Sequence[WorkItem],
    people: set[str],
    how: str,
    rules: Callable[[str | None, datetime], dict[str, str] | None],
) -> dict[str, Cell]:
    """Every metric of one row, over the events of that row's people and period."""
    days = {(one.developer, world.local_date(one.authored_at)) for one in commits}
    active = {one.developer for one in commits}
    small, medium = int(world.setting("pr_size.small")), int(world.setting("pr_size.medium"))
    sized = [one.size for one in requests if one.size is not None]
    types = [work_type(one.type, rules(one.developer, one.completed_at)) for one in items]
    request_types = [work_type_of_all(one.item_types, rules(one.developer, one.merged_at)) for one in requests]
    refactored, recent = sum(one.refactored for one in requests), sum(one.recent for one in requests)
    file_lines = sum(one.file_lines for one in requests)
    values: dict[str, Fraction | int | None] = {
        "Coding_Days": Fraction(len(days), len(active)) if active else None,
        "PR_Cycle_Time_Days_Avg": aggregate([one.cycle_days for one in requests], how),
        **{
            f"PR_{name}_Time_Days_Avg": aggregate([one.stages[name] for one in requests], how)
            for name in ("Creation", "First_Review", "Approval", "Merge")
        },
        "PR_Velocity": Fraction(len(requests), len(people)) if people else 0,
        "Avg_Time_To_Complete": aggregate([one.days for one in items], how),
        "PR_Merged": len(requests),
        "PR_Merged_Small": sum(size < small for size in sized),
        "PR_Merged_Medium": sum(small <= size < medium for size in sized),
        "PR_Merged_Large": sum(size >= max(small, medium) for size in sized),
        "PR_Merged_Features": request_types.count("feature"),
        "PR_Merged_Bugs": request_types.count("bug"),
        "PR_Merged_Other": request_types.count("other"),
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
        "LOC_New_Work": sum(one.new_work for one in requests),
        "New_Work_Percent": percent(sum(one.new_work for one in requests), file_lines),
        "LOC_Total": sum(one.lines for one in requests),
        "PR_Missing_Tickets": sum(not one.item_types for one in requests),
        "PR_Without_Review": sum(not one.reviewed for one in requests),
        "PR_Reverted_Percent": percent(sum(one.reverted for one in requests), len(requests)),
        "Review_Comments_Per_PR_Avg": aggregate([one.comments for one in requests], how),
        "Review_Time_To_First_Comment_Hrs_Avg": aggregate([one.first_comment_hours for one in requests], how),
    }
    return {name: None if value is None else Fraction(value) for name, value in values.items()}


# --- the export --------------------------------------------------------------------------------------------------------


@dataclass
class Request:
    """What is asked: dates inclusive, ``scope`` a path of the tree (None: all), ``metrics`` columns (empty: all).

    ``insight`` is ``productivity`` or ``efficiency`` (always of teams, by ``groups``, ``metrics`` or both). ``today`` is the day on
    which it is asked (None: after all days).
    """

    start: date
    end: date
    level: str = "developer"
    granularity: str = "monthly"
    aggregation: str = "mean"
    scope: str | None = None
    metrics: Sequence[str] = ()
    groups: Sequence[str] = ()
    insight: str = "productivity"
    today: date | None = None


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
    world = replace(world, tables=one_name(world.tables))
    accounts = Accounts(world.tables, world.everybody(), world.setting("bots"), world.setting("ai.agents"))
    commits, items = credited_commits(world, accounts), completed_items(world, accounts)
    marks, usage = Marks(world, accounts), Usage(world, accounts)
    trees = Trees(world, request.today)
    requests = PullRequests(world, accounts, trees.on).all()
    asked = {name.lower() for name in request.metrics}
    chosen = [
        column
        for column in (*COLUMNS, *AI_COLUMNS)
        if LEVEL_ONLY.get(column, request.level) == request.level
        and (column.lower() in asked if asked else column in COLUMNS)
    ]
    leading = ["Developer", "Email", "Team"] if request.level == "developer" else ["Team", "Team_Id"]
    header = ["Granularity", "Start_Date", "End_Date", *leading, "Team_Hierarchy"]
    last = ["Team_Id"] if request.level == "developer" else []

    dated = [
        [(world.local_date(one.authored_at), one) for one in commits],
        [(world.local_date(one.merged_at), one) for one in requests],
        [(world.local_date(one.completed_at), one) for one in items],
    ]

    def rules(developer: str | None, instant: datetime) -> dict[str, str] | None:
        """Those of the developer's primary team on that day."""
        one = trees.on(world.local_date(instant))
        return team_of(str(developer), one.tree, developer_rows(one)).rules

    def cells(row: TeamRow | DeveloperRow, first: date, last: date) -> list[Cell]:
        picked = [
            [one for day, one in events if first <= day <= last and one.developer in row.people(day)]
            for events in dated
        ]
        people = heads(row.people, first, last, request.today)
        values = metrics(world, *picked, people, request.aggregation, rules)
        values |= ai_metrics(marks, usage, picked[0], picked[1], row.people, people, first, last)
        if request.level == "developer" and values["Coding_Days"] is None:
            values["Coding_Days"] = Fraction(0)
        return [values[column] for column in chosen]

    found = (trees.teams if request.level == "team" else trees.developers)(request.scope, request.start, request.end)
    rows: list[list[Cell]] = []
    for label, first, until in periods(request.start, request.end, request.granularity):
        when: list[Cell] = [label, first.isoformat(), until.isoformat()]
        for row in found:
            place: list[Cell] = [safe(row.node.name), None, safe(row.node.path)]
            if isinstance(row, DeveloperRow):
                place = [safe(row.row["full_name"]), safe(row.email), place[0], place[2]]
            rows.append([*when, *place, *cells(row, first, until), *(None for _ in last)])
    return [*header, *(renamed(column, request.aggregation) for column in chosen), *last], rows
