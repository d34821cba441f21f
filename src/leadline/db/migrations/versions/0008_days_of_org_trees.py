"""Days of org trees: every version that is stored is in force from the beginning, so that the newest one holds for all days,
as it did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.add_column("org_tree_versions", sa.Column("from_day", sa.Date(), nullable=True))
    op.add_column("org_tree_versions", sa.Column("people_hash", sa.String(length=64), nullable=True))
