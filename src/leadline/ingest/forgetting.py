"""Puts pseudonyms in place of people who are forgotten in rows of tables, above all in those on their way into the lake: no tool
and no file brings them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from leadline.home import Project
from leadline.people.forgotten import Forgotten, forgotten_of, name_of
from leadline.schema import ColumnType, Table
from leadline.schema.table import ATTRIBUTES, SOURCE, Column, Personal

if TYPE_CHECKING:
    import pyarrow as pa

Texts = dict[str, list[Any]]
"""Values of rows by column."""
RowsT = TypeVar("RowsT", "pa.RecordBatch", "pa.Table")
_ROWS_AT_A_TIME = 32_768

PEOPLE_FIELDS = frozenset({"assignee", "reporter", "creator"})
"""Fields of work items whose values are accounts."""


def pseudonymous(forgotten: Forgotten, table: Table, rows: RowsT) -> RowsT:
    """``rows`` of ``table``, with what columns they have, with pseudonyms; the very same where nobody in them is forgotten."""
    if not forgotten:
        return rows
    for name, values in _changed(forgotten, table, _texts(table, rows)):
        import pyarrow as pa

        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values, rows.schema.field(at).type))
    return rows


def recognized(project: Project, table: Table, rows: RowsT) -> RowsT:
    """``pseudonymous`` with those whom ``project`` has forgotten by now."""
    return pseudonymous(forgotten_of(project), table, rows)


def count_changed(forgotten: Forgotten, table: Table, rows: pa.RecordBatch) -> int:
    """How many of ``rows`` name somebody who is forgotten."""
    texts = _texts(table, rows)
    changed: set[int] = set()
    for name, values in _changed(forgotten, table, texts):
        changed.update(at for at, value in enumerate(values) if value != texts[name][at])
    return len(changed)


def line_without(forgotten: Forgotten, table: Table, line: str) -> str:
    """A row that was pushed, as a line of JSON, with pseudonyms."""
    row = json.loads(line)
    texts: Texts = {name: [value] for name, value in row.items()}
    row |= {name: values[0] for name, values in _changed(forgotten, table, texts)}
    return json.dumps(row, ensure_ascii=False)


def _changed(forgotten: Forgotten, table: Table, texts: Texts) -> Iterator[tuple[str, list[Any]]]:
    """The columns in which something changes, with their new values."""
    for column in (*table.personal, *([_ATTRIBUTES] if table.open_columns else [])):
        if column.name in texts:
            form = _form(forgotten, column, texts)
            after = [None if value is None else form(at, value) for at, value in enumerate(texts[column.name])]
            if after != texts[column.name]:
                yield column.name, after


def _texts(table: Table, rows: pa.RecordBatch | pa.Table) -> Texts:
    wanted = (*(column.name for column in table.personal), SOURCE.name, "field", ATTRIBUTES)
    return {name: rows.column(name).to_pylist() for name in wanted if name in rows.schema.names}


_ATTRIBUTES = Column(ATTRIBUTES, ColumnType.TEXT, "", personal=Personal.DETAIL, whose=("email",))


def _form(forgotten: Forgotten, column: Column, texts: Texts) -> Callable[[int, Any], Any]:
    """What stands in place of a value of ``column``, by its position and itself."""
    sources = texts.get(SOURCE.name)

    def account(at: int, text: str) -> str:
        return forgotten.account(sources[at] if sources else None, text) or text

    def prose(value: Any) -> Any:  # numbers name nobody
        return forgotten.prose(value) if isinstance(value, str) else value

    def of_somebody(at: int, value: Any) -> Any:
        whose = _whose(forgotten, column, texts, sources, at)
        if whose is None:
            return prose(value)
        return name_of(whose) if column.personal is Personal.NAME else None

    if column.personal is Personal.ACCOUNT and column.type is ColumnType.LIST:
        return lambda at, values: [account(at, value) for value in values]
    if column.personal is Personal.ACCOUNT:
        return account
    if column.personal is Personal.ADDRESS:
        return lambda _at, text: forgotten.addresses(text)
    if column.personal is Personal.CHANGE:
        fields = texts.get("field") or []
        return lambda at, text: account(at, text) if _is_people(fields, at) else forgotten.prose(text)
    return of_somebody if column.whose else lambda _at, value: prose(value)


def _is_people(fields: Sequence[str | None], at: int) -> bool:
    return bool(fields) and (fields[at] or "").lower() in PEOPLE_FIELDS


def _whose(forgotten: Forgotten, column: Column, texts: Texts, sources: list[Any] | None, at: int) -> str | None:
    """The pseudonym of whoever a row says something about; None: they are not forgotten."""
    for name in column.whose:
        if name in texts and (text := texts[name][at]) is not None:
            pseudonym = forgotten.account(sources[at] if sources else None, text)
            if pseudonym is not None:
                return pseudonym
    return None


# -- rows on their way -------------------------------------------------------------------------------------------------


def forgotten_in_files(forgotten: Forgotten, table: Table, paths: Sequence[Path]) -> list[Path]:
    """Staged files, each as it is or, if it names somebody who is forgotten, another one in its place."""
    return [_rewritten(forgotten, table, path) for path in paths] if forgotten and table.personal else list(paths)


def _rewritten(forgotten: Forgotten, table: Table, path: Path) -> Path:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        if not any(count_changed(forgotten, table, batch) for batch in file.iter_batches(_ROWS_AT_A_TIME)):
            return path
        target = path.with_name(f"{path.stem}-pseudonymous.parquet")
        with pq.ParquetWriter(target, file.schema_arrow, compression="zstd", compression_level=1) as writer:
            for batch in file.iter_batches(_ROWS_AT_A_TIME):
                writer.write_batch(pseudonymous(forgotten, table, batch))
    return target
