"""The scope of a run as bound tables: rows' units and who counts in them, periods and their days, work-type rules.

An org tree and a normalized request come in; small Arrow tables are bound in the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from leadline.derive.local_time import Offset, day_number, offsets
from leadline.facts.files import FORMULA_STARTS
from leadline.metrics.catalogue import DEVELOPER
from leadline.metrics.measures import DEVELOPER_RULES, WORK_TYPES
from leadline.metrics.periods import periods
from leadline.metrics.query import DAYS, MEMBERS, PERIODS, UNITS, unit_columns
from leadline.metrics.request import MetricsRequest
from leadline.people.tree import Node, OrgTree
from leadline.settings.profile import Profile
from leadline.settings.rules import DEFAULT_WORK_TYPES

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
    engine.bind_arrow(MEMBERS, _pairs("of_unit", "member", members))
    _bind_periods(engine, request)
    _bind_work_types(engine, tree, profile)
    return tuple(offsets(request.start, request.end, profile.zone))


def neutralized(text: str) -> str:
    """``text`` such that no spreadsheet runs it as a formula (http-api, "CSV")."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


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
    engine.bind_arrow(
        PERIODS,
        pa.table(
            {
                "period": pa.array(range(len(found)), pa.int64()),
                "Granularity": pa.array([each.label for each in found]),
                "Start_Date": pa.array([each.start.isoformat() for each in found]),
                "End_Date": pa.array([each.end.isoformat() for each in found]),
            }
        ),
    )
    days = [
        (day, number)
        for number, each in enumerate(found)
        for day in range(day_number(each.start), day_number(each.end) + 1)
    ]
    engine.bind_arrow(
        DAYS,
        pa.table({"of_day": pa.array([day for day, _ in days]), "period": pa.array([number for _, number in days])}),
    )


def _bind_work_types(engine: Engine, tree: OrgTree, profile: Profile) -> None:
    """Rule 0 is the default; every team with a rule of its own gives one, in force for the developers whose primary
    team it is or is nearest above."""
    rules: list[Mapping[str, str]] = [DEFAULT_WORK_TYPES]
    of_node: dict[int, int] = {}
    for node in tree.nodes:  # preorder: a parent comes first
        own = next(
            (
                team["work_type"]
                for name in (node.key, str(node.ref_id))
                if name is not None and "work_type" in (team := profile.team_rules.get(name, {}))
            ),
            None,
        )
        if own is not None:
            rules.append(own)
            of_node[node.ref_id] = len(rules) - 1
        else:
            of_node[node.ref_id] = of_node.get(node.parent, 0) if node.parent is not None else 0
    ruled = [
        (developer.email, rule)
        for developer in tree.developers.values()
        if developer.team is not None and (rule := of_node[developer.team])
    ]
    engine.bind_arrow(
        DEVELOPER_RULES,
        pa.table(
            {
                "rule_developer": pa.array([email for email, _ in ruled], pa.string()),
                "rule": pa.array([rule for _, rule in ruled], pa.int64()),
            }
        ),
    )
    types = [(number, name, kind) for number, rule in enumerate(rules) for name, kind in rule.items()]
    engine.bind_arrow(
        WORK_TYPES,
        pa.table(
            {
                "type_rule": pa.array([number for number, _, _ in types], pa.int64()),
                "type_name": pa.array([name for _, name, _ in types], pa.string()),
                "work_type": pa.array([kind for _, _, kind in types], pa.string()),
            }
        ),
    )


def _pairs(number: str, text: str, pairs: Iterable[tuple[int, str]]) -> pa.Table:
    listed = list(pairs)
    return pa.table(
        {
            number: pa.array([each for each, _ in listed], pa.int64()),
            text: pa.array([each for _, each in listed], pa.string()),
        }
    )
