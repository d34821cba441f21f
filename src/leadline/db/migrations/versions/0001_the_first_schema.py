"""The first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import leadline.db.models

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "projects",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", leadline.db.models.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("organization", "name", name=op.f("uq_projects_organization_name")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", leadline.db.models.Instant(timezone=True), nullable=False),
        sa.Column("expires_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("revoked_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("last_used_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_api_keys_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_table(
        "cursors",
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("updated_at", leadline.db.models.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_cursors_project_id_projects")),
        sa.PrimaryKeyConstraint("project_id", "source", "name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("compression", sa.String(length=8), nullable=False),
        sa.Column("team_id", sa.String(length=255), nullable=True),
        sa.Column("team_key", sa.String(length=255), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("created_at", leadline.db.models.Instant(timezone=True), nullable=False),
        sa.Column("started_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("completed_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("expires_at", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("worker", sa.String(length=128), nullable=True),
        sa.Column("lease_until", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("progress", sa.Float(), server_default="0", nullable=False),
        sa.Column("pinned", sa.JSON(), nullable=True),
        sa.Column("data_as_of", leadline.db.models.Instant(timezone=True), nullable=True),
        sa.Column("filename", sa.String(length=255), nullable=True),
        sa.Column("content_type", sa.String(length=64), nullable=True),
        sa.Column("file", sa.String(length=255), nullable=True),
        sa.Column("row_count", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_exports_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    for columns in (
        ("project_id", "kind", "created_at"),
        ("project_id", "request_hash", "created_at"),
        ("state", "created_at"),
    ):
        op.create_index(op.f(f"ix_exports_{'_'.join(columns)}"), "exports", columns, unique=False)
    op.create_table(
        "org_trees",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("active_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_org_trees_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_org_trees")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_org_trees_project_id_name")),
    )
    op.create_table(
        "settings",
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tree", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_settings_project_id_projects")),
        sa.PrimaryKeyConstraint("project_id", "tree", "key", name=op.f("pk_settings")),
    )
    op.create_table(
        "org_refs",
        sa.Column("ref_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tree_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("identity", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(["tree_id"], ["org_trees.id"], name=op.f("fk_org_refs_tree_id_org_trees")),
        sa.PrimaryKeyConstraint("ref_id", name=op.f("pk_org_refs")),
        sa.UniqueConstraint("tree_id", "identity", name=op.f("uq_org_refs_tree_id_identity")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "org_tree_versions",
        sa.Column("tree_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", leadline.db.models.Instant(timezone=True), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["tree_id"], ["org_trees.id"], name=op.f("fk_org_tree_versions_tree_id_org_trees")),
        sa.PrimaryKeyConstraint("tree_id", "version", name=op.f("pk_org_tree_versions")),
    )
