"""The scope of a run as bound tables: rows' units and who counts in them, periods and their days, work-type rules.

An org tree and a normalized request come in; small Arrow tables are bound in the engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from leadline.derive.local_time import Offset, day_number, offsets
from leadline.engine.output import neutralized
from leadline.facts.ownership import bind_belonging, bind_classes, bind_matches
from leadline.facts.work_types import bind_work_types
from leadline.metrics.metric import DEVELOPER
from leadline.metrics.periods import periods
from leadline.metrics.query import BAND_NAMES, DAYS, MEMBERS, PERIOD_COLUMNS, PERIODS, RATING_BANDS, UNITS, unit_columns
from leadline.metrics.request import MetricsRequest
from leadline.people.team_rules import team_rules
from leadline.people.tree import Node, OrgTree
from leadline.settings.profile import BANDS, Profile

if TYPE_CHECKING:
    from leadline.engine import Engine


def bind_scope(engine: Engine, tree: OrgTree, request: MetricsRequest, profile: Profile) -> tuple[Offset, ...]:
    """Bind units, members, periods, days and work-type rules; returns the offsets of the time zone in the range."""
    node = tree.root if request.team is None else tree.by_ref[request.team]
    units, members = (_developer_units if request.level == DEVELOPER else _team_units)(tree, node)
    safe = neutralized if request.format == "csv" else str
    columns = unit_columns(request.level)
    engine.bind_arrow(
        UNITS,
        pa.table(
            {
                "unit": pa.array(range(len(units)), pa.int64()),
                "developers": pa.array([unit["developers"] for unit in units], pa.int64()),
                **{name: pa.array([safe(unit[name]) for unit in units], pa.string()) for name in columns},
            }
        ),
    )
    engine.bind_rows(MEMBERS, {"of_unit": "int64", "member": "string"}, members)
    _bind_periods(engine, request)
    bind_work_types(engine, [tree], profile)
    _bind_bands(engine, profile)
    bind_classes(engine, [tree], profile)
    return tuple(offsets(request.start, request.end, profile.zone))


def bind_places(engine: Engine, tree: OrgTree, request: MetricsRequest, profile: Profile, kinds: Iterable[str]) -> bool:
    """Bind whose the events of ``kinds`` (deployments, their failures, incidents) are; returns whether any team rule is in force.

    The stored tables that these read are bound already.
    """
    units = tree.subtree(tree.root if request.team is None else tree.by_ref[request.team])
    rules = team_rules(tree, profile)
    bind_belonging(engine, [(tree, units, rules)])
    if rules.rules:
        bind_matches(engine, kinds, rules.rules, profile)
    return bool(rules.rules)


def _bind_bands(engine: Engine, profile: Profile) -> None:
    bounds = {f"{name}_{band}": [profile[f"ratings.{name}.{band}"]] for name in BANDS for band in BAND_NAMES}
    engine.bind_arrow(RATING_BANDS, pa.table(bounds, pa.schema([(name, pa.float64()) for name in bounds])))


def _developer_units(tree: OrgTree, node: Node) -> tuple[list[dict[str, Any]], Iterable[tuple[int, str]]]:
    scoped = tree.scope_developers(node)
    units = [
        {
            "developers": 1,
            "Developer": each.developer.full_name or each.developer.email,
            "Email": each.developer.email,
            "Team": each.team.name,
            "Team_Hierarchy": each.team.path,
        }
        for each in scoped
    ]
    return units, [(place, each.developer.email) for place, each in enumerate(scoped)]


def _team_units(tree: OrgTree, node: Node) -> tuple[list[dict[str, Any]], Iterable[tuple[int, str]]]:
    nodes = tree.subtree(node)
    place = {each.ref_id: number for number, each in enumerate(nodes)}
    members = [(place[ref_id], email) for ref_id, email in tree.closure(node)]
    heads = [0] * len(nodes)
    for number, _ in members:
        heads[number] += 1
    units = [
        {
            "developers": heads[place[each.ref_id]],
            "Team": each.name,
            "Team_Id": str(each.ref_id),
            "Team_Hierarchy": each.path,
        }
        for each in nodes
    ]
    return units, members


def _bind_periods(engine: Engine, request: MetricsRequest) -> None:
    found = periods(request.start, request.end, request.granularity)
    engine.bind_rows(
        PERIODS,
        {"period": "int64", "period_days": "int64", **dict.fromkeys(PERIOD_COLUMNS, "string")},
        [
            (number, (each.end - each.start).days + 1, each.label, each.start.isoformat(), each.end.isoformat())
            for number, each in enumerate(found)
        ],
    )
    days = (
        (day, number)
        for number, each in enumerate(found)
        for day in range(day_number(each.start), day_number(each.end) + 1)
    )
    engine.bind_rows(DAYS, {"of_day": "int64", "period": "int64"}, days)
