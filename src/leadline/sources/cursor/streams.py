"""What is read of the use of Cursor: the use of each member by day, with who has a seat and what was spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from leadline.errors import NotFound
from leadline.sources.cursor.api import MOST_DAYS, Api, Spend
from leadline.sources.cursor.rows import usage_of
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import Usage, UsageStream


class TeamStream(UsageStream):
    """The use of one team. ``members`` are those that it has now."""

    span = MOST_DAYS

    def __init__(self, api: Api, members: Sequence[Node], since: date | None) -> None:
        super().__init__(api.client, api.server.place, api.server.place, since)
        self._api, self._members = api, members

    def ask(self, first: date, last: date, *, newest: bool) -> Usage:
        """The use on some days; with the newest of them, seats and spend."""
        nodes = self._api.usage(first, last)
        if not newest:
            return usage_of(nodes)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        spend, skipped = self._spend()
        if spend is not None and spend.day < first:  # the row of that day has its use, too
            nodes = [*self._api.usage(spend.day, spend.day), *nodes]
        usage = usage_of(nodes, self._members, days, spend)
        return Usage(usage.rows, usage.records, (*skipped, *usage.skipped))

    def _spend(self) -> tuple[Spend | None, tuple[Skipped, ...]]:
        try:
            return self._api.spend(), ()
        except (Refused, NotFound, Misshapen) as error:
            return None, (left_out("spend", error),)
