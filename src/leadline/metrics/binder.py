"""Binds what a run is about in its engine: rows' units and who counts in them, periods and their days, team rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from leadline.derive.local_time import Offset, day_number, offsets
from leadline.engine.output import neutralized
from leadline.facts.ownership import bind_classes, bind_matches, bind_teams
from leadline.facts.work_types import bind_work_types
from leadline.metrics.bindings import BAND_NAMES, DAYS, MEMBERS, PERIODS, RATING_BANDS, unit_columns, units
from leadline.metrics.metric import DEVELOPER
from leadline.metrics.periods import periods
from leadline.metrics.request import MetricsRequest
from leadline.people.team_rules import team_rules
from leadline.people.tree import Node, OrgTree
from leadline.settings.profile import BANDS, Profile

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings


def bind_scope(
    engine: Backend, tree: OrgTree, request: MetricsRequest, profile: Profile, today: date | None
) -> tuple[Offset, ...]:
    """Bind units, members, periods, days and work-type rules; returns the offsets of the time zone in the range. Days after
    ``today`` count in no rate."""
    node = tree.root if request.team is None else tree.by_ref[request.team]
    described, members = (_developer_units if request.level == DEVELOPER else _team_units)(tree, node)
    safe = neutralized if request.format == "csv" else str
    columns = unit_columns(request.level)
    units(request.level).bind(
        engine,
        (
            (number, unit["developers"], *(safe(unit[name]) for name in columns))
            for number, unit in enumerate(described)
        ),
    )
    MEMBERS.bind(engine, members)
    _bind_periods(engine, request, today)
    bind_work_types(engine, [tree], profile)
    _bind_bands(engine, profile)
    bind_classes(engine, [tree], profile)
    return tuple(offsets(request.start, request.end, profile.zone))


def bind_owners(
    engine: Backend,
    tree: OrgTree,
    request: MetricsRequest,
    profile: Profile,
    kinds: Iterable[str],
    spellings: Spellings,
) -> bool:
    """Bind whose the events of ``kinds`` (deployments, their failures, incidents) are; returns whether any team rule is in force.
    The stored tables that these read are bound already."""
    nodes = tree.subtree(tree.root if request.team is None else tree.by_ref[request.team])
    rules = team_rules(tree, profile)
    bind_teams(engine, [(tree, nodes, rules)], profile)
    if rules:
        bind_matches(engine, kinds, rules.rules, profile, spellings)
    return bool(rules)


def _bind_bands(engine: Backend, profile: Profile) -> None:
    RATING_BANDS.bind(engine, [[profile[f"ratings.{name}.{band}"] for name in BANDS for band in BAND_NAMES]])


def _developer_units(tree: OrgTree, node: Node) -> tuple[list[dict[str, Any]], Iterable[tuple[int, str]]]:
    scoped = tree.scope_developers(node)
    described = [
        {
            "developers": 1,
            "Developer": member.developer.full_name or member.developer.address,
            "Email": member.developer.address,
            "Team": member.team.name,
            "Team_Hierarchy": member.team.path,
        }
        for member in scoped
    ]
    return described, [(number, member.developer.email) for number, member in enumerate(scoped)]


def _team_units(tree: OrgTree, node: Node) -> tuple[list[dict[str, Any]], Iterable[tuple[int, str]]]:
    nodes = tree.subtree(node)
    number_of = {team.ref_id: number for number, team in enumerate(nodes)}
    members = [(number_of[ref_id], email) for ref_id, email in tree.closure(node)]
    heads = Counter(number for number, _ in members)
    described = [
        {"developers": heads[number], "Team": team.name, "Team_Id": str(team.ref_id), "Team_Hierarchy": team.path}
        for number, team in enumerate(nodes)
    ]
    return described, members


def _bind_periods(engine: Backend, request: MetricsRequest, today: date | None) -> None:
    in_range = list(enumerate(periods(request.start, request.end, request.granularity)))
    PERIODS.bind(
        engine,
        (
            (
                number,
                period.days_until(today),
                period.unit_days,
                day_number(period.end),
                period.label,
                str(period.start),
                str(period.end),
            )
            for number, period in in_range
        ),
    )
    DAYS.bind(
        engine,
        (
            (day, number)
            for number, period in in_range
            for day in range(day_number(period.start), day_number(period.end) + 1)
        ),
    )
