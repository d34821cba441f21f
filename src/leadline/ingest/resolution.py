"""Decides which rows of a delivery stay, by natural key and ``updated_at`` (data-model, "Data model"), and which files of the
table change for it.

The rule is a fold in delivery order: a row is applied to the one before it unless both carry ``updated_at`` and it is the older;
what it tells replaces what was there, of what it does not tell the rest stays (``combining``). Of an immutable table the first
row stays. Most keys occur once, so only keys whose
64-bit hash repeats are looked at; a file is rewritten only if it holds a superseded row. All of it works in passes over a
share of the hashes, so memory does not grow with the delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leadline.engine import Engine, parquet_relation, quoted
from leadline.engine.sql_text import columns_of, sql_list, sql_text
from leadline.ingest import combining
from leadline.ingest.meeting import DELIVERED_POSITION, FILE_SHIFT, Meeting, content_hash
from leadline.ingest.staging import StagingWriter
from leadline.lake.files import parquet_rows
from leadline.schema import ColumnType, Table
from leadline.schema.table import TOLD

KEY_HASH = "hash({})"
"""How a natural key becomes the number by which rows that may meet are found; two keys may share one."""
HASHES_PER_PASS = 4_000_000
KEYS_PER_PASS = 500_000


@dataclass(frozen=True)
class Repeat:
    """A row of a delivery that another one of its key took the place of: both by their numbers in the delivery, from 0."""

    row: int
    replaced_by: int


@dataclass(frozen=True)
class Decision:
    """What becomes of a delivery's rows: ``added`` (new key), ``updated`` (a present row changes), ``unchanged`` (says what is
    there), ``repeated`` (applied, and after it another one of its key that says something else), ``left_out`` (older than what
    is there, or of a table whose rows never change). ``example``: one that was repeated. The positions of rows that do not stay as
    they are, present and delivered, are in the engine's table ``superseded``, what they were combined to is in ``combined``."""

    added: int
    updated: int
    unchanged: int
    repeated: int = 0
    left_out: int = 0
    example: Repeat | None = None


@dataclass(frozen=True)
class Outcome:
    """The files that change hands, and what became of the rows."""

    added_files: list[Path]
    removed_files: list[str]
    decision: Decision


def repeated_within(
    engine: Engine, table: Table, staged: Sequence[Path | str], progress: Callable[[float], None] = lambda _share: None
) -> None:
    """Collects the key hashes that occur more than once in the delivery as the engine's table ``repeated``. Needs nothing of the
    lake, so it runs before the table's lock is taken. ``progress`` is told the share that is done (0 to 1)."""
    engine.execute("SET preserve_insertion_order = false")  # positions carry the order; keeping it twice costs memory
    engine.execute("CREATE OR REPLACE TABLE repeated (h UBIGINT)")
    rows = _count(engine, f"SELECT count(*) FROM {parquet_relation(staged, table.arrow_schema)}")
    shares = _shares(rows, HASHES_PER_PASS)
    for done, share in enumerate(shares, start=1):
        hashes = f"SELECT h FROM ({_hashes(table, staged)}) WHERE {share}"
        engine.execute(f"INSERT INTO repeated SELECT h FROM ({hashes}) GROUP BY h HAVING count(*) > 1")
        progress(done / len(shares))


def decide(
    engine: Engine, table: Table, staged: Sequence[Path | str], present: Sequence[str], *, whole: bool = False
) -> Decision:
    """Decides, writing no file, what becomes of the ``staged`` rows beside ``present``; ``repeated_within`` has run. ``whole``: the
    rows tell everything, whatever columns their files have."""
    rows = _count(engine, f"SELECT count(*) FROM {parquet_relation(staged, table.arrow_schema)}")
    engine.execute("CREATE OR REPLACE TABLE superseded (position BIGINT)")
    combining.begin(engine, table)
    if present:
        within = _within(engine, table, staged)
        for share in _shares(rows, HASHES_PER_PASS):
            engine.execute(
                f"INSERT INTO repeated SELECT DISTINCT h FROM ({_hashes(table, present, within)}) "
                f"WHERE {share} AND h IN (SELECT h FROM ({_hashes(table, staged)}) WHERE {share})"
            )
    totals = _Totals()
    meeting = Meeting(table, staged, present, whole)
    for share in _shares(_count(engine, "SELECT count(*) FROM repeated"), KEYS_PER_PASS):
        _decide_share(engine, meeting, share, totals)
    return totals.decision(rows, staged)


def resolve(
    engine: Engine,
    table: Table,
    staged: Sequence[Path],
    present: Sequence[str],
    *,
    folder: Path,
    progress: Callable[[float], None] = lambda _share: None,
) -> Outcome:
    """What to commit so that ``present`` takes in ``staged``; ``repeated_within`` has run. New files go to ``folder``. ``progress``
    is told the share that is done (0 to 1)."""
    decision = decide(engine, table, staged, present)
    progress(_DECIDED)
    if not decision.added and not decision.updated:
        return Outcome([], [], decision)
    writer = StagingWriter(table, folder / "resolved")
    removed = [present[at] for at in _rewrite(engine, table, present, writer, first_position=0)]
    progress((1 + _DECIDED) / 2)
    # A file that says beside its rows what they tell is no file of the lake.
    beside = [at for at, path in enumerate(staged) if TOLD in columns_of(str(path))]
    touched = set(_rewrite(engine, table, staged, writer, first_position=DELIVERED_POSITION, always=beside))
    write_rows(engine, f"SELECT {sql_list(table.arrow_schema.names)} FROM combined", writer)
    untouched = [path for at, path in enumerate(staged) if at not in touched]
    return Outcome(untouched + writer.close(), removed, decision)


_DECIDED = 0.5
"""How much of resolving is done once it is decided, for the progress shown."""


@dataclass
class _Totals:
    """What becomes of rows of keys that meet, share by share; ``example`` by positions."""

    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    left_out: int = 0
    example: tuple[int, int] | None = None

    def decision(self, rows: int, staged: Sequence[Path | str]) -> Decision:
        """Of a delivery of so many rows."""
        counted = (self.updated, self.unchanged, self.repeated, self.left_out)
        example = None if self.example is None else Repeat(*(_row_number(at, staged) for at in self.example))
        return Decision(rows - sum(counted), *counted, example)


def _row_number(position: int, staged: Sequence[Path | str]) -> int:
    at, row = divmod(position - DELIVERED_POSITION, 1 << FILE_SHIFT)
    return sum(parquet_rows(Path(path)) for path in staged[:at]) + row


def without_repeats(engine: Engine, table: Table, present: Sequence[str], *, folder: Path) -> tuple[Outcome, int]:
    """What to commit so that ``present`` has one row per key, the one that would be left had its files been delivered in their
    order; and how many rows leave. New files go to ``folder``."""
    repeated_within(engine, table, present)
    decision = decide(engine, table, present, [], whole=True)
    if not (leave := decision.unchanged + decision.repeated + decision.left_out):
        return Outcome([], [], decision), 0
    writer = StagingWriter(table, folder)
    leaving = [present[at] for at in _rewrite(engine, table, present, writer, first_position=DELIVERED_POSITION)]
    return Outcome(writer.close(), leaving, decision), leave


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


def _conflicting(meeting: Meeting, share: str) -> str:
    """The rows, present or delivered, whose key hash repeats: key, position in delivery order, version and content, whether there
    is ``more`` than what the delivered rows tell, and what they tell."""
    table = meeting.table
    more = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in meeting.untold) or "false"
    columns = (
        f"{_key(table)} AS key, epoch_us(updated_at) AS version, {content_hash(table, meeting.told)} AS content, "
        f"({more}) AS more, {KEY_HASH.format(sql_list(table.key))} AS h"
    )
    return (
        f"SELECT key, position, delivered, told, version, content, more FROM ({meeting.rows(columns)}) "
        f"WHERE {share} AND h IN (SELECT h FROM repeated WHERE {share})"
    )


def _key(table: Table) -> str:
    """A conflicting row's natural key as 128 bits. Parts carry their length, so that different keys never read alike;
    MD5 serves as a fingerprint here, not as a protection."""
    parts = ", ".join(f"strlen(CAST({quoted(name)} AS VARCHAR)), ':', {quoted(name)}" for name in table.key)
    return f"md5_number(concat({parts}))"


def _decide_share(engine: Engine, meeting: Meeting, share: str, totals: _Totals) -> None:
    """Adds what becomes of one share's rows to ``totals``, ``superseded`` and ``combined``."""
    engine.execute(f"CREATE OR REPLACE TABLE conflicting AS {_conflicting(meeting, share)}")
    if meeting.table.immutable:
        _replace(engine, "conflicting", "min(position)")
    elif meeting.told is None:
        combining.fold(engine, meeting)
    else:
        # A row without updated_at is always applied to what came before it, so only rows from the last such one on compete.
        # Among those the newest wins, the later delivered on a tie: the maximum of (version, position) as one number.
        competing = (
            "(SELECT conflicting.* FROM conflicting LEFT JOIN (SELECT key, max(position) AS restart FROM conflicting "
            "WHERE version IS NULL GROUP BY key) USING (key) WHERE position >= coalesce(restart, 0))"
        )
        newest = "max((coalesce(version + (1::HUGEINT << 62), 0) << 63) + position)"
        _replace(engine, competing, f"CAST({newest} & ((1::HUGEINT << 63) - 1) AS BIGINT)")
        if meeting.untold:
            combining.keep_the_rest(engine, meeting)
    engine.execute(
        "INSERT INTO superseded SELECT position FROM conflicting JOIN resolved USING (key) "
        "WHERE winner IS NULL OR position <> winner"
    )
    _count_share(engine, totals)


def _replace(engine: Engine, competing: str, best: str) -> None:
    """Makes ``resolved``: of every key the ``best`` of its ``competing`` rows, applied last, and the ``winner``, which stays: the
    present row if that says the same."""
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE resolved AS
        WITH winners AS (SELECT key, {best} AS best FROM {competing} GROUP BY key)
        SELECT winners.key, winners.best, best.content AS content, present.position AS present_position,
            CASE WHEN present.content = best.content THEN present.position ELSE winners.best END AS winner,
            coalesce(present.more, false) AS more
        FROM winners JOIN conflicting AS best ON best.position = winners.best
        LEFT JOIN (FROM conflicting WHERE NOT delivered) AS present ON present.key = winners.key
        """
    )


def _count_share(engine: Engine, totals: _Totals) -> None:
    """A key's rows count once for what became of it, the others for what became of them beside the ``best``, the one applied last;
    where rows were combined there is no ``winner``."""
    ((updated, unchanged),) = engine.execute(
        f"""
        SELECT count(*) FILTER (WHERE present_position IS DISTINCT FROM winner),
            count(*) FILTER (WHERE best >= {DELIVERED_POSITION} AND present_position = winner)
        FROM resolved WHERE present_position IS NOT NULL
        """
    )
    others = """
        SELECT position, best, position > best AS left_out, conflicting.content = resolved.content AS same
        FROM conflicting JOIN resolved USING (key) WHERE delivered AND position <> best
    """
    ((same, left_out, repeated),) = engine.execute(
        "SELECT count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same AND left_out), "
        f"count(*) FILTER (WHERE NOT same AND NOT left_out) FROM ({others})"
    )
    if repeated and totals.example is None:
        (totals.example,) = engine.execute(
            f"SELECT position, best FROM ({others}) WHERE NOT same AND NOT left_out ORDER BY position LIMIT 1"
        )
    totals.updated += updated
    totals.unchanged += unchanged + same
    totals.repeated += repeated
    totals.left_out += left_out


# -- rewriting files that hold superseded rows ------------------------------------------------------------------------


def _rewrite(
    engine: Engine,
    table: Table,
    paths: Sequence[Path | str],
    writer: StagingWriter,
    *,
    first_position: int,
    always: Sequence[int] = (),
) -> list[int]:
    """Writes the rows that stay of every one of ``paths`` that holds a superseded row, or that is ``always`` rewritten; the
    positions of those files."""
    last_position = first_position + (len(paths) << FILE_SHIFT)
    counts = dict.fromkeys(always, 0) | dict(
        engine.execute(
            f"SELECT CAST((position - {first_position}) >> {FILE_SHIFT} AS INTEGER), count(*) FROM superseded "
            f"WHERE position >= {first_position} AND position < {last_position} GROUP BY ALL"
        )
    )
    for at, superseded in sorted(counts.items()):
        relation = parquet_relation([paths[at]], table.arrow_schema)
        if superseded == _count(engine, f"SELECT count(*) FROM {relation}"):
            continue
        start = first_position + (at << FILE_SHIFT)
        end = start + (1 << FILE_SHIFT)
        leaving = f"SELECT position - {start} FROM superseded WHERE position >= {start} AND position < {end}"
        stay = f"SELECT {sql_list(table.arrow_schema.names)} FROM {relation} WHERE file_row_number NOT IN ({leaving})"
        write_rows(engine, stay, writer)
    return sorted(counts)


def write_rows(engine: Engine, query: str, writer: StagingWriter) -> None:
    """Hands a query's rows, which have the table's stored columns, to ``writer``."""
    for batch in engine.reader(query):
        writer.write(batch)
