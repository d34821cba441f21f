"""Brings rows into the lake that come on terms (``leadline.sources.kit.webhooks``): late, twice, or knowing less than the lake.

Typed rows with their terms come in, in the order of their arrival; one commit of what they change goes out, and one of what
they take away. It is decided against the rows that the lake has now, with the table's lock held, so that a poll that
delivers meanwhile comes before or after, not between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from leadline.engine import Engine, parquet_relation, quoted
from leadline.engine.sql_text import sql_list
from leadline.home import Project
from leadline.ingest.delivery import commit_held, staging
from leadline.ingest.removal import remove_held
from leadline.ingest.staging import conform, stage_batches
from leadline.lake import Lake
from leadline.schema import TABLES, Table
from leadline.sources.kit.webhooks import MergePolicy

if TYPE_CHECKING:
    import pyarrow as pa

PARENT = "pull_requests"
_PARENT_KEY = TABLES[PARENT].key
SOON = timedelta(hours=1)
"""How long after the tool said so something new is still taken, where nothing else tells that it is no replay of what was
taken away since. A poll brings what comes later."""

Typed = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Given:
    """How a row is given: on which terms, and when it came."""

    terms: MergePolicy
    received_at: datetime


def ingest_on_terms(
    project: Project,
    table: Table,
    batches: Sequence[pa.RecordBatch],
    given: Sequence[Given],
    *,
    engine: Engine,
) -> None:
    """Take the rows of ``batches``, of which ``given`` has one each, as their terms say. Raises as ``delivery.ingest``."""
    lake = project.lake
    rows = [row for batch in batches for row in conform(batch, table).to_pylist()]
    found = list(zip(map(_in_utc, rows), given, strict=True))
    with project.lock(f"lake:{table.name}"):
        wanted = [_key(table, row) for row, _ in found]
        before = _present(lake, table, table.key, wanted, engine)
        inside = [key[: len(_PARENT_KEY)] for key, each in zip(wanted, given, strict=True) if _child(each)]
        parents = _present(lake, TABLES[PARENT], _PARENT_KEY, inside, engine)
        after = decided(table, found, before, {key: row["updated_at"] for key, row in parents.items()})
        changed = [row for key, row in after.items() if row is not None and row != before.get(key)]
        leaving = [key for key, row in after.items() if row is None and key in before]
        if changed:
            import pyarrow as pa

            batch = pa.RecordBatch.from_pylist(changed, schema=table.arrow_schema)
            with staging(lake, table) as folder:
                staged, _ = stage_batches(table, [batch], folder)
                commit_held(lake, table, staged, engine=engine)
        if leaving:
            remove_held(project, table, _keys(table, table.key, leaving))


def decided(
    table: Table,
    found: Iterable[tuple[Typed, Given]],
    before: Mapping[Key, Typed],
    parents: Mapping[Key, datetime | None],
) -> dict[Key, Typed | None]:
    """What is under each key after the rows ``found``, in their order: a row, or None for what is no more.

    ``before``: what the lake has under their keys; ``parents``: the versions of their pull requests. Whole rows.
    """
    after: dict[Key, Typed | None] = dict(before)
    for row, each in found:
        key = _key(table, row)
        there = after.get(key)
        if each.terms.deleted:
            if there is not None and _standing(there, each.terms) <= _standing(row, each.terms):
                after[key] = None
        elif there is not None:
            if _standing(row, each.terms) > _standing(there, each.terms):
                after[key] = _joined(row, there, each.terms)
        elif _is_news(each, parents.get(key[: len(_PARENT_KEY)])):
            after[key] = row
    return after


def _key(table: Table, row: Typed) -> Key:
    return tuple(row[name] for name in table.key)


def _child(each: Given) -> bool:
    return each.terms.in_pull_request and not each.terms.deleted


def _is_news(each: Given, parent: datetime | None) -> bool:
    """Whether a row that the lake has not says something new."""
    observed_at = each.terms.observed_at
    if observed_at is None:
        return True
    if each.terms.in_pull_request:
        return parent is None or observed_at > parent
    return each.received_at - observed_at <= SOON


def _standing(row: Mapping[str, Any], terms: MergePolicy) -> list[tuple[bool, Any]]:
    """What rows are compared by: the unknown is the least."""
    found: list[tuple[bool, Any]] = []
    for each in terms.version_columns:
        name, equals, value = each.partition("=")
        held = row[name]
        found.append((True, held == value) if equals else (held is not None, held if held is not None else 0))
    return found


def _joined(row: Typed, there: Typed, terms: MergePolicy) -> Typed:
    """``row`` with what ``there`` alone knows."""
    kept = {name: there[name] for name in terms.unknown}
    kept |= {name: there[name] for name in terms.keep_first if there[name] is not None}
    return {**row, **kept}


def _present(
    lake: Lake, table: Table, names: Sequence[str], keys: Sequence[Key], engine: Engine
) -> dict[Key, dict[str, Any]]:
    """The lake's rows of ``keys``, by key."""
    files = lake.snapshot().files(table.name)
    if not files or not keys:
        return {}
    engine.bind_arrow("wanted", _keys(table, names, list(dict.fromkeys(keys))))
    bounds = " AND ".join(
        f"{quoted(name)} BETWEEN (SELECT min({quoted(name)}) FROM wanted) AND (SELECT max({quoted(name)}) FROM wanted)"
        for name in names
    )
    schema = table.arrow_schema
    rows = engine.arrow(
        f"SELECT {sql_list(schema.names)} FROM {parquet_relation(files, schema)} "
        f"WHERE {bounds} AND ({sql_list(names)}) IN (SELECT ({sql_list(names)}) FROM wanted)"
    )
    # In the declared types, whatever the engine gave: they are compared, and written again.
    found: list[Typed] = rows.cast(schema).to_pylist()
    return {tuple(row[name] for name in names): _in_utc(row) for row in found}


def _in_utc(row: Typed) -> Typed:
    return {name: each.astimezone(UTC) if isinstance(each, datetime) else each for name, each in row.items()}


def _keys(table: Table, names: Sequence[str], keys: Sequence[Key]) -> pa.Table:
    import pyarrow as pa

    fields = pa.schema([table.arrow_schema.field(name) for name in names])
    return pa.Table.from_pylist([dict(zip(names, key, strict=True)) for key in keys], schema=fields)
