"""Writes a fact to the file a user asked for: CSV, JSON lines or Parquet with the documented columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.access import UNLIMITED, Access
from leadline.engine import output
from leadline.engine.difference import difference
from leadline.facts.query import FactRows, Filters, Versions, checked, fact_rows

if TYPE_CHECKING:
    from leadline.home import Project

_EVERYTHING = Filters()
_FACTS_SHARE = 0.8
"""How much of the work it is to compute what the rows follow from, for the progress shown."""


def write(
    project: Project,
    fact: str,
    path: Path,
    filters: Filters = _EVERYTHING,
    access: Access = UNLIMITED,
    *,
    form: str = "csv",
    since: Versions | None = None,
    told: Callable[[FactRows, Versions], Mapping[str, str]] = lambda _rows, _versions: {},
    progress: Callable[[float], None] = lambda _share: None,
) -> int:
    """Write what ``filters`` keep of ``fact`` to ``path`` in a format of files (gzipped if it ends in ``.gz``) and return how
    many rows; with ``since`` only what differs from the rows at these versions. ``told`` is what a Parquet file tells besides of
    the rows at the versions that are read. ``progress`` is told the share that is done (0 to 1).

    Raises ``InvalidRequest``, or ``Forbidden`` for what ``access`` does not show.
    """
    ready = lambda share: progress(_FACTS_SHARE * share)  # noqa: E731
    versions = Versions.newest(project, filters.tree_name)
    with difference(project.temp, checked(fact, filters).key) as changes:
        if since is not None and (filters.tree_name is None or filters.tree_name in since.trees):
            with fact_rows(project, fact, filters, access, since) as rows:
                changes.stage(rows.engine, rows.as_file(form))
        with fact_rows(project, fact, filters, access, versions, progress=ready) as rows:
            wanted = rows.as_file(form)
            text = wanted if since is None else changes.text(rows.engine, wanted)
            metadata = told(rows, versions) if form == "parquet" else {}
            written = output.write(rows.engine, text, path, form, lambda: None, metadata)
    progress(1.0)
    return written
