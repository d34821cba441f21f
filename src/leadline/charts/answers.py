"""Insights and charts without a server, for commands: each answered on the versions that are the newest when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from leadline.charts.chart import Chart, Events
from leadline.charts.draw import Picture
from leadline.charts.goals import goals_of_answer
from leadline.charts.picture import asked_of, event_picture, period_picture, row_of
from leadline.charts.rows import MOST_DOTS
from leadline.exports.cursor import Cursor
from leadline.exports.insights.answer import answer
from leadline.exports.insights.models import InsightBody
from leadline.exports.insights.request import InsightRequest, parse_insight
from leadline.exports.insights.tracing import events_behind, traceable
from leadline.exports.kinds import KINDS
from leadline.exports.service import deliver_and_pin
from leadline.home import Project
from leadline.metrics.request import Control, Pins

if TYPE_CHECKING:
    from leadline.metrics.run import Runner

T = TypeVar("T")
Work = Callable[[Control], T]


@dataclass(frozen=True)
class Answers:
    """What is asked of ``project`` at ``now``. ``working`` runs each piece of work, called by a word, and may cancel it."""

    project: Project
    runner: Runner
    now: datetime
    working: Callable[[str, Work[Any]], Any]

    def body(self, kind: str, asked: Mapping[str, Any]) -> InsightBody:
        """The answer to the parameters ``asked`` of a kind. Raises what ``parse_insight`` and ``answer`` raise."""
        return self._answered(*self._pinned(kind, asked))

    def picture(self, chart: Chart, asked: Mapping[str, Any], *, trend: bool = False, most: int = MOST_DOTS) -> Picture:
        """``chart`` of what is ``asked`` for, of single things with the newest ``most``. Raises what ``body`` raises."""
        insight, pins = self._pinned(chart.insight, asked_of(chart, asked))
        body = self._answered(insight, pins)
        if not isinstance(chart.data, Events):
            return period_picture(chart, body, body.rows, goals_of_answer(self.project, body), trend=trend)
        rows, at = traceable(insight.kind, insight.rows), Cursor(pins, self.now, 0)
        behind = self.working("looking", lambda control: events_behind(self.runner, self.project, rows, at, control))
        return event_picture(chart, body, row_of(body), behind, goals_of_answer(self.project, body), most=most)

    def _pinned(self, kind: str, asked: Mapping[str, Any]) -> tuple[InsightRequest, Pins]:
        insight = parse_insight(self.project, KINDS[kind], asked)
        return insight, deliver_and_pin(self.project, insight.kind, insight.rows)

    def _answered(self, insight: InsightRequest, pins: Pins) -> InsightBody:
        body: InsightBody = self.working(
            "counting", lambda control: answer(self.runner, self.project, insight, pins, self.now, control)
        )
        return body
