"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
import leadline.db.models

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# One that only adds may say which programs before it go on: oldest_program = ${repr(down_revision)} (operations, "Without stopping").


def upgrade() -> None:
    """Apply."""
    ${upgrades if upgrades else "pass"}
