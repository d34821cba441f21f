"""Combines rows that do not tell every column with what came before them: of each column, what was told of it last stays. A row
that is older than what it meets is not applied (``resolution``), whatever it tells."""

from __future__ import annotations

from leadline.engine import Engine, quoted
from leadline.engine.sql_text import duckdb_type, sql_list
from leadline.ingest.meeting import DELIVERED_POSITION, FILE_SHIFT, Meeting, content_hash
from leadline.schema import Table
from leadline.schema.table import UPDATED_AT, told_mask


def begin(engine: Engine, table: Table) -> None:
    """The table ``combined``, of rows that take the place of several."""
    columns = ", ".join(f"{quoted(field.name)} {duckdb_type(field.type)}" for field in table.arrow_schema)
    engine.execute(f"CREATE OR REPLACE TABLE combined ({columns})")


def keep_the_rest(engine: Engine, meeting: Meeting) -> None:
    """Where every delivered row tells the same columns, the last one applied and the rest of the present row are all there is to a
    key: such keys of ``resolved`` lose their ``winner`` to ``combined``. Others have nothing in the rest."""
    where = "more AND winner = best AND present_position <> winner"
    engine.execute(
        "CREATE OR REPLACE TABLE contributing AS SELECT key AS row_key, unnest([present_position, best]) AS position "
        f"FROM resolved WHERE {where}"
    )
    _collect_parts(engine, meeting)
    columns = ", ".join(
        f"{'present' if name in meeting.untold else 'delivered'}.{quoted(name)}"
        for name in meeting.table.arrow_schema.names
    )
    engine.execute(
        f"INSERT INTO combined SELECT {columns} FROM parts AS delivered JOIN parts AS present USING (row_key) "
        f"WHERE delivered.position >= {DELIVERED_POSITION} AND present.position < {DELIVERED_POSITION}"
    )
    engine.execute(f"UPDATE resolved SET winner = NULL WHERE {where}")


def fold(engine: Engine, meeting: Meeting) -> None:
    """Where rows differ in what they tell: makes ``resolved`` anew, of the rows that are applied one after the other."""
    resets = f"version IS NULL AND told & {told_mask(meeting.table, [UPDATED_AT.name])} <> 0"
    before = "ORDER BY position ROWS UNBOUNDED PRECEDING"
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE applied AS SELECT key, position, told, content FROM (
            SELECT *, version IS NULL OR version >= max(version) OVER (PARTITION BY key, since {before}) AS applies FROM (
                SELECT *, count(*) FILTER ({resets}) OVER (PARTITION BY key {before}) AS since FROM conflicting
            )
        ) WHERE applies
        """
    )
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE contributing AS SELECT key AS row_key, position FROM applied JOIN (
            SELECT key FROM applied GROUP BY key HAVING count(*) > 1 AND arg_max(told, position) <> {meeting.everything}
        ) USING (key)
        """
    )
    engine.execute(f"CREATE OR REPLACE TABLE folded AS {_combination(engine, meeting, 'row_key')}")
    engine.execute(
        f"""
        CREATE OR REPLACE TABLE resolved AS
        WITH last AS (SELECT key, max(position) AS best, arg_max(content, position) AS content FROM applied GROUP BY key),
            present AS (FROM conflicting WHERE NOT delivered),
            done AS (SELECT row_key AS key, {content_hash(meeting.table, None)} AS content FROM folded)
        SELECT last.key, last.best, last.content, present.position AS present_position, CASE
            WHEN present.content = coalesce(done.content, last.content) THEN present.position
            WHEN done.key IS NULL THEN last.best
        END AS winner
        FROM last LEFT JOIN present USING (key) LEFT JOIN done USING (key)
        """
    )
    engine.execute(
        f"INSERT INTO combined SELECT {sql_list(meeting.table.arrow_schema.names)} FROM folded "
        "WHERE row_key IN (SELECT key FROM resolved WHERE winner IS NULL)"
    )


def _collect_parts(engine: Engine, meeting: Meeting) -> None:
    """Makes ``parts``: the rows whose positions are in ``contributing``, whole."""
    names = meeting.table.arrow_schema.names
    engine.execute(
        "CREATE OR REPLACE TABLE parts AS SELECT combined.*, position, told, row_key FROM combined, "
        "(SELECT position, 0::BIGINT AS told, row_key FROM contributing) WHERE false"
    )
    for (number,) in engine.execute(f"SELECT DISTINCT position >> {FILE_SHIFT} FROM contributing ORDER BY ALL"):
        engine.execute(
            f"INSERT INTO parts SELECT {sql_list(names)}, position, told, row_key "
            f"FROM ({meeting.rows_of_file(sql_list(names), number)}) JOIN contributing USING (position)"
        )


def _combination(engine: Engine, meeting: Meeting, *more: str) -> str:
    """A query of one row for each key of ``contributing``, of what its rows told last of each column."""
    _collect_parts(engine, meeting)
    told_last = ", ".join(
        f"arg_max({{'value': {quoted(name)}}}, position) FILTER (told & {told_mask(meeting.table, [name])} <> 0)"
        f".value AS {quoted(name)}"
        for name in meeting.table.arrow_schema.names
    )
    return f"SELECT {', '.join([*more, told_last])} FROM parts GROUP BY row_key"
