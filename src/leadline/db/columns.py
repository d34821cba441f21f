"""What the declarations of the metadata database's tables are made of. All instants are stored as UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class Instant(sa.TypeDecorator[datetime]):
    """An aware UTC ``datetime``; SQLite keeps no offset, so it is taken off going in and put on coming out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Refuse naive instants: they would mean another time on each machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("an instant needs an offset")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        """Hand out UTC whatever the session's time zone is."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite only numbers INTEGER primary keys by itself.
ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def project_column() -> sa.Column[int]:
    """Which project a row belongs to."""
    return sa.Column("project_id", ID, sa.ForeignKey("projects.id"), nullable=False)
