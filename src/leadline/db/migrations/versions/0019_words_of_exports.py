"""What an export was asked for, in the words of who created it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
oldest_program = "0017"


def upgrade() -> None:
    """Apply."""
    op.add_column("exports", sa.Column("given", sa.JSON(), nullable=True))
