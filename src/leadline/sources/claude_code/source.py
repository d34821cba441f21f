"""Claude Code: how the people of one organization of Anthropic's Console use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from leadline.sources.claude_code.api import Api
from leadline.sources.claude_code.rows import TOOL
from leadline.sources.claude_code.streams import ReportStream
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.streams import StreamReader, left_out
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import today


@dataclass
class ClaudeCode:
    """The organization that the key is of, read from ``since`` on."""

    api: Api
    since: date | None
    kind: str = TOOL

    @property
    def lock(self) -> str:
        """One run at a time reads through one address."""
        return f"source:claude-code:{self.api.server.place}"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.call_stats()

    def check(self) -> ConnectionReport:
        """The organization, and whether its reports may be seen. Raises ``LeadlineError`` as ``pages`` does."""
        name = self._named()[0]
        hidden = []
        try:
            next(self.api.reported(today(self.api.client)), None)
        except (Refused, Misshapen) as error:
            hidden.append(left_out("reports on Claude Code", error))
        return ConnectionReport(self.api.server.place, "", "organizations", (name,), tuple(hidden))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """What is new. Raises ``LeadlineError`` when the API cannot be read any further."""
        name, place = self._named()
        reader = StreamReader(context.cursors, self.api.client)
        yield from reader.pages([ReportStream(self.api, name, place, self.since)])

    def _named(self) -> tuple[str, str]:
        """What the organization is called, and its place in cursors."""
        organization = self.api.organization()
        identity = str(organization["id"])
        return str(organization.get("name") or identity), f"{self.api.server.place}/{identity}"
