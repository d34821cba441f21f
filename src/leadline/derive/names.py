"""Which names mean one repository or one service: names compare in any letter case, and a repository's former names are it
(metrics, ground rules).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import groupby

FirstSeen = Callable[[Collection[str]], Mapping[str, str]]
"""Names → the instant of the first event of each, as a text that sorts; a name without any is left out."""
_NEVER = "~"
"""Sorts after every instant."""


def one_spelling(written: Iterable[str], listed: Collection[str], first_seen: FirstSeen) -> dict[str, str]:
    """How every name of ``written`` is shown: as ``listed`` spells it, else as the row of the first event does."""
    names = sorted({*written, *listed}, key=lambda name: (name.lower(), name))
    groups = [list(group) for _, group in groupby(names, key=str.lower)]
    several = [name for group in groups if len(group) > 1 for name in group]
    seen = first_seen(several) if several else {}
    of_list = set(listed)
    shown = {}
    for group in groups:
        best = min(group, key=lambda name: (name not in of_list, seen.get(name, _NEVER), name))
        shown.update(dict.fromkeys(group, best))
    return shown


def present_names(former: Mapping[str, Collection[str]]) -> dict[str, str]:
    """The name in lower case that each former one means now; ``former`` has what repositories were called before. Of
    several repositories that claim a name, and of several that were called like each other, the first by name has it."""
    after: dict[str, str] = {}
    for name in sorted(former, key=str.lower, reverse=True):
        after.update({old.strip().lower(): name.lower() for old in former[name] if old.strip()})
    return {old: _last(old, after) for old in after if _last(old, after) != old}


def _last(name: str, after: Mapping[str, str]) -> str:
    passed = [name]
    while (following := after.get(passed[-1])) is not None:
        if following in passed:
            return min(passed[passed.index(following) :])
        passed.append(following)
    return passed[-1]


def repositories(
    written: Iterable[str], former: Mapping[str, Collection[str]], first_seen: FirstSeen
) -> dict[str, str]:
    """Every name of a repository by the one that it is shown by. ``former`` has all rows of `repositories`, with the names
    that each says it had before."""
    names = {*written, *(old.strip() for olds in former.values() for old in olds if old.strip())}
    shown = one_spelling(names, former.keys(), first_seen)
    of_lower = {name.lower(): best for name, best in shown.items()}
    present = present_names(former)
    return {name: of_lower[present.get(name.lower(), name.lower())] for name in shown}


def services(cell: str) -> list[str]:
    """The services of a cell, which may name several, separated by `;`."""
    return [name for part in cell.split(";") if (name := part.strip())]
