"""What the route of webhooks takes and answers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from leadline.json_body import Body

Event = dict[str, Any]
"""What a tool says, in its own words."""


class EventForm(BaseModel):
    """An event as the field of a form."""

    payload: str = ""


class WebhookBody(Body):
    """What became of a webhook's delivery."""

    status: Literal["accepted", "ignored"]
    rows: int | None = Field(default=None, description="Rows taken; absent if it was ignored.")
    reason: str | None = Field(default=None, description="Why it was ignored.")
