"""When a schedule is due, by a cron line in local time. A time that does not exist on a day (clocks go forward) is at the next
minute that does; one that there is twice (they go back) is the first of the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from leadline.errors import Detail, InvalidRequest

LONGEST_CRON = 200
_FIELDS = 5
_AROUND = timedelta(hours=26)
"""More than clocks are ever changed by."""


@dataclass(frozen=True)
class Times:
    """A cron line of five fields, and the IANA time zone whose clocks it means."""

    cron: str
    timezone: str

    def check(self) -> None:
        """Raises ``InvalidRequest`` for no cron line, and for one that is never due."""
        would_do = "five fields of cron, such as `0 6 1 * *`: minute, hour, day of the month, month, day of the week"
        if len(self.cron) > LONGEST_CRON or len(self.cron.split()) != _FIELDS or not self.cron.isascii():
            raise _refused(f"Invalid cron: {self.cron[:80]!r}; it is {would_do}", would_do)
        try:
            next(CronSim(self.cron, datetime(2000, 1, 1)))  # noqa: DTZ001 -- any day; the clock's own time has no zone
        except (CronSimError, StopIteration, ValueError) as error:
            why = f"{error}; " if isinstance(error, CronSimError) else "it is never due; "
            raise _refused(f"Invalid cron: {self.cron!r}: {why}it is {would_do}", would_do) from None

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def next_after(self, instant: datetime) -> datetime:
        """The first instant after ``instant`` at which it is due."""
        return next(due for due in self._instants(self._local(instant)) if due > instant)

    def last_until(self, instant: datetime) -> datetime:
        """The last instant at which it was due, not after ``instant``."""
        later = self._local(instant) + _AROUND
        return next(due for due in self._instants(later, back=True) if due <= instant)

    def day_of(self, instant: datetime) -> datetime:
        """``instant`` by its clocks."""
        return instant.astimezone(self._zone)

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(self._zone).replace(tzinfo=None)

    def _instants(self, local: datetime, *, back: bool = False) -> Iterator[datetime]:
        for due in CronSim(self.cron, local, reverse=back):
            yield self._instant(due)

    def _instant(self, local: datetime) -> datetime:
        while self._local(found := local.replace(tzinfo=self._zone).astimezone(UTC)) != local:
            local += timedelta(minutes=1)
        return found


def _refused(sentence: str, would_do: str) -> InvalidRequest:
    return InvalidRequest(sentence, code="invalid_cron", details=[Detail("at.cron", would_do)])
