"""The catalogue: every metric as data, the single source for exports, the reference page and `leadline metrics`.

There are three insights, productivity, efficiency (DORA) and flow, each with groups of its own; ids are unique over all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from leadline.errors import Conflict, Detail, InvalidRequest
from leadline.metrics.efficiency import EFFICIENCY_METRICS
from leadline.metrics.flow import FLOW_METRICS
from leadline.metrics.metric import (
    AGGREGATIONS,
    EFFICIENCY,
    FLOW,
    PRODUCTIVITY,
    CatalogueEntry,
    Metric,
    MetricColumn,
    unknown,
)
from leadline.metrics.productivity import PRODUCTIVITY_METRICS
from leadline.metrics.report_metrics import REPORT_COMPONENTS

DEFINITIONS = "3"
"""Version of the definitions below; an export records it. It changes when a number may come out otherwise."""

EntryT = TypeVar("EntryT", bound=CatalogueEntry)


def check_definitions(version: str) -> None:
    """Numbers of other definitions cannot be computed. Raises ``Conflict`` (``other_definitions``)."""
    if version != DEFINITIONS:
        raise Conflict(
            f"This export was made by definitions {version}; this leadline has {DEFINITIONS}, "
            "whose numbers may differ: make a new export",
            code="other_definitions",
        )


_OF = {PRODUCTIVITY: PRODUCTIVITY_METRICS, EFFICIENCY: EFFICIENCY_METRICS, FLOW: FLOW_METRICS}
_GROUP_TITLES = {
    "lttc": "Lead time for changes",
    "lttc_items": "Units behind each mean of lead time",
    "df": "Deployment frequency",
    "cfr": "Change failure rate",
    "mttr": "Time to restore",
    "rating": "Ratings",
    "ai": "AI tools",
    "wip": "Work in progress",
    "deliveryAnalysis": "Delivery in percent",
}
"""Titles of groups that are not their names."""
ASKED_FOR = frozenset({"ai"})
"""Groups that are not part of all: they, or their metrics, must be asked for."""
GROUP_ALIASES = {"deployment_frequency": "df", "ratings": "rating"}
"""Further names of groups."""
_BY_ID = {
    column.id: column
    for metrics in (*_OF.values(), REPORT_COMPONENTS)
    for metric in metrics
    for column in MetricColumn.variants(metric)
}


def group_title(group: str) -> str:
    """What people call a group: its title, else its name as words."""
    return _GROUP_TITLES.get(group) or group.replace("_", " ").capitalize()


def catalogue_of(insight: str) -> tuple[Metric, ...]:
    """The metrics of an insight, in the order of the file's columns."""
    return _OF[insight]


def groups_of(insight: str) -> tuple[str, ...]:
    """The groups of an insight, see ``groups_in``."""
    return groups_in(_OF[insight])


def groups_in(entries: Sequence[CatalogueEntry]) -> tuple[str, ...]:
    """The groups of a catalogue: in its order, then those that only gather columns of others. Further names of a group
    (`deployment_frequency`) are left out."""
    own = [entry.group for entry in entries]
    return tuple(dict.fromkeys([*own, *(group for entry in entries for group in entry.also_in)]))


def named(name: str, entries: Sequence[EntryT]) -> EntryT:
    """The one of ``entries`` with this id, column or alias, in any case, under any aggregation's name.

    Raises ``InvalidRequest`` (``unknown_metric``) with the nearest names.
    """
    for entry in entries:
        if name.strip().upper() in entry.names:
            return entry
    raise unknown("metric", name, [entry.column for entry in entries], "metrics")


def select(
    groups: Sequence[str],
    names: Sequence[str],
    level: str,
    insight: str = PRODUCTIVITY,
    aggregation: str = "mean",
) -> tuple[MetricColumn, ...]:
    """The metrics of ``groups`` and those called ``names`` (any case), merged, in catalogue order; both empty: all but
    the groups ``ASKED_FOR``. What is a statistic follows ``aggregation``, unless its name says another one; then it is a column of
    its own.

    Groups bring what the level has; a metric asked for by name that it has not is refused. Raises ``InvalidRequest``
    (``unknown_metric``, ``unknown_metric_group``, ``metric_not_at_level``).
    """
    group_names = groups_of(insight)
    wanted_groups = set()
    for asked in groups:
        name = asked.strip().lower()
        group = name if name in group_names else GROUP_ALIASES.get(name)
        if group not in group_names:
            raise unknown("metric group", asked, list(group_names), "metricGroups")
        wanted_groups.add(group)
    by_name = [MetricColumn.named(named(name, _OF[insight]), name, aggregation) for name in names]
    for metric in (column.metric for column in by_name):
        if metric.formula(level) is None:
            raise InvalidRequest(
                f"{metric.column} is not available at level {level}; it is at {', '.join(metric.levels)}",
                code="metric_not_at_level",
                details=[Detail("metrics", f"{metric.column}: only at level {', '.join(metric.levels)}")],
            )
    everything = not wanted_groups and not by_name
    of_groups = [
        MetricColumn(metric)
        for metric in _OF[insight]
        if metric.formula(level) is not None and _is_of(metric, wanted_groups, everything)
    ]
    metrics = list(_OF[insight])
    chosen = dict.fromkeys([*of_groups, *by_name])
    return tuple(
        sorted(
            chosen,
            key=lambda column: (metrics.index(column.metric), AGGREGATIONS.index(column.aggregation(aggregation))),
        )
    )


def _is_of(metric: Metric, wanted: Collection[str], everything: bool) -> bool:
    return metric.group not in ASKED_FOR if everything else not set(wanted).isdisjoint(metric.groups)


def followed(names: Sequence[str], insight: str, aggregation: str) -> tuple[str, ...]:
    """What to say of those of ``names`` that follow ``aggregation`` without naming it: which column came of each."""
    notes = []
    for name in names:
        column = MetricColumn.named(named(name, _OF[insight]), name, aggregation)
        shown = column.name(aggregation)
        if column.metric.kind == "statistic" and name.strip().upper() != shown.upper():
            notes.append(f"{name.strip()}: the column is {shown}, since the aggregation asked for is {aggregation}")
    return tuple(notes)


def by_ids(ids: Sequence[str]) -> tuple[MetricColumn, ...]:
    """The columns with these ids, in the order given; what only reports compute has one, too."""
    return tuple(_BY_ID[metric_id] for metric_id in ids)
