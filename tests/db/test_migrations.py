"""The schema as migrated against the schema as declared, on SQLite and PostgreSQL."""

from __future__ import annotations

import ast
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
from leadline.access import UNLIMITED
from leadline.db import Database, jobs, keys, sources
from leadline.db.dump import dump, is_unused
from leadline.db.migrate import CURRENT, oldest_program
from leadline.db.models import Instant, exports, metadata, schema_compatibility
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
    assert scripts().get_heads() == [CURRENT]


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
        _put_back(connection, "0005")
    database.close()
    database = Database.open(empty_database_url)
    rows = sources.listed(database, project_id)
    first, second, third = (SourceSettings.restored(row.kind, row.name, row.settings) for row in rows)
    assert (first.targets, first.every, first.secret) == (("acme/*", "acme/web-*"), 3600, SecretPlace(env="TOKEN"))
    assert (second.targets, second.url) == (("acme/shop",), "https://github.example.com")
    assert second.secret == SecretPlace(file="/run/token")
    assert (third.targets, third.every) == (("a",), 0)
    database.close()


CAME_WITH = {
    "0007": ["locks"],
    "0008": ["org_tree_versions.from_day", "org_tree_versions.people_hash"],
    "0010": ["api_keys.limits", "projects.pseudonym_secret", "exports.of_people", "exports.names_hidden"],
    "0011": ["sessions", "sign_in_links"],
    "0012": ["sources.requested_at"],
    "0013": ["saved_views"],
    "0014": ["forgotten"],
    "0015": ["webhooks", "outbox", "schedule_runs", "schedules"],
    "0016": [
        "exports.takes_long",
        "DROP INDEX ix_exports_state_project_id_created_at",
        "DROP INDEX ix_exports_project_id_started_at",
        "CREATE INDEX ix_exports_state_created_at ON exports (state, created_at)",
    ],
    "0017": ["schema_compatibility"],
    "0018": ["exports.help", "steps"],
    "0019": ["exports.given"],
}
"""The tables and columns that each revision after those of the tests below added, and what undoes anything else."""


def test_what_came_with_each_revision_is_known() -> None:
    """A revision that is missing here would have the tests below begin in a schema that never was."""
    assert max(CAME_WITH) == CURRENT


def _put_back(connection: sa.Connection, revision: str) -> None:
    """Make the newest schema that of ``revision``."""
    for name in (name for later, names in CAME_WITH.items() if later > revision for name in names):
        table, _, column = name.partition(".")
        undo = f"ALTER TABLE {table} DROP COLUMN {column}" if column else f"DROP TABLE {table}"
        undo = name if " " in name else undo
        connection.execute(sa.text(undo))
    connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{revision}'"))


def test_exports_of_before_keys_had_limits_are_for_who_may_see_what_they_say(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    project_id = ensure_project(database, "default", "default", NOW)
    key = keys.create(database, project_id, "n", "viewer", now=NOW)
    requests = {"of_teams": {"level": "team"}, "of_developers": {"level": "developer"}, "of_what": {}}
    with database.write() as connection:
        for name, request in requests.items():
            row = {
                "id": name,
                "project_id": project_id,
                "kind": "productivity",
                "state": "completed",
                "request": request,
            }
            row |= {"request_hash": name, "compression": "gzip", "created_by": key.id, "created_at": NOW}
            connection.execute(exports.insert(), row)
        _put_back(connection, "0008")
    database.close()
    database = Database.open(empty_database_url)
    stored = [jobs.get(database, project_id, name) for name in requests]
    assert [export and (export.of_people, export.names_hidden) for export in stored] == [
        (False, False),
        (True, False),
        (True, False),
    ]
    assert [stored_key.access for stored_key in keys.listed(database, project_id)] == [UNLIMITED]
    database.close()


# -- databases of newer versions -----------------------------------------------------------------------------------------


def changed_by_a_newer(url: str, oldest_program: str) -> None:
    """Make the database one that a newer version has changed, which programs from ``oldest_program`` on can go on with."""
    database = Database.open(url)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(sa.text(f"UPDATE schema_compatibility SET oldest_program = '{oldest_program}'"))
        connection.execute(sa.text("ALTER TABLE exports ADD COLUMN later INTEGER"))
    database.close()


def test_a_program_goes_on_with_a_newer_database_that_says_so(empty_database_url: str, tmp_path: Path) -> None:
    changed_by_a_newer(empty_database_url, CURRENT)
    database = Database.open(empty_database_url)
    project_id = ensure_project(database, "default", "default", NOW)
    assert keys.create(database, project_id, "n", "viewer", now=NOW).role == "viewer"
    assert database.value(sa.text("SELECT version_num FROM alembic_version")) == "9999"
    # What it does not know would be left out.
    with pytest.raises(
        StoreError, match=r"A backup must know every table.* schema 9999, and this leadline knows .* use that version"
    ):
        dump(database, tmp_path)
    with pytest.raises(StoreError, match="A restore must know every table"):
        is_unused(database)
    database.close()


def test_a_program_refuses_a_newer_database_that_is_not_for_it(empty_database_url: str) -> None:
    changed_by_a_newer(empty_database_url, "9998")
    with pytest.raises(
        StoreError, match=r"has schema 9999, and this leadline knows .* a newer leadline .* install that version"
    ):
        Database.open(empty_database_url)


def test_the_database_says_what_the_migrations_say(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    said = database.rows(sa.select(schema_compatibility.c.oldest_program))
    assert [row.oldest_program for row in said] == [oldest_program(scripts())]
    database.close()


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(leadline.db.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


# -- the contract of migrations ------------------------------------------------------------------------------------------

ADDS = {"create_table", "create_index", "add_column", "f", "get_bind"}
"""What a migration may do that programs before it can live with."""


def breaks(source: str) -> list[str]:
    """What in a migration programs before it cannot live with."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "op" and node.func.attr not in ADDS:
            found.append(node.func.attr)
        if node.func.attr == "add_column":
            (column,) = [arg for arg in node.args if isinstance(arg, ast.Call)]
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
            if given.get("nullable") == "False" and "server_default" not in given:
                found.append("a column that must be filled in")
        if node.func.attr == "create_index" and any(keyword.arg == "unique" for keyword in node.keywords):
            found.append("a unique index")
    return found


def test_migrations_that_older_programs_may_go_on_with_only_add() -> None:
    for script in scripts().walk_revisions():
        oldest = getattr(script.module, "oldest_program", script.revision)
        assert oldest <= script.revision
        if oldest < script.revision:
            assert breaks(Path(script.module.__file__ or "").read_text("utf-8")) == [], script.revision


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ('op.add_column("exports", sa.Column("a", sa.JSON()))', []),
        ('op.add_column("exports", sa.Column("a", sa.Boolean(), server_default=sa.true(), nullable=False))', []),
        ('op.create_table("a", sa.Column("b", sa.Text(), nullable=False))', []),
        ('op.create_index(op.f("a"), "exports", ["b"])', []),
        ('op.add_column("exports", sa.Column("a", sa.Text(), nullable=False))', ["a column that must be filled in"]),
        ('op.create_index(op.f("a"), "exports", ["b"], unique=True)', ["a unique index"]),
        ('op.drop_column("exports", "a")', ["drop_column"]),
        ('op.rename_table("a", "b")', ["rename_table"]),
        ('op.alter_column("exports", "a", nullable=False)', ["alter_column"]),
        ('op.execute("DELETE FROM exports")', ["execute"]),
    ],
)
def test_what_breaks_is_seen(statement: str, expected: list[str]) -> None:
    assert breaks(statement) == expected


def test_a_database_that_cannot_be_reached_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Database.open(f"postgresql+psycopg://nobody:secret@/none?host={tmp_path}")
    (tmp_path / "no.db").write_bytes(b"this is no database, however long it is " * 200)
    with pytest.raises(StoreError, match="cannot be used"):
        Database.open(f"sqlite:///{tmp_path / 'no.db'}")
