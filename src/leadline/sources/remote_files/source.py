"""Files over HTTPS: rows of the documented tables for which there is no connector, read again when the file has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.streams import StreamReader
from leadline.sources.remote_files.streams import FileStream

KIND = "files"


@dataclass
class Files:
    """One file."""

    stream: FileStream
    kind: str = KIND

    @property
    def lock(self) -> str:
        """One run at a time reads a file."""
        return f"source:files:{self.stream.download.url}"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.stream.download.client.call_stats()

    def check(self) -> ConnectionReport:
        """Whether the file is there and of a known format; it is not read. Raises ``LeadlineError`` as ``pages`` does."""
        stream = self.stream
        file_format = stream.format_of(stream.download.content_type())
        thing = f"{stream.subject} ({file_format}) for {stream.table.name}"
        return ConnectionReport(urlsplit(stream.download.url).netloc, "", "files", (thing,))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """The file's rows, if it has changed. Raises ``InvalidInput`` if it cannot be read, and as ``Download.to`` does."""
        yield from StreamReader(context.cursors, self.stream.download.client).pages([self.stream])
