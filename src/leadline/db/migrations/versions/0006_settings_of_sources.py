"""Settings of sources in the shape that all kinds have"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_EVERY = 3600


def upgrade() -> None:
    """Apply."""
    sources = sa.table("sources", sa.column("id", sa.BigInteger), sa.column("settings", sa.JSON))
    connection = op.get_bind()
    for number, settings in connection.execute(sa.select(sources.c.id, sources.c.settings)).all():
        if "owner" in settings:
            connection.execute(sources.update().where(sources.c.id == number).values(settings=_shaped(settings)))


def _shaped(before: dict[str, Any]) -> dict[str, Any]:
    """GitHub's were the only ones: an owner with patterns, and one place of the token."""
    found: dict[str, Any] = {
        "targets": [f"{before['owner']}/{pattern}" for pattern in before["patterns"]],
        "every": _EVERY,
    }
    if "url" in before:
        found["url"] = before["url"]
    secret = (
        {"file": before["token_file"]} if "token_file" in before else {"env": before.get("token_env", "GITHUB_TOKEN")}
    )
    return {**found, "secret": secret}
