"""Reads JSON Lines (one object a line, UTF-8) and rows within other JSON into raw rows. Numbers stay the texts they are written as,
and keys are matched like the column names of a CSV file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from leadline.errors import InvalidInput
from leadline.formats.files import LONGEST_LINE, ByteStream, ImportFile, Progress
from leadline.formats.rows import Columns, RawRows, Refusal, RowRefused, raw_batch, raw_row

BATCH_ROWS = 16_384
BATCH_BYTES = 16 << 20


def json_rows(file: ImportFile, progress: Progress | None, *, records: bool) -> Iterator[RawRows]:
    """The rows in order, with the line of each; ``records`` keeps each raw line beside its row. Refused here: lines that are no
    JSON object, keys the table has not (open tables keep them) or twice, objects and lists where a text or number belongs, text
    that is not Unicode."""
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
                if (parsed := parsed_line(line, first=number == 1)) is not None:
                    rows.append((number, raw_row(parsed, columns), kept))
            except RowRefused as refused:
                value = refused.value or line.decode("utf-8", "replace").strip()
                refusals.append(Refusal(number, refused.column, value, refused.reason, kept))
            if len(rows) + len(refusals) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield RawRows(raw_batch(rows, file.table, records=records), refusals)
                rows, refusals, size = [], [], 0
        yield RawRows(raw_batch(rows, file.table, records=records), refusals)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RowRefused:
    items = dict(pairs)
    if len(items) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return RowRefused("the column is there twice", twice[:80])
    return items


# Numbers stay the texts they are: conversion judges digits, and 2**63 or 1.10 must not change on the way. What is wrong with
# one row must not hide the others of a document, so the refusal stands where the value would.
_DECODER = json.JSONDecoder(
    parse_float=str,
    parse_int=str,
    parse_constant=lambda text: RowRefused(f"{text} is no JSON number"),
    object_pairs_hook=_object,
    strict=True,
)


def parsed_document(text: str) -> Any:
    """A JSON document with numbers as texts; a ``RowRefused`` stands for an object or number that cannot be. Raises ``ValueError``
    (``json.JSONDecodeError`` says where) or ``RecursionError`` if it is no JSON."""
    return _DECODER.decode(text)


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
        parsed = parsed_document(text)
    except json.JSONDecodeError as error:
        raise RowRefused(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise RowRefused("nested too deeply") from error
    if isinstance(parsed, RowRefused):
        raise parsed
    if not isinstance(parsed, dict):
        raise RowRefused("not a JSON object")
    return parsed
