"""Cursor: how the members of one team use it, and what they spend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from leadline.errors import NotFound
from leadline.sources.cursor.api import Api
from leadline.sources.cursor.rows import TOOL
from leadline.sources.cursor.streams import TeamStream
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.streams import StreamReader, left_out
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import today


@dataclass
class Cursor:
    """The team that the key is of, read from ``since`` on."""

    api: Api
    since: date | None
    kind: str = TOOL

    @property
    def lock(self) -> str:
        """One run at a time reads through one address."""
        return f"source:cursor:{self.api.server.place}"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.call_stats()

    def check(self) -> ConnectionReport:
        """The members, and whether their use and spend may be seen. Raises ``LeadlineError`` as ``pages`` does."""
        members = tuple(sorted(str(member.get("email")) for member in self.api.members()))
        day = today(self.api.client)
        hidden = []
        for what, ask in (("use by day", lambda: self.api.usage(day, day)), ("spend", self.api.spend)):
            try:
                ask()
            except (Refused, NotFound, Misshapen) as error:
                hidden.append(left_out(what, error))
        return ConnectionReport(self.api.server.place, "", "members", members, tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """What is new. Raises ``LeadlineError`` when the API cannot be read any further."""
        members = self.api.members()
        reader = StreamReader(context.cursors, self.api.client)
        yield from reader.pages([TeamStream(self.api, members, self.since)])
