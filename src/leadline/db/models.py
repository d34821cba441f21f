"""The metadata database's tables, declared once; Alembic migrations follow them (a test compares both).

All instants are stored as UTC. JSON columns hold what is only ever read whole.
"""

from __future__ import annotations

import sqlalchemy as sa

from leadline.db.columns import ID, Instant, metadata, project_column
from leadline.db.outgoing import outbox, schedule_runs, schedules, webhooks

__all__ = [
    "Instant",
    "api_keys",
    "cursors",
    "developer_uploads",
    "exports",
    "forgotten",
    "inbox",
    "inbox_refused",
    "locks",
    "metadata",
    "org_refs",
    "org_tree_versions",
    "org_trees",
    "outbox",
    "projects",
    "saved_views",
    "schedule_runs",
    "schedules",
    "schema_compatibility",
    "sessions",
    "settings",
    "sign_in_links",
    "sources",
    "steps",
    "webhooks",
]

schema_compatibility = sa.Table(
    "schema_compatibility",
    metadata,
    # The oldest revision of the schema whose program may use the database as it is now (``migrate``). One row.
    sa.Column("oldest_program", sa.String(16), primary_key=True),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("organization", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # What pseudonyms of its people are made with; absent until the first is.
    sa.Column("pseudonym_secret", sa.String(64)),
    sa.UniqueConstraint("organization", "name"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    project_column(),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("prefix", sa.String(32), nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False),
    # What a key of the role viewer may see (``Access.limits``); absent: all.
    sa.Column("limits", sa.JSON(none_as_null=True)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("last_used_at", Instant),
)

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("project_id", ID, sa.ForeignKey("projects.id"), primary_key=True),
    # The empty name is the project's own profile.
    sa.Column("tree", sa.String(255), primary_key=True),
    sa.Column("key", sa.String(512), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

org_trees = sa.Table(
    "org_trees",
    metadata,
    sa.Column("id", ID, primary_key=True),
    project_column(),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("active_version", sa.Integer),
    sa.UniqueConstraint("project_id", "name"),
)

org_refs = sa.Table(
    "org_refs",
    metadata,
    # Ref ids are numbers a client may store: never used again, also after the node is gone.
    sa.Column("ref_id", ID, primary_key=True),
    sa.Column("tree_id", ID, sa.ForeignKey("org_trees.id"), nullable=False),
    # What makes a node the same across uploads: its key if it has one, else its manager.
    sa.Column("identity", sa.String(512), nullable=False),
    sa.UniqueConstraint("tree_id", "identity"),
    sqlite_autoincrement=True,
)

org_tree_versions = sa.Table(
    "org_tree_versions",
    metadata,
    sa.Column("tree_id", ID, sa.ForeignKey("org_trees.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    # The local day from which it is in force; absent: from the beginning. Of one day the newest version holds.
    sa.Column("from_day", sa.Date),
    # What versions with the same people have in common, in whatever teams they are; absent in those of earlier releases.
    sa.Column("people_hash", sa.String(64)),
    # The whole tree (nodes and developers) as one document: it is only ever read whole, and versions never change. JSON's
    # null once another version took its place for good.
    sa.Column("content", sa.JSON, nullable=False),
)

exports = sa.Table(
    "exports",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    project_column(),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("request_hash", sa.String(64), nullable=False),
    # What was asked for, in the words of who created it; null of those of earlier releases.
    sa.Column("given", sa.JSON),
    sa.Column("compression", sa.String(8), nullable=False),
    # The team of the scope, by ref id and by the key it had; neither for a whole tree.
    sa.Column("team_id", sa.String(255)),
    sa.Column("team_key", sa.String(255)),
    sa.Column("created_by", sa.String(255), nullable=False),
    # Who may have it: whether its rows are of single people, and whether pseudonyms stand in place of names.
    sa.Column("of_people", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("names_hidden", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant),
    sa.Column("completed_at", Instant),
    sa.Column("expires_at", Instant),
    # The lease: who works on it, until when, and how often it was tried.
    sa.Column("worker", sa.String(128)),
    sa.Column("lease_until", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    # Whether it was found to take long, so that it is not tried in between again.
    sa.Column("takes_long", sa.Boolean, nullable=False, server_default=sa.false()),
    # The stored tables for which its run asks others for help, by the names of their folders.
    sa.Column("help", sa.JSON),
    sa.Column("progress", sa.Float, nullable=False, server_default="0"),
    # What it read: Delta version per table, tree version, definition version. Pinned at the first claim.
    sa.Column("pinned", sa.JSON),
    sa.Column("data_as_of", Instant),
    sa.Column("filename", sa.String(255)),
    sa.Column("content_type", sa.String(64)),
    sa.Column("file", sa.String(255)),
    sa.Column("row_count", sa.BigInteger),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("error", sa.JSON),
    sa.Index(None, "state", "project_id", "created_at"),
    sa.Index(None, "project_id", "started_at"),
    sa.Index(None, "project_id", "request_hash", "created_at"),
    sa.Index(None, "project_id", "kind", "created_at"),
)

steps = sa.Table(
    "steps",
    metadata,
    # Who computes what of a run that several workers share. A row is there as long as that takes.
    sa.Column("project_id", ID, sa.ForeignKey("projects.id"), primary_key=True),
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("worker", sa.String(128), nullable=False),
    sa.Column("lease_until", Instant, nullable=False),
)

cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("project_id", ID, sa.ForeignKey("projects.id"), primary_key=True),
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(512), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    # Rows pushed by requests, acknowledged and not yet in the lake; delivered in the order of their ids.
    sa.Column("id", ID, primary_key=True),
    project_column(),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    # One JSON object a line, each a row as it was sent.
    sa.Column("content", sa.Text, nullable=False),
    # On what terms the rows are taken (JSON); absent for rows that tell everything.
    sa.Column("terms", sa.Text),
    sa.Column("received_at", Instant, nullable=False),
    sa.Index(None, "project_id", "id"),
    sqlite_autoincrement=True,
)

inbox_refused = sa.Table(
    "inbox_refused",
    metadata,
    # Acknowledged rows that could not be delivered (the declaration changed meanwhile): kept aside, in nobody's way.
    sa.Column("id", ID, primary_key=True),
    project_column(),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("refused_at", Instant, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Index(None, "project_id", "id"),
)

developer_uploads = sa.Table(
    "developer_uploads",
    metadata,
    # A developers CSV that was uploaded to be reviewed: a draft until its tree_version is set, by being put in force.
    sa.Column("id", sa.String(40), primary_key=True),
    project_column(),
    sa.Column("tree", sa.String(255), nullable=False),
    sa.Column("filename", sa.String(255), nullable=False),
    # Absent once another upload of the tree took its place.
    sa.Column("content", sa.Text),
    # Field by column title; an empty field leaves the column out.
    sa.Column("mappings", sa.JSON, nullable=False),
    # The version of the tree that it was reviewed against; absent where there was none.
    sa.Column("base_version", sa.Integer),
    sa.Column("tree_version", sa.Integer),
    sa.Column("created_by", sa.String(255), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("activated_at", Instant),
    sa.Index(None, "project_id", "created_at"),
)

sources = sa.Table(
    "sources",
    metadata,
    # What is pulled from: configured ones and, so that their last run can be shown, those named on a command line.
    sa.Column("id", ID, primary_key=True),
    project_column(),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    # Where, what, and where the secret is found; never the secret.
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("configured", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("started_at", Instant),
    sa.Column("finished_at", Instant),
    sa.Column("succeeded_at", Instant),
    # Of the last run that ended: state, rows, calls, what was skipped, the error.
    sa.Column("outcome", sa.JSON),
    # When somebody asked for a run; done with once one has begun since.
    sa.Column("requested_at", Instant),
    sa.UniqueConstraint("project_id", "name"),
)

locks = sa.Table(
    "locks",
    metadata,
    # Who took a lock last: what is written with another number is refused. Rows stay, so that numbers only grow.
    sa.Column("name", sa.String(512), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    # People signed in to the page. The text that their browser keeps is not here, only its SHA-256.
    sa.Column("hash", sa.String(64), primary_key=True),
    project_column(),
    # The key that was signed in with, whose role and limits hold as long as it does; absent: those of this row do.
    sa.Column("key_id", sa.String(32), sa.ForeignKey("api_keys.id")),
    # Who it is, in whatever way they signed in: signing out everywhere ends all sessions of one.
    sa.Column("subject", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("limits", sa.JSON),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("used_at", Instant, nullable=False),
    sa.Index(None, "project_id", "subject"),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    # Links that sign in once as admin, by the SHA-256 of their text; used ones are gone.
    sa.Column("hash", sa.String(64), primary_key=True),
    project_column(),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)

saved_views = sa.Table(
    "saved_views",
    metadata,
    # Views of the page under a name.
    sa.Column("id", sa.String(40), primary_key=True),
    project_column(),
    sa.Column("name", sa.String(80), nullable=False),
    # The path and query of a screen, and the team that it is of: who does not see that one does not see the view.
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("team", ID, nullable=False),
    # Whether it stands on the first screen.
    sa.Column("pinned", sa.Boolean, nullable=False),
    # The subject of the session that saved it, and what they were called then.
    sa.Column("created_by", sa.String(255), nullable=False),
    sa.Column("creator", sa.String(255), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("project_id", "name"),
)

forgotten = sa.Table(
    "forgotten",
    metadata,
    # What people were called that are forgotten, as HMAC-SHA-256 with the project's secret: nobody can be found by it, only
    # recognized.
    sa.Column("project_id", ID, sa.ForeignKey("projects.id"), primary_key=True),
    sa.Column("mark", sa.String(64), primary_key=True),
    sa.Column("pseudonym", sa.String(64), nullable=False),
    sa.Column("forgotten_at", Instant, nullable=False),
)
