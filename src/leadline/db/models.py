"""The metadata database's tables, declared once; Alembic migrations follow them (a test compares both).

All instants are stored as UTC. JSON columns hold what is only ever read whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect


class Instant(TypeDecorator[datetime]):
    """An aware UTC ``datetime``; SQLite keeps no offset, so it is taken off going in and put on coming out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive instants: they would mean another time on each machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("an instant needs an offset")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Hand out UTC whatever the session's time zone is."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite only numbers INTEGER primary keys by itself.
_ID = BigInteger().with_variant(Integer, "sqlite")


def _project() -> Column[int]:
    return Column("project_id", _ID, ForeignKey("projects.id"), nullable=False)


projects = Table(
    "projects",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("organization", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("organization", "name"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    _project(),
    Column("name", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("prefix", String(32), nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
)

settings = Table(
    "settings",
    metadata,
    Column("project_id", _ID, ForeignKey("projects.id"), primary_key=True),
    # The empty name is the project's own profile.
    Column("tree", String(255), primary_key=True),
    Column("key", String(512), primary_key=True),
    Column("value", Text, nullable=False),
)

org_trees = Table(
    "org_trees",
    metadata,
    Column("id", _ID, primary_key=True),
    _project(),
    Column("name", String(255), nullable=False),
    Column("active_version", Integer),
    UniqueConstraint("project_id", "name"),
)

org_refs = Table(
    "org_refs",
    metadata,
    # Ref ids are numbers a client may store: never used again, also after the node is gone.
    Column("ref_id", _ID, primary_key=True),
    Column("tree_id", _ID, ForeignKey("org_trees.id"), nullable=False),
    # What makes a node the same across uploads: its key if it has one, else its manager.
    Column("identity", String(512), nullable=False),
    UniqueConstraint("tree_id", "identity"),
    sqlite_autoincrement=True,
)

org_tree_versions = Table(
    "org_tree_versions",
    metadata,
    Column("tree_id", _ID, ForeignKey("org_trees.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("content_hash", String(64), nullable=False),
    # The whole tree (nodes and developers) as one document: it is only ever read whole, and versions never change.
    Column("content", JSON, nullable=False),
)

exports = Table(
    "exports",
    metadata,
    Column("id", String(40), primary_key=True),
    _project(),
    Column("kind", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("request", JSON, nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("compression", String(8), nullable=False),
    # The team of the scope, by ref id and by the key it had; neither for a whole tree.
    Column("team_id", String(255)),
    Column("team_key", String(255)),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("expires_at", Instant),
    # The lease: who works on it, until when, and how often it was tried.
    Column("worker", String(128)),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("progress", Float, nullable=False, server_default="0"),
    # What it read: Delta version per table, tree version, definition version. Pinned at the first claim.
    Column("pinned", JSON),
    Column("data_as_of", Instant),
    Column("filename", String(255)),
    Column("content_type", String(64)),
    Column("file", String(255)),
    Column("row_count", BigInteger),
    Column("size_bytes", BigInteger),
    Column("sha256", String(64)),
    Column("error", JSON),
    Index(None, "state", "created_at"),
    Index(None, "project_id", "request_hash", "created_at"),
    Index(None, "project_id", "kind", "created_at"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("project_id", _ID, ForeignKey("projects.id"), primary_key=True),
    Column("source", String(32), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    # Rows pushed by requests, acknowledged and not yet in the lake; delivered in the order of their ids.
    Column("id", _ID, primary_key=True),
    _project(),
    Column("table_name", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    # One JSON object a line, each a row as it was sent.
    Column("content", Text, nullable=False),
    # On what terms the rows are taken (JSON); absent for rows that tell everything.
    Column("terms", Text),
    Column("received_at", Instant, nullable=False),
    Index(None, "project_id", "id"),
    sqlite_autoincrement=True,
)

inbox_refused = Table(
    "inbox_refused",
    metadata,
    # Acknowledged rows that could not be delivered (the declaration changed meanwhile): kept aside, in nobody's way.
    Column("id", _ID, primary_key=True),
    _project(),
    Column("table_name", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("refused_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Index(None, "project_id", "id"),
)

developer_uploads = Table(
    "developer_uploads",
    metadata,
    # A developers CSV that was uploaded to be reviewed: a draft until its tree_version is set, by being put in force.
    Column("id", String(40), primary_key=True),
    _project(),
    Column("tree", String(255), nullable=False),
    Column("filename", String(255), nullable=False),
    # Absent once another upload of the tree took its place.
    Column("content", Text),
    # Field by column title; an empty field leaves the column out.
    Column("mappings", JSON, nullable=False),
    # The version of the tree that it was reviewed against; absent where there was none.
    Column("base_version", Integer),
    Column("tree_version", Integer),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("activated_at", Instant),
    Index(None, "project_id", "created_at"),
)

sources = Table(
    "sources",
    metadata,
    # What is pulled from: configured ones and, so that their last run can be shown, those named on a command line.
    Column("id", _ID, primary_key=True),
    _project(),
    Column("name", String(255), nullable=False),
    Column("kind", String(32), nullable=False),
    # Where, what, and where the secret is found; never the secret.
    Column("settings", JSON, nullable=False),
    Column("configured", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("succeeded_at", Instant),
    # Of the last run that ended: state, rows, calls, what was skipped, the error.
    Column("outcome", JSON),
    UniqueConstraint("project_id", "name"),
)
