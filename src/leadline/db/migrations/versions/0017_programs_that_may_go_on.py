"""Which programs may use the schema after newer ones have changed it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "schema_compatibility",
        sa.Column("oldest_program", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("oldest_program", name=op.f("pk_schema_compatibility")),
    )
