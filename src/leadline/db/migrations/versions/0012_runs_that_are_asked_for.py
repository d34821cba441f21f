"""When somebody asked for a source to be run"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply."""
    op.add_column("sources", sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True))
