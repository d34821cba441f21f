"""What is read of the use of Claude Code: the report of each day."""

from __future__ import annotations

from datetime import date

from leadline.sources.claude_code.api import Api
from leadline.sources.claude_code.rows import usage_of
from leadline.sources.kit.usage import Usage, UsageStream


class ReportStream(UsageStream):
    """The reports of one organization. They are complete about an hour after what they tell of: today and yesterday are read
    again."""

    again = 2

    def __init__(self, api: Api, name: str, place: str, since: date | None) -> None:
        super().__init__(api.client, name, place, since)
        self._api = api

    def ask(self, first: date, _last: date, *, newest: bool) -> Usage:  # noqa: ARG002 - a report is of one day
        """The report of a day."""
        return usage_of(first, self._api.reported(first))
