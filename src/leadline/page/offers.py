"""What screens offer to choose from: metrics by the groups of the catalogue, and teams; and what of it an address chose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from leadline.errors import InvalidRequest
from leadline.metrics.catalogue import catalogue_of, group_title, named
from leadline.metrics.metric import INSIGHTS, CatalogueEntry, Metric
from leadline.page.view import View
from leadline.people import Node

MOST_TEAMS = 400
"""Teams that are offered at once; of more, those around the team of the view."""
EntryT = TypeVar("EntryT", bound=CatalogueEntry)


def metrics_at(level: str) -> list[Metric]:
    """The metrics that there are at ``level``, in the order of the catalogue."""
    return [metric for insight in INSIGHTS for metric in catalogue_of(insight) if metric.formula(level) is not None]


def by_groups(entries: Iterable[EntryT]) -> list[tuple[str, list[EntryT]]]:
    """``entries`` under the titles of their groups."""
    groups: dict[str, list[EntryT]] = {}
    for entry in entries:
        groups.setdefault(group_title(entry.group), []).append(entry)
    return list(groups.items())


def chosen_metrics(
    view: View, offered: Sequence[EntryT], default: Collection[str], most: int, known: Sequence[CatalogueEntry] = ()
) -> tuple[View, list[EntryT]]:
    """Those of ``offered`` that the address names as ``metrics``, at most so many; those of the ids or groups ``default`` where it
    names none. What was not understood is among the problems of the view, as is what is one of the ``known`` columns or a metric
    elsewhere."""
    metrics = [metric for insight in INSIGHTS for metric in catalogue_of(insight)]
    everything: list[CatalogueEntry] = [*offered, *known, *metrics]
    chosen, problems = [], []
    for name in view.listed("metrics"):
        try:
            metric = named(name, everything)
        except InvalidRequest as error:
            problems.append(error.message)
            continue
        if metric in offered:
            chosen.append(metric)
        else:
            problems.append(f"{metric.title} is not among what can be shown here, and left out")
    asked = [metric for metric in offered if metric in chosen]
    if len(asked) > most:
        problems.append(f"{len(asked)} metrics are chosen; the first {most} are shown")
    usual = [metric for metric in offered if metric.id in default or metric.group in default]
    shown = (asked or usual or list(offered[:1]))[:most]
    return view.only("metrics", (metric.id for metric in asked[:most]), problems), shown


def team_choices(view: View) -> list[tuple[str, str]]:
    """The teams of the tree by ref id, the root first, each name as far in as it is deep."""
    nodes: Sequence[Node] = view.tree.nodes
    if len(nodes) > MOST_TEAMS:
        nodes = [*view.team_path, *view.children.get(view.team.ref_id, ())[:MOST_TEAMS]]
    top = min(node.depth for node in nodes)
    return [(str(node.ref_id), "\u2003" * (node.depth - top) + node.name) for node in nodes]
