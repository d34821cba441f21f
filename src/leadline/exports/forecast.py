"""Forecasts of the completion of work items, from the throughput of the last weeks: checked, run on pinned versions, answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from leadline.access import UNLIMITED, Access
from leadline.errors import Conflict, Detail, InvalidRequest
from leadline.exports import requests
from leadline.exports.efficiency import EfficiencyScope
from leadline.exports.flow import FLOW_EXPORT
from leadline.exports.models import RequestPart
from leadline.exports.service import deliver_and_pin
from leadline.exports.validation import unknown_fields, validated
from leadline.field_types import Day
from leadline.home import Project
from leadline.json_body import Body, Instant
from leadline.metrics.forecast import completed_within, weeks_needed
from leadline.metrics.request import Control, MetricsRequest, Pins

if TYPE_CHECKING:
    from leadline.metrics.run import Runner

LEAST_WEEKS = 4
"""Weeks with a completion without which nothing is forecast."""
FARTHEST = 520
"""Weeks, ten years: nothing is forecast that is farther away at the throughput of the history."""
_WEEK = timedelta(days=7)


class History(RequestPart):
    """Which weeks are drawn from."""

    weeks: Annotated[int, Field(ge=LEAST_WEEKS, le=104)] | None = Field(
        None, description="How many whole weeks before this one; default 12."
    )


class ForecastRequest(RequestPart):
    """A forecast for a team with all teams below it, or an org tree. One of `remaining` and `target` is needed."""

    scope: EfficiencyScope
    remaining: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="How many work items are still to be completed: asks when they will be.", examples=[40]
    )
    target: Day | None = Field(
        None, description="A day to come (yyyy-MM-dd): asks how many work items will be completed by then."
    )
    history: History | None = None
    runs: Annotated[int, Field(ge=100, le=20_000)] | None = Field(
        None, description="How many times the weeks to come are drawn; default 10000."
    )


class ForecastWeek(Body):
    """A week of the history."""

    week: str = Field(examples=["2026-W05"])
    start_date: date
    end_date: date
    completed: int = Field(description="Work items completed in it.")


class ForecastBody(Body):
    """A forecast: what holds in so many of a hundred runs."""

    percentiles: dict[str, date | int] = Field(
        description="Of `remaining` the day by which these are completed, of `target` how many at least are completed by then.",
        examples=[{"50": "2026-05-04", "85": "2026-05-18", "95": "2026-06-01"}],
    )
    weeks: dict[str, int] | None = Field(default=None, description="Of `remaining`: the same in weeks from today.")
    history: list[ForecastWeek] = Field(description="The weeks that were drawn from.")
    seed: str = Field(
        description="Follows from the request, the day and the versions of the tables: the same give the same answer."
    )
    data_as_of: Instant
    table_versions: dict[str, int] = Field(description="The version of each table that it reads.")
    warnings: list[str] | None = Field(
        default=None, description="What was ignored in the request; absent if nothing was."
    )


@dataclass(frozen=True)
class Forecast:
    """A normalized request: whose ``throughput``, by weeks, is drawn from, on which day, and one of ``remaining`` and
    ``target``."""

    throughput: MetricsRequest
    today: date
    remaining: int | None
    target: date | None
    runs: int
    warnings: tuple[str, ...]

    @property
    def weeks_to_target(self) -> int:
        """The whole weeks until the end of the target."""
        return 0 if self.target is None else (self.target - self.today).days // 7

    def seed(self, versions: Mapping[str, int]) -> str:
        """What tells the same forecast on the same versions: 16 hexadecimal digits."""
        asked = {
            "throughput": self.throughput.document(),
            "today": self.today.isoformat(),
            "remaining": self.remaining,
            "target": self.target and self.target.isoformat(),
            "runs": self.runs,
            "tables": dict(versions),
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def parse_forecast(project: Project, body: Mapping[str, Any], now: datetime, access: Access = UNLIMITED) -> Forecast:
    """The forecast that ``body`` asks for at ``now``, within ``access``. Raises ``InvalidRequest``, or ``Forbidden``."""
    model = validated(ForecastRequest, body)
    requests.check_identifiers(project, model.scope)
    requests.check_one_scope(model.scope)
    if (model.remaining is None) == (model.target is None):
        sentence = "One of remaining and target is needed, and not both"
        raise InvalidRequest(sentence, code="conflicting_question", details=[Detail("remaining", sentence)])
    weeks = (model.history and model.history.weeks) or 12
    asked = {
        "scope": {"orgTreeName": model.scope.org_tree_name, "teamId": model.scope.team_id},
        "dateRange": {"period": f"last-{weeks}-weeks"},
        "metrics": ["Throughput"],
        "options": {"granularity": "weekly", "format": "jsonl"},
    }
    throughput = FLOW_EXPORT.parse(project, asked, access).request
    assert isinstance(throughput, MetricsRequest)  # noqa: S101 -- as the kind's requests are
    today = now.astimezone(project.profile(throughput.tree).zone).date()
    if model.target is not None and not today + _WEEK <= model.target <= today + FARTHEST * _WEEK:
        sentence = (
            f"target ({model.target}) must be a day at least one week from today ({today}), and at most ten years"
        )
        raise InvalidRequest(sentence, code="invalid_target", details=[Detail("target", sentence)])
    return Forecast(
        replace(throughput, depth=0),
        today,
        model.remaining,
        model.target,
        model.runs or 10_000,
        unknown_fields(ForecastRequest, body),
    )


def pinned(project: Project, forecast: Forecast) -> Pins:
    """The versions that a run of ``forecast`` reads: the newest, with all that was pushed."""
    return deliver_and_pin(project, FLOW_EXPORT, forecast.throughput)


def run_forecast(
    runner: Runner, project: Project, forecast: Forecast, pins: Pins, now: datetime, control: Control
) -> ForecastBody:
    """The answer on the versions of ``pins``, which are the newest at ``now``. Raises ``Conflict`` where too few weeks have a
    completion, or where it is too far away."""
    table = runner.table(project, forecast.throughput, pins, control)
    columns = ("Granularity", "Start_Date", "End_Date", "Throughput")
    weeks = list(zip(*(table[name].to_pylist() for name in columns), strict=True))
    history = [completed for *_, completed in weeks]
    _check(history, forecast)
    read = FLOW_EXPORT.rows.tables(project, forecast.throughput)
    versions = {name: version for name, version in sorted(pins.tables.items()) if name in read}
    seed = forecast.seed(versions)
    optional: dict[str, Any] = {"warnings": list(forecast.warnings)} if forecast.warnings else {}
    return ForecastBody(
        **_told(forecast, history, int(seed, 16)),
        **optional,
        history=[
            ForecastWeek(week=week, start_date=start, end_date=end, completed=completed)
            for week, start, end, completed in weeks
        ],
        seed=seed,
        data_as_of=now,
        table_versions=versions,
    )


def _told(forecast: Forecast, history: Sequence[int], seed: int) -> dict[str, Any]:
    if forecast.remaining is None:
        counts = completed_within(history, forecast.weeks_to_target, forecast.runs, seed)
        return {"percentiles": {str(percent): count for percent, count in counts.items()}}
    weeks = weeks_needed(history, forecast.remaining, forecast.runs, seed)
    return {
        "percentiles": {str(percent): forecast.today + count * _WEEK for percent, count in weeks.items()},
        "weeks": {str(percent): count for percent, count in weeks.items()},
    }


def _check(history: Sequence[int], forecast: Forecast) -> None:
    if (known := sum(completed > 0 for completed in history)) < LEAST_WEEKS:
        raise Conflict(
            f"Work items were completed in {known} of the last {len(history)} weeks; a forecast needs {LEAST_WEEKS} such weeks: "
            "ask for more weeks of history (history.weeks), or for a larger team",
            code="too_little_history",
        )
    if (forecast.remaining or 0) * len(history) > FARTHEST * sum(history):
        raise Conflict(
            f"At the throughput of the last {len(history)} weeks, {forecast.remaining} work items take more than ten years",
            code="too_far_away",
        )
