"""What the bodies of these requests have in common: teams, days in either spelling, words for granularities, pages; and refusals in
the words of these bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import Field as Member
from pydantic import TypeAdapter

from leadline.errors import Detail, Forbidden, InvalidRequest
from leadline.exports.insights.models import InsightBody, InsightRow
from leadline.exports.insights.request import in_words
from leadline.exports.models import RequestPart
from leadline.field_types import Day, Field, TeamId, refusal, shown

GRANULARITIES: Mapping[str, str] = {
    "DAILY": "daily",
    "WEEKLY": "weekly",
    "MONTHLY": "monthly",
    "QUARTERLY": "quarterly",
    "YEARLY": "yearly",
    "DAY": "daily",
    "WEEK": "weekly",
    "MONTH": "monthly",
    "QUARTER": "quarterly",
    "YEAR": "yearly",
}
"""The granularity of an insight, by the words for it."""
MOST_PERIODS = 1000
"""Periods, or rows, on a page."""

_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ISO: TypeAdapter[date] = TypeAdapter(Day)


def _any_day(value: Any) -> date:
    if isinstance(value, str) and (found := _AMERICAN.fullmatch(value.strip())):
        month, day, year = map(int, found.groups())
        value = f"{year:04}-{month:02}-{day:02}"
    return _ISO.validate_python(value)


AnyDay = Annotated[date, Field(_any_day, {"type": "string", "format": "date"})]
"""A day of the calendar as yyyy-MM-dd or MM/DD/YYYY."""


def _granularity(value: Any) -> str:
    if isinstance(value, str) and (word := GRANULARITIES.get(value.strip().upper())):
        return word
    sentence = f"Unsupported granularity: {shown(value)}; supported: {', '.join(GRANULARITIES)}"
    raise refusal("unsupported_granularity", sentence)


Granularity = Annotated[str, Field(_granularity, {"type": "string", "enum": list(GRANULARITIES)})]
"""The length of periods, by any of its words; taken as insights call it."""


def whole_number(minimum: int, maximum: int) -> Field:
    """A whole number within bounds, as a number or as text."""

    def check(value: Any) -> int:
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not re.fullmatch("[0-9]{1,9}", text) or not minimum <= int(text) <= maximum:
            would_do = f"must be a whole number from {minimum} to {maximum}, not {shown(value)}"
            raise refusal("wrong_type", would_do)
        return int(text)

    return Field(check, {"type": "integer", "minimum": minimum, "maximum": maximum})


class Paged(RequestPart):
    """Which page of a list."""

    page: Annotated[int, whole_number(0, 1_000_000)] = Member(0, description="Which page, counted from 0.")
    page_size: Annotated[int, whole_number(1, MOST_PERIODS)] = Member(100, description="Entries on a page.")

    @property
    def slice(self) -> slice:
        """The entries of the page."""
        return slice(self.page * self.page_size, (self.page + 1) * self.page_size)


class TeamDays(Paged):
    """Of which team, and when."""

    team_ref_id: TeamId | None = Member(
        None,
        description="A team by its ref id (as a number or as text) or its key, with all teams below it. A key that is limited to "
        "one team may leave it out.",
        examples=[123, "456"],
    )
    date_start: AnyDay = Member(
        description="First day (yyyy-MM-dd or MM/DD/YYYY).", examples=["2026-01-01", "01/01/2026"]
    )
    date_end: AnyDay = Member(description="Last day, inclusive.", examples=["2026-03-31", "03/31/2026"])

    def asked(self, granularity: str, *columns: str) -> dict[str, Any]:
        """The parameters of the insight that has the ``columns`` of the team alone."""
        days = {"dateFrom": self.date_start.isoformat(), "dateTo": self.date_end.isoformat()}
        team = {} if self.team_ref_id is None else {"teamId": self.team_ref_id}
        return {**team, **days, "metrics": list(columns), "granularity": granularity, "depth": 0}


@dataclass(frozen=True)
class Words:
    """What a kind of body calls its team, its first and its last day."""

    team: str
    start: str
    end: str

    def first_row(self, body: InsightBody) -> InsightRow:
        """The first row of an answer about one team. Raises ``InvalidRequest`` where the team was not there in these days."""
        if body.rows:
            return body.rows[0]
        asked = body.request
        message = (
            f"The team was not there from {asked.start_date} to {asked.end_date}; other days or another team would do"
        )
        details = [Detail(field, message) for field in (self.team, self.start)]
        raise InvalidRequest(message, code="team_not_there", details=details)

    def of(self, error: InvalidRequest | Forbidden) -> InvalidRequest | Forbidden:
        """The refusal of an insight in these words. The sentence `Invalid teamId` is known to the letter and stays."""
        days = {"dateFrom to dateTo": f"{self.start} to {self.end}", "dateFrom": self.start, "dateTo": self.end}
        worded = in_words(error, {**days, "orgTreeName or teamId": self.team})
        places = {"teamId": self.team, "scope.teamId": self.team}
        details = [Detail(places.get(detail.field, detail.field), detail.message) for detail in worded.details]
        return type(error)(worded.message, code=worded.code, details=details)
