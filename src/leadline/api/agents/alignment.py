"""The routes of business alignment: which profiles there are, what the work of a team was for, by categories, and its items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.api.agents.asking import Asker
from leadline.api.agents.drilldowns import DrilldownBody, Sorted, behind
from leadline.api.agents.words import Granularity, TeamDays, Words
from leadline.api.answers import new_router
from leadline.api.body import json_body
from leadline.api.caller import LimitedReader
from leadline.errors import Detail, InvalidRequest
from leadline.exports.business import BUSINESS_EXPORT
from leadline.exports.insights.cells import Place
from leadline.exports.insights.models import Cell, InsightBody, InsightMetric, InsightRow, InsightTeam, InsightValues
from leadline.exports.insights.request import PREVIOUS, TOTAL
from leadline.exports.validation import validated
from leadline.field_types import Name, TeamId, one_of
from leadline.json_body import Body, Instant
from leadline.metrics.business_columns import (
    EFFORT_UNITS,
    FTE,
    GROUPS,
    HOURS,
    PERCENT,
    POINTS,
    TICKETS,
    BusinessColumn,
    columns_of,
)
from leadline.metrics.metric import unknown
from leadline.settings.categories import CATEGORIES, HIERARCHY, UNCATEGORIZED, UNLINKED
from leadline.settings.profile import Profile

router = new_router("agents")

KIND = BUSINESS_EXPORT.name
PATH = f"/v2/insights/{KIND}"
_WORDS = Words("teamRefId", "dateStart", "dateEnd")


# -- profiles ----------------------------------------------------------------------------------------------------------


class BusinessProfile(Body):
    """By which categories the work of an org tree is told apart."""

    profile_id: int = Field(description="The id of the org tree.")
    name: str = Field(description="The name of the org tree.")
    categories: list[str] = Field(
        description="In the order in which they are tried; what matches none is `Uncategorized`."
    )
    hierarchy: str = Field(description="What an item without a match takes from those above it.")


class BusinessProfilesBody(Body):
    """The profiles that there are: one for each org tree."""

    content: list[BusinessProfile]
    total: int


@router.get(PATH + "/profiles", operation_id="listBusinessProfiles", response_description="One for each org tree.")
def business_profiles(request: Request, caller: LimitedReader) -> BusinessProfilesBody:
    """The profiles of business alignment."""
    trees = Asker.of(request, caller).trees.listed()
    profiles = [(tree, caller.project.profile(tree.name)) for tree in trees]
    content = [
        BusinessProfile(
            profile_id=tree.id,
            name=tree.name,
            categories=list(profile[CATEGORIES]),
            hierarchy=profile[HIERARCHY],
        )
        for tree, profile in profiles
    ]
    return BusinessProfilesBody(content=content, total=len(content))


# -- what is asked -----------------------------------------------------------------------------------------------------


class AlignmentRequest(TeamDays):
    """Of which team, and when."""

    profile_id: TeamId | None = Field(
        None,
        description="The profile of the team's org tree. Without a team: the org tree as a whole; it may be left out where there "
        "is one alone.",
        examples=[1, "2"],
    )
    effort_unit: Annotated[str, one_of("effortUnit", EFFORT_UNITS)] | None = Field(
        None, description="What `percent` is a share of; default `TICKETS`."
    )


class AlignmentPeriods(AlignmentRequest):
    """Of which team, when, and in which periods."""

    granularity: Granularity | None = Field(
        None, description="Length of the periods, in any letter case; default `MONTH`."
    )


class AlignmentDrilldown(AlignmentRequest, Sorted):
    """Which items, and which page of them."""

    category: Name | None = Field(
        None,
        description="Those of this category, or `Uncategorized`, in any letter case; none: all.",
        examples=["KTLO"],
    )


_SUMMARY, _PERIODS, _DRILLDOWN = (
    json_body(model) for model in (AlignmentRequest, AlignmentPeriods, AlignmentDrilldown)
)


@dataclass(frozen=True)
class _Alignment:
    """A request with whoever asks it."""

    asker: Asker
    model: AlignmentRequest

    def asked(self, granularity: str, **more: Any) -> dict[str, Any]:
        """The parameters of the insight of the team or org tree. Raises ``InvalidRequest``."""
        model = self.model
        own = {**model.asked(granularity), **more}
        if model.team_ref_id is None:
            name = self._profile_tree()
            own |= self.asker.whole("teamRefId") if name is None else {"orgTreeName": name}
        return own | ({} if model.effort_unit is None else {"effortUnit": model.effort_unit})

    async def insights(self, *asked: Mapping[str, Any]) -> list[InsightBody]:
        """The answers to all that is asked. Raises ``InvalidRequest`` for the profile of another org tree."""
        bodies = await self.asker.insights(KIND, *asked, words=_WORDS)
        if await run_in_threadpool(self._profile_tree) not in (None, tree := bodies[0].request.org_tree_name):
            message = f"profileId is not the profile of the team's org tree {tree}"
            raise InvalidRequest(message, code="conflicting_scope", details=[Detail("profileId", message)])
        return bodies

    def profile(self, tree: str) -> Profile:
        """The settings in force."""
        return self.asker.project.profile(tree)

    def _profile_tree(self) -> str | None:
        """The name of the org tree whose profile is asked for."""
        wanted = self.model.profile_id
        if wanted is None:
            return None
        names = {str(tree.id): tree.name for tree in self.asker.trees.listed()}
        if wanted.strip() not in names:
            raise unknown("profile", wanted, list(names), "profileId")
        return names[wanted.strip()]


# -- what is answered --------------------------------------------------------------------------------------------------


class CategoryValues(Body):
    """What the work of a category was; null where nothing is known of it."""

    category: str = Field(
        description="`Uncategorized` is what is in none, `Unlinked` effort that is linked to no item."
    )
    tickets: Cell = Field(description="Completed items; null of what is linked to none.")
    story_points: Cell
    time_spent_hours: Cell = Field(description="Null where no time is known of any item.")
    percent: Cell = Field(description="Share of all by `effortUnit`.")
    fte: Cell = Field(description="Full-time equivalents of the developers' days.")


class CategorySummary(CategoryValues):
    """A category over all days."""

    previous: CategoryValues | None = Field(description="The same in the range of the same length before.")


class AlignmentPeriod(Body):
    """A period."""

    label: str
    start: date
    end: date
    categories: list[CategoryValues]


class MeasureBody(Body):
    """What a member of categories means."""

    measure: str
    unit: str
    definition: str


class AlignmentBody(Body):
    """Whose work it was, and what values mean."""

    team_ref_id: int
    team: InsightTeam
    profile_id: int
    effort_unit: str
    measures: list[MeasureBody]
    data_as_of: Instant


class AlignmentPeriodsBody(AlignmentBody):
    """What work was for, period by period."""

    granularity: str = Field(description="`daily`, `weekly`, `monthly`, `quarterly` or `yearly`.")
    periods: list[AlignmentPeriod]
    page: int = Field(description="Counted from 0.")
    page_size: int
    period_count: int = Field(description="Periods on all pages.")


class AlignmentSummaryBody(AlignmentBody):
    """What work was for over all days."""

    start: date
    end: date
    categories: list[CategorySummary]


_MEMBERS = {
    "tickets": TICKETS,
    "story_points": POINTS,
    "time_spent_hours": HOURS,
    "percent": PERCENT,
    "fte": FTE,
}


def _by_category(profile: Profile, unit: str) -> dict[str, list[BusinessColumn]]:
    """The columns of each category, of what is in none, and of what is linked to no item."""
    categories = profile[CATEGORIES]
    names = (*categories, UNCATEGORIZED, UNLINKED)
    columns = columns_of(categories, unit)
    return {name: [column for column in columns if column.rank == rank] for rank, name in enumerate(names)}


def _members(values: InsightValues, columns: Sequence[BusinessColumn]) -> dict[str, Cell]:
    of_measure = {column.measure: values.values.get(column.name) for column in columns}
    return {member: of_measure.get(measure) for member, measure in _MEMBERS.items()}


def _categories(values: InsightValues, by_category: Mapping[str, Sequence[BusinessColumn]]) -> list[CategoryValues]:
    return [CategoryValues(category=name, **_members(values, columns)) for name, columns in by_category.items()]


def _summaries(row: InsightRow, by_category: Mapping[str, Sequence[BusinessColumn]]) -> list[CategorySummary]:
    """With what was before, beside each."""
    before = _categories(row.previous, by_category) if row.previous else [None] * len(by_category)
    return [
        CategorySummary(category=name, previous=previous, **_members(row, columns))
        for previous, (name, columns) in zip(before, by_category.items(), strict=True)
    ]


def _measures(metrics: Sequence[InsightMetric], columns: Sequence[BusinessColumn]) -> list[MeasureBody]:
    """What each measure means, in the words of one category."""
    told = {metric.column: metric for metric in metrics}
    known = [(column.measure, told[column.name]) for column in columns if column.name in told]
    return [MeasureBody(measure=measure, unit=one.unit, definition=one.definition) for measure, one in known]


def _common(alignment: _Alignment, body: InsightBody) -> tuple[dict[str, Any], dict[str, list[BusinessColumn]]]:
    """What all answers say, and the columns of each category."""
    tree, unit = body.request.org_tree_name, body.request.effort_unit or EFFORT_UNITS[0]
    by_category = _by_category(alignment.profile(tree), unit)
    team = _WORDS.first_row(body).team
    assert team is not None  # noqa: S101 -- rows are teams
    said = {
        "team_ref_id": int(team.ref_id),
        "team": team,
        "profile_id": next(known.id for known in alignment.asker.trees.listed() if known.name == tree),
        "effort_unit": unit,
        "measures": _measures(body.metrics, by_category[UNCATEGORIZED]),
        "data_as_of": body.data_as_of,
    }
    return said, by_category


# -- routes ------------------------------------------------------------------------------------------------------------


@router.post(
    PATH + "/feature_metrics", operation_id="getBusinessFeatureMetrics", response_description="Period by period."
)
async def alignment_metrics(
    request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_PERIODS)]
) -> AlignmentPeriodsBody:
    """What the work of a team was for, period by period."""
    model = validated(AlignmentPeriods, body)
    alignment = _Alignment(Asker.of(request, caller), model)
    (answer,) = await alignment.insights(
        await run_in_threadpool(alignment.asked, model.granularity or "monthly", groups=list(GROUPS))
    )
    said, by_category = await run_in_threadpool(_common, alignment, answer)
    return AlignmentPeriodsBody(
        **said,
        granularity=answer.request.granularity,
        periods=[_period(row, by_category) for row in answer.rows[model.slice]],
        page=model.page,
        page_size=model.page_size,
        period_count=len(answer.rows),
    )


def _period(row: InsightRow, by_category: Mapping[str, Sequence[BusinessColumn]]) -> AlignmentPeriod:
    assert row.start_date is not None  # noqa: S101 -- so has every row
    assert row.end_date is not None  # noqa: S101
    return AlignmentPeriod(
        label=row.period or "", start=row.start_date, end=row.end_date, categories=_categories(row, by_category)
    )


@router.post(PATH + "/feature_summary", operation_id="getBusinessFeatureSummary", response_description="By category.")
async def alignment_summary(
    request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_SUMMARY)]
) -> AlignmentSummaryBody:
    """What the work of a team was for over all days, beside the days before."""
    alignment = _Alignment(Asker.of(request, caller), validated(AlignmentRequest, body))
    asked = await run_in_threadpool(alignment.asked, TOTAL, groups=list(GROUPS), compare=PREVIOUS)
    (answer,) = await alignment.insights(asked)
    said, by_category = await run_in_threadpool(_common, alignment, answer)
    return AlignmentSummaryBody(
        **said,
        start=answer.request.start_date,
        end=answer.request.end_date,
        categories=_summaries(answer.rows[0], by_category),
    )


@router.post(PATH + "/drilldown", operation_id="getBusinessDrilldown", response_description="One page of them.")
async def alignment_drilldown(
    request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_DRILLDOWN)]
) -> DrilldownBody:
    """The completed work items of a team, all or those of a category."""
    model = validated(AlignmentDrilldown, body)
    alignment = _Alignment(Asker.of(request, caller), model)
    asked = await run_in_threadpool(alignment.asked, TOTAL, groups=list(GROUPS))
    (answer,) = await alignment.insights(asked)
    by_category = await run_in_threadpool(
        _by_category, alignment.profile(answer.request.org_tree_name), EFFORT_UNITS[0]
    )
    column = _column_of(model.category, by_category)
    asked |= {"metrics": [column], "groups": [], "effortUnit": EFFORT_UNITS[0]}
    return await behind(alignment.asker, KIND, asked, Place(column, row=0), model, _WORDS)


def _column_of(category: str | None, by_category: Mapping[str, Sequence[BusinessColumn]]) -> str:
    """The column behind which the items of a category are; of none: all items. Raises ``InvalidRequest``."""
    names = [name for name in by_category if name != UNLINKED]
    if category is None:
        return _column(by_category[UNCATEGORIZED], PERCENT)
    called = {name.casefold(): name for name in names}
    if (name := called.get(category.strip().casefold())) is None:
        raise unknown("category", category, names, "category")
    return _column(by_category[name], TICKETS)


def _column(columns: Sequence[BusinessColumn], measure: str) -> str:
    return next(column.name for column in columns if column.measure == measure)
