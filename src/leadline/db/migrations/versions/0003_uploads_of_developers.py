"""Uploads of developers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import leadline.db.models

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "developer_uploads",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tree", sa.String(length=255), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("mappings", sa.JSON(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=True),
        sa.Column("tree_version", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", leadline.db.models.Instant(timezone=True), nullable=False),
        sa.Column("activated_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_developer_uploads_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_developer_uploads")),
    )
    op.create_index(
        op.f("ix_developer_uploads_project_id_created_at"),
        "developer_uploads",
        ["project_id", "created_at"],
        unique=False,
    )
