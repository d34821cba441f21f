"""A home with the tables of a test, and what exports of sprints say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from leadline.db import settings as stored_settings
from leadline.home import Project
from metrics.world import deliver, export_bytes, load_people, read_csv, rows_of

Rows = list[dict[str, str]]


def fill(
    project: Project, folder: Path, people: str, tables: Mapping[str, str], settings: Mapping[str, str] | None = None
) -> None:
    """Load people and tables written as CSV text."""
    load_people(project, rows_of("developers", people), folder, since=date(1970, 1, 1))
    for table, text in tables.items():
        deliver(project, table, rows_of(table, text))
    if settings:
        stored_settings.put(project.db, project.id, dict(settings))


def export(
    project: Project,
    folder: Path,
    *,
    days: tuple[str, str] = ("2026-01-01", "2026-01-31"),
    scope: Mapping[str, str] | None = None,
    **options: str,
) -> Rows:
    """The rows of an export, as its file has them."""
    asked: dict[str, Any] = {"granularity": "MONTHLY", **options}
    body = {
        "scope": dict(scope or {"orgTreeName": "Engineering"}),
        "dateRange": dict(zip(("start", "end"), days, strict=True)),
        "options": asked,
    }
    header, *rows = read_csv(export_bytes(project, body, folder, "sprint"))
    return [dict(zip(header, row, strict=True)) for row in rows]


def same(cell: str, expected: str) -> bool:
    """Whether a cell says a number, or both say nothing."""
    return cell == expected or (bool(cell) and bool(expected) and float(cell) == float(expected))
