"""What reading a Parquet file takes of memory, found before anything of it is unpacked: from the headers of its pages, which are
what the reader itself goes by, not from its footer, which may say anything (Apache Parquet format, ``PageHeader``, in Thrift's
compact protocol)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from leadline.errors import InvalidInput
from leadline.formats.unpacking import Unpacked

PAGE_BYTES = 128 << 20
"""A page may be this large unpacked; writers make them of one or some MiB."""
PAGES_BYTES = 512 << 20
"""So large may those be together that are unpacked at once: of every column the largest and its dictionary."""
GROUP_BYTES = 128 << 20
"""A row group that is smaller unpacked is read however its rows lie in it."""
BATCH_BYTES = 32 << 20
"""What is read at a time of a column of a larger one."""
BATCH_ROWS = 16_384
_HEADER_BYTES = 1 << 10
_LONGEST_HEADER = 16 << 20
_VALUE_BYTES = 16
"""What a value takes while it is read, beside its content."""
_DICTIONARY_PAGE = 2
_DELTA_BYTE_ARRAY = 7
_IN_DICTIONARY = (2, 8)
_DEEPEST = 16


@dataclass(frozen=True)
class _Page:
    """A page of a column: bytes ``packed`` (with its header) and ``unpacked``, ``values`` in it and how they are encoded."""

    packed: int
    unpacked: int
    is_dictionary: bool
    values: int
    encoding: int


@dataclass(frozen=True)
class Plan:
    """How a file is read in little memory: how many ``rows`` at once, and in which columns (by their paths) a text that is repeated
    is to be in memory once."""

    rows: int
    repeated: tuple[str, ...]


def plan(path: Path, metadata: Any) -> Plan:
    """How the file is to be read. Raises ``InvalidInput`` for one of which no row can be, or which unpacks to too much, or whose
    pages cannot be told apart."""
    unpacked = Unpacked(path)
    with path.open("rb") as file:
        groups = [_group(file, path.name, metadata, at, unpacked) for at in range(metadata.num_row_groups)]
    # Arrow keeps all texts that it met of a column once, which is much where not all of them are in dictionaries.
    mixed = {column.label for columns in groups for column in columns if column.is_text and not column.is_repeated}
    texts = {column.label for columns in groups for column in columns if column.is_text}
    rows = BATCH_ROWS
    for at, columns in enumerate(groups):
        is_small = sum(column.bytes for column in columns) <= GROUP_BYTES
        for column in columns:
            rows = min(rows, column.rows_at_a_time(is_small=is_small))
            if column.label in mixed and column.dictionary:
                rows = min(rows, column.rows_of(_longest(path, column.label, at), path.name))
    return Plan(rows, tuple(sorted(texts - mixed)))


def _longest(path: Path, column: str, group: int) -> int:
    """How long the longest text in the dictionary of a column is."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    import pyarrow.types as kinds

    with pq.ParquetFile(path, read_dictionary=[column], pre_buffer=False, buffer_size=1 << 20) as source:
        first = next(source.iter_batches(1, row_groups=[group], columns=[column]), None)
    if first is None:
        return 0
    array = first.column(0)
    if kinds.is_list(array.type) or kinds.is_large_list(array.type):
        array = array.values
    return int(pc.max(pc.binary_length(array.dictionary)).as_py() or 0) if kinds.is_dictionary(array.type) else 0


def _group(file: BinaryIO, name: str, metadata: Any, group: int, unpacked: Unpacked) -> list[_Column]:
    columns = [_Column(metadata, group, at) for at in range(metadata.num_columns)]
    for column in columns:
        for page in _pages(file, name, column):
            unpacked.add(max(page.unpacked, 0 if page.is_dictionary else page.values * column.value_bytes))
            column.add(page, name)
    if sum(column.largest + column.dictionary for column in columns) > PAGES_BYTES:
        raise InvalidInput(
            f"{name}: its pages are larger than {PAGES_BYTES >> 20} MiB together; write it with smaller ones"
        )
    return columns


class _Column:
    """One column of a row group, and what its pages take."""

    def __init__(self, metadata: Any, group: int, at: int) -> None:
        chunk = metadata.row_group(group).column(at)
        self.label = chunk.path_in_schema
        self.is_text = chunk.physical_type == "BYTE_ARRAY"
        self.is_repeated = True
        """Whether all of its texts are in its dictionary."""
        self.is_list = metadata.schema.column(at).max_repetition_level > 0
        self.value_bytes = _VALUE_BYTES if self.is_list else 1
        starts = [chunk.data_page_offset]
        if chunk.has_dictionary_page and (offset := chunk.dictionary_page_offset):
            starts.append(offset)
        self.start = min(starts)
        self.end = self.start + chunk.total_compressed_size
        self.bytes = self.largest = self.dictionary = self.values = 0
        self._rows = BATCH_ROWS
        self._delta_rows = BATCH_ROWS

    def add(self, page: _Page, name: str) -> None:
        """Takes a page into account. Raises ``InvalidInput`` for one that is too large."""
        if page.unpacked > PAGE_BYTES:
            raise InvalidInput(
                f"{name}, column {self.label}: a page of it is larger than {PAGE_BYTES >> 20} MiB; write it with smaller ones"
            )
        if page.is_dictionary:
            self.dictionary = max(self.dictionary, page.unpacked)
            return
        self.is_repeated = self.is_repeated and page.encoding in _IN_DICTIONARY
        self.values += page.values
        self.bytes += page.unpacked
        self.largest = max(self.largest, page.unpacked)
        # Of a list it is not known how many rows a page has.
        several = 1 if self.is_list else page.values
        self._rows = min(self._rows, max(1, BATCH_BYTES * several // max(page.unpacked, 1)))
        if page.encoding == _DELTA_BYTE_ARRAY:  # each value may begin with the whole of the one before it
            if self.is_list:
                raise InvalidInput(
                    f"{name}, column {self.label}: lists in the encoding DELTA_BYTE_ARRAY are not read; write it with another"
                )
            self._delta_rows = min(self._delta_rows, max(1, BATCH_BYTES // max(page.unpacked, 1)))

    def rows_of(self, longest: int, name: str) -> int:
        """How many rows are to be read at once, if any text may be so long. Raises ``InvalidInput`` if no row can be."""
        if not self.is_list:
            return max(1, BATCH_BYTES // max(longest, 1))
        if self.values * longest > PAGES_BYTES:
            raise InvalidInput(
                f"{name}, column {self.label}: its lists may unpack to more than {PAGES_BYTES >> 20} MiB; write it with smaller "
                "row groups"
            )
        return BATCH_ROWS

    def rows_at_a_time(self, *, is_small: bool) -> int:
        """How many rows are to be read at once, of a row group that ``is_small`` as a whole or not."""
        return self._delta_rows if is_small else min(self._rows, self._delta_rows)


def _pages(file: BinaryIO, name: str, column: _Column) -> Iterator[_Page]:
    position = column.start
    while position < column.end:
        page = _page_at(file, position)
        if page is None or page.packed <= 0 or page.unpacked < 0 or page.values < 0:
            raise InvalidInput(f"{name} is damaged: the pages of column {column.label} cannot be told apart")
        yield page
        position += page.packed


def _page_at(file: BinaryIO, position: int) -> _Page | None:
    """The page whose header begins at ``position``; None if there is none."""
    length = _HEADER_BYTES
    while length <= _LONGEST_HEADER:
        file.seek(position)
        content = file.read(length)
        reader = _Compact(content)
        try:
            header = reader.struct()
        except IndexError:  # it goes on
            if len(content) < length:
                return None
            length *= 8
            continue
        except ValueError:
            return None
        return _of_header(header, reader.position)
    return None


def _of_header(header: dict[int, Any], length: int) -> _Page | None:
    """The page of a header that is so long; None if it is none."""
    data = header.get(5) or header.get(8) or header.get(7) or {}
    if not isinstance(data, dict):
        return None
    fields = (header.get(1), header.get(2), header.get(3), data.get(1, 0), data.get(4 if header.get(8) else 2, 0))
    numbers = [field for field in fields if isinstance(field, int)]
    if len(numbers) < len(fields):
        return None
    kind, unpacked, packed, values, encoding = numbers
    return _Page(length + packed, unpacked, kind == _DICTIONARY_PAGE, values, encoding) if packed >= 0 else None


class _Compact:
    """Reads a struct of Thrift's compact protocol from ``content``: numbers by their field's number, structs as such, of the rest
    only where it ends. Raises ``IndexError`` if ``content`` ends before it, ``ValueError`` for what is none."""

    def __init__(self, content: bytes) -> None:
        self._content, self.position = content, 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """A struct and all in it."""
        if depth > _DEEPEST:
            raise ValueError("too deep")
        fields: dict[int, Any] = {}
        number = 0
        while byte := self._byte():
            delta, kind = byte >> 4, byte & 15
            number = number + delta if delta else self._zigzag()
            fields[number] = self._value(kind, depth, in_list=False)
        return fields

    def _value(self, kind: int, depth: int, *, in_list: bool) -> Any:
        match kind:
            case 1 | 2:
                if in_list:
                    self._skip(1)
                return None
            case 3:
                self._skip(1)
            case 4 | 5 | 6:
                return self._zigzag()
            case 7:
                self._skip(8)
            case 8:
                self._skip(self._varint())
            case 9 | 10:
                self._list(depth)
            case 12:
                return self.struct(depth + 1)
            case _:
                raise ValueError("no such type")
        return None

    def _list(self, depth: int) -> None:
        byte = self._byte()
        size = byte >> 4 if byte >> 4 < 15 else self._varint()
        if size > len(self._content):
            raise ValueError("too long")
        for _ in range(size):
            self._value(byte & 15, depth + 1, in_list=True)

    def _byte(self) -> int:
        byte = self._content[self.position]
        self.position += 1
        return byte

    def _skip(self, size: int) -> None:
        if self.position + size > len(self._content):
            raise IndexError
        self.position += size

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("no number")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
