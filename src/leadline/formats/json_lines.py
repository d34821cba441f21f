"""Reads JSON Lines (one object a line, UTF-8), and rows within other JSON, into raw rows.

An ``ImportFile`` comes in, or text; batches of texts go out with the line of every row. Numbers keep the digits they are
written with, so that nothing is rounded before it is judged. Keys are matched like CSV column names.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidInput
from leadline.formats.files import (
    LINE,
    LONGEST_LINE,
    RECORD,
    ByteStream,
    ImportFile,
    Progress,
    RawRows,
    Refusal,
    resolve_column,
)
from leadline.schema import ColumnType, Table
from leadline.schema.table import ATTRIBUTES

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 16_384
BATCH_BYTES = 16 << 20
_UNKNOWN_KEPT = 20


class RowRefused(Exception):
    """Why a row is not taken: ``reason``, about ``column`` (empty: the whole row) and its ``value`` as it was sent."""

    def __init__(self, reason: str, column: str = "", value: str = "") -> None:
        super().__init__(reason)
        self.reason, self.column, self.value = reason, column, value


def json_rows(file: ImportFile, progress: Progress | None, *, records: bool) -> Iterator[RawRows]:
    """The rows in order, with the line of each; ``records`` keeps each raw line beside its row.

    Refused here: lines that are no JSON object, keys the table has not (open tables keep them) or twice, objects and
    lists where a text or number belongs, text that is not Unicode.
    """
    columns = Columns(file.table)
    with ByteStream(file, progress) as stream:
        source = io.BufferedReader(stream, 1 << 18)
        rows: list[tuple[int, dict[str, Any], str]] = []
        refusals: list[Refusal] = []
        size = number = 0
        while line := source.readline(LONGEST_LINE):
            number += 1
            if len(line) >= LONGEST_LINE:
                raise InvalidInput(f"{file.path.name}, line {number}: the line is longer than {LONGEST_LINE >> 20} MiB")
            size += len(line)
            kept = line.decode("utf-8", "replace").strip() if records else ""
            try:
                if (row := _row(line, columns, first=number == 1)) is not None:
                    rows.append((number, row, kept))
            except RowRefused as refused:
                value = refused.value or line.decode("utf-8", "replace").strip()
                refusals.append(Refusal(number, refused.column, value, refused.reason, kept))
            if len(rows) + len(refusals) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield RawRows(raw_batch(rows, file.table, records=records), refusals)
                rows, refusals, size = [], [], 0
        yield RawRows(raw_batch(rows, file.table, records=records), refusals)


class Columns:
    """The table's columns by the keys a file uses for them; every spelling is resolved once.

    ``lenient``: keys the table has not are left out and collected, with what would do, in ``unknown``.
    """

    def __init__(self, table: Table, *, lenient: bool = False) -> None:
        self.table = table
        self.unknown: dict[str, str] | None = {} if lenient else None
        self.lists = {column.name for column in table.columns if column.type is ColumnType.LIST}
        self._known: dict[str, str] = {}

    def named(self, key: str) -> str | None:
        """The column's name. For a key the table has not: None if that is let pass, else raises ``RowRefused``."""
        if (name := self._known.get(key)) is not None:
            return name
        resolved, problem = resolve_column(key, self.table)
        if resolved is None:
            if self.unknown is None:
                raise RowRefused(problem or "", key[:80])
            if len(self.unknown) < _UNKNOWN_KEPT:
                self.unknown[key[:80]] = problem or ""
            return None
        _require_unicode(resolved, key[:80])
        if len(self._known) < 10_000:  # a file may spell open columns in ever new ways
            self._known[key] = resolved
        return resolved


def _no_constant(text: str) -> Any:
    raise RowRefused(f"{text} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    items = dict(pairs)
    if len(items) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RowRefused("the column is there twice", twice[:80])
    return items


# Numbers stay the texts they are: conversion judges digits, and 2**63 or 1.10 must not change on the way.
_DECODER = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=_no_constant, object_pairs_hook=_object, strict=True
)


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RowRefused:
    try:
        return _object(pairs)
    except RowRefused as refused:
        return refused


# In a document of many rows a wrong one must not hide the others: what is wrong with it stands where it would stand.
_DOCUMENT_DECODER = json.JSONDecoder(
    parse_float=str,
    parse_int=str,
    parse_constant=lambda text: RowRefused(f"{text} is no JSON number"),
    object_pairs_hook=_marked,
    strict=True,
)


def parsed_document(text: str) -> Any:
    """A JSON document with numbers as texts; a ``RowRefused`` stands for an object or number that cannot be.

    Raises ``ValueError`` (``json.JSONDecodeError`` says where) or ``RecursionError`` if it is no JSON.
    """
    return _DOCUMENT_DECODER.decode(text)


def _row(line: bytes, columns: Columns, *, first: bool) -> dict[str, Any] | None:
    """One line as column → text or list of texts; None for a blank line."""
    parsed = parsed_line(line, first=first)
    return None if parsed is None else raw_row(parsed, columns)


def raw_row(parsed: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """A JSON object as column → text or list of texts. Raises ``RowRefused``."""
    row: dict[str, Any] = {}
    extras: dict[str, str] = {}
    for key, value in parsed.items():
        name = columns.named(key)
        if name is None:
            continue
        if name in row or name in extras:
            raise RowRefused("the column is there twice", name)
        text = _value(value, name, lists=name in columns.lists)
        if name in columns.table.column or name == ATTRIBUTES:
            row[name] = text
        else:
            extras[name] = text
    kept = {name: text for name, text in sorted(extras.items()) if text}
    if kept:
        row[ATTRIBUTES] = _merged(row.get(ATTRIBUTES), kept)
    return row


def _merged(attributes: str | None, extras: dict[str, str]) -> str:
    """Further columns joined to the object a row gives as its attributes; what is no object is left to be refused."""
    try:
        given = json.loads(attributes) if attributes else {}
    except ValueError:
        return attributes or ""
    if not isinstance(given, dict):
        return attributes or ""
    return json.dumps({**given, **extras}, ensure_ascii=False, separators=(",", ":"))


def parsed_line(line: bytes, *, first: bool = False) -> dict[str, Any] | None:
    """The object of one line, numbers as texts; None for a blank line. Raises ``RowRefused``."""
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise RowRefused("not UTF-8; save the file as UTF-8") from error
    if first:
        text = text.removeprefix("\ufeff")
    if not text:
        return None
    try:
        parsed = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise RowRefused(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise RowRefused("nested too deeply") from error
    if not isinstance(parsed, dict):
        raise RowRefused("not a JSON object")
    return parsed


def _value(value: Any, name: str, *, lists: bool) -> Any:
    """A JSON value as text (list columns: list of texts), None for null."""
    if value is None:
        return None
    if isinstance(value, RowRefused):
        raise RowRefused(value.reason, name, value.value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, str):
        _require_unicode(value, name)
        return _split(value) if lists else value
    if isinstance(value, list) and lists:
        if any(not isinstance(item, str) for item in value):
            raise RowRefused("the list holds something that is no text", name, _shown(value))
        for item in value:
            _require_unicode(item, name)
        return value
    if isinstance(value, dict) and name == ATTRIBUTES:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_raise)
        _require_unicode(text, name)
        return text
    kind = "a list" if isinstance(value, list) else "an object"
    raise RowRefused(f"{kind} where one value belongs", name, _shown(value))


def _shown(value: Any) -> str:
    return json.dumps(value, default=lambda refused: refused.reason)[:80]


def _raise(value: Any) -> Any:
    raise value


def _split(text: str) -> list[str]:
    return [item.strip() for item in text.split(";") if item.strip()]


def _require_unicode(text: str, name: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RowRefused("half a surrogate pair: not Unicode text", name, ascii(text)) from error


def raw_batch(
    rows: Sequence[tuple[int, Mapping[str, Any], str]], table: Table, *, records: bool
) -> pa.RecordBatch | None:
    """Rows as (line, column → text or texts, raw record) in one batch that has every declared column and ``_line``."""
    import pyarrow as pa

    if not rows:
        return None
    lists = {column.name for column in table.columns if column.type is ColumnType.LIST}
    names = [*table.column, ATTRIBUTES] if table.open_columns else list(table.column)
    columns: dict[str, Any] = {
        name: pa.array([row.get(name) for _, row, _ in rows], pa.list_(pa.string()) if name in lists else pa.string())
        for name in names
    }
    columns[LINE] = pa.array([number for number, _, _ in rows], pa.int64())
    if records:
        columns[RECORD] = pa.array([kept for _, _, kept in rows], pa.string())
    return pa.RecordBatch.from_pydict(columns)
