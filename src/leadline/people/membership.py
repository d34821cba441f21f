"""Who is in which row of an export on which days: the rows of teams or of developers over a timeline, and the people of each.

Rows are the units of the newest tree in force within the range. A unit that is gone keeps its row if it had people in the range,
and who left the scope keeps theirs: each has what happened while it was there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from heapq import merge
from typing import TypeVar

from leadline.people.timeline import Span, Stretch, Timeline, spans_of
from leadline.people.tree import Developer, Node, OrgTree

UnitT = TypeVar("UnitT")
Units = tuple[int, ...]
"""Numbers of the units that a person is in."""


@dataclass(frozen=True)
class TeamUnit:
    """A team as a row: its node in the newest of the trees in force within the range that have it in the scope."""

    tree: OrgTree
    node: Node


@dataclass(frozen=True)
class DeveloperUnit:
    """A developer as a row, with the first listed team in the scope, as a ``TeamUnit`` is taken."""

    tree: OrgTree
    developer: Developer
    node: Node


@dataclass(frozen=True)
class Membership:
    """The ``people`` of units by email: spans of days, each with the units in which the person is. Units are numbered as in
    ``teams`` or ``developers``, the other of which is empty."""

    teams: Sequence[TeamUnit]
    developers: Sequence[DeveloperUnit]
    people: Mapping[str, Sequence[Span[Units]]]
    start: date
    end: date

    @cached_property
    def moving(self) -> Mapping[str, Sequence[Span[Units]]]:
        """Those who are not in the same units on all days."""
        return {email: spans for email, spans in self.people.items() if not self._stays(spans)}

    def _stays(self, spans: Sequence[Span[Units]]) -> bool:
        return len(spans) == 1 and spans[0].start <= self.start and spans[0].end >= self.end

    def phased(self) -> Iterator[tuple[int, str, int]]:
        """(unit, email, phase): phase 0 of somebody who stays, the phases of others are their spans, counted from 1."""
        for email, spans in self.people.items():
            stays = email not in self.moving
            for phase, span in enumerate(spans, start=0 if stays else 1):
                for unit in span.state:
                    yield unit, email, phase

    def within(self, start: date, end: date) -> dict[int, set[str]]:
        """Who is in each unit on some day from ``start`` to ``end``."""
        inside: dict[int, set[str]] = {}
        for email, spans in self.people.items():
            for span in spans:
                if span.start <= end and span.end >= start:
                    for unit in span.state:
                        inside.setdefault(unit, set()).add(email)
        return inside


def team_membership(stretches: Timeline, scope: int | None, since: date, start: date, end: date) -> Membership:
    """Rows of teams from ``start`` to ``end``: the node ``scope`` (a ref id; None: the root of every tree) and all below it. Who is
    in them is said from ``since`` on."""
    found: dict[int, TeamUnit] = {}

    def of_stretch(stretch: Stretch, *, newest: bool) -> list[TeamUnit]:
        units = []
        for tree, top in tops(stretch, scope):
            peopled = {ref_id for ref_id, _ in tree.closure(top)}
            units += [
                TeamUnit(tree, node)
                for node in tree.subtree(top)
                if node.ref_id not in found and (newest or node.ref_id in peopled)
            ]
        return units

    teams = _units(
        stretches,
        (start, end),
        of_stretch,
        lambda unit: found.setdefault(unit.node.ref_id, unit),
        lambda unit: (unit.tree.names(unit.node), ""),
    )
    number = {unit.node.ref_id: at for at, unit in enumerate(teams)}

    def units(stretch: Stretch) -> dict[str, Units]:
        states: dict[str, list[int]] = {}
        for tree, top in tops(stretch, scope):
            for ref_id, email in tree.closure(top):
                if ref_id in number:
                    states.setdefault(email, []).append(number[ref_id])
        return {email: tuple(sorted(numbers)) for email, numbers in states.items()}

    return Membership(teams, (), spans_of(stretches, units), since, end)


def developer_membership(stretches: Timeline, scope: int | None, start: date, end: date) -> Membership:
    """Rows of developers from ``start`` to ``end``: all who are in the node ``scope``, or below it, on some day."""
    found: dict[str, DeveloperUnit] = {}

    def of_stretch(stretch: Stretch, *, newest: bool) -> list[DeveloperUnit]:  # noqa: ARG001 -- nobody is without people
        return [
            DeveloperUnit(tree, scoped.developer, scoped.team)
            for tree, top in tops(stretch, scope)
            for scoped in tree.scope_developers(top)
            if scoped.developer.email not in found
        ]

    developers = _units(
        stretches,
        (start, end),
        of_stretch,
        lambda unit: found.setdefault(unit.developer.email, unit),
        lambda unit: (unit.tree.names(unit.node), unit.developer.order),
    )
    number = {unit.developer.email: at for at, unit in enumerate(developers)}

    def units(stretch: Stretch) -> dict[str, Units]:
        inside = [email for tree, top in tops(stretch, scope) for email in tree.people(top)]
        return {email: (number[email],) for email in inside if email in number}

    return Membership((), developers, spans_of(stretches, units), start, end)


def _units(
    stretches: Timeline,
    days: tuple[date, date],
    of_stretch: Callable[..., list[UnitT]],
    note: Callable[[UnitT], object],
    place: Callable[[UnitT], tuple[tuple[str, ...], str]],
) -> list[UnitT]:
    """The units of the newest stretch within ``days`` in its order, those that are gone where they would have been."""
    inside = [stretch for stretch in stretches if stretch.start <= days[1] and stretch.end >= days[0]]
    units: list[UnitT] = []
    gone: list[UnitT] = []
    for at, stretch in enumerate(reversed(inside)):
        new = of_stretch(stretch, newest=at == 0)
        for unit in new:
            note(unit)
        (gone if at else units).extend(new)
    return list(merge(units, sorted(gone, key=place), key=place)) if gone else units


def tops(stretch: Stretch, scope: int | None) -> Iterator[tuple[OrgTree, Node]]:
    """The node ``scope`` in each tree of a stretch that has it, or the roots."""
    for tree in stretch.trees:
        top = tree.root if scope is None else tree.by_ref.get(scope)
        if top is not None:
            yield tree, top
