"""The schema as migrated against the schema as declared, on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import leadline.db
from leadline.db import Database, sources
from leadline.db.migrate import CURRENT
from leadline.db.models import Instant, metadata
from leadline.db.projects import ensure_project
from leadline.errors import StoreError
from leadline.sources.kit.secrets import SecretPlace
from leadline.sources.kit.settings import SourceSettings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def same_type(
    _context: object, _inspected: object, _declared: object, inspected: object, declared: object
) -> bool | None:
    """Instants are stored as the database's own time type, which the comparison does not know."""
    return False if isinstance(declared, Instant) and isinstance(inspected, sa.DateTime) else None


def test_migrations_lead_to_what_is_declared(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    try:
        with database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": same_type})
            assert compare_metadata(context, metadata) == []
    finally:
        database.close()


def test_current_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(leadline.db.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [CURRENT]


def test_opening_again_changes_nothing(empty_database_url: str) -> None:
    for _ in range(2):
        database = Database.open(empty_database_url)
        with database.read() as connection:
            assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == [CURRENT]
        database.close()


def test_threads_opening_an_empty_database_at_once(empty_database_url: str) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(4)

    def go() -> None:
        try:
            barrier.wait(120)
            Database.open(empty_database_url).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []


OPEN = """
import sys
from leadline.db import Database
from leadline.db.projects import ensure_project
from datetime import datetime, UTC
sys.stdin.readline()
database = Database.open(sys.argv[1])
print(ensure_project(database, "default", "default", datetime.now(UTC)))
"""


def test_processes_opening_an_empty_database_at_once(empty_database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, empty_database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], answers
    assert {out for out, _ in answers} == {"1\n"}


def test_sources_of_before_other_kinds_came_can_be_read(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    before = [
        {"owner": "acme", "patterns": ["*", "web-*"], "token_env": "TOKEN"},
        {"owner": "acme", "patterns": ["shop"], "url": "https://github.example.com", "token_file": "/run/token"},
    ]
    project_id = ensure_project(database, "default", "default", NOW)
    for number, settings in enumerate(before):
        sources.add(database, project_id, f"s{number}", "github", settings, NOW)
    sources.add(database, project_id, "s2", "gitlab", {"targets": ["a"], "every": 0}, NOW)
    with database.write() as connection:
        connection.execute(sa.text("DROP TABLE locks"))  # which came later, as did these
        for column in ("from_day", "people_hash"):
            connection.execute(sa.text(f"ALTER TABLE org_tree_versions DROP COLUMN {column}"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0005'"))
    database.close()
    database = Database.open(empty_database_url)
    rows = sources.listed(database, project_id)
    first, second, third = (SourceSettings.restored(row.kind, row.name, row.settings) for row in rows)
    assert (first.targets, first.every, first.secret) == (("acme/*", "acme/web-*"), 3600, SecretPlace(env="TOKEN"))
    assert (second.targets, second.url) == (("acme/shop",), "https://github.example.com")
    assert second.secret == SecretPlace(file="/run/token")
    assert (third.targets, third.every) == (("a",), 0)
    database.close()


def test_a_database_of_a_newer_version_is_refused(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreError, match="newer leadline"):
        Database.open(empty_database_url)


def test_a_database_that_cannot_be_reached_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Database.open(f"postgresql+psycopg://nobody:secret@/none?host={tmp_path}")
    (tmp_path / "no.db").write_bytes(b"this is no database, however long it is " * 200)
    with pytest.raises(StoreError, match="cannot be used"):
        Database.open(f"sqlite:///{tmp_path / 'no.db'}")
