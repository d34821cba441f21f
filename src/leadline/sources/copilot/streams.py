"""What is read of the use of Copilot: the report on each day, and who had a seat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from leadline.errors import NotFound
from leadline.sources.copilot.api import Api
from leadline.sources.copilot.rows import Seat, usage_of
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.usage import Usage, UsageStream


class ReportStream(UsageStream):
    """The reports on one owner. They come a day or more after what they tell of."""

    again = 4

    def __init__(self, api: Api, place: str, seats: Sequence[Seat], since: date | None) -> None:
        super().__init__(api.github.client, api.owner.partition("/")[2], place, since)
        self._api, self._seats = api, seats
        self._refused: Skipped | None = None

    def ask(self, first: date, _last: date, *, newest: bool) -> Usage:  # noqa: ARG002 - a report is of one day
        """The report of a day. Where reports are refused, seats are told all the same."""
        records: dict[str, Node] = {}
        skipped: tuple[Skipped, ...] = ()
        if self._refused is None:
            try:
                self._api.reported(first, lambda record: records.update({str(record.get("user_login")): record}))
            except (Refused, NotFound) as error:
                records.clear()
                self._refused = left_out("reports on users", error)
                skipped = (self._refused,)
        usage = usage_of(first, records, self._seats)
        return Usage(usage.rows, usage.records, (*skipped, *usage.skipped))
