"""Writes a query's rows to the file a user asked for: CSV, Parquet or JSON lines, gzipped if its name says so.

The file is flushed to disk and either whole or absent, and the same bytes for the same rows.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast, get_args

from leadline.atomic_file import beside, whole_file
from leadline.engine.backend import FileFormat
from leadline.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ibis.expr.types import Table

    from leadline.engine.backend import Backend


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would run as a formula; in CSV such a text gets a leading `'`."""

# Compressing is most of the cost of a large file; higher levels take twice as long for a twentieth of the size.
_GZIP_LEVEL = 4
_CHUNK = 1 << 20


def write(
    engine: Backend,
    query: Table | str,
    path: Path,
    form: str,
    check: Callable[[], None],
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Write ``query`` to ``path`` and return its rows. ``check`` is called between chunks and may raise to stop it. ``metadata`` is
    what a Parquet file's schema tells besides."""
    if path.suffix != ".gz":
        return engine.copy(query, path, _checked(form), metadata=metadata)
    plain = beside(path, "plain")
    try:
        rows = engine.copy(query, plain, _checked(form), durable=False)
        with (
            plain.open("rb") as source,
            whole_file(path) as packed,
            packed.open("wb") as target,
            # No name and no time in the header: the same rows give the same bytes.
            gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=target, mtime=0) as compressed,
        ):
            while chunk := source.read(_CHUNK):
                check()
                compressed.write(chunk)
    finally:
        plain.unlink(missing_ok=True)
    return rows


def columns_of(engine: Backend, query: str) -> list[str]:
    """The names of the columns that the rows of ``query`` have, in order."""
    names = engine.arrow(f"SELECT column_name FROM (DESCRIBE {query})")["column_name"]
    return [str(name) for name in names.to_pylist()]


def neutralized(text: str) -> str:
    """``text`` such that no spreadsheet runs it as a formula (http-api, "CSV")."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _checked(form: str) -> FileFormat:
    if form not in get_args(FileFormat):
        raise InvalidRequest(
            f"There is no format {form!r}; formats are {', '.join(get_args(FileFormat))}", code="unknown_format"
        )
    return cast("FileFormat", form)
