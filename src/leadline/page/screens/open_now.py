"""The screen Open now: what waits, for what and how long, and which incidents are open."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.page.fact_links import FactLinks
from leadline.page.screen import Screen, new_router
from leadline.page.view import view_of
from leadline.page.visit import LimitedReader
from leadline.page.waiting_work import AGES, WAITS, open_things

router = new_router()

PER_PAGE = 50


@router.get("/open")
async def open_now(visit: LimitedReader) -> Response:
    """What is open of the team that the address says."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Open now")
    pulls = await open_things(visit, view, "pull-requests", "wait_began_at", "created_at")
    incidents = await open_things(visit, view, "incidents", "created_at", "created_at")
    waits_for = view.query.get("for", "") if view.query.get("for", "") in WAITS else ""
    age = _number(view.query.get("age", ""), len(AGES) - 1)
    chosen = pulls.chosen(waits_for, age)
    first = PER_PAGE * (_number(view.query.get("page", ""), len(chosen) // PER_PAGE) or 0)
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


def _number(text: str, most: int) -> int | None:
    """A number up to ``most``; None where ``text`` is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= most else None


SCREEN = Screen("/open", "Open now", "Insights", "open", router)
