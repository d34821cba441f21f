"""The rows of a file, and which version of it was read. A file is downloaded whole, then read by the readers of ``leadline
import``; its rows are checked by the same rules. The good ones are taken, the bad ones told."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from leadline.errors import InvalidInput, StoreError
from leadline.formats.files import ImportFile, suffix_of
from leadline.schema import Table
from leadline.sources.kit.cursor import Cursor, Part, Stored
from leadline.sources.kit.page import Developers, Page, Row, RowOfFile, Skipped, text_size
from leadline.sources.kit.streams import Stream
from leadline.sources.remote_files.download import Download
from leadline.sources.remote_files.rows import raw_rows

PAGE_ROWS, PAGE_TEXT = 1_000, 16 << 20
"""Rows of one page, and characters in them: some pages are read ahead."""
FORMATS = ("csv", "csv.gz", "jsonl", "jsonl.gz", "json", "parquet")
CONTENT_TYPES = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/jsonlines": "jsonl",
    "application/json": "json",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
}
"""Formats by what a server says of a file whose name does not tell."""


def name_of(url: str) -> str:
    """The file's name in its address."""
    return PurePosixPath(unquote(urlsplit(url if "://" in url else f"https://{url}").path)).name


@dataclass(frozen=True)
class Begun(Part):
    """A version of the file that was read up to a ``line``."""

    read_as: tuple[str, ...] = ()
    digest: str = ""
    line: int = 0


@dataclass(frozen=True)
class FileCursor(Cursor):
    """The version of the file that was read last: its validators as the server gave them, and its content's digest. ``read_as``:
    table, format and org tree that it was read as; ``begun``: a version whose reading is under way."""

    VERSION: ClassVar[int] = 2

    read_as: tuple[str, ...] = ()
    etag: str | None = None
    modified: str | None = None
    digest: str | None = None
    begun: Begun | None = None

    @classmethod
    def upgraded(cls, stored: Stored, _version: int) -> Stored:
        """From version 1, which called it ``as``."""
        document = {"read_as" if name == "as" else name: value for name, value in stored.items()}
        if begun := document.get("begun"):
            document["begun"] = {"read_as" if name == "as" else name: value for name, value in begun.items()}
        return document


class FileStream(Stream[FileCursor]):
    """A file with rows of ``table``. ``file_format``: None to go by its name, or by what the server says. ``tree``: the org tree
    that its developers are put in force as."""

    cursor = FileCursor
    essential = True

    def __init__(
        self, download: Download, table: Table, file_format: str | None, temp_dir: Path, tree: str | None
    ) -> None:
        super().__init__(download.name, download.name, download.url[:500])
        self.download, self.table, self.temp_dir, self.tree = download, table, temp_dir, tree
        self._format = file_format
        self._read_as = (table.name, file_format or "", *([tree] if tree else ()))

    def due(self, _cursor: FileCursor) -> bool:
        """Always: only the server knows."""
        return True

    def format_of(self, content_type: str) -> str:
        """The file's format. Raises ``InvalidInput`` if nothing tells it."""
        suffix = suffix_of(Path(self.subject))
        by_name = suffix[1:] if suffix else "json" if self.subject.lower().endswith(".json") else None
        file_format = self._format or by_name or CONTENT_TYPES.get(content_type)
        if file_format is None:
            called = f", and the server calls it {content_type[:60]}" if content_type else ""
            raise InvalidInput(f"{self.subject} does not tell its format{called}; give --format ({', '.join(FORMATS)})")
        return file_format

    def read(self, cursor: FileCursor) -> Iterator[Page]:
        """The file's rows, if it has changed."""
        known = cursor if cursor.read_as == self._read_as else FileCursor()
        try:
            self.temp_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.temp_dir} cannot be made: {error.strerror}") from error
        with tempfile.TemporaryDirectory(prefix="files-", dir=self.temp_dir) as folder:
            path = Path(folder) / (re.sub(r"[^\w.+-]", "_", self.subject)[-100:] or "file")
            changed = self.download.to(path, etag=known.etag, modified=known.modified)
            if changed is None:
                return
            after = FileCursor(self._read_as, changed.etag, changed.modified, changed.digest)
            if known.digest == changed.digest:
                yield self.page({}, after)
                return
            begun = cursor.begun or Begun()
            is_same = (begun.read_as, begun.digest) == (self._read_as, changed.digest)
            file = ImportFile(path, self.table, f".{self.format_of(changed.content_type)}")
            yield from self._rows(file, after, cursor, begun.line if is_same else 0)

    def _rows(self, file: ImportFile, after: FileCursor, before: FileCursor, line: int) -> Iterator[Page]:
        """Pages of the rows after ``line``; the cursor that the file is read comes with the last."""
        developers = self._developers(file)
        rows: list[Row] = []
        skipped: list[Skipped] = []
        taken = size = 0
        told = False
        for raw in raw_rows(file):
            for refusal in raw.refusals:
                if refusal.line > line:
                    column = f"{refusal.column}: " if refusal.column else ""
                    skipped.append(Skipped(f"{self.subject}, {raw.unit} {refusal.line}", f"{column}{refusal.reason}"))
            for number, values in raw.rows:
                if number <= line:
                    continue
                rows.append(RowOfFile(f"{self.subject}, {raw.unit} {number}", values))
                size += text_size(values)
                if len(rows) >= PAGE_ROWS or size >= PAGE_TEXT:
                    taken, size = taken + len(rows), 0
                    begun = Begun(self._read_as, after.digest or "", number)
                    # What was refused between here and the next page's rows is told with that page.
                    yield self._page(rows, replace(before, begun=begun), skipped)
                    rows, skipped = [], []
            if len(skipped) >= PAGE_ROWS:
                told = True
                yield replace(self.page(skipped=skipped), of_file=True)
                skipped = []
        if not taken and not rows and skipped and not line and not told:
            raise InvalidInput(f"{self.subject}: no row can be taken; {skipped[0].what}: {skipped[0].why}")
        yield replace(self._page(rows, after, skipped), developers=developers)

    def _developers(self, file: ImportFile) -> Developers | None:
        """The whole list, if it is to be an org tree. Raises ``InvalidInput`` for a file that is none."""
        if self.tree is None:
            return None
        if file.suffix != ".csv":
            raise InvalidInput(f"{self.subject}: an org tree is made of a CSV file, not of {file.suffix[1:]}")
        return Developers(self.tree, file.path.read_bytes())

    def _page(self, rows: list[Row], cursor: FileCursor, skipped: list[Skipped]) -> Page:
        by_table = {self.table.name: rows} if rows else {}
        return replace(self.page(by_table, cursor, records=len(rows), skipped=skipped), of_file=True)
