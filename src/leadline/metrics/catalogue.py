"""The catalogue: every metric as data, the single source for exports, the reference page and `leadline metrics`.

Nothing comes in; declarations go out, and ``select`` picks those a request asks for. A formula names measures
(``fact.measure``, see ``measures``); parents aggregate these, never the metrics of their children.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from leadline.errors import Detail, InvalidRequest

DEFINITIONS = "1"
"""Version of the definitions below; an export records it. It changes when a number may come out otherwise."""

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000

DEVELOPER = "developer"
TEAM = "team"


@dataclass(frozen=True)
class Sum:
    """The sum of a measure; 0 over nothing."""

    measure: str


@dataclass(frozen=True)
class Ratio:
    """The sum of one measure over the sum of another, times ``factor``; over nothing empty or, if ``zero``, 0."""

    measure: str
    over: str
    factor: int = 1
    zero: bool = False


@dataclass(frozen=True)
class Statistic:
    """The mean, median or percentile of a measure over the events that have it, divided by ``unit``; empty over none."""

    measure: str
    unit: int = 1


Formula = Sum | Ratio | Statistic

AGGREGATION_NAMES = {"mean": "Avg", "median": "Median", "p90": "P90", "p95": "P95"}
"""What a statistic is called in a column's name."""


@dataclass(frozen=True)
class Metric:
    """One metric: ``column`` is its CSV column under the aggregation `mean`; ``developer`` and ``team`` are the formulas
    at each level (None: not shown there)."""

    column: str
    group: str
    unit: str
    definition: str
    sources: tuple[str, ...]
    developer: Formula | None
    team: Formula | None

    @property
    def id(self) -> str:
        """The upper-case name; any case is accepted."""
        return self.column.upper()

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels at which it is shown."""
        return tuple(level for level in (DEVELOPER, TEAM) if self.formula(level) is not None)

    @property
    def kind(self) -> str:
        """The aggregation kind: `sum`, `ratio` or `statistic` (which follows the request's aggregation)."""
        return type(self.team or self.developer).__name__.lower()

    def formula(self, level: str) -> Formula | None:
        """How it is computed at ``level``."""
        return self.developer if level == DEVELOPER else self.team

    def column_for(self, aggregation: str) -> str:
        """The CSV column: a statistic's name says which one it is."""
        if self.kind != "statistic":
            return self.column
        parts = self.column.split("_")
        return "_".join(AGGREGATION_NAMES[aggregation] if part == AGGREGATION_NAMES["mean"] else part for part in parts)


_PULLS = ("pull_requests",)
_REWORK = ("pull_requests", "pull_request_files")
_ITEMS = ("work_items", "work_item_changes")


def _both(column: str, group: str, unit: str, definition: str, sources: tuple[str, ...], formula: Formula) -> Metric:
    return Metric(column, group, unit, definition, sources, formula, formula)


CATALOGUE: tuple[Metric, ...] = (
    Metric(
        "Coding_Days",
        "activity",
        "days",
        "Distinct local dates with at least one credited commit; for a team the sum over its developers divided by those "
        "with at least one commit in the period.",
        ("commits", "pull_request_commits"),
        Sum("commits.coding_days"),
        Ratio("commits.coding_days", over="commits.active_developers"),
    ),
    _both(
        "PR_Cycle_Time_Days_Avg",
        "velocity",
        "days",
        "Time from the first commit of a merged pull request to its merge.",
        ("pull_requests", "pull_request_commits", "commits"),
        Statistic("pull_requests.cycle", DAY_US),
    ),
    Metric(
        "PR_Velocity",
        "velocity",
        "PRs/developer",
        "Pull requests merged divided by the developers in the team.",
        ("pull_requests", "developers"),
        None,
        Ratio("pull_requests.merged", over="people.developers", zero=True),
    ),
    _both(
        "Avg_Time_To_Complete",
        "velocity",
        "days",
        "Time from the creation of a completed work item (or from the start of work, if the profile says so) to its "
        "completion.",
        _ITEMS,
        Statistic("work_items.complete", DAY_US),
    ),
    _both("PR_Merged", "volume", "count", "Merged pull requests.", _PULLS, Sum("pull_requests.merged")),
    *(
        _both(
            f"PR_Merged_{size.capitalize()}",
            "volume",
            "count",
            f"Merged pull requests with {bounds} added and deleted lines (bounds: profile).",
            _REWORK,
            Sum(f"pull_requests.merged_{size}"),
        )
        for size, bounds in (("small", "fewer than 10"), ("medium", "10 to 99"), ("large", "100 or more"))
    ),
    *(
        Metric(
            f"LOC_{name}",
            "volume",
            "lines",
            f"Lines {what} in credited commits.",
            ("commits", "commit_files"),
            Sum(f"commits.lines_{what}"),
            None,
        )
        for name, what in (("Added", "added"), ("Removed", "removed"))
    ),
    _both("Work_Completed", "volume", "count", "Completed work items.", _ITEMS, Sum("work_items.completed")),
    *(
        _both(
            f"Work_{name}_Completed",
            "volume",
            "count",
            f"Completed work items that the team's work-type rule calls {what}.",
            _ITEMS,
            Sum(f"work_items.completed_{kind}"),
        )
        for name, kind, what in (
            ("Features", "feature", "features"),
            ("Bugs", "bug", "bugs"),
            ("Other", "other", "neither feature nor bug"),
        )
    ),
    _both(
        "LOC_Refactored",
        "quality",
        "lines",
        "Per file of a merged pull request the smaller of lines added and lines deleted, summed.",
        _REWORK,
        Sum("pull_requests.refactored"),
    ),
    *(
        _both(
            f"LOC_Refactored_{name}",
            "quality",
            "lines",
            f"Refactored lines in files that last changed {when} before the pull request's first commit.",
            (*_REWORK, "commits", "commit_files"),
            Sum(f"pull_requests.refactored_{kind}"),
        )
        for name, kind, when in (
            ("Recent", "recent", "within the recent window (30 days, profile)"),
            ("Legacy", "legacy", "earlier than the recent window, or at no known time,"),
        )
    ),
    *(
        _both(
            f"Rework_Percent{suffix}",
            "quality",
            "%",
            f"{which} lines in percent of added and deleted lines, over merged pull requests whose files are known.",
            (*_REWORK, "commits", "commit_files") if suffix else _REWORK,
            Ratio(f"pull_requests.refactored{suffix.lower()}", over="pull_requests.file_lines", factor=100),
        )
        for suffix, which in (
            ("", "Refactored"),
            ("_Recent", "Refactored recent"),
            ("_Legacy", "Refactored legacy"),
        )
    ),
    Metric(
        "LOC_Total",
        "quality",
        "lines",
        "Added and deleted lines of all merged pull requests.",
        _REWORK,
        None,
        Sum("pull_requests.lines"),
    ),
    _both(
        "PR_Missing_Tickets",
        "quality",
        "count",
        "Merged pull requests linked to no work item.",
        ("pull_requests", "pull_request_commits", "commits", "work_items"),
        Sum("pull_requests.missing_tickets"),
    ),
    _both(
        "Review_Comments_Per_PR_Avg",
        "collaboration",
        "count",
        "Comments by humans other than the author, at any time, per merged pull request.",
        ("pull_requests", "comments"),
        Statistic("pull_requests.comments"),
    ),
    _both(
        "Review_Time_To_First_Comment_Hrs_Avg",
        "collaboration",
        "hours",
        "Time from a merged pull request being opened (ready for review, if known) to the first comment or review by a "
        "human other than the author; pull requests without one are left out.",
        ("pull_requests", "comments", "reviews"),
        Statistic("pull_requests.first_comment", HOUR_US),
    ),
)

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(metric.group for metric in CATALOGUE))
_BY_ID = {metric.id: metric for metric in CATALOGUE}


def metric_named(name: str) -> Metric:
    """The metric with this id or column, in any case, under any aggregation's name.

    Raises ``InvalidRequest`` (``unknown_metric``) with the nearest names.
    """
    wanted = name.strip().upper()
    for metric in CATALOGUE:
        if wanted == metric.id or any(wanted == metric.column_for(each).upper() for each in AGGREGATION_NAMES):
            return metric
    raise _unknown("metric", name, [metric.column for metric in CATALOGUE], "metrics")


def select(groups: Sequence[str], names: Sequence[str], level: str) -> tuple[Metric, ...]:
    """The metrics of ``groups`` and those called ``names`` (any case), merged, in catalogue order; both empty: all.

    Groups bring what the level has; a metric asked for by name that it has not is refused. Raises ``InvalidRequest``
    (``unknown_metric``, ``unknown_metric_group``, ``metric_not_at_level``).
    """
    for group in groups:
        if group.strip().lower() not in GROUPS:
            raise _unknown("metric group", group, list(GROUPS), "metricGroups")
    wanted_groups = {group.strip().lower() for group in groups}
    named = [metric_named(name) for name in names]
    for metric in named:
        if metric.formula(level) is None:
            raise InvalidRequest(
                f"{metric.column} is not available at level {level}; it is at {', '.join(metric.levels)}",
                code="metric_not_at_level",
                details=[Detail("metrics", f"{metric.column}: only at level {', '.join(metric.levels)}")],
            )
    everything = not wanted_groups and not named
    return tuple(
        metric
        for metric in CATALOGUE
        if metric.formula(level) is not None and (everything or metric.group in wanted_groups or metric in named)
    )


def by_ids(ids: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics with these ids, in the order given."""
    return tuple(_BY_ID[each] for each in ids)


def _unknown(what: str, name: str, known: list[str], field: str) -> InvalidRequest:
    upper = {each.upper(): each for each in known}
    near = [upper[each] for each in difflib.get_close_matches(name.upper(), upper, n=3, cutoff=0.5)]
    hint = f"did you mean {', '.join(near)}?" if near else f"one of {', '.join(known)}"
    return InvalidRequest(
        f'Unknown {what} "{name}"; {hint}',
        code=f"unknown_{what.replace(' ', '_')}",
        details=[Detail(field, f"one of {', '.join(known)}")],
    )
