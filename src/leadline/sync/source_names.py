"""What sources are called that nobody gave a name: by what they read, and in full where another source is called so already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from leadline.db import sources
from leadline.db.sources import SourceRow
from leadline.errors import LeadlineError
from leadline.home import Project
from leadline.sources.kit.settings import SourceSettings, checked

_LONGEST = 200
"""Of names that are made; a longer one gives way to a number."""


def own_names(project: Project, made: Sequence[SourceSettings]) -> list[SourceSettings]:
    """``made`` (of ``settings.checked``), each under a name that no other source of the project has. One that is there has the name
    that it has there, and what ``made`` has twice is there once."""
    taken: dict[str, SourceSettings | SourceRow] = {row.name: row for row in sources.listed(project.db, project.id)}
    own: dict[str, SourceSettings] = {}
    for settings in made:
        called = _called(settings, taken)
        taken[called.name] = own[called.name] = called
    return list(own.values())


def _called(settings: SourceSettings, taken: Mapping[str, SourceSettings | SourceRow]) -> SourceSettings:
    free: SourceSettings | None = None
    for number, candidate in enumerate(_candidates(settings)):
        there = taken.get(candidate.name)
        if there is None:
            free = free or candidate
        elif _is(there, settings):
            return candidate
        if free and number:  # it may be there in full while its short name is free again
            return free
    raise AssertionError("there is a number for every one")


def _candidates(settings: SourceSettings) -> Iterator[SourceSettings]:
    yield settings
    whole = settings.in_full or settings
    if len(whole.name) <= _LONGEST:
        yield whole
    yield from (replace(whole, name=f"{settings.name} {number}") for number in count(2))


def _is(there: SourceSettings | SourceRow, settings: SourceSettings) -> bool:
    """Whether what is ``there`` reads what ``settings`` read: the kind calls both the same in full."""
    if there.kind != settings.kind:
        return False
    if isinstance(there, SourceRow):
        there = SourceSettings.restored(there.kind, there.name, there.settings)
    try:
        wholes = [there] if there.in_full else checked(there)
    except LeadlineError:  # a folder that is gone, say
        return set(there.targets) == set(settings.targets)
    return [_whole_name(one) for one in wholes] == [_whole_name(settings)]


def _whole_name(settings: SourceSettings) -> str:
    return (settings.in_full or settings).name
