"""Facts as files of the command line: what ``facts.write`` writes, with what exports of any kind tell about themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.facts import write as facts
from leadline.facts.query import FactRows, Filters, Versions
from leadline.metrics.catalogue import DEFINITIONS
from leadline.metrics.described import described
from leadline.metrics.request import Pins

if TYPE_CHECKING:
    from leadline.home import Project


def write(
    project: Project,
    fact: str,
    path: Path,
    filters: Filters,
    *,
    form: str = "csv",
    since: Versions | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> int:
    """As ``facts.write.write`` for somebody without limits; a Parquet file says what its numbers are and what they were made of."""

    def told(rows: FactRows, versions: Versions) -> dict[str, str]:
        request = {"fact": fact, **_filters(filters), "format": form}
        before = None if since is None else _pins(since)
        return described(request, rows.fact.units, _pins(versions), rows.tables, tree=filters.tree_name, since=before)

    return facts.write(project, fact, path, filters, form=form, since=since, told=told, progress=progress)


def _pins(versions: Versions) -> Pins:
    return Pins(versions.tables, versions.trees, DEFINITIONS, versions.profile.texts, versions.today)


def _filters(filters: Filters) -> dict[str, Any]:
    """Those that say anything, called as exports call them."""
    days = {name: day and day.isoformat() for name, day in (("start", filters.start), ("end", filters.end))}
    said = {**asdict(filters), **days, "tree": filters.tree_name, "tree_name": None}
    return {name: value for name, value in said.items() if value}
