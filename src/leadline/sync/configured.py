"""What is done with the configured sources of a project: they are listed, added, tried, and asked to be run. Commands, routes and
screens all do it by these functions."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from leadline.db import sources
from leadline.db.sources import SourceRow
from leadline.errors import Detail, InvalidRequest
from leadline.home import Project
from leadline.sources.kit.intervals import interval_of
from leadline.sources.kit.page import ConnectionReport
from leadline.sources.kit.settings import Folders, SourceSettings, connected
from leadline.sync.source_names import own_names
from leadline.sync.timing import run_lock, under_way

LONGEST_NAME = 100
_UNFIT = re.compile(r"[/\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What ends a line, turns its direction, or would be a folder."""


@dataclass(frozen=True)
class ConfiguredSource:
    """A source as it is stored, and its settings."""

    row: SourceRow
    settings: SourceSettings

    @classmethod
    def of(cls, row: SourceRow) -> ConfiguredSource:
        """What ``row`` says. Raises ``InvalidRequest`` for a kind that this version does not know."""
        return cls(row, SourceSettings.restored(row.kind, row.name, row.settings))


def configured(project: Project) -> list[ConfiguredSource]:
    """The configured sources by name. Raises as ``ConfiguredSource.of``."""
    return [ConfiguredSource.of(row) for row in sources.listed(project.db, project.id, configured=True)]


def add(
    project: Project, checked: Sequence[SourceSettings], *, name: str | None, every: str, now: datetime
) -> list[SourceSettings]:
    """Add sources (of ``settings.checked``), to be run ``every`` so often (``intervals``), the one of them by ``name`` if one is
    given, else by their ``own_names``: all or none. Raises ``InvalidRequest`` for a name or a span that cannot be, ``Conflict`` for
    a name that is taken."""
    seconds = check_named(checked, name, every)
    own = checked if name is not None else own_names(project, checked)
    made = [replace(settings, name=name or settings.name, every=seconds) for settings in own]
    sources.add_all(project.db, project.id, {one.name: (one.kind, one.stored()) for one in made}, now)
    return made


def check_named(checked: Sequence[SourceSettings], name: str | None, every: str) -> int:
    """The seconds of the span ``every``. Raises ``InvalidRequest`` for one that cannot be, or such a ``name`` of these sources."""
    seconds = interval_of(every)
    if name is not None and len(checked) > 1:
        raise _no_name("--name is for one source; add the others by themselves", "left out, for several sources")
    if name is not None and not _can_be_called(name):
        would_do = f"a name of at most {LONGEST_NAME} characters on one line, without /"
        raise _no_name(f"--name is {would_do}", would_do)
    return seconds


def _can_be_called(name: str) -> bool:
    return bool(name.strip(" .")) and len(name) <= LONGEST_NAME and not _UNFIT.search(name)


def _no_name(sentence: str, would_do: str) -> InvalidRequest:
    return InvalidRequest(sentence, details=[Detail("name", would_do)])


def try_connection(
    project: Project,
    settings: SourceSettings,
    *,
    waiting: Callable[[float, str], None],
    environ: Mapping[str, str] = os.environ,
    **client: Any,
) -> ConnectionReport:
    """What the connection of a source may see; nothing is read. ``waiting`` is told of every wait. Raises what the tool refuses."""
    folders = Folders(project.temp, project.clones)
    with connected(settings, folders, environ=environ, waiting=waiting, **client) as source:
        return source.check()


def ask_to_run(project: Project, row: SourceRow, now: datetime) -> None:
    """Have a configured source run by whoever serves the home, as soon as may be, unless it is at work. Raises ``NotFound``."""
    if not (under_way(row) and not project.is_free(run_lock(row.name))):
        sources.request_run(project.db, project.id, row.name, now)
