"""The tool that compares: a team with itself in other days, or with another team, and which rows make the difference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field
from starlette.concurrency import run_in_threadpool

from leadline.agents.metric_names import Asked
from leadline.agents.tool import Tool, UpTo100
from leadline.agents.values import Asking, Told, behind, said_of, value_of
from leadline.api.agents.asking import Asker
from leadline.errors import Detail, InvalidRequest
from leadline.exports.insights.cells import Place
from leadline.exports.insights.listing import ListedCell
from leadline.exports.insights.models import Cell, CellRow, InsightBody, InsightTeam
from leadline.exports.insights.request import TOTAL, range_before
from leadline.field_types import Day, Name, TeamId, one_of
from leadline.json_body import Body

_PREVIOUS, _YEAR = "previous", "year"


class Compare(Asking):
    """What is compared with what."""

    metric: Name = Field(description="Its column (see list_metrics), in any letter case.", examples=["LTTC_Mean_Days"])
    than: Annotated[str, one_of("than", (_PREVIOUS, _YEAR))] | None = Field(
        None,
        description="The days to compare with: as many before (`previous`, the default), or those a `year` before.",
    )
    than_date_from: Day | None = Field(None, description="Instead: the first day to compare with; with thanDateTo.")
    than_date_to: Day | None = Field(None, description="The last day to compare with, inclusive.")
    than_team_id: TeamId | None = Field(
        None, description="A team to compare with, in the same days unless other ones are said."
    )
    limit: UpTo100 = Field(20, description="Rows of each side to answer at most.")

    def other_days(self, start: date, end: date) -> tuple[date, date]:
        """The days to compare those from ``start`` to ``end`` with. Raises ``InvalidRequest``."""
        own = (self.than_date_from, self.than_date_to)
        if any(own) and (self.than is not None or not all(own)):
            message = "either than, or both thanDateFrom and thanDateTo"
            raise InvalidRequest(f"Say {message}", code="conflicting_date_range", details=[Detail("than", message)])
        if own[0] is not None and own[1] is not None:
            return own[0], own[1]
        if self.than is None and self.than_team_id is not None:
            return start, end
        if self.than == _YEAR:
            return _year_before(start), _year_before(end)
        return range_before(start, end)


def _year_before(day: date) -> date:
    # There is not always a 29 February.
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


class Side(Body):
    """One of the two that are compared."""

    org_tree_name: str
    team: InsightTeam | None = Field(description="Null for a whole org tree.")
    start_date: date
    end_date: date
    value: Cell
    n: int = Field(description="Of how many events it is.")
    rows: int = Field(description="Rows behind it.")


class ComparedRow(CellRow):
    """A row behind one of the two values."""

    side: str = Field(description="`first` or `second`.")
    effect: float | None = Field(
        description="What it brings to the difference, in the metric's unit; those of all rows of both sides add up to it. Null "
        "where a difference is not made of single rows (medians, percentiles, ratings)."
    )


class Comparison(Told):
    """The first value less the second in `value`, and the rows that make the difference, those with the greatest effect first."""

    entries: ClassVar[str] = "rows"

    percent: float | None = Field(
        description="The difference in percent of the second value; null where that is 0 or unknown."
    )
    first: Side
    second: Side
    facts: str | None = Field(
        description="The fact that has the rows (see list_facts); null for what is not made of rows."
    )
    rows: list[ComparedRow]


@dataclass(frozen=True)
class _Half:
    """One side: the answer that has its value, and what is behind it."""

    whole: InsightBody
    cell: ListedCell
    column: str

    @property
    def value(self) -> Cell:
        return value_of(self.whole, self.column)[0]

    @property
    def side(self) -> Side:
        value, n = value_of(self.whole, self.column)
        asked = self.whole.request
        return Side(
            org_tree_name=asked.org_tree_name,
            team=asked.team,
            start_date=asked.start_date,
            end_date=asked.end_date,
            value=value,
            n=n,
            rows=self.cell.body.count,
        )


async def _compare(asker: Asker, wanted: Compare) -> Comparison:
    asked = await run_in_threadpool(wanted.of, asker, wanted.metric)
    (whole,) = await asker.insights(asked.kind, asked.whole(wanted.asked()))
    start, end = wanted.other_days(whole.request.start_date, whole.request.end_date)
    own = {name: value for name, value in wanted.asked().items() if name in ("teamId", "orgTreeName")}
    scope = own if wanted.than_team_id is None else {"teamId": wanted.than_team_id}
    days = {"dateFrom": start.isoformat(), "dateTo": end.isoformat()}
    # Both of the same versions.
    wholes = await asker.insights(asked.kind, asked.whole(wanted.asked()), asked.whole({**scope, **days}))
    first, second = [
        _Half(body, await _behind(asker, asked, one, wanted.limit), asked.column)
        for body, one in zip(wholes, (wanted.asked(), {**scope, **days}), strict=True)
    ]
    difference = _difference(first.value, second.value)
    return Comparison(
        **said_of(wholes[0].metrics[0]),
        value=difference,
        n=first.side.n + second.side.n,
        data_as_of=min(body.data_as_of for body in wholes),
        percent=_percent(difference, second.value),
        first=first.side,
        second=second.side,
        facts=first.cell.body.facts or second.cell.body.facts,
        rows=_rows(asked, first, second),
    )


async def _behind(asker: Asker, asked: Asked, scope: dict[str, Any], most: int) -> ListedCell:
    return await behind(asker, asked, {**scope, "granularity": TOTAL}, Place(asked.column), (0, most))


def _difference(first: Cell, second: Cell) -> float | int | None:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return round(first - second, 4)
    return None


def _percent(difference: float | None, second: Cell) -> float | None:
    if difference is None or not isinstance(second, int | float) or not second:
        return None
    return round(100 * difference / abs(second), 4)


def _rows(asked: Asked, first: _Half, second: _Half) -> list[ComparedRow]:
    effects = {name: _effects(asked, half, first, second) for name, half in (("first", first), ("second", second))}
    rows = [
        ComparedRow(side=name, effect=effect, **row.model_dump(by_alias=False, exclude_unset=True))
        for name, half in (("first", first), ("second", second))
        for row, effect in zip(half.cell.body.rows, effects[name], strict=True)
    ]
    return sorted(rows, key=lambda row: -abs(row.effect or 0))


def _effects(asked: Asked, half: _Half, first: _Half, second: _Half) -> list[float | None]:
    """What each row of a side brings to the difference. A sum's rows bring what they have. A mean differs from the middle between
    the two by the mean of what its rows differ from that; so does a ratio, weighed by what it is over."""
    rows, kind = half.cell.body.rows, half.cell.body.aggregation
    sign = 1 if half is first else -1
    if kind in ("count", "per_sprint") or (kind == "sum" and asked.adds_up):
        of_each = half.side.n if kind == "per_sprint" else 1
        return [sign * float(row.value) / of_each if isinstance(row.value, int | float) else None for row in rows]
    ends = [one.value for one in (first, second) if isinstance(one.value, int | float)]
    n = half.side.n
    if len(ends) < 2 or not n:
        return [None] * len(rows)
    middle = sum(ends) / 2
    if kind == "mean":
        return [sign * (float(row.value) - middle) / n if isinstance(row.value, int | float) else None for row in rows]
    if kind == "ratio" and asked.factor is not None:
        weight = sign * asked.factor / (half.cell.divisor or n)
        return [_of_ratio(row, middle / asked.factor, weight) for row in rows]
    return [None] * len(rows)


def _of_ratio(row: CellRow, middle: float, weight: float) -> float | None:
    if not isinstance(row.value, int | float) or not isinstance(row.over, int | float):
        return None
    return weight * (row.value - middle * row.over)


COMPARE = Tool(
    "compare",
    "Compare two values",
    "Answers how a metric of a team differs from the days before, from other days or from another team, and which rows make the "
    "difference.",
    Compare,
    Comparison,
    _compare,
)
