"""Merges rows into the lake that come late, twice, or knowing less than the lake does: those of webhooks. Each comes with a
``MergePolicy``. It is decided against the rows that the lake has now, with the table's lock held, so that a poll that delivers
meanwhile comes before or after, not between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from leadline.engine import Engine, parquet_relation, quoted
from leadline.engine.sql_text import sql_list
from leadline.formats.rows import told_columns
from leadline.home import Project
from leadline.ingest.delivery import change_table, commit_held, staging
from leadline.ingest.forgetting import pseudonymous
from leadline.ingest.removal import remove_held, same_as
from leadline.ingest.staging import conform, stage_batches
from leadline.lake import TableWriter
from leadline.lease import Lease
from leadline.people.forgotten import forgotten_of
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
class Arrival:
    """How a row came: by which policy it is merged, and when it was received."""

    policy: MergePolicy
    received_at: datetime


def ingest_by_policy(
    project: Project,
    table: Table,
    batches: Sequence[pa.RecordBatch],
    arrivals: Sequence[Arrival],
    *,
    engine: Engine,
    under: Lease | None = None,
) -> None:
    """Merge the rows of ``batches``, each with its one of ``arrivals``, into the table: at most one commit of what they
    change and one of what they take away. Raises as ``delivery.ingest``."""
    conforming = [conform(batch, table) for batch in batches]

    def merge_into(writer: TableWriter) -> None:
        forgotten = forgotten_of(project)
        rows = [row for batch in conforming for row in pseudonymous(forgotten, table, batch).to_pylist()]
        told = [_in_utc(told_columns(row, table)) for row in rows]
        _merge_into(project, writer, list(zip(told, arrivals, strict=True)), engine)

    change_table(project, table, merge_into, under=under)


def _merge_into(
    project: Project, writer: TableWriter, arriving: Sequence[tuple[Typed, Arrival]], engine: Engine
) -> None:
    table, lake = writer.table, writer.lake
    keys = [_key(table, row) for row, _ in arriving]
    present = _present(writer.files(), table, table.key, keys, engine)
    parent_keys = [
        key[: len(_PARENT_KEY)]
        for key, (_, arrival) in zip(keys, arriving, strict=True)
        if _needs_parent(arrival.policy)
    ]
    parents = _present(lake.newest([PARENT]).files(PARENT), TABLES[PARENT], _PARENT_KEY, parent_keys, engine)
    versions = {key: row["updated_at"] for key, row in parents.items()}
    merged = merge(table, arriving, present, versions)
    changed = [row for key, row in merged.items() if row is not None and row != present.get(key)]
    leaving = [key for key, row in merged.items() if row is None and key in present]
    if changed:
        import pyarrow as pa

        batch = pa.RecordBatch.from_pylist(changed, schema=table.arrow_schema)
        with staging(lake, table) as folder:
            staged, _ = stage_batches(table, [batch], folder)
            commit_held(writer, staged, engine=engine)
    if leaving:
        remove_held(project, writer, _keys(table, table.key, leaving))


def merge(
    table: Table,
    arriving: Iterable[tuple[Typed, Arrival]],
    present: Mapping[Key, Typed],
    parent_versions: Mapping[Key, datetime | None],
) -> dict[Key, Typed | None]:
    """What is under each key after the ``arriving`` rows, in their order: a whole row, or None for what is no more. ``present``:
    what the lake has under their keys; ``parent_versions``: the versions of their pull requests."""
    rows: dict[Key, Typed | None] = dict(present)
    for row, arrival in arriving:
        key, policy = _key(table, row), arrival.policy
        current = rows.get(key)
        if policy.deleted:
            if current is not None and _version(current, policy) <= _version(row, policy):
                rows[key] = None
        elif current is not None:
            if _version(row, policy) > _version(current, policy):
                rows[key] = _completed(row, current, policy)
        elif _is_news(arrival, parent_versions.get(key[: len(_PARENT_KEY)])):
            rows[key] = {**dict.fromkeys(table.arrow_schema.names), **row}
    return rows


def _key(table: Table, row: Typed) -> Key:
    return tuple(row.get(name, table.column[name].default) for name in table.key)


def _needs_parent(policy: MergePolicy) -> bool:
    return policy.in_pull_request and not policy.deleted


def _is_news(arrival: Arrival, parent_version: datetime | None) -> bool:
    observed_at = arrival.policy.observed_at
    if observed_at is None:
        return True
    if arrival.policy.in_pull_request:
        return parent_version is None or observed_at > parent_version
    return arrival.received_at - observed_at <= SOON


def _version(row: Typed, policy: MergePolicy) -> list[tuple[bool, Any]]:
    """What rows are compared by: the unknown is the least."""
    version: list[tuple[bool, Any]] = []
    for column in policy.version_columns:
        name, equals, wanted = column.partition("=")
        value = row.get(name)
        version.append((True, value == wanted) if equals else (value is not None, value if value is not None else 0))
    return version


def _completed(row: Typed, current: Typed, policy: MergePolicy) -> Typed:
    kept = {name: current[name] for name in policy.unknown}
    kept |= {name: current[name] for name in policy.keep_first if current[name] is not None}
    return {**current, **row, **kept}


def _present(
    files: Sequence[str], table: Table, names: Sequence[str], keys: Sequence[Key], engine: Engine
) -> dict[Key, dict[str, Any]]:
    if not files or not keys:
        return {}
    engine.bind_arrow("wanted", _keys(table, names, list(dict.fromkeys(keys))))
    bounds = " AND ".join(
        f"{quoted(name)} BETWEEN (SELECT min({quoted(name)}) FROM wanted) AND (SELECT max({quoted(name)}) FROM wanted)"
        for name in names
        if name not in table.may_be_unknown
    )
    same = " AND ".join(f"wanted.{quoted(name)} {same_as(table, name)} stored.{quoted(name)}" for name in names)
    schema = table.arrow_schema
    rows = engine.arrow(
        f"SELECT {sql_list(schema.names)} FROM {parquet_relation(files, schema)} AS stored "
        f"WHERE {bounds} AND EXISTS (FROM wanted WHERE {same})"
    )
    # In the declared types, whatever the engine gave: they are compared, and written again.
    typed: list[Typed] = rows.cast(schema).to_pylist()
    return {tuple(row[name] for name in names): _in_utc(row) for row in typed}


def _in_utc(row: Typed) -> Typed:
    return {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in row.items()}


def _keys(table: Table, names: Sequence[str], keys: Sequence[Key]) -> pa.Table:
    import pyarrow as pa

    fields = pa.schema([table.arrow_schema.field(name) for name in names])
    return pa.Table.from_pylist([dict(zip(names, key, strict=True)) for key in keys], schema=fields)
