"""Runs that several workers share: what is asked for, and who computes what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
oldest_program = "0017"


def upgrade() -> None:
    """Apply."""
    op.add_column("exports", sa.Column("help", sa.JSON(), nullable=True))
    op.create_table(
        "steps",
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("worker", sa.String(length=128), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_steps_project_id_projects")),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_steps")),
    )
