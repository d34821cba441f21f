"""The screen Start here: what is there, what is missing for which numbers, and what to do next."""

from __future__ import annotations

from starlette.responses import Response

from leadline.administration.checklist import NEEDED, Check, checks, is_complete, needs
from leadline.page.data_state import DataStates
from leadline.page.screen import Screen, new_router
from leadline.page.visit import Reader

router = new_router()

SCREENS = {
    "/docs/guide/sources": "/sources",
    "/docs/guide/people": "/people",
    "/docs/guide/identities": "/people/accounts",
}
"""Where admins go instead of reading how it is done."""

WAIT_SECONDS = 0.1
"""How long the page is held up by counting; after that it asks again by itself."""


@router.get("/start")
def start(visit: Reader) -> Response:
    """The check list."""
    states: DataStates = visit.request.app.state.data_states
    state = states.wait(visit.project, WAIT_SECONDS)
    lines = None if state is None else checks(state)
    complete = lines is not None and is_complete(lines)

    def address_of(line: Check) -> str:
        return SCREENS.get(line.address, line.address) if visit.key.role == "admin" else line.address

    return visit.html(
        "start.html",
        title="Start here",
        state=state,
        lines=lines,
        address_of=address_of,
        complete=complete,
        needs=needs(),
        tables=NEEDED,
    )


SCREEN = Screen("/start", "Start here", "", "start", router)
