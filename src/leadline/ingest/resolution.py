"""Decides which rows of a delivery stay, by natural key and ``updated_at`` (data-model, "Data model"), and which files of the
table change for it.

The rule is a fold in delivery order: a row replaces the one before it unless both carry
``updated_at`` and it is the older; of an immutable table the first row stays. Most keys occur once, so only keys whose
64-bit hash repeats are looked at; a file is rewritten only if it holds a superseded row. All of it works in passes over a
share of the hashes, so memory does not grow with the delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from leadline.engine import Engine, parquet_relation, quoted
from leadline.engine.sql_text import sql_list, sql_text
from leadline.ingest.staging import StagingWriter
from leadline.schema import ColumnType, Table
from leadline.schema.table import ATTRIBUTES

KEY_HASH = "hash({})"
"""How a natural key becomes the number by which rows that may meet are found; two keys may share one."""
DELIVERED_POSITION = 1 << 62
FILE_SHIFT = 36
"""A row's position in delivery order is one number: delivered rows after present ones, then file, then row in the file
(2^36 rows a file, 2^26 files)."""
HASHES_PER_PASS = 4_000_000
KEYS_PER_PASS = 500_000


@dataclass(frozen=True)
class Decision:
    """What a delivery comes to, in rows: ``added`` (new key), ``updated`` (replacing a present row), ``superseded`` (by another row
    of their key). The positions of superseded rows, present and delivered, are in the engine's table ``superseded``."""

    added: int
    updated: int
    superseded: int


@dataclass(frozen=True)
class Outcome:
    """The files that change hands and the delivered rows that were ``added`` (new key) or ``updated`` (replaced)."""

    added_files: list[Path]
    removed_files: list[str]
    added: int
    updated: int


def repeated_within(engine: Engine, table: Table, staged: Sequence[Path | str]) -> None:
    """Collects the key hashes that occur more than once in the delivery as the engine's table ``repeated``. Needs nothing of the
    lake, so it runs before the table's lock is taken."""
    engine.execute("SET preserve_insertion_order = false")  # positions carry the order; keeping it twice costs memory
    engine.execute("CREATE OR REPLACE TABLE repeated (h UBIGINT)")
    rows = _count(engine, f"SELECT count(*) FROM {parquet_relation(staged, table.arrow_schema)}")
    for share in _shares(rows, HASHES_PER_PASS):
        hashes = f"SELECT h FROM ({_hashes(table, staged)}) WHERE {share}"
        engine.execute(f"INSERT INTO repeated SELECT h FROM ({hashes}) GROUP BY h HAVING count(*) > 1")


def decide(engine: Engine, table: Table, staged: Sequence[Path | str], present: Sequence[str]) -> Decision:
    """Decides, writing no file, what becomes of the ``staged`` rows beside ``present``; ``repeated_within`` has run."""
    rows = _count(engine, f"SELECT count(*) FROM {parquet_relation(staged, table.arrow_schema)}")
    engine.execute("CREATE OR REPLACE TABLE superseded (position BIGINT)")
    if present:
        within = _within(engine, table, staged)
        for share in _shares(rows, HASHES_PER_PASS):
            engine.execute(
                f"INSERT INTO repeated SELECT DISTINCT h FROM ({_hashes(table, present, within)}) "
                f"WHERE {share} AND h IN (SELECT h FROM ({_hashes(table, staged)}) WHERE {share})"
            )
    superseded = updated = 0
    for share in _shares(_count(engine, "SELECT count(*) FROM repeated"), KEYS_PER_PASS):
        superseded_here, updated_here = _decide_share(engine, table, staged, present, share)
        superseded, updated = superseded + superseded_here, updated + updated_here
    return Decision(rows - superseded - updated, updated, superseded)


def resolve(engine: Engine, table: Table, staged: Sequence[Path], present: Sequence[str], *, folder: Path) -> Outcome:
    """What to commit so that ``present`` takes in ``staged``; ``repeated_within`` has run. New files go to ``folder``."""
    decision = decide(engine, table, staged, present)
    if not decision.added and not decision.updated:
        return Outcome([], [], 0, 0)
    writer = StagingWriter(table, folder / "resolved")
    removed = [present[at] for at in _rewrite(engine, table, present, writer, first_position=0)]
    touched = set(_rewrite(engine, table, staged, writer, first_position=DELIVERED_POSITION))
    untouched = [path for at, path in enumerate(staged) if at not in touched]
    return Outcome(untouched + writer.close(), removed, decision.added, decision.updated)


def without_repeats(engine: Engine, table: Table, present: Sequence[str], *, folder: Path) -> tuple[Outcome, int]:
    """What to commit so that ``present`` has one row per key, the one that would be left had its files been delivered in their
    order; and how many rows leave. New files go to ``folder``."""
    repeated_within(engine, table, present)
    decision = decide(engine, table, present, [])
    if not decision.superseded:
        return Outcome([], [], 0, 0), 0
    writer = StagingWriter(table, folder)
    leaving = [present[at] for at in _rewrite(engine, table, present, writer, first_position=DELIVERED_POSITION)]
    return Outcome(writer.close(), leaving, 0, 0), decision.superseded


# -- finding keys that meet ----------------------------------------------------------------------------------------


def _shares(rows: int, at_a_time: int) -> list[str]:
    """Conditions on ``h`` that cut ``rows`` evenly spread hashes into passes of about ``at_a_time``; none for no rows."""
    passes = -(-rows // at_a_time)
    return [f"(h >> 17) % {passes} = {at}" for at in range(passes)]


def _hashes(table: Table, paths: Sequence[Path | str], within: str = "true") -> str:
    relation = parquet_relation(paths, table.arrow_schema)
    return f"SELECT {KEY_HASH.format(sql_list(table.key))} AS h FROM {relation} WHERE {within}"


def _within(engine: Engine, table: Table, staged: Sequence[Path | str]) -> str:
    """A condition that holds for every delivered key; its bounds let whole row groups of present files be skipped."""
    bounded = [name for name in table.required if table.column[name].type in (ColumnType.TEXT, ColumnType.INTEGER)]
    bounds = ", ".join(f"min({quoted(name)}), max({quoted(name)})" for name in bounded)
    (values,) = engine.execute(f"SELECT {bounds} FROM {parquet_relation(staged, table.arrow_schema)}")
    return " AND ".join(
        f"{quoted(name)} BETWEEN {_literal(values[2 * at])} AND {_literal(values[2 * at + 1])}"
        for at, name in enumerate(bounded)
    )


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else sql_text(str(value))


def _count(engine: Engine, query: str) -> int:
    ((count,),) = engine.execute(query)
    return int(count)


# -- deciding keys that meet ----------------------------------------------------------------------------------------


def _conflicting(table: Table, staged: Sequence[Path | str], present: Sequence[str], share: str) -> str:
    """The rows, present or delivered, whose key hash repeats: key, position in delivery order, version and content."""
    parts = [
        f"SELECT {_key(table)} AS key, {start} + (file_index << {FILE_SHIFT}) + file_row_number AS position, "
        f"epoch_us(updated_at) AS version, {_content(table)} AS content, {KEY_HASH.format(sql_list(table.key))} AS h "
        f"FROM {parquet_relation(paths, table.arrow_schema)}"
        for start, paths in ((0, present), (DELIVERED_POSITION, staged))
        if paths
    ]
    return (
        f"SELECT key, position, version, content FROM ({' UNION ALL '.join(parts)}) "
        f"WHERE {share} AND h IN (SELECT h FROM repeated WHERE {share})"
    )


def _key(table: Table) -> str:
    """A conflicting row's natural key as 128 bits. Parts carry their length, so that different keys never read alike;
    MD5 serves as a fingerprint here, not as a protection."""
    parts = ", ".join(f"strlen(CAST({quoted(name)} AS VARCHAR)), ':', {quoted(name)}" for name in table.key)
    return f"md5_number(concat({parts}))"


def _content(table: Table) -> str:
    """A hash of a row's content. It stands for the row in one comparison only: whether a new version of a key says the
    same as the present one. Lists enter it as JSON, because DuckDB hashes an empty and an unknown list alike."""
    columns = [
        f"CAST(to_json({quoted(column.name)}) AS VARCHAR)" if column.type is ColumnType.LIST else quoted(column.name)
        for column in table.columns
    ]
    return f"hash({', '.join(columns + ([quoted(ATTRIBUTES)] if table.open_columns else []))})"


def _decide_share(
    engine: Engine, table: Table, staged: Sequence[Path | str], present: Sequence[str], share: str
) -> tuple[int, int]:
    """Adds the positions of one share's superseded rows to ``superseded``; (delivered ones of them, present rows replaced)."""
    engine.execute(f"CREATE OR REPLACE TABLE conflicting AS {_conflicting(table, staged, present, share)}")
    if table.immutable:
        competing, winner = "conflicting", "min(position)"
    else:
        # A row without updated_at always replaces what came before it, so only rows from the last such one on compete.
        # Among those the newest wins, the later delivered on a tie: the maximum of (version, position) as one number.
        competing = (
            "(SELECT conflicting.* FROM conflicting LEFT JOIN (SELECT key, max(position) AS restart FROM conflicting "
            "WHERE version IS NULL GROUP BY key) USING (key) WHERE position >= coalesce(restart, 0))"
        )
        newest = "max((coalesce(version + (1::HUGEINT << 62), 0) << 63) + position)"
        winner = f"CAST({newest} & ((1::HUGEINT << 63) - 1) AS BIGINT)"
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE resolved AS
        WITH winners AS (SELECT key, {winner} AS winner FROM {competing} GROUP BY key)
        SELECT winners.key, present.position AS present_position,
            CASE WHEN present.content = best.content THEN present.position ELSE winner END AS winner
        FROM winners JOIN conflicting AS best ON best.position = winners.winner
        LEFT JOIN (FROM conflicting WHERE position < {DELIVERED_POSITION}) AS present ON present.key = winners.key
        """
    )
    engine.execute(
        "INSERT INTO superseded SELECT position FROM conflicting JOIN resolved USING (key) WHERE position <> winner"
    )
    superseded = _count(
        engine,
        f"SELECT count(*) FROM conflicting JOIN resolved USING (key) WHERE position <> winner AND position >= {DELIVERED_POSITION}",
    )
    updated = _count(engine, "SELECT count(*) FROM resolved WHERE present_position <> winner")
    return superseded, updated


# -- rewriting files that hold superseded rows ------------------------------------------------------------------------


def _rewrite(
    engine: Engine, table: Table, paths: Sequence[Path | str], writer: StagingWriter, *, first_position: int
) -> list[int]:
    """Writes the rows that stay of every one of ``paths`` that holds a superseded row; the positions of those files."""
    last_position = first_position + (len(paths) << FILE_SHIFT)
    counts = engine.execute(
        f"SELECT CAST((position - {first_position}) >> {FILE_SHIFT} AS INTEGER), count(*) FROM superseded "
        f"WHERE position >= {first_position} AND position < {last_position} GROUP BY ALL ORDER BY ALL"
    )
    for at, superseded in counts:
        relation = parquet_relation([paths[at]], table.arrow_schema)
        if superseded == _count(engine, f"SELECT count(*) FROM {relation}"):
            continue
        start = first_position + (at << FILE_SHIFT)
        end = start + (1 << FILE_SHIFT)
        leaving = f"SELECT position - {start} FROM superseded WHERE position >= {start} AND position < {end}"
        stay = f"SELECT {sql_list(table.arrow_schema.names)} FROM {relation} WHERE file_row_number NOT IN ({leaving})"
        write_rows(engine, stay, writer)
    return [at for at, _ in counts]


def write_rows(engine: Engine, query: str, writer: StagingWriter) -> None:
    """Hands a query's rows, which have the table's stored columns, to ``writer``."""
    for batch in engine.reader(query):
        writer.write(batch)
