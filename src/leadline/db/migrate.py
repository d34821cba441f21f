"""Brings the metadata database's schema to the newest revision with Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from leadline.errors import StoreError

CURRENT = "0015"
"""Written down, so that opening a current database need not import Alembic."""


def upgrade(connection: sa.Connection, revision: str | None, *, to: str = "head") -> None:
    """Run the migrations after ``revision`` (None: an empty database), up to the one ``to``. Raises ``StoreError`` if either is
    unknown here, which means that a newer leadline wrote it."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    revisions = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    unknown = [one for one in (revision, to) if one not in (None, "head", *revisions)]
    if unknown:
        raise StoreError(
            f"The metadata database has schema {unknown[0]}, which this leadline does not know; "
            "it was written by a newer leadline: install that version"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, to)
