"""The rows of a downloaded file with their lines, by the readers of ``leadline import``; arrays of JSON, too. Never more than some
thousands are in memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leadline.errors import InvalidInput
from leadline.formats.csv_reader import exact_rows, read_header
from leadline.formats.files import LONGEST_LINE, ImportFile
from leadline.formats.json_lines import json_rows
from leadline.formats.parquet import parquet_rows
from leadline.formats.rows import LINE, RawRows, Refusal, told_columns
from leadline.schema import Table

_CHUNK = 1 << 20
_NO_SPACE = re.compile(r"[^ \t\r\n]")
_GZIP = b"\x1f\x8b"
_SLICE = 1_000


@dataclass(frozen=True)
class Rows:
    """Rows as (line, column → text or texts) with what was refused beside them. ``unit``: what lines are called."""

    rows: Iterator[tuple[int, dict[str, Any]]]
    refusals: list[Refusal]
    unit: str


def raw_rows(file: ImportFile) -> Iterator[Rows]:
    """The rows in order. Raises ``InvalidInput`` for a file that is not of its format, or whose columns are not the table's."""
    batches, unit = _batches(file)
    for raw in batches:
        yield Rows(_rows(raw, file.table), raw.refusals, unit)


def _batches(file: ImportFile) -> tuple[Iterator[RawRows], str]:
    """The rows in batches, and what their numbers count."""
    if file.suffix == ".json":
        lines = file.path.with_name(f"{file.path.name}.lines")
        as_lines(file.path, lines)
        lines.replace(file.path)  # messages name the file by its path
        return json_rows(replace(file, suffix=".jsonl"), None, records=False), "row"
    if file.suffix == ".parquet":
        return parquet_rows(file, None, records=False)[1], "row"
    with file.path.open("rb") as content:  # a server may unpack what it calls packed, and pack what it does not
        packed = content.read(len(_GZIP)) == _GZIP
    file = replace(file, suffix=file.suffix.removesuffix(".gz") + (".gz" if packed else ""))
    if file.suffix.startswith(".csv"):
        return exact_rows(file, read_header(file), None, records=False), "line"
    return json_rows(file, None, records=False), "line"


def _rows(raw: RawRows, table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a batch, made a thousand at a time: as Python's objects they are large."""
    if raw.batch is None:
        return
    for start in range(0, raw.batch.num_rows, _SLICE):
        for row in raw.batch.slice(start, _SLICE).to_pylist():
            number = int(row.pop(LINE))
            yield number, told_columns(row, table)


def as_lines(source: Path, target: Path) -> None:
    """Writes the elements of the JSON array in ``source`` to ``target``, one a line, spelled as they are. Raises ``InvalidInput``
    if it is no array, or an element is longer than a line may be."""
    with source.open("rb") as file, target.open("w", encoding="utf-8", newline="") as lines:
        elements = _Elements(file, source.name)
        for text in elements:
            # Line breaks within texts are escaped, so those that are here separate nothing.
            lines.write(text.replace("\r", " ").replace("\n", " ") + "\n")


class _Elements:
    """The texts of an array's elements, read chunk by chunk. ``_at`` is how far in ``_text`` they are read."""

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._scan = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str).raw_decode
        self._text, self._at, self._ended, self._row = "", 0, False, 0

    def __iter__(self) -> Iterator[str]:
        if self._next() != "[":
            raise InvalidInput(f"{self._name} is no JSON array of objects; one object a line is the format jsonl")
        self._at += 1
        separator = "]" if self._next() == "]" else ","
        self._at += separator == "]"
        while separator == ",":
            self._row += 1
            self._next()
            yield self._element()
            separator = self._next()
            self._at += 1
        if separator != "]":
            raise InvalidInput(f"{self._name}: after row {self._row} there is neither a comma nor the array's end")
        if self._next():
            raise InvalidInput(f"{self._name}: there is more after the array's end")

    def _next(self) -> str:
        """The next character that is no space, '' at the end; it is still to be read."""
        while True:
            if character := _NO_SPACE.search(self._text, self._at):
                self._at = character.start()
                return character.group()
            self._at = len(self._text)
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Reads on; whether there was anything."""
        if self._ended:
            return False
        left = self._text[self._at :]
        chunk = self._file.read(max(_CHUNK, len(left)))  # doubled, so that a long element is not scanned over and over
        self._ended = not chunk
        try:
            self._text, self._at = left + self._decode(chunk, final=self._ended), 0
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{self._name} is not UTF-8 after row {self._row}") from error
        return True

    def _element(self) -> str:
        while True:
            try:
                _, end = self._scan(self._text, self._at)
            except RecursionError as error:
                raise InvalidInput(f"{self._name}, row {self._row}: nested too deeply") from error
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > LONGEST_LINE or not self._more():
                    raise InvalidInput(f"{self._name}, row {self._row}: not JSON: {error.msg}") from error
                continue
            if end == len(self._text) and self._more():
                continue  # a number may go on
            text, self._at = self._text[self._at : end], end
            return text
