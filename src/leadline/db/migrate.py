"""Brings the metadata database's schema to the newest revision with Alembic, and says which programs may use one that is newer
than theirs.

A migration that programs before it can live with says so: ``oldest_program`` is the oldest revision whose program may go on. The
greatest of these is kept in the database, where an older program finds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from leadline.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

CURRENT = "0019"
"""Written down, so that opening a current database need not import Alembic."""


def upgrade(connection: sa.Connection, revision: str | None, *, to: str = "head") -> None:
    """Run the migrations after ``revision`` (None: an empty database), up to the one ``to``. Raises ``StoreError`` if either is
    unknown here, which means that a newer leadline wrote it."""
    from alembic import command

    config, scripts = _scripts()
    revisions = {script.revision for script in scripts.walk_revisions()}
    unknown = [one for one in (revision, to) if one is not None and one not in ("head", *revisions)]
    if unknown:
        raise StoreError(_too_new(unknown[0]))
    config.attributes["connection"] = connection
    config.attributes["oldest_program"] = oldest_program(scripts, to)
    command.upgrade(config, to)


def may_go_on(connection: sa.Connection, revision: str | None) -> bool:
    """Whether this program may use a database with the schema ``revision`` as it is: its own, or a newer one whose migrations all
    say so."""
    if revision is None or revision <= CURRENT or not sa.inspect(connection).has_table("schema_compatibility"):
        return revision == CURRENT
    oldest: str | None = connection.execute(sa.text("SELECT oldest_program FROM schema_compatibility")).scalar()
    return oldest is not None and oldest <= CURRENT


def require_own(connection: sa.Connection, what: str) -> None:
    """Raise ``StoreError``, saying ``what`` cannot be done, if the schema is a newer one, of which this program knows not all."""
    revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if revision != CURRENT:
        raise StoreError(
            f"{what} must know every table, and a newer leadline has changed the metadata database: it has schema {revision}, and "
            f"this leadline knows {CURRENT}; use that version"
        )


def oldest_program(scripts: ScriptDirectory, to: str = "head") -> str:
    """The oldest revision whose program may use the schema ``to``: a migration that says nothing is for none before it."""
    return max(
        getattr(script.module, "oldest_program", script.revision) for script in scripts.walk_revisions("base", to)
    )


def _scripts() -> tuple[Config, ScriptDirectory]:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config, ScriptDirectory.from_config(config)


def _too_new(revision: str) -> str:
    return (
        f"The metadata database has schema {revision}, and this leadline knows {CURRENT}: a newer leadline has changed it in a way "
        "that this one cannot go on with; install that version"
    )
