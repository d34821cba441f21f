"""The screen Open now: what waits, for what and how long, and which incidents are open."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.page.fact_links import FactLinks
from leadline.page.parameters import Parameter, number_to, page_of
from leadline.page.screen import Screen, new_router
from leadline.page.view import view_of
from leadline.page.visit import LimitedReader
from leadline.page.waiting_work import AGES, WAITS, open_things

router = new_router()

PER_PAGE = 50
FOR = Parameter("for", tuple(WAITS))
AGE = number_to("age", len(AGES) - 1)
"""Which pull requests are listed: by what they wait for, and by how long."""


@router.get("/open")
async def open_now(visit: LimitedReader) -> Response:
    """What is open of the team that the address says."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Open now")
    pulls = await open_things(visit, view, "pull-requests", "wait_began_at", "created_at")
    incidents = await open_things(visit, view, "incidents", "created_at", "created_at")
    view = view.checked(FOR, AGE)
    waits_for, age = view.chosen(FOR), int(said) if (said := view.chosen(AGE)) else None
    chosen = pulls.chosen(waits_for, age)
    view = view.checked(page := page_of(len(chosen), PER_PAGE))
    first = PER_PAGE * int(view.chosen(page) or 0)
    context: dict[str, Any] = {
        "view": view,
        "waits": WAITS,
        "ages": AGES,
        "pulls": pulls,
        "incidents": incidents,
        "waits_for": waits_for,
        "age": age,
        "chosen": chosen,
        "first": first,
        "shown": chosen[first : first + PER_PAGE],
        "per_page": PER_PAGE,
        "links": FactLinks(view.bare),
    }
    return visit.html("open_now.html", title="Open now", **context)


SCREEN = Screen("/open", "Open now", "Insights", "open", router)
