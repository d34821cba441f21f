"""The oracle's names: rows as they read once every repository and service has one name (metrics.md, "Names of repositories
and services"), found the slow and obvious way. Tables come in and go out as lists of dicts; no SQL, no leadline.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .oracle_people import Row, Tables

KEYS = {
    "commits": ("repository", "sha"),
    "commit_files": ("repository", "sha", "path"),
    "deleted_lines": ("repository", "sha", "path", "origin"),
    "pull_requests": ("repository", "number"),
    "pull_request_commits": ("repository", "number", "sha"),
    "pull_request_files": ("repository", "number", "path"),
    "reviews": ("repository", "number", "review_id"),
    "comments": ("repository", "number", "comment_id"),
    "releases": ("repository", "tag"),
    "work_items": ("project", "key"),
}
HAPPENED = {"commits": "authored_at", "pull_requests": "merged_at", "pull_request_commits": "authored_at"}
HAPPENED |= {"reviews": "submitted_at", "comments": "created_at", "builds": "finished_at", "releases": "published_at"}
HAPPENED |= {"deployments": "finished_at", "incidents": "created_at"}
NEVER, OLD = datetime(9999, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)


def services(cell: str | None) -> list[str]:
    return [part.strip() for part in (cell or "").split(";") if part.strip()]


def shown(tables: Tables, column: str) -> dict[str, str]:
    """The one spelling of every name in lower case: as listed, else as the row of the first event has it."""
    best: dict[str, tuple[Any, ...]] = {}
    for table, rows in tables.items():
        for row in rows:
            for name in services(row.get("service")) if column == "service" else [row.get("repository")]:
                if name:
                    listed = table == "repositories" and column == "repository"
                    rank = (not listed, row.get(HAPPENED.get(table, "")) or NEVER, name)
                    best[name.lower()] = min(rank, best.get(name.lower(), rank))
    return {name: rank[-1] for name, rank in best.items()}


def one_name(tables: Tables) -> dict[str, list[Row]]:
    """All tables with every repository and service under its one name, and rows of one thing merged."""
    spelled, service = shown(tables, "repository"), shown(tables, "service")
    now = {
        old.strip().lower(): row["repository"].lower()
        for row in tables.get("repositories", [])
        for old in row.get("former_names") or []
    }

    def repository(name: str | None) -> str | None:
        if not name:
            return name
        while name.lower() in now:
            name = now[name.lower()]
        return spelled.get(name.lower(), name)

    def renamed(row: Row) -> Row:
        given = {column: repository(row[column]) for column in ("repository",) if column in row}
        if (row.get("project") or "").lower() in now:
            given["project"] = repository(row["project"])
        if services(row.get("service")):
            given["service"] = ";".join(service[name.lower()] for name in services(row["service"]))
        return {**row, **given}

    read = {}
    for table, rows in tables.items():
        if table not in KEYS:
            read[table] = [renamed(row) for row in rows]
            continue
        merged: dict[tuple[Any, ...], Row] = {}
        for row in sorted(rows, key=lambda row: (row.get("updated_at") or OLD, row == renamed(row))):
            new = renamed(row)
            merged[tuple(new.get(column) for column in KEYS[table])] = new
        read[table] = list(merged.values())
    return read | {name: present(read, read[name]) for name in ("work_items", "work_item_changes") if name in read}


def present(tables: dict[str, list[Row]], rows: list[Row]) -> list[Row]:
    """``rows`` of work items, or of their changes, under the keys that the items have now; of items the moved ones alone."""
    items, changes = tables.get("work_items", []), tables.get("work_item_changes", [])
    now = {old.upper(): item for item in items for old in item.get("former_keys") or []}
    for change in changes:
        if change["field"].lower() == "key" and change.get("from_value"):
            now[change["from_value"].upper()] = change
    read = []
    for row in rows:
        item = now.get(row["key"].upper())
        if "field" in row:
            read.append({**row, **{name: item[name] for name in ("project", "key")}} if item else row)
        elif item is None:
            old = [key for key, of in now.items() if (of["project"], of["key"]) == (row["project"], row["key"])]
            read.append({**row, "former_keys": old})
    return read
