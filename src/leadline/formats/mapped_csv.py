"""Reads a tool's own CSV export through a column map: rows as the file has them in, raw rows of the table out. What a map cannot
read in a cell is refused with its line and title."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from leadline.errors import Detail, InvalidInput
from leadline.formats.column_map import DELIMITERS, NAMED, ColumnMap, Origin, named_map
from leadline.formats.csv_reader import exact_rows, read_titles
from leadline.formats.files import ImportFile, Progress
from leadline.formats.rows import LINE, RECORD, Header, RawRows, Refusal
from leadline.instants import instant_of, rfc3339
from leadline.schema import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

Value = str | list[str]

_WITHOUT_OFFSET = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
"""Instants as every import takes them, which in a mapped file are local times."""


def mapped_rows(
    file: ImportFile, using: ColumnMap, zone: ZoneInfo, progress: Progress | None, *, records: bool
) -> Iterator[RawRows]:
    """The rows of ``file`` as its table's, in order. ``zone``: of instants without an offset, where the map says none. Raises
    ``InvalidInput`` for a file that has no titles, or not those of the key."""
    delimiter, titles = _titles(file, using)
    names = _distinct(titles)
    reading = _Reading(
        using, _places(using, titles, names, file), ZoneInfo(using.time_zone) if using.time_zone else zone
    )
    for raw in exact_rows(file, Header(tuple(names), ()), progress, records=records, delimiter=delimiter):
        yield reading.rows(raw)


def recognized(file: ImportFile) -> ColumnMap | None:
    """The map of leadline's own that a CSV file is surely to be read through, by its titles."""
    for using in map(named_map, NAMED):
        if using.table is file.table:
            there = {title.lower() for title in _titles(file, using)[1]}
            if {title.lower() for title in using.recognized_by} <= there:
                return using
    return None


def _titles(file: ImportFile, using: ColumnMap) -> tuple[str, list[str]]:
    """What separates cells, and the titles."""
    tried = DELIMITERS if using.delimiter is None else (using.delimiter,)
    read = [(delimiter, [title.strip() for title in read_titles(file, delimiter)]) for delimiter in tried]
    return max(read, key=lambda one: len(one[1]))


def _distinct(titles: Sequence[str]) -> list[str]:
    """A name for each column: its title, which several may have, and in which place it is there."""
    seen: dict[str, int] = {}
    names = []
    for position, title in enumerate(titles, 1):
        seen[title] = seen.get(title, 0) + 1
        names.append(title if seen[title] == 1 and title else f"{title} ({position})")
    return names


def _places(using: ColumnMap, titles: Sequence[str], names: Sequence[str], file: ImportFile) -> dict[str, list[str]]:
    """The file's columns that each of the table's is from, by name; those of which the file tells nothing are left out."""
    by_title: dict[str, list[str]] = {}
    for title, name in zip(titles, names, strict=True):
        by_title.setdefault(title.lower(), []).append(name)
    places = {
        column: [name for title in origin.titles for name in by_title.get(title.strip().lower(), ())]
        for column, origin in using.columns.items()
    }
    there = {column: found for column, found in places.items() if found or using.columns[column].value is not None}
    missing = [
        Detail(" or ".join(using.columns[column].titles), f"the key column {column} is made from it")
        for column in using.table.required
        if column not in there
    ]
    if missing:
        what = "; ".join(f"{detail.field!r}: {detail.message}" for detail in missing)
        raise InvalidInput(
            f"{file.path.name} has no column of these titles, which {using.name} needs: {what}", details=missing
        )
    return there


class _Refused(Exception):
    """A cell that the map cannot read: ``value`` and why."""

    def __init__(self, value: str, reason: str) -> None:
        super().__init__(reason)
        self.value, self.reason = value, reason


@dataclass(frozen=True, eq=False)
class _Reading:
    """Makes rows of the table from batches of a file: ``places`` are the file's columns of each of the table's."""

    using: ColumnMap
    places: Mapping[str, Sequence[str]]
    zone: ZoneInfo

    def rows(self, raw: RawRows) -> RawRows:
        """The rows of one batch; those of which a cell cannot be read are refused."""
        import pyarrow as pa

        if raw.batch is None:
            return raw
        good: list[dict[str, Any]] = []
        refusals = list(raw.refusals)
        for cells in raw.batch.to_pylist():
            row, refused = self._row(cells)
            refusals += refused
            if not refused:
                good.append({**row, **{name: cells[name] for name in (LINE, RECORD) if name in cells}})
        schema = pa.schema(
            [*self._fields(), *(raw.batch.schema.field(n) for n in (LINE, RECORD) if n in raw.batch.schema.names)]
        )
        batch = pa.RecordBatch.from_pylist(good, schema=schema) if good else None
        return RawRows(batch, refusals)

    def _fields(self) -> Iterator[pa.Field]:
        import pyarrow as pa

        for column in self.places:
            is_list = self.using.table.column[column].type is ColumnType.LIST
            yield pa.field(column, pa.list_(pa.string()) if is_list else pa.string())

    def _row(self, cells: Mapping[str, Any]) -> tuple[dict[str, Value], list[Refusal]]:
        row: dict[str, Value] = {}
        refused: list[Refusal] = []
        for column, names in self.places.items():
            try:
                row[column] = self._value(column, self.using.columns[column], [cells[name] for name in names])
            except _Refused as one:
                title = names[0] if names else column
                refused.append(Refusal(cells[LINE], title, one.value[:80], one.reason, str(cells.get(RECORD, ""))))
        for column, origin in self.using.columns.items():
            if any(row.get(other) in values for other, values in origin.unless.items()):
                row[column] = [] if isinstance(row.get(column), list) else ""
        return row, refused

    def _value(self, column: str, origin: Origin, cells: Sequence[str]) -> Value:
        filled = [origin.value] if origin.value is not None else [text for cell in cells if (text := cell.strip())]
        kind = self.using.table.column[column].type
        if kind is not ColumnType.LIST:
            return self._text(kind, origin, filled[0]) if filled else ""
        chosen = filled if origin.every else filled[:1]
        if origin.separator is not None:
            chosen = [part.strip() for text in chosen for part in text.split(origin.separator)]
        return [self._text(kind, origin, text) for text in dict.fromkeys(chosen) if text]

    def _text(self, kind: ColumnType, origin: Origin, text: str) -> str:
        if origin.pattern is not None:
            match = origin.pattern.fullmatch(text)
            if match is None:
                raise _Refused(text, f"it is not of the pattern {origin.pattern.pattern}")
            text = match[1] or ""
        if origin.values:
            text = _translated(origin.values, text)
        return _instant(text, self.using.written, self.zone) if kind is ColumnType.INSTANT else text


def _translated(values: Mapping[str, str], text: str) -> str:
    for written, meaning in values.items():
        if written.lower() == text.lower():
            return meaning
    raise _Refused(text, f"the map knows {', '.join(values)}")


@lru_cache(maxsize=8192)
def _instant(text: str, formats: Sequence[str], zone: ZoneInfo) -> str:
    """The instant that a cell says, in UTC; what says none is refused."""
    spelled = " ".join(text.split())  # newer Javas put a narrow blank before AM and PM
    for form in (*formats, *_WITHOUT_OFFSET):
        try:
            moment = datetime.strptime(spelled, form)  # noqa: DTZ007 - a format may have an offset; if not, the zone is given below
        except ValueError:
            continue
        return rfc3339(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone), milliseconds=True)
    try:
        moment = instant_of(spelled)
    except ValueError:
        raise _Refused(
            text,
            "not an instant in a way that leaves no doubt which is the day and which the month; a map (--map) can say how it is "
            f"written{': it knows ' + ', '.join(formats) if formats else ''}",
        ) from None
    return rfc3339(moment, milliseconds=True)
