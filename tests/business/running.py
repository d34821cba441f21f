"""A project with a few rows, and its export of business alignment read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from leadline.access import UNLIMITED, Access
from leadline.administration import settings
from leadline.exports.kinds import KINDS, parse
from leadline.home import Project
from leadline.metrics.request import Control
from leadline.metrics.run import pin, produce
from leadline.people import BEGINNING
from metrics.world import TREE, deliver, load_people, read_csv, rows_of

MANY = """
email,           full_name, manager_email,   team
mia@example.com, Mia,       ,
ada@example.com, Ada,       mia@example.com, Web
ben@example.com, Ben,       mia@example.com, Web
cid@example.com, Cid,       mia@example.com, Web
dot@example.com, Dot,       cid@example.com, Ops
eve@example.com, Eve,       cid@example.com, Ops
"""
"""Two teams: Engineering, whose own people are Mia, Ada and Ben, and Ops below it with Cid, Dot and Eve."""
RANGE = {"start": "2026-03-01", "end": "2026-03-31"}


def filled(
    project: Project,
    folder: Path,
    people: str = MANY,
    tables: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
) -> None:
    """The rows of CSV blocks and the settings, in the project."""
    load_people(project, rows_of("developers", people), folder, since=BEGINNING)
    for table, text in (tables or {}).items():
        deliver(project, table, rows_of(table, text))
    settings.change(project, dict(values or {}))


def asked(**fields: Any) -> dict[str, Any]:
    """A body: March 2026, monthly, of the whole tree, with ``fields`` instead or besides; options by their names."""
    options = {name: fields.pop(name) for name in ("granularity", "metricLevel", "effortUnit") if name in fields}
    body = {"scope": {"orgTreeName": TREE}, "dateRange": RANGE, **fields}
    return {**body, "options": {"granularity": "MONTHLY", **options}}


def table_of(
    project: Project,
    folder: Path,
    body: Mapping[str, Any],
    *,
    today: date | None = None,
    access: Access = UNLIMITED,
) -> list[list[str]]:
    """Header and rows of the export."""
    request = parse(project, body, "ba", access).request
    path = folder / "alignment.csv"
    pins = replace(pin(project, request.tree), today=today)
    produce(project, request, pins, path, Control(), KINDS["ba"].rows.query)
    return read_csv(path.read_bytes())


def cells(table: Sequence[Sequence[str]], *names: str, where: Mapping[str, str] | None = None) -> list[list[str]]:
    """The columns ``names`` of the rows that have ``where``."""
    header = list(table[0])
    kept = [row for row in table[1:] if all(row[header.index(name)] == text for name, text in (where or {}).items())]
    return [[row[header.index(name)] for name in names] for row in kept]
