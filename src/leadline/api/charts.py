"""Charts of a server: what they show is answered as insights are, pictures are made by one process beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.access import Access
from leadline.api.insights import Insights
from leadline.charts.chart import Chart, Events
from leadline.charts.document import WIDTH, file_of
from leadline.charts.draw import Picture
from leadline.charts.goals import goals_of_answer
from leadline.charts.picture import asked_of, event_picture, period_picture, row_of
from leadline.charts.render import Renderer
from leadline.charts.rows import MOST_DOTS
from leadline.home import Project
from leadline.metrics.goals import Goals


@dataclass(frozen=True)
class Look:
    """How a chart is drawn: ``form`` is one of ``CONTENT_TYPES``, ``theme`` `light` or `dark`, ``width`` in pixels; ``trend``
    adds the line of least squares."""

    form: str
    theme: str = "light"
    width: int = WIDTH
    trend: bool = False


@dataclass(frozen=True)
class ChartFile:
    """A chart as it is sent; ``digest`` tells whether it is the same as another."""

    content: bytes
    digest: str


class Charts:
    """The charts of one server; ``close`` them at the end."""

    def __init__(self, insights: Insights) -> None:
        self._insights = insights
        self._renderer = Renderer()

    async def get(
        self, request: Request, project: Project, chart: Chart, asked: Mapping[str, Any], look: Look, access: Access
    ) -> ChartFile:
        """``chart`` of the insight that is ``asked`` for, within ``access``. Raises what ``Insights.get`` and ``Renderer.picture``
        raise."""
        picture, digest = await self.picture(request, project, chart, asked, access, trend=look.trend)
        return ChartFile(await self.drawn(picture, look), _digest(digest, chart, look))

    async def drawn(self, picture: Picture, look: Look) -> bytes:
        """``picture`` as a file. Raises what ``Renderer.picture`` raises."""
        return await run_in_threadpool(file_of, picture, look.form, self._renderer, theme=look.theme, width=look.width)

    async def picture(
        self,
        request: Request,
        project: Project,
        chart: Chart,
        asked: Mapping[str, Any],
        access: Access,
        *,
        trend: bool = False,
    ) -> tuple[Picture, str]:
        """``chart`` with its data, and the digest of all that it is made of."""
        one = asked_of(chart, asked)
        if isinstance(chart.data, Events):
            answered, events = await self._insights.behind(request, project, chart.insight, one, access)
            goals = await run_in_threadpool(goals_of_answer, project, answered.body)
            of_events = partial(
                event_picture, chart, answered.body, row_of(answered.body), events, goals, most=MOST_DOTS
            )
            return await run_in_threadpool(of_events), with_goals(answered.digest, goals)
        answered = await self._insights.get(request, project, chart.insight, one, access)
        goals = await run_in_threadpool(goals_of_answer, project, answered.body)
        picture = period_picture(chart, answered.body, answered.body.rows, goals, trend=trend)
        return picture, with_goals(answered.digest, goals)

    def close(self) -> None:
        """End the process that draws."""
        self._renderer.close()


def with_goals(of_answer: str, goals: Goals) -> str:
    """The digest of an answer that is shown with ``goals``."""
    return of_answer + json.dumps(goals, sort_keys=True)


def _digest(of_answer: str, chart: Chart, look: Look) -> str:
    text = json.dumps([of_answer, chart.name, asdict(look), json.dumps(chart.spec)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
