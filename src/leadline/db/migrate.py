"""Brings the metadata database's schema to the newest revision with Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from leadline.errors import StoreError

CURRENT = "0008"
"""Written down, so that opening a current database need not import Alembic."""


def upgrade(connection: sa.Connection, revision: str | None) -> None:
    """Run the migrations after ``revision`` (None: an empty database). Raises ``StoreError`` if ``revision`` is unknown
    here, which means that a newer leadline wrote it."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in revisions:
        raise StoreError(
            f"The metadata database has schema {revision}, which this leadline does not know; "
            "it was written by a newer leadline: install that version"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
