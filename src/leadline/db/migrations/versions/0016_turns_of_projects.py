"""Exports that take long, and the indexes by which projects take turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply."""
    op.add_column("exports", sa.Column("takes_long", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index(op.f("ix_exports_state_created_at"), "exports")
    for columns in (["state", "project_id", "created_at"], ["project_id", "started_at"]):
        op.create_index(op.f(f"ix_exports_{'_'.join(columns)}"), "exports", columns)
