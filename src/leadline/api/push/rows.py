"""Rows in the body of a push: a JSON array, an object around one, or a line each."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from leadline.api.body import RequestBody, TooLarge, beside, read_typed
from leadline.api.json_text import decoded, kind_of, malformed
from leadline.api.push.models import MAX_ROWS, Line, Rows, WrappedRows
from leadline.field_types import printable
from leadline.formats.json_lines import parsed_document, parsed_line
from leadline.formats.rows import RowRefused

MAX_BYTES = 16 << 20
NDJSON = ("application/x-ndjson", "application/jsonl", "application/json-lines")


async def _read(request: Request) -> list[Any]:
    kind, raw = await read_typed(request, NDJSON, MAX_BYTES)
    rows: list[Any] = await beside(rows_of, raw, kind)
    return rows


PUSHED_ROWS = RequestBody(
    _read,
    {"application/json": Rows | WrappedRows, "application/x-ndjson": Line},
    "At most 10,000 rows in 16 MiB. Columns that the table has not are left out and told.",
)
"""The dependency that gives the rows of a push, as ``rows_of`` does."""


def rows_of(raw: bytes, kind: str) -> list[Any]:
    """The rows in a body of type ``kind``: objects with numbers as texts, or why one is none. Raises ``InvalidRequest``
    if it is no list of rows at all, ``TooLarge`` for too many."""
    text = decoded(raw)
    rows = _lines(text) if kind in NDJSON else _elements(text)
    if len(rows) > MAX_ROWS:
        raise TooLarge(f"The body has {len(rows)} rows; at most {MAX_ROWS} are taken at a time")
    return rows


def _lines(text: str) -> list[Any]:
    rows: list[Any] = []
    for line in text.split("\n"):
        try:
            parsed: Any = parsed_line(line.encode())
        except RowRefused as refused:
            parsed = refused
        if parsed is not None:
            rows.append(parsed)
    return rows


def _elements(text: str) -> list[Any]:
    if not text.strip():
        raise malformed("it is empty; send a JSON array of rows")
    try:
        document = parsed_document(text)
    except json.JSONDecodeError as error:
        raise malformed(f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise malformed("it is nested too deeply") from None
    if isinstance(document, RowRefused):
        raise malformed(f"{printable(document.column)}: {document.reason}" if document.column else document.reason)
    if isinstance(document, dict):
        if set(document) != {"rows"}:
            raise malformed('it is an object; send an array of rows, or {"rows": […]} and nothing else')
        document = document["rows"]
    if not isinstance(document, list):
        what = "no array" if isinstance(document, RowRefused) else kind_of(document)
        raise malformed(f"it is {what}; send an array of rows")
    return document
