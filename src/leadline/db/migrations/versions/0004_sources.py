"""Sources"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import leadline.db.models

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "sources",
        sa.Column("id", number, nullable=False),
        sa.Column("project_id", number, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.Column("created_at", leadline.db.models.Instant(timezone=True), nullable=False),
        sa.Column("started_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("finished_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("succeeded_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_sources_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_sources_project_id_name")),
    )
