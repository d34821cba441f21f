"""What may happen to a project's data after a first export: the changes that tests of incremental computation draw at random."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

from leadline.engine import Engine
from leadline.formats.json_lines import parsed_document
from leadline.home import Project
from leadline.ingest.inbox import Push, accept
from leadline.ingest.removal import remove
from leadline.ingest.validation import RowValidator
from leadline.lake.maintenance import merge_files
from leadline.schema import TABLES

from . import worlds, worlds_dora
from .oracle_events import World
from .world import deliver

Rows = list[dict[str, Any]]
KINDS = ("new", "new", "changed", "moved", "gone", "again", "merged")


def drawn(random: Random) -> tuple[World, dict[str, Rows]]:
    """A world with everything that productivity and DORA read, and its rows."""
    world, dora = worlds.world(random), worlds_dora.dora_world(random).world
    for table, rows in dora.tables.items():
        world.tables[table] = [*world.tables.get(table, ()), *rows]
    return world, {name: list(rows) for name, rows in world.tables.items() if rows}


def push(project: Project, table: str, rows: Rows) -> None:
    """Acknowledge ``rows`` as the API does: they wait in the inbox until somebody reads."""
    parsed = parsed_document(json.dumps(rows, default=_as_json))
    with Engine(temp_dir=project.temp) as engine:
        (accepted,) = accept(
            project.db, RowValidator(engine), [Push(project.id, TABLES[table], parsed)], datetime.now(UTC)
        )
    assert accepted.refusals == ()


def change(
    project: Project, random: Random, mine: dict[str, Rows], other: dict[str, Rows], *, pushed: bool = False
) -> str:
    """Something that a source may bring, or take away; what it was. ``pushed``: rows may also come by the inbox."""
    table = random.choice(sorted(set(mine) & set(other)))
    kind = random.choice(KINDS)
    some = random.sample(mine[table], min(len(mine[table]), random.choice((1, 1, 3))))
    key = TABLES[table].key
    if kind == "gone":
        schema = pa.schema([TABLES[table].arrow_schema.field(name) for name in key])
        keys = pa.Table.from_pylist([{name: row.get(name) for name in key} for row in some], schema=schema)
        remove(project, TABLES[table], keys)
        return f"gone {table}"
    if kind == "merged":
        with project.writing(TABLES[table]) as writer:
            merge_files(writer, writer.data_files())
        return f"merged {table}"
    rows = _rows(kind, random, some, other[table], key)
    if pushed and random.random() < 0.7:
        push(project, table, rows)
        return f"{kind} {table}, pushed"
    deliver(project, table, rows)
    return f"{kind} {table}"


def _rows(kind: str, random: Random, some: Rows, other: Rows, key: tuple[str, ...]) -> Rows:
    if kind == "new":
        return random.sample(other, min(len(other), random.choice((1, 4))))
    if kind == "changed":
        # Another row's values under its key.
        return [{**random.choice(other), **{name: row.get(name) for name in key}} for row in some]
    if kind == "moved":
        return [{name: _later(name, value) for name, value in row.items()} for row in some]
    return some


def _later(column: str, value: Any) -> Any:
    return value + timedelta(hours=30) if column.endswith("_at") and value else value


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
