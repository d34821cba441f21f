"""Tables of what leaves by itself: messages to the endpoints of others, and exports that are made again and again."""

from __future__ import annotations

import sqlalchemy as sa

from leadline.db.columns import Instant, metadata, project_column

webhooks = sa.Table(
    "webhooks",
    metadata,
    # Endpoints of others that are told what happens in a project.
    sa.Column("id", sa.String(40), primary_key=True),
    project_column(),
    sa.Column("url", sa.Text, nullable=False),
    # The types of events that it is told.
    sa.Column("events", sa.JSON, nullable=False),
    # What messages are signed with: it must be known here to sign with it.
    sa.Column("secret", sa.String(80), nullable=False),
    sa.Column("created_by", sa.String(255), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # When it last took a message, and when it last did not, and why.
    sa.Column("succeeded_at", Instant),
    sa.Column("failed_at", Instant),
    sa.Column("error", sa.Text),
    # Since when nothing is sent to it: a message was tried as often as any is.
    sa.Column("paused_at", Instant),
    sa.Index(None, "project_id"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    # Messages to endpoints, one for each that is told of an event: written with what it tells, gone once delivered.
    sa.Column("id", sa.String(40), primary_key=True),
    project_column(),
    # No foreign key: an endpoint that is removed at this moment must not keep anything from being finished.
    sa.Column("webhook_id", sa.String(40), nullable=False),
    sa.Column("type", sa.String(32), nullable=False),
    sa.Column("occurred_at", Instant, nullable=False),
    # What happened; of an export, which.
    sa.Column("data", sa.JSON, nullable=False),
    # What is sent, written down at the first attempt: the same at all others.
    sa.Column("body", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", Instant, nullable=False),
    sa.Index(None, "webhook_id", "next_at"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    # Exports that are made again and again.
    sa.Column("id", sa.String(40), primary_key=True),
    project_column(),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    # The body of a create, its range relative to the day of a run.
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("cron", sa.String(255), nullable=False),
    sa.Column("timezone", sa.String(64), nullable=False),
    # How long a run waits for its sources; absent: not at all.
    sa.Column("wait_minutes", sa.Integer),
    sa.Column("deliver", sa.JSON, nullable=False),
    # How many runs' files are kept where they were delivered; absent: all.
    sa.Column("keep", sa.Integer),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("created_by", sa.String(255), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # When the next run is due; absent: none is.
    sa.Column("next_at", Instant),
    sa.Index(None, "project_id"),
)

schedule_runs = sa.Table(
    "schedule_runs",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("schedule_id", sa.String(40), sa.ForeignKey("schedules.id"), nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    # Whether somebody asked for it, and whether it was missed at its time.
    sa.Column("requested", sa.Boolean, nullable=False),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("start", sa.Date, nullable=False),
    sa.Column("end", sa.Date, nullable=False),
    # Until when it waits for its sources; and those that it did not wait for any longer.
    sa.Column("wait_until", Instant),
    sa.Column("incomplete_sources", sa.JSON, nullable=False),
    sa.Column("export_id", sa.String(40)),
    # Where its file went, or why not.
    sa.Column("deliveries", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.UniqueConstraint("schedule_id", "due_at"),
    sa.Index(None, "state"),
)
