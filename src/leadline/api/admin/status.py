"""The route of a project's state: what ``leadline status`` tells."""

from __future__ import annotations

from leadline.api.answers import new_router
from leadline.api.caller import Admin
from leadline.diagnostics.status import Status, status

router = new_router("admin")


@router.get("/v2/status", response_description="Parts that cannot be read say why.")
def get_status(caller: Admin) -> Status:
    """What is in the project."""
    return status(caller.project, now=caller.now)
