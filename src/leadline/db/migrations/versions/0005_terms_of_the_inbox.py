"""Terms of the inbox' rows"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply."""
    op.add_column("inbox", sa.Column("terms", sa.Text(), nullable=True))
