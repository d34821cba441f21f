"""Who is in which row of an export on which days: the rows of teams or of developers over a timeline, and the people of each.

Rows are the units of the newest tree in force within the range. A unit that is gone keeps its row if it had people in the range,
and who left the scope keeps theirs: each has what happened while it was there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from heapq import merge
from threading import Lock
from typing import Any, Self, TypeVar

from leadline.people.timeline import Span, Stretch, Timeline, spans_of
from leadline.people.tree import Developer, Node, OrgTree

UnitT = TypeVar("UnitT")
_DAY = timedelta(days=1)
_MOST_KEPT = 8
"""Memberships: a screen asks for a range and for the one before it, each of which takes some MiB for 20,000 people."""
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
    kept: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    """What others made of it, which is made once."""

    @cached_property
    def moving(self) -> Mapping[str, Sequence[Span[Units]]]:
        """Those who are not in the same units on all days."""
        return {email: spans for email, spans in self.people.items() if not self._stays(spans)}

    def _stays(self, spans: Sequence[Span[Units]]) -> bool:
        return len(spans) == 1 and spans[0].start <= self.start and spans[0].end >= self.end

    @cached_property
    def places(self) -> Mapping[Units, int]:
        """What somebody's units can be, numbered: a place is where all are who are in the same ones."""
        states = (span.state for spans in self.people.values() for span in spans)
        return {units: number for number, units in enumerate(dict.fromkeys(states))}

    def stays(self) -> Iterator[tuple[str, int, Span[Units] | None]]:
        """(email, number of the place, when): somebody who is not moving is there at all times (None)."""
        places, moving = self.places, self.moving
        for email, spans in self.people.items():
            if email in moving:
                yield from ((email, places[span.state], span) for span in spans)
            else:
                yield email, places[spans[0].state], None

    @cached_property
    def _staying(self) -> Counter[int]:
        return Counter(
            unit for email, (span, *_) in self.people.items() if email not in self.moving for unit in span.state
        )

    def heads(self, start: date, end: date) -> Counter[int]:
        """How many people are in each unit on some day from ``start`` to ``end``, both within those of ``self``."""
        inside = Counter(
            frozenset([units for since, until, units in spans if since <= end and until >= start])
            for spans in self._moving_days
        )
        counts = self._staying.copy()
        for places, people in inside.items():  # most of those who move are in one place in a period, as others are
            for unit in set().union(*places):
                counts[unit] += people
        return counts

    @cached_property
    def _moving_days(self) -> list[list[tuple[date, date, Units]]]:
        return [[(span.start, span.end, span.state) for span in spans] for spans in self.moving.values()]

    def times(self) -> Iterator[tuple[int, str, date, date]]:
        """(unit, email, start, end): the days, both included, on which somebody is in a unit; those that meet are one."""
        for email, spans in self.people.items():
            of_unit: dict[int, list[tuple[date, date]]] = {}
            for span in spans:
                for unit in span.state:
                    days = of_unit.setdefault(unit, [])
                    if days and days[-1][1] + _DAY == span.start:
                        days[-1] = days[-1][0], span.end
                    else:
                        days.append((span.start, span.end))
            yield from ((unit, email, *days) for unit, stretches in of_unit.items() for days in stretches)


@dataclass(frozen=True)
class Asked:
    """What a membership follows from: rows of developers, or of teams at most ``depth`` levels below ``scope``, from ``start`` to
    ``end``, and who is in them from ``since`` on. Two are equal if they are of the same trees, not of trees that are alike."""

    developers: bool
    scope: int | None
    since: date
    start: date
    end: date
    depth: int | None
    trees: tuple[tuple[date, date, tuple[int, ...]], ...]
    stretches: Timeline = field(compare=False)

    @classmethod
    def of(
        cls,
        stretches: Timeline,
        days: tuple[date, date, date],
        scope: int | None,
        depth: int | None,
        *,
        developers: bool,
    ) -> Self:
        """Of ``stretches``; ``days`` are ``since``, ``start`` and ``end``. Within a stretch all days are alike, and so they are
        taken for its first or last one: tomorrow's last twelve months are asked for as today's."""
        # The stretches are held as long as this is, and so no other tree has their numbers meanwhile.
        trees = tuple((stretch.start, stretch.end, tuple(map(id, stretch.trees))) for stretch in stretches)
        since, start, end = days
        for stretch in stretches:
            since, start = (stretch.start if stretch.start <= day <= stretch.end else day for day in (since, start))
            end = stretch.end if stretch.start <= end <= stretch.end else end
        return cls(developers, scope, since, start, end, depth, trees, stretches)


_making = Lock()


def membership(asked: Asked) -> Membership:
    """Who is in which row, as ``developer_membership`` or ``team_membership`` says it. What was asked for last is kept: the answers
    of one screen are about the same people, and are computed at the same time."""
    with _making:
        return _made(asked)


@lru_cache(maxsize=_MOST_KEPT)
def _made(asked: Asked) -> Membership:
    if asked.developers:
        return developer_membership(asked.stretches, asked.scope, asked.start, asked.end)
    return team_membership(asked.stretches, asked.scope, asked.since, asked.start, asked.end, asked.depth)


def team_membership(
    stretches: Timeline, scope: int | None, since: date, start: date, end: date, depth: int | None = None
) -> Membership:
    """Rows of teams from ``start`` to ``end``: the node ``scope`` (a ref id; None: every root) and those at most ``depth``
    levels (None: any number) below it. Who is in them is said from ``since`` on."""
    found: dict[int, TeamUnit] = {}

    def of_stretch(stretch: Stretch, *, newest: bool) -> list[TeamUnit]:
        units = []
        for tree, top in tops(stretch, scope):
            nodes = [node for node in tree.subtree(top) if node.ref_id not in found]
            if not newest and nodes:
                covered = tree.covered({node.ref_id: node.ref_id for node in nodes})
                peopled = {ref_id for covering in set(covered.values()) for ref_id in covering}
                nodes = [node for node in nodes if node.ref_id in peopled]
            units += [TeamUnit(tree, node) for node in nodes]
        return units

    teams = _units(
        stretches,
        (start, end),
        of_stretch,
        lambda unit: found.setdefault(unit.node.ref_id, unit),
        lambda unit: (unit.tree.names(unit.node), ""),
    )
    if depth is not None:
        top = min((unit.node.depth for unit in teams), default=0)
        teams = [unit for unit in teams if unit.node.depth - top <= depth]
    number = {unit.node.ref_id: at for at, unit in enumerate(teams)}

    def units(stretch: Stretch) -> Mapping[str, Units]:
        states: Mapping[str, Units] = {}
        for tree, top in tops(stretch, scope):
            below = {node.ref_id: number[node.ref_id] for node in tree.subtree(top) if node.ref_id in number}
            covered = tree.covered(below)
            if not states:  # nearly always, as there is one tree
                states = covered
                continue
            both = {email: tuple(sorted({*states[email], *covered[email]})) for email in states.keys() & covered.keys()}
            states = {**states, **covered, **both}
        return states

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
