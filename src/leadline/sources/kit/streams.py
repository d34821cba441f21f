"""How every tool is read: stream by stream, with one rule for what happens when one of them cannot be.

A **stream** is one list of a tool that is read by itself and has a cursor of its own: the pull requests of a repository, the
builds of a job, the issues of a project. A source makes its streams and hands them to a ``StreamReader``:

    @dataclass(frozen=True)
    class BuildsCursor(Cursor):                       # how far it was read: ``leadline.sources.kit.cursor``
        watermark: str | None = None

    class Builds(Stream[BuildsCursor]):
        cursor = BuildsCursor

        def due(self, cursor: BuildsCursor) -> bool:  # by what the overview of the tool shows: costs no call
            return self.newest != cursor.watermark

        def read(self, cursor: BuildsCursor) -> Iterator[Page]:
            for builds, cursor in …:
                yield self.page({"builds": rows}, cursor)

    def pages(self, context: RunContext) -> Iterator[Page]:
        reader = StreamReader(context.cursors, self.client)
        yield reader.noted(Page(…))                   # what belongs to no stream: the overview itself
        yield from reader.pages(Builds(…) for job in jobs)
        if not reader.failed: …                       # what is only true if everything was read

Streams are taken one after the other as they are made, so a later one may depend on the cursors (``reader.cursors``) that
earlier ones left. A stream that moves several cursors yields pages with all of them in ``Page.cursors``.

What a stream raises decides what becomes of it and of the run:

- ``Refused``, ``NotFound``, ``Misshapen``: the tool has answered, and will answer the same tomorrow. The stream is left out and
  named in ``Page.skipped``; the others are read. Unless it is not there at all, that is a gap (``Skipped``), and the run
  incomplete. Only where the stream is ``essential``, the run ends.
- ``Unavailable``: the tool was in trouble at every attempt. The stream has **failed** and is named in ``Page.failed``; the others
  are read. ``MAX_FAILED_STREAMS`` streams that fail one after the other without one answer of the tool in between end the
  run: whoever does not answer is not asked again for every repository. Pages that were made without a call prove nothing.
- A run of which every stream failed that asked the tool at all is a failure: the last error is raised at its end.
- Any other ``LeadlineError`` (a token that is refused) ends the run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from leadline.errors import LeadlineError, NotFound
from leadline.sources.kit.client import Client, Refused, Unavailable
from leadline.sources.kit.cursor import Cursor, Cursors, Stored
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.text import Misshapen

MAX_FAILED_STREAMS = 3
"""Streams that fail one after the other, without an answer in between, before the run is given up."""

C = TypeVar("C", bound=Cursor)


def left_out(what: str, error: LeadlineError) -> Skipped:
    """A list, or a part of one, that is left out for ``error``: a gap, unless there is none such."""
    return Skipped(what, error.message, gap=not isinstance(error, NotFound))


class Stream(ABC, Generic[C]):
    """One list of a tool. ``subject``: what it is of (``acme/shop``), for progress; ``name``: what it is called where it is
    named (``builds of acme/shop``); ``cursor_name``: the name that its cursor is stored under."""

    cursor: ClassVar[type[Cursor]]
    essential: ClassVar[bool] = False
    """Whether there is nothing to read without it: then what is refused is no part left out, but ends the run."""

    def __init__(self, subject: str, name: str, cursor_name: str) -> None:
        self.subject, self.name, self.cursor_name = subject, name, cursor_name

    @abstractmethod
    def due(self, cursor: C) -> bool:
        """Whether there may be anything new; decided without a call."""

    def refused(self, _cursor: C) -> str:
        """Why the list was refused when it was asked for last, where a refusal makes it not due for a while; '' if it was not."""
        return ""

    @abstractmethod
    def read(self, cursor: C) -> Iterator[Page]:
        """What is new since ``cursor``; a run may be cut after any page and goes on from that page's cursor.

        Raises ``Refused``, ``NotFound``, ``Misshapen`` or ``Unavailable`` where it cannot be read any further.
        """

    def page(
        self,
        rows: Mapping[str, list[Row]] | None = None,
        cursor: C | None = None,
        *,
        records: int = 0,
        complete_parents: Mapping[str, list[Row]] | None = None,
        still_present: Mapping[str, list[Row]] | None = None,
        skipped: Sequence[Skipped] = (),
    ) -> Page:
        """A page of this stream; ``cursor``: how far it is read with it, None if that is not told yet."""
        return Page(
            self.subject,
            rows or {},
            complete_parents or {},
            still_present or {},
            cursors={} if cursor is None else {self.cursor_name: cursor},
            records=records,
            skipped=tuple(skipped),
        )


class StreamReader:
    """Reads the streams of one run. ``failed`` are those that could not be read, ``left_out`` those that were refused."""

    def __init__(self, cursors: Mapping[str, Stored], client: Client) -> None:
        self.cursors = Cursors(cursors)
        self.failed: list[Skipped] = []
        self.left_out: list[Skipped] = []
        self._client = client
        self._streams_read = 0
        self._in_a_row = 0
        self._answers = -1
        """What was answered when the last stream failed."""

    def noted(self, page: Page) -> Page:
        """``page``, with its cursors remembered for the streams that come after it."""
        self.cursors.note(page.cursors)
        return page

    def pages(self, streams: Iterable[Stream[Any]]) -> Iterator[Page]:
        """The pages of ``streams``, one stream after the other. Raises ``LeadlineError`` as the module says."""
        error: Unavailable | None = None
        for stream in streams:
            cursor = self.cursors.get(stream.cursor_name, stream.cursor)
            if not stream.due(cursor):
                if why := stream.refused(cursor):  # it lacks still
                    yield self._left_out(stream, Skipped(stream.name, why, gap=True))
                continue
            answers = self._client.answers
            try:
                for page in stream.read(cursor):
                    yield self.noted(page)
                self._streams_read += self._client.answers > answers
            except (Refused, NotFound, Misshapen) as refused:
                if stream.essential:
                    raise
                self._streams_read += 1
                yield self._left_out(stream, left_out(stream.name, refused))
            except Unavailable as unavailable:
                error = unavailable
                yield Page(stream.subject, failed=(self.note_failure(stream.name, error),))
                if self.gives_up:
                    raise
        if error is not None and not self._streams_read:
            raise error

    def _left_out(self, stream: Stream[Any], skipped: Skipped) -> Page:
        self.left_out.append(skipped)
        return Page(stream.subject, skipped=(skipped,))

    def note_failure(self, name: str, error: Unavailable) -> Skipped:
        """What could not be read, as an element of ``Page.failed``; whoever reads lists besides the streams tells of theirs."""
        answered = self._client.answers > self._answers
        self._in_a_row = 1 if answered else self._in_a_row + 1
        self._answers = self._client.answers
        failure = Skipped(name, error.message)
        self.failed.append(failure)
        return failure

    @property
    def gives_up(self) -> bool:
        """Whether so much failed without an answer in between that the tool is not asked any more."""
        return self._in_a_row >= MAX_FAILED_STREAMS
