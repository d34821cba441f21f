"""The route of productivity features: one metric of teams or developers, period by period, stacked by what it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import Depends
from pydantic import Field
from starlette.requests import Request

from leadline.api.agents.asking import Asker
from leadline.api.agents.words import AnyDay, Granularity, Paged, Words
from leadline.api.answers import new_router
from leadline.api.body import json_body
from leadline.api.caller import LimitedReader
from leadline.errors import Detail, InvalidRequest
from leadline.exports.insights.models import Cell, InsightBody, InsightRow
from leadline.exports.validation import validated
from leadline.field_types import Name, TeamId, one_of, printable, shown
from leadline.json_body import Body, Instant
from leadline.metrics.metric import DEVELOPER, PRODUCTIVITY, TEAM
from leadline.metrics.periods import periods

router = new_router("agents")

PATH = "/v2/productivityv3/feature_metrics"
_WORDS = Words("teamRefIds", "startDate", "endDate")
MOST_SERIES = 50
"""Teams, or developers, that one request may name."""


@dataclass(frozen=True)
class Feature:
    """A metric by the name of a feature: its column for developers and for teams (None: a team's is the sum over its developers),
    and the columns that it is made of, by what it is stacked by and by their names in the stack."""

    developer: str
    team: str | None
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def columns(self, level: str, stack: str) -> list[str]:
        """The columns to ask for at a level."""
        column = self.team if level == TEAM and self.team is not None else self.developer
        return list(dict.fromkeys([column, *self.parts.get(stack, {}).values()]))


def _parts(prefix: str, *names: str, suffix: str = "") -> dict[str, str]:
    return {name: f"{prefix}_{name}{suffix}" for name in names}


_SIZES = _parts("PR_Merged", "Small", "Medium", "Large")
FEATURES: Mapping[str, Feature] = {
    "PR_VELOCITY": Feature(
        "PR_Merged",
        "PR_Velocity",
        {"SIZE": _SIZES, "WORK_TYPE": _parts("PR_Merged", "Features", "Bugs", "Other")},
    ),
    "PR_CYCLE_TIME": Feature(
        "PR_Cycle_Time_Days_Avg",
        "PR_Cycle_Time_Days_Avg",
        {"STAGE": _parts("PR", "Creation", "First_Review", "Approval", "Merge", suffix="_Time_Days_Avg")},
    ),
    "WORK_COMPLETED": Feature(
        "Work_Completed",
        "Work_Completed",
        {"WORK_TYPE": _parts("Work", "Features", "Bugs", "Other", suffix="_Completed")},
    ),
    "CODING_DAYS": Feature("Coding_Days", "Coding_Days"),
    "LINES_OF_CODE": Feature("LOC_Added", None, {"KIND": _parts("LOC", "Added", "Removed")}),
    "NUMBER_OF_COMMENTS_PER_PR": Feature("Review_Comments_Per_PR_Avg", "Review_Comments_Per_PR_Avg"),
    "AVG_TIME_TO_FIRST_COMMENT": Feature(
        "Review_Time_To_First_Comment_Hrs_Avg", "Review_Time_To_First_Comment_Hrs_Avg"
    ),
}
_BY_TEAM, _BY_DEVELOPER = "TEAM", "DEVELOPER"
STACKS: Mapping[str, str] = {
    "TEAM": _BY_TEAM,
    "DEVELOPER": _BY_DEVELOPER,
    "CONTRIBUTOR": _BY_DEVELOPER,
    **{stack: stack for feature in FEATURES.values() for stack in feature.parts},
}
"""What values are stacked by, by the words for it."""


# -- what is asked -----------------------------------------------------------------------------------------------------


class FeatureRequest(Paged):
    """Which feature, of whom and when, in which periods, stacked by what."""

    start_date: AnyDay = Field(
        description="First day (yyyy-MM-dd or MM/DD/YYYY).", examples=["2026-01-01", "01/01/2026"]
    )
    end_date: AnyDay = Field(description="Last day, inclusive.", examples=["2026-03-31", "03/31/2026"])
    feature_type: Annotated[str, one_of("featureType", tuple(FEATURES))] | None = Field(
        None, description="In any letter case; default `PR_VELOCITY`."
    )
    granularity: Granularity | None = Field(
        None, description="Length of the periods, in any letter case; default `WEEKLY`."
    )
    stack_by: Annotated[str, one_of("stackBy", tuple(STACKS))] | None = Field(
        None,
        description="What values are stacked by, in any letter case: teams below, developers, or what a feature is made of.",
    )
    team_ref_ids: list[TeamId] | None = Field(
        None,
        max_length=MOST_SERIES,
        description="Teams by ref id or key, each with all teams below it; several are stacked. None: the only org tree.",
        examples=[[123]],
    )
    team_ids: list[TeamId] | None = Field(None, max_length=MOST_SERIES, description="Another name of `teamRefIds`.")
    developer_ids: list[Name] | None = Field(
        None, max_length=MOST_SERIES, description="Developers by email, of the team or org tree; several are stacked."
    )

    @property
    def feature(self) -> Feature:
        """What is asked for."""
        return FEATURES[self.named]

    @property
    def named(self) -> str:
        """Its name."""
        return (self.feature_type or "PR_VELOCITY").upper()

    @property
    def teams(self) -> list[str]:
        """The teams that are named."""
        return list(dict.fromkeys([*(self.team_ref_ids or ()), *(self.team_ids or ())]))

    @property
    def developers(self) -> list[str]:
        """The developers that are named, in lower case."""
        return list(dict.fromkeys(name.strip().lower() for name in self.developer_ids or ()))

    @property
    def stack(self) -> str:
        """What values are stacked by; empty for nothing. Raises ``InvalidRequest`` for what the feature has no parts of."""
        stack = STACKS[self.stack_by.upper()] if self.stack_by else ""
        if stack in ("", _BY_TEAM, _BY_DEVELOPER) or stack in self.feature.parts:
            return stack
        would_do = ", ".join((_BY_TEAM, _BY_DEVELOPER, *self.feature.parts))
        message = f"Unsupported stackBy: {shown(stack)} with {self.named}; supported: {would_do}"
        raise InvalidRequest(message, code="unsupported_stack_by", details=[Detail("stackBy", would_do)])


_BODY = json_body(FeatureRequest)

# -- what is answered --------------------------------------------------------------------------------------------------


class FeaturePeriod(Body):
    """One period."""

    label: str
    start: date
    end: date
    value: Cell = Field(
        description="Null where there is nothing to take it of, and of several teams or developers, as values do not add up."
    )
    count: int | None = Field(description="Of how many things it is; null where `value` is null for being of several.")
    stacks: dict[str, Cell] | None = Field(
        default=None, description="By team, developer or part; absent if nothing is stacked."
    )


class FeatureBody(Body):
    """A feature, period by period."""

    feature_type: str
    granularity: str = Field(description="`daily`, `weekly`, `monthly`, `quarterly` or `yearly`.")
    stack_by: str | None = Field(description="What values are stacked by; null for nothing.")
    periods: list[FeaturePeriod]
    page: int = Field(description="Counted from 0.")
    page_size: int
    period_count: int = Field(description="Periods on all pages.")
    metric: str = Field(description="The column of exports that has the same values.")
    title: str = Field(description="What people call it.")
    unit: str
    definition: str
    of: str | None = Field(default=None, description="What `count` counts.")
    data_as_of: Instant = Field(description="When the versions that it is made of were pinned.")


# -- how it is made ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Series:
    """Rows that make one value for each period: those of a team, of a developer, or of all developers of a team, whose values are
    summed. ``name`` is what a stack calls them."""

    name: str
    rows: Mapping[date | None, Sequence[InsightRow]]

    def value(self, start: date, column: str) -> Cell:
        """The value of the period that begins on the day."""
        cells = [row.values[column] for row in self.rows.get(start, ())]
        return cells[0] if len(cells) == 1 else _sum(cells)

    def count(self, start: date, column: str) -> int:
        """Of how many things it is."""
        return sum((row.n or {}).get(column, 0) for row in self.rows.get(start, ()))


def _sum(cells: Sequence[Cell]) -> Cell:
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    return sum(numbers) if numbers else None


def _grouped(rows: Sequence[InsightRow]) -> dict[date | None, list[InsightRow]]:
    groups: dict[date | None, list[InsightRow]] = {}
    for row in rows:
        groups.setdefault(row.start_date, []).append(row)
    return groups


@dataclass(frozen=True)
class _Asked:
    """A request, and the answers that it is made of. ``whole`` has the value of each period, or is stacked if there are several;
    ``parts`` are stacked in its place."""

    model: FeatureRequest
    level: str
    bodies: Sequence[InsightBody]
    whole: Sequence[_Series]
    parts: Sequence[_Series] = ()

    def body(self) -> FeatureBody:
        model, first = self.model, self.bodies[0]
        columns = model.feature.columns(self.level, "")
        told = next(metric for metric in first.metrics if metric.column == columns[0])
        asked = first.request
        made = list(self._periods(asked.start_date, asked.end_date, asked.granularity, columns[0]))
        return FeatureBody(
            feature_type=model.named,
            granularity=asked.granularity,
            stack_by=self.stack or None,
            periods=made[model.slice],
            page=model.page,
            page_size=model.page_size,
            period_count=len(made),
            metric=told.column,
            title=told.title,
            unit=told.unit,
            definition=told.definition,
            of=told.of,
            data_as_of=min(body.data_as_of for body in self.bodies),
        )

    @property
    def stack(self) -> str:
        several = _BY_DEVELOPER if self.model.developers else _BY_TEAM
        return self.model.stack or (several if len(self.whole) > 1 else "")

    def _periods(self, start: date, end: date, granularity: str, column: str) -> Iterator[FeaturePeriod]:
        single = self.whole[0] if len(self.whole) == 1 else None
        for period in periods(start, end, granularity):
            stacks = self._stacks(period.start, column)
            yield FeaturePeriod(
                label=period.label,
                start=period.start,
                end=period.end,
                value=None if single is None else single.value(period.start, column),
                count=None if single is None else single.count(period.start, column),
                **({} if stacks is None else {"stacks": stacks}),
            )

    def _stacks(self, start: date, column: str) -> dict[str, Cell] | None:
        if not self.stack:
            return None
        if parts := self.model.feature.parts.get(self.stack):
            return {name: self.whole[0].value(start, part) for name, part in parts.items()}
        stacked = self.parts or self.whole
        return {series.name: series.value(start, self._of_parts(column)) for series in stacked}

    def _of_parts(self, column: str) -> str:
        """The column of what is stacked, which has another one at another level."""
        return self.model.feature.developer if self.stack == _BY_DEVELOPER else column


@dataclass(frozen=True)
class _Asking:
    """Asks for what a request needs."""

    asker: Asker
    model: FeatureRequest

    async def body(self) -> FeatureBody:
        """The answer."""
        model = self.model
        if model.stack in model.feature.parts and max(len(model.teams), len(model.developers)) > 1:
            would_do = "one team or one developer"
            message = f"stackBy {model.stack} is of {would_do}, and several are named"
            raise InvalidRequest(message, code="conflicting_stack_by", details=[Detail("stackBy", would_do)])
        if model.developers:
            return await self._of_developers()
        if model.feature.team is None:
            return await self._summed()
        return await self._of_teams()

    def _asked(self, team: str | None, level: str, depth: int | None = None) -> dict[str, Any]:
        model = self.model
        scope = {"teamId": team} if team is not None else self.asker.whole("teamRefIds")
        days = {"dateFrom": model.start_date.isoformat(), "dateTo": model.end_date.isoformat()}
        columns = model.feature.columns(level, model.stack)
        shape = {"granularity": model.granularity or "weekly", "level": level, "metrics": columns}
        return {**scope, **days, **shape, **({} if depth is None else {"depth": depth})}

    async def _get(self, *asked: Mapping[str, Any]) -> list[InsightBody]:
        return await self.asker.insights(PRODUCTIVITY, *asked, words=_WORDS)

    async def _of_teams(self) -> FeatureBody:
        model = self.model
        teams: list[str | None] = [*model.teams] or [None]
        below = [self._asked(teams[0], TEAM, depth=1)] if model.stack == _BY_TEAM and len(teams) == 1 else []
        people = [self._asked(team, DEVELOPER) for team in teams] if model.stack == _BY_DEVELOPER else []
        bodies = await self._get(*(self._asked(team, TEAM, depth=0) for team in teams), *below, *people)
        whole = [_Series(_path(body.rows), _grouped(body.rows)) for body in bodies[: len(teams)]]
        parts = [*_below(bodies[len(teams)], whole[0].name)] if below else []
        parts += [series for body in bodies[len(teams) :] for series in _each_developer(body)] if people else []
        return _Asked(model, TEAM, bodies, whole, parts).body()

    async def _summed(self) -> FeatureBody:
        """What a team has only through its developers."""
        model = self.model
        teams: list[str | None] = [*model.teams] or [None]
        bodies = await self._get(*(self._asked(team, DEVELOPER) for team in teams))
        names = [team.name if (team := body.request.team) else body.request.org_tree_name for body in bodies]
        whole = [_Series(name, _grouped(body.rows)) for name, body in zip(names, bodies, strict=True)]
        if model.stack == _BY_TEAM and len(teams) == 1:
            would_do = "DEVELOPER, KIND, or several teamRefIds"
            message = f"{model.named} of one team is not stacked by TEAM; what would do: {would_do}"
            raise InvalidRequest(message, code="unsupported_stack_by", details=[Detail("stackBy", would_do)])
        people = [series for body in bodies for series in _each_developer(body)] if model.stack == _BY_DEVELOPER else []
        return _Asked(model, DEVELOPER, bodies, whole, people).body()

    async def _of_developers(self) -> FeatureBody:
        model = self.model
        if len(model.teams) > 1:
            would_do = "at most one of teamRefIds beside developerIds"
            raise InvalidRequest(
                would_do.capitalize(), code="conflicting_scope", details=[Detail("teamRefIds", would_do)]
            )
        bodies = await self._get(self._asked(model.teams[0] if model.teams else None, DEVELOPER))
        there = {series.name.lower(): series for series in _each_developer(bodies[0])}
        if unknown := [name for name in model.developers if name not in there]:
            message = f"There is no developer {printable(unknown[0])[:80]!r} in this team or org tree"
            raise InvalidRequest(message, code="unknown_developer", details=[Detail("developerIds", message)])
        return _Asked(model, DEVELOPER, bodies, [there[name] for name in model.developers]).body()


def _path(rows: Sequence[InsightRow]) -> str:
    return rows[0].team.path if rows and rows[0].team else ""


def _below(body: InsightBody, scope: str) -> Iterator[_Series]:
    """A series of each team right below the one that is called ``scope``."""
    rows: dict[str, list[InsightRow]] = {}
    for row in body.rows:
        if row.team is not None and row.team.path != scope:
            rows.setdefault(row.team.path, []).append(row)
    return (_Series(path, _grouped(of_team)) for path, of_team in rows.items())


def _each_developer(body: InsightBody) -> Iterator[_Series]:
    rows: dict[str, list[InsightRow]] = {}
    for row in body.rows:
        if row.developer is not None:
            rows.setdefault(row.developer.email, []).append(row)
    return (_Series(email, _grouped(of_developer)) for email, of_developer in rows.items())


@router.post(PATH, operation_id="getFeatureMetrics", response_description="Period by period.")
async def feature_metrics(
    request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_BODY)]
) -> FeatureBody:
    """A productivity metric of teams or developers."""
    return await _Asking(Asker.of(request, caller), validated(FeatureRequest, body)).body()
