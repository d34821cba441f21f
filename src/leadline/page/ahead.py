"""Makes ready what everybody opens first, beside the requests: Delivery and Productivity of the first team of each org tree, over
the days that a screen shows by itself and over the longest that it offers. Once a server has started, and whenever what they
follow from has changed and the facts for it are there: those are computed when somebody asks for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from leadline.api.app_state import AppState
from leadline.charts.chart import Chart, Events
from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.picture import asked_of as asked_of_chart
from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.errors import LeadlineError, first_line
from leadline.home import Project
from leadline.metrics.metric import EFFICIENCY, PRODUCTIVITY, TEAM
from leadline.metrics.relative_range import relative_range
from leadline.page.boards import both_asked, scope_of
from leadline.page.choices import DEFAULT_PERIOD
from leadline.page.data_state import DataStates
from leadline.page.screens import delivery, productivity
from leadline.people.lookup import in_force, trees

START_SECONDS = 0.5
"""After how long it begins: who opened the page when the server said where it is comes first."""
LOOK_SECONDS = 60.0
"""How often it is looked whether anything has changed."""
MOST_PROJECTS = 4
"""Of so many projects of a home."""
PERIODS = (DEFAULT_PERIOD, "last-12-months")
_GRANULARITY, _AGGREGATION = "monthly", "mean"

log = structlog.get_logger("leadline.page")


@dataclass(frozen=True)
class FirstScreen:
    """What a screen asks for: totals and series of a kind, the charts beside them, and further parameters."""

    kind: str
    totals: Sequence[str]
    series: Sequence[str]
    charts: Sequence[Chart]
    more: Mapping[str, Any] = field(default_factory=dict)


FIRST = (
    FirstScreen(EFFICIENCY, delivery.TOTALS, delivery.SERIES, DELIVERY_CHARTS),
    FirstScreen(PRODUCTIVITY, productivity.TOTALS, productivity.SERIES, PRODUCTIVITY_CHARTS, {"level": TEAM}),
)


def begin_with(app: FastAPI) -> None:
    """Have it done from the start of ``app`` to its end."""
    whole = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[Any]:
        async with whole(served) as state:
            going_on = asyncio.ensure_future(_again_and_again(served.state.leadline, served.state.data_states))
            try:
                yield state
            finally:
                going_on.cancel()

    app.router.lifespan_context = lifespan


async def _again_and_again(state: AppState, data_states: DataStates) -> None:
    await asyncio.sleep(START_SECONDS)
    await make_ready(state)
    await run_in_threadpool(_look_at_data, state, data_states)
    await make_ready(state, PERIODS[-1:], anew=True)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await make_ready(state)


def _look_at_data(state: AppState, data_states: DataStates) -> None:
    """Have found how complete the data are, which every page says."""
    for project in state.home.projects()[:MOST_PROJECTS]:
        with contextlib.suppress(LeadlineError):  # told to who looks
            data_states.known(state.kept(project))


async def make_ready(state: AppState, periods: Sequence[str] = PERIODS, *, anew: bool = False) -> None:
    """Make ready what is not yet; ``anew``: or what is, too, so that the engine and who is in which team are there for other
    days. What hinders it hinders nobody who asks: they are told."""
    for project in (await run_in_threadpool(state.home.projects))[:MOST_PROJECTS]:
        try:
            await _of_project(state, state.kept(project), periods, anew)
        except LeadlineError as error:
            log.info("nothing was made ready", project=project.full_name, error=first_line(error))
        except Exception:
            log.exception("nothing was made ready", project=project.full_name)


async def _of_project(state: AppState, project: Project, periods: Sequence[str], anew: bool) -> None:
    project = await run_in_threadpool(project.settled)
    for scope in await run_in_threadpool(_scopes, state, project, periods):
        for screen in FIRST:
            await state.reports.quiet()
            dots = [asked_of_chart(chart, scope) for chart in screen.charts if isinstance(chart.data, Events)]
            asked = both_asked(scope, screen.totals, screen.series, screen.more)
            await state.insights.make_ready(project, screen.kind, asked, dots, anew=anew)


def _scopes(state: AppState, project: Project, periods: Sequence[str]) -> list[dict[str, Any]]:
    """What the first screens are of, as the parameters of an insight."""
    found = []
    for known in trees(project):
        today = state.now().astimezone(project.profile(known.name).zone).date()
        if (tree := in_force(project, known.name)) is not None:
            found += [scope_of(tree.root, _days(period, today), _GRANULARITY, _AGGREGATION) for period in periods]
    return found


def _days(period: str, today: date) -> tuple[date, date]:
    return relative_range(period).days(today)
