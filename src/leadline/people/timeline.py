"""Org trees over time: the trees in force over a range of days, and what of a person changes when: the teams, or what follows from
these.

"From the beginning" and "until another tree is in force" are ``BEGINNING`` and ``FOREVER`` here, so that all days compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Generic, TypeVar

from leadline.home import Project
from leadline.people.history import BEGINNING, History, InForce, nearest
from leadline.people.lookup import history, summary, tree
from leadline.people.tree import Covered, OrgTree

FOREVER = date.max
DATED, CURRENT = "dated", "current"
"""The values of the setting people.history."""

S = TypeVar("S")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Stretch:
    """Days, both included, on which the same trees are in force: at most one of each name, in the order of the names."""

    trees: tuple[OrgTree, ...]
    start: date
    end: date

    @property
    def tree(self) -> OrgTree:
        """The tree, where only one name is asked for."""
        return self.trees[0]


Timeline = Sequence[Stretch]
"""Stretches in order, without overlaps; on days between two no tree is in force."""


@dataclass(frozen=True)
class Span(Generic[S]):
    """Days, both included, on which something is so."""

    state: S
    start: date
    end: date


@dataclass(frozen=True)
class Asked:
    """Which trees count: those in force on each day (``dated``), or the one of ``today`` for all days (``current``)."""

    way: str = DATED
    today: date = FOREVER


def entries_of(entries: History, asked: Asked, start: date, end: date) -> History:
    """The versions that count on some day from ``start`` to ``end``, with the days for which they do."""
    if asked.way == CURRENT:
        return [replace(nearest(entries, asked.today), start=BEGINNING, end=None)]
    return [entry for entry in entries if entry.start <= end and _end(entry) >= start]


def timeline(
    project: Project,
    newest: Mapping[str, int],
    asked: Asked,
    start: date = BEGINNING,
    end: date = FOREVER,
) -> Timeline:
    """The trees that count on some day from ``start`` to ``end``, as of their versions ``newest`` by name. Stretches are as long as
    trees are in force, also beyond the range. Raises ``StoreError`` if a version is gone."""
    entries = {name: entries_of(history(project, name, newest[name]), asked, start, end) for name in sorted(newest)}
    days = {entry.start for of_name in entries.values() for entry in of_name}
    days |= {_end(entry) + _DAY for of_name in entries.values() for entry in of_name if _end(entry) < FOREVER}
    stretches: list[Stretch] = []
    for first, following in _pairs(sorted(days)):
        last = FOREVER if following is None else following - _DAY
        trees = tuple(
            tree(project, name, entry.version)
            for name, of_name in entries.items()
            for entry in of_name
            if entry.start <= first and _end(entry) >= last
        )
        if trees and first <= end and last >= start:
            _append(stretches, Stretch(trees, first, last))
    return stretches


def _append(stretches: list[Stretch], new: Stretch) -> None:
    """Add a stretch, or make the last one longer if nobody is in another team: people change in other ways every day."""
    last = stretches[-1] if stretches else None
    if last is not None and last.end + _DAY == new.start and _same_teams(last.trees, new.trees):
        stretches[-1] = replace(new, start=last.start)
    else:
        stretches.append(new)


def _same_teams(before: Sequence[OrgTree], now: Sequence[OrgTree]) -> bool:
    return len(before) == len(now) and all(old.same_teams(new) for old, new in zip(before, now, strict=True))


def _end(entry: InForce) -> date:
    return FOREVER if entry.end is None else entry.end


def _pairs(days: Sequence[date]) -> Iterable[tuple[date, date | None]]:
    return zip(days, [*days[1:], None], strict=False)


def is_constant(stretches: Timeline, start: date, end: date) -> bool:
    """Whether the same trees are in force on all days from ``start`` to ``end``."""
    return len(stretches) == 1 and stretches[0].start <= start and stretches[0].end >= end


def spans_of(stretches: Timeline, states: Callable[[Stretch], Mapping[str, S]]) -> dict[str, list[Span[S]]]:
    """What ``states`` says of each person in each stretch, as spans in order; those that are alike and meet are one."""
    spans: dict[str, list[Span[S]]] = {}
    since: dict[str, date] = {}
    now: Mapping[str, S] = {}
    last = BEGINNING

    def end(emails: Iterable[str]) -> None:
        for email in emails:
            spans.setdefault(email, []).append(Span(now[email], since[email], last))

    for stretch in stretches:
        if now and last + _DAY != stretch.start:
            end(now)
            now = {}
        new = states(stretch)
        changed = [email for email in _may_have_changed(now, new) if now.get(email) != new.get(email)]
        end(email for email in changed if email in now)
        since.update(dict.fromkeys(changed, stretch.start))
        now, last = new, stretch.end
    end(now)
    return spans


def _may_have_changed(now: Mapping[str, S], new: Mapping[str, S]) -> Iterable[str]:
    # Most people stay where they are: of thousands, only the others are looked at.
    if isinstance(new, Covered) and isinstance(now, Covered):
        return new.moved_since(now)
    return dict.fromkeys([*now, *new])


def asked_of(way: str, today: date | None) -> Asked:
    """Which trees count by the setting people.history, on the day ``today`` (None: after all days)."""
    return Asked(way, FOREVER if today is None else today)


def newest_versions(project: Project, names: Iterable[str]) -> dict[str, int]:
    """The newest version of each tree."""
    return {name: summary(project, name).version for name in names}
