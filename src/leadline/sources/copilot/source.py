"""Copilot: how the people of one organization or enterprise use it, and who has a seat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from leadline.errors import NotFound
from leadline.sources.copilot.api import Api
from leadline.sources.copilot.rows import TOOL, seats_of
from leadline.sources.copilot.streams import ReportStream
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.streams import StreamReader, left_out
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import today


@dataclass
class Copilot:
    """One owner of seats, read from ``since`` on."""

    api: Api
    since: date | None
    kind: str = TOOL

    @property
    def lock(self) -> str:
        """One run at a time reads an owner."""
        return f"source:copilot:{self._place}"

    @property
    def _place(self) -> str:
        return f"{self.api.github.server.host}/{self.api.owner}"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.call_stats()

    def check(self) -> ConnectionReport:
        """The accounts with a seat, and whether reports may be seen. Raises ``LeadlineError`` as ``pages`` does."""
        seats, _ = seats_of(self.api.seats())
        hidden = []
        try:
            self.api.reported(today(self.api.github.client) - timedelta(days=2), lambda _: None)
        except (Refused, NotFound, Misshapen) as error:
            hidden.append(left_out("reports on users", error))
        owner = self.api.owner.partition("/")[2]
        accounts = tuple(sorted(seat.account for seat in seats))
        return ConnectionReport(self.api.github.server.host, owner, "seats", accounts, tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """What is new. Raises ``LeadlineError`` when GitHub cannot be read any further."""
        seats, skipped = seats_of(self.api.seats())
        reader = StreamReader(context.cursors, self.api.github.client)
        if skipped:
            yield reader.noted(Page(self.api.owner, skipped=skipped))
        yield from reader.pages([ReportStream(self.api, self._place, seats, self.since)])
