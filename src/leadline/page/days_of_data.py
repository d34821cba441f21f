"""Whether the days that a screen shows have any data: it is found once for the same days of the same data, and kept."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from leadline.diagnostics.days_of_data import WithoutData, without_data
from leadline.exports.insights.kept import Kept
from leadline.page.view import View
from leadline.page.visit import Visit

MOST_KEPT = 1000
"""Ranges of days that are kept, those that were looked at last."""


@dataclass(frozen=True)
class Found:
    """What was found of some days: None if they have data."""

    nothing: WithoutData | None


async def without_data_of(visit: Visit, view: View) -> WithoutData | None:
    """What is to be said of the days of ``view``; None if they have data."""
    return await run_in_threadpool(_without_data, visit, view)


def _without_data(visit: Visit, view: View) -> WithoutData | None:
    kept: Kept[Found] = visit.request.app.state.days_of_data
    project, days = visit.project.settled(), (view.start, view.end)
    zone = project.profile(view.tree.name).zone
    key = json.dumps([project.id, sorted(project.lake.versions().items()), str(zone), *map(str, days)])
    found = kept.get(key)
    if found is None:
        found = Found(without_data(project, *days, view.tree.name))
        kept.put(key, found, 1)
    return found.nothing
