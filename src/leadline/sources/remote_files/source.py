"""Files over HTTPS: rows of the documented tables for which there is no connector, read again when the file has changed.

Addresses come in; pages of rows with their cursors go out (``leadline.sources.kit.page``). A file is downloaded whole, then read
by the readers of ``leadline import``; its rows are judged by the same rules. The good ones are taken, the bad ones told.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from leadline.errors import InvalidInput, InvalidRequest, StoreError
from leadline.formats.files import ImportFile, suffix_of, table_of
from leadline.schema import TABLES, Table, table_named
from leadline.sources.kit.page import (
    CallStats,
    ConnectionReport,
    Developers,
    Page,
    Row,
    RowOfFile,
    RunContext,
    Skipped,
    State,
)
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import split
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.remote_files.download import Changed, Download, Secret
from leadline.sources.remote_files.rows import raw_rows

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client

KIND = "files"
DEVELOPERS = TABLES["developers"]
PAGE_ROWS = 1_000
"""Rows of one page: some pages are read ahead."""
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

_EXAMPLE = "https://data.example.com/incidents.csv"
_SECRET = re.compile(r"token|secret|passw|signature|credential|api_?key|^(key|sig|auth|pwd)$", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per address. Raises ``InvalidRequest`` for an address, a table, a format or a header that cannot be."""
    file_format, header = settings.option("format"), settings.option("header")
    if file_format is not None and file_format.lower().removeprefix(".") not in FORMATS:
        raise InvalidRequest(f"--format cannot be {file_format[:40]!r}; it is one of {', '.join(FORMATS)}")
    if header is not None and not _HEADER.fullmatch(header):
        raise InvalidRequest(f"--header cannot be {header[:40]!r}; write the name of a header, as X-Api-Key")
    tree = settings.option("org-tree")
    found = []
    for target in settings.targets:
        url, parts = target.strip(), split(target.strip(), "The address", _EXAMPLE)
        if "://" not in url:
            url = f"https://{url}"
        if secret := next((name for name, _ in parse_qsl(parts.query) if _SECRET.search(name)), None):
            raise InvalidRequest(
                f"The address has a secret in it ({secret[:40]}), and addresses are stored; send it in a header: put it into a "
                "variable or a file, and name that with --token-env or --token-file (and the header with --header)"
            )
        table = _table(settings, _name(url))
        if tree is not None and table is not DEVELOPERS:
            raise InvalidRequest(f"--org-tree is made of developers, not of {table.name}")
        place = url.partition("://")[2].partition("?")[0].partition("#")[0].lower()
        found.append(named(settings, f"files:{place.rstrip('/')}"[:200], [url.partition("#")[0]]))
    return found


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], folders: Folders) -> Files:
    """The connector. Raises ``InvalidRequest`` if ``secret`` cannot be sent in a header."""
    url = settings.targets[0]
    place = settings.secret_place
    header = settings.option("header") or "Authorization"
    value = one_line(secret, place) if secret else None
    if value and header.lower() == "authorization":
        value = f"Bearer {value}"
    http = client(tool=urlsplit(url).netloc, headers={"User-Agent": "leadline", "Accept": "*/*"})
    file_format = (settings.option("format") or "").lower().removeprefix(".") or None
    sent = Secret(header, value, place.text) if value else Secret("", "", place.text)
    table, tree = _table(settings, _name(url)), settings.option("org-tree")
    return Files(url, table, file_format, sent, http, folders.temp, tree)


def _name(url: str) -> str:
    """The file's name in its address."""
    return PurePosixPath(unquote(urlsplit(url if "://" in url else f"https://{url}").path)).name


def _table(settings: SourceSettings, name: str) -> Table:
    if given := settings.option("table"):
        return table_named(given)
    if (found := table_of(Path(name))) is None:
        raise InvalidRequest(
            f"{name or 'The address'} is not named after a table; name the table (--table): {', '.join(TABLES)}",
            code="unknown_table",
        )
    return found


@dataclass
class Files:
    """One file at ``url``, with rows of ``table``. ``format``: None to go by its name, or by what the server says. ``tree``: the
    org tree that its developers are put in force as."""

    url: str
    table: Table
    format: str | None
    secret: Secret
    client: Client
    temp_dir: Path
    tree: str | None = None
    kind: str = KIND

    @property
    def lock(self) -> str:
        """One run at a time reads a file."""
        return f"source:files:{self.url}"

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return _name(self.url) or self.table.name

    def figures(self) -> CallStats:
        """What the reading has cost so far."""
        return self.client.figures()

    def check(self) -> ConnectionReport:
        """Whether the file is there and of a known format; it is not read. Raises ``LeadlineError`` as ``pages`` does."""
        answer = self._download().head()
        thing = f"{self.name} ({self._format(answer.content_type)}) for {self.table.name}"
        return ConnectionReport(urlsplit(self.url).netloc, "", "files", (thing,))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """The file's rows, if it has changed. Raises ``InvalidInput`` if it cannot be read, and as ``Download.to`` does."""
        state = dict(context.cursors.get(self.url[:500], {}))
        read_as = [self.table.name, self.format or "", *([self.tree] if self.tree else [])]
        known = state if state.get("as") == read_as and "digest" in state else {}
        try:
            self.temp_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.temp_dir} cannot be made: {error.strerror}") from error
        with tempfile.TemporaryDirectory(prefix="files-", dir=self.temp_dir) as folder:
            path = Path(folder) / (re.sub(r"[^\w.+-]", "_", self.name)[-100:] or "file")
            found = self._download().to(path, etag=known.get("etag"), modified=known.get("modified"))
            if found is None:
                return
            after = {"as": read_as, "etag": found.etag, "modified": found.modified, "digest": found.digest}
            if known.get("digest") == found.digest:
                yield Page(self.name, cursors={self.url[:500]: after})
                return
            begun = state.get("begun") or {}
            line = int(begun["line"]) if begun.get("as") == read_as and begun.get("digest") == found.digest else 0
            yield from self._rows(path, found, after, state, line)

    def _download(self) -> Download:
        return Download(self.client, self.url, self.name, self.secret)

    def _format(self, content_type: str) -> str:
        suffix = suffix_of(Path(self.name))
        by_name = suffix[1:] if suffix else "json" if self.name.lower().endswith(".json") else None
        found = self.format or by_name or CONTENT_TYPES.get(content_type)
        if found is None:
            said = f", and the server calls it {content_type[:60]}" if content_type else ""
            raise InvalidInput(f"{self.name} does not tell its format{said}; give --format ({', '.join(FORMATS)})")
        return found

    def _rows(self, path: Path, found: Changed, after: State, before: State, line: int) -> Iterator[Page]:
        """Pages of the rows after ``line``; the cursor that the file is read comes with the last."""
        file = ImportFile(path, self.table, f".{self._format(found.content_type)}")
        developers = self._developers(file)
        rows: list[Row] = []
        skipped: list[Skipped] = []
        taken = 0
        for raw in raw_rows(file):
            for refusal in raw.refusals:
                if refusal.line > line:
                    column = f"{refusal.column}: " if refusal.column else ""
                    skipped.append(Skipped(f"{self.name}, {raw.unit} {refusal.line}", f"{column}{refusal.reason}"))
            for number, values in raw.rows:
                if number <= line:
                    continue
                rows.append(RowOfFile(f"{self.name}, {raw.unit} {number}", values))
                if len(rows) >= PAGE_ROWS:
                    taken += len(rows)
                    begun = {"as": after["as"], "digest": after["digest"], "line": number}
                    # What was refused between here and the next page's rows is told with that page.
                    yield self._page(rows, {**before, "begun": begun}, skipped)
                    rows, skipped = [], []
        if not taken and not rows and skipped and not line:
            raise InvalidInput(f"{self.name}: no row can be taken; {skipped[0].what}: {skipped[0].why}")
        yield self._page(rows, after, skipped, developers)

    def _developers(self, file: ImportFile) -> Developers | None:
        """The whole list, if it is to be an org tree. Raises ``InvalidInput`` for a file that is none."""
        if self.tree is None:
            return None
        if file.suffix != ".csv":
            raise InvalidInput(f"{self.name}: an org tree is made of a CSV file, not of {file.suffix[1:]}")
        return Developers(self.tree, file.path.read_bytes())

    def _page(
        self, rows: list[Row], state: State, skipped: list[Skipped], developers: Developers | None = None
    ) -> Page:
        return Page(
            self.name,
            {self.table.name: rows} if rows else {},
            cursors={self.url[:500]: state},
            records=len(rows),
            skipped=tuple(skipped),
            developers=developers,
        )
