"""Limits of keys, and who may have which export."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"


def upgrade() -> None:
    """Apply."""
    op.add_column("api_keys", sa.Column("limits", sa.JSON(), nullable=True))
    op.add_column("projects", sa.Column("pseudonym_secret", sa.String(length=64), nullable=True))
    op.add_column("exports", sa.Column("of_people", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("exports", sa.Column("names_hidden", sa.Boolean(), server_default=sa.false(), nullable=False))
    exports = sa.table("exports", sa.column("id", sa.String), sa.column("request", sa.JSON), sa.column("of_people"))
    connection = op.get_bind()
    requests = connection.execute(sa.select(exports.c.id, exports.c.request)).all()
    of_teams = [export.id for export in requests if export.request.get("level") == "team"]
    for export_id in of_teams:
        connection.execute(exports.update().where(exports.c.id == export_id).values(of_people=sa.false()))
