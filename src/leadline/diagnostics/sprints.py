"""Sprints that count nowhere though they are over, and rules over items in sprints that match none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ibis

from leadline.engine import Engine
from leadline.engine.tables import schema_table
from leadline.facts.sprints import NOT_ENDED, SPRINTS
from leadline.materialize.session import Session
from leadline.people.team_rules import TeamRule

LABEL = "label"
_OF = {"project": ("work_items", "project", "no work item"), "board": ("sprints", "board", "no sprint")}
"""Rules that are of items in sprints alone: where what they look at is, and what is said if they match nothing there."""


def left_out_sprints(opened: Session) -> list[str]:
    """A sentence for each reason why sprints are left out, but that they have not ended."""
    opened.facts.bind([SPRINTS])
    sprints = SPRINTS.table()
    left = sprints.filter(sprints.left_out.notnull() & (sprints.left_out != NOT_ENDED))
    counted = left.group_by("left_out").agg(several=left.count(), first=left.name.min()).order_by("left_out")
    return [
        f"sprints are left out, {row['several']:,} of them (such as {row['first']}): {row['left_out']}"
        for row in opened.engine.arrow(counted).to_pylist()
    ]


def unmatched_item_rules(engine: Engine, team: str, rules: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each rule of a team that matches nothing."""
    for name, (_, _, nothing) in _OF.items():
        if name in rules and not matches_an_item(engine, name, rules[name]):
            yield f"team.{team}.{name} matches {nothing}"


def matches_an_item(engine: Engine, name: str, filters: Any) -> bool:
    """Whether filters over a property match any item, or the board of any sprint."""
    table, column, _ = _OF.get(name, ("work_items", "labels", ""))
    rows = schema_table(table)
    values = rows.labels if name == LABEL else ibis.array([rows[column]])
    things = engine.arrow(rows.select(values=values).distinct())["values"].to_pylist()
    return any(TeamRule(0, {name: filters}).matches({name: texts or ()}) for texts in things)
