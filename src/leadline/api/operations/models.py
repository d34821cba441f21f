"""What the routes of operations answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from leadline.json_body import Body


class HealthBody(Body):
    """The server answers."""

    status: Literal["ok"]


class ReadyBody(Body):
    """The server can do its work."""

    status: Literal["ready"]
    checks: dict[str, str] = Field(description="What was looked at: database, disk, workers.")
