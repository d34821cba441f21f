"""Goals of metrics: which can have one, and which are in force for a team. They are for people: no number changes by them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from leadline.errors import Detail, InvalidRequest
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.metric import AGGREGATIONS, INSIGHTS, Metric
from leadline.people.team_rules import own_rules
from leadline.people.tree import OrgTree
from leadline.settings.profile import GOALS, Profile

FREQUENCY = "DEPLOYMENT_FREQUENCY"
"""Its goal is per day, as its bounds are, whatever the length of a period."""

Goals = Mapping[str, float]
"""Goals by column, in upper case; each in the unit of its metric."""


@dataclass(frozen=True)
class Goal:
    """The goal of a value: ``better`` says whether `higher` or `lower` values than ``target`` are better."""

    target: float
    better: str

    def met(self, value: float) -> bool:
        """Whether ``value`` is as good as the goal."""
        return value >= self.target if self.better == "higher" else value <= self.target


def goals_of(profile: Profile, tree: OrgTree, ref_id: int) -> dict[str, float]:
    """The goals in force for a team: its own, for each column that it does not name that of the nearest team above it which does,
    else that of the tree or project. A team that is not in ``tree`` has the latter."""
    goals: dict[str, float] = dict(profile[GOALS])
    node = tree.by_ref.get(ref_id)
    above = []
    while node is not None:
        above.append(node)
        node = tree.by_ref.get(node.parent or 0)
    for team in reversed(above):
        goals.update(own_rules(profile, team).get(GOALS, {}))
    return goals


def goal_of(goals: Goals, column: str) -> Goal | None:
    """The goal of a column, if it has any."""
    known, target = columns().get(column.upper()), goals.get(column.upper())
    return None if known is None or target is None else Goal(target, known.metric.better)


def check_goals(key: str, goals: Goals) -> None:
    """Raise ``InvalidRequest`` for a goal of what can have none; ``key`` is the setting that says it."""
    for name in goals:
        if name not in columns():
            near = [columns()[upper].column for upper in difflib.get_close_matches(name, columns(), n=3, cutoff=0.0)]
            would_do = f"columns that are a duration or a percentage, such as {', '.join(near)}"
            raise InvalidRequest(
                f"{key} cannot have a goal of {name!r}; it must name {would_do}",
                code="invalid_setting",
                details=[Detail(key, would_do)],
            )


@dataclass(frozen=True)
class WithGoal:
    """A column that can have a goal, as it is written, and its metric."""

    column: str
    metric: Metric


@cache
def columns() -> Mapping[str, WithGoal]:
    """What can have a goal, by the column in upper case: metrics of which more or less is better, and that do not grow with the
    team or the days that they are of; each statistic of one is a column of its own."""
    return {one.column.upper(): one for metric in with_goals() for one in _columns_of(metric)}


def with_goals() -> list[Metric]:
    """The metrics that can have a goal, in the order of the catalogue."""
    return [metric for insight in INSIGHTS for metric in catalogue_of(insight) if _can_have(metric)]


def _columns_of(metric: Metric) -> list[WithGoal]:
    names = AGGREGATIONS if metric.kind == "statistic" else AGGREGATIONS[:1]
    return [WithGoal(metric.column_for(name), metric) for name in names]


def _can_have(metric: Metric) -> bool:
    by_itself = metric.kind == "statistic" or metric.unit == "%" or metric.id == FREQUENCY
    return bool(metric.better) and by_itself
