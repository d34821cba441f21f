"""A backup is the whole home at one moment: what is restored answers as the home did, on another database too. A backup that is
not whole changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from leadline.administration import backup
from leadline.administration.archive import CHECKSUMS, MANIFEST
from leadline.db import dump, inbox, sessions
from leadline.db.migrate import CURRENT, upgrade
from leadline.db.models import Instant, metadata
from leadline.home import RESTORING, Home
from leadline.ingest.importing import import_paths

from .running import Leadline, write_tables

QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def filled(company: Leadline) -> Leadline:
    """A home that has something of everything."""
    company("org", "load", "data/developers.csv", "--name", "Later", "--from", "2026-02-01")
    company("settings", "timezone", "Europe/Paris")
    company("keys", "create", "--name", "reader", "--role", "viewer")
    company(
        "--project",
        "other",
        "--organization",
        "ö/x",
        "keys",
        "create",
        "--name",
        "n",
        "--role",
        "admin",
        "--project",
        "o%",
    )
    (company.home / "projects" / "default" / "default" / "exports").mkdir(parents=True)
    (company.home / "projects" / "default" / "default" / "exports" / "exp_1.csv.gz").write_bytes(b"kept")
    with Home.open(company.home) as home:
        push(home, "v1")
        sessions.create_link(home.db, home.project().id, NOW)
    return company


def push(home: Home, tag: str) -> None:
    """A row that is taken, and not yet in the lake."""
    row = json.dumps({"repository": "a/b", "tag": tag})
    inbox.add(home.db, [inbox.Delivery(home.project().id, "releases", 1, row)], NOW)


def everything(folder: Path, at: Path, environ: Mapping[str, str] | None = None) -> dict[str, object]:
    """Every row of the database, sorted, and every file that is no cache."""
    with Home.open(folder) as home:
        at.mkdir()
        dump.dump(home.db, at)
    rows = {path.name: sorted(path.read_text().splitlines()) for path in at.iterdir()}
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in (folder / "projects").rglob("*")
        if path.is_file() and "cache" not in path.parts
    }
    return {**rows, **files}


def at(leadline: Leadline, home: Path) -> Leadline:
    return Leadline(home, leadline.cwd)


def test_what_is_restored_is_the_home(filled: Leadline, tmp_path: Path) -> None:
    said = filled("backup", "all.tar.gz").stdout
    assert "all.tar.gz" in said
    assert (filled.cwd / "all.tar.gz").stat().st_mode & 0o777 == 0o600
    again = at(filled, tmp_path / "again")
    again("restore", "all.tar.gz")
    assert everything(again.home, tmp_path / "b") == everything(filled.home, tmp_path / "a")
    assert (again.home / "projects/default/default/exports/exp_1.csv.gz").read_bytes() == b"kept"
    exported = []
    for home in (filled, again):
        home("export", "productivity", "--org-tree", "Research", *QUARTER, "-o", "out.csv")
        exported.append((filled.cwd / "out.csv").read_bytes())
        assert home("status", "--check").stdout.endswith("All is sound.\n")
    assert exported[0] == exported[1]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_it_goes_into_another_kind_of_database_and_back(
    filled: Leadline, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(filled.home, tmp_path / "a")
    filled("backup", "all.tar")
    server = at(filled, tmp_path / "server")
    with monkeypatch.context() as there:
        there.setenv("LEADLINE_DATABASE_URL", database_url)
        server("restore", "all.tar", env={"LEADLINE_DATABASE_URL": database_url})
        assert everything(server.home, tmp_path / "b") == before
        server("keys", "create", "--name", "next", "--role", "viewer", env={"LEADLINE_DATABASE_URL": database_url})
        with Home.open(server.home) as home:  # numbers go on where they were
            project = home.project("ö/x", "new", create=True)
            assert project.id > max(other.id for other in home.projects() if other.id != project.id)
        server("backup", "back.tar", env={"LEADLINE_DATABASE_URL": database_url})
        after = everything(server.home, tmp_path / "c")
    back = at(filled, tmp_path / "back")
    back("restore", "back.tar")
    assert everything(back.home, tmp_path / "d") == after


def test_numbers_that_were_given_are_not_given_again(filled: Leadline, tmp_path: Path) -> None:
    with Home.open(filled.home) as home:
        given = home.db.value(sa.text("SELECT max(id) FROM inbox"))
        with home.db.write() as connection:
            connection.execute(sa.text("DELETE FROM inbox"))
    filled("backup", "all.tar")
    at(filled, tmp_path / "again")("restore", "all.tar")
    with Home.open(tmp_path / "again") as home:
        push(home, "v2")
        assert home.db.value(sa.text("SELECT max(id) FROM inbox")) > given


def test_it_is_whole_while_others_write(filled: Leadline, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with Home.open(filled.home) as home:
            turn = 0
            while not stop.is_set():
                turn += 1
                folder = write_tables(
                    tmp_path / "more",
                    {"releases": "repository,tag,published_at\n" + f"a/b,v{turn},2026-01-01T00:00:00Z\n"},
                )
                assert import_paths(home.project(), [folder]).ok

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for turn in range(4):
            with Home.open(filled.home) as home:
                target = io.BytesIO()
                backup.back_up(home, target, gzip=False, now=NOW)
            (tmp_path / f"{turn}.tar").write_bytes(target.getvalue())
    finally:
        stop.set()
        writer.join(60)
    for turn in range(4):
        again = at(filled, tmp_path / f"home-{turn}")
        again("restore", str(tmp_path / f"{turn}.tar"))
        assert again("status", "--check").stdout.endswith("All is sound.\n")
        assert again.rows()["pull_requests"] == filled.rows()["pull_requests"]


# -- what is refused -----------------------------------------------------------------------------------------------------


def test_a_home_in_use_is_left_alone(filled: Leadline, tmp_path: Path) -> None:
    filled("backup", "all.tar")
    before = everything(filled.home, tmp_path / "a")
    assert "is in use" in filled("restore", "all.tar", code=1).stderr
    assert everything(filled.home, tmp_path / "b") == before


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    place = content.index(b"PAR1") + 8
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _without_its_list(content: bytes) -> bytes:
    return _changed(content, lambda name, text: None if name == CHECKSUMS else text)


def _without_a_file(content: bytes) -> bytes:
    return _changed(content, lambda name, text: None if name.endswith("exp_1.csv.gz") else text)


def _of_another_form(content: bytes) -> bytes:
    return _changed(content, lambda name, text: b'{"format": 99}' if name == MANIFEST else text)


def _of_a_newer_leadline(content: bytes) -> bytes:
    return _changed(content, lambda name, text: text.replace(CURRENT.encode(), b"9999") if name == MANIFEST else text)


def _outside(content: bytes) -> bytes:
    target, tar = io.BytesIO(content), io.BytesIO()
    with tarfile.open(fileobj=target) as source, tarfile.open(fileobj=tar, mode="w") as changed:
        for entry in source:
            changed.addfile(entry, source.extractfile(entry))
            if entry.name == MANIFEST:
                escape = tarfile.TarInfo("projects/../../escaped")
                escape.size = 1
                changed.addfile(escape, io.BytesIO(b"x"))
    return tar.getvalue()


def _a_link(content: bytes) -> bytes:
    target, tar = io.BytesIO(content), io.BytesIO()
    with tarfile.open(fileobj=target) as source, tarfile.open(fileobj=tar, mode="w") as changed:
        for entry in source:
            changed.addfile(entry, source.extractfile(entry))
            if entry.name == MANIFEST:
                link = tarfile.TarInfo("projects/link")
                link.type, link.linkname = tarfile.SYMTYPE, "/etc"
                changed.addfile(link)
    return tar.getvalue()


def _changed(content: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as source, tarfile.open(fileobj=target, mode="w") as changed:
        for entry in source:
            file = source.extractfile(entry)
            assert file is not None
            text = change(entry.name, file.read())
            if text is not None:
                entry.size = len(text)
                changed.addfile(entry, io.BytesIO(text))
    return target.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _flipped,
        _without_its_list,
        _without_a_file,
        _of_another_form,
        _of_a_newer_leadline,
        _outside,
        _a_link,
        lambda _content: b"",
        lambda _content: b"no tar at all",
    ],
)
def test_a_backup_that_is_not_whole_changes_nothing(
    filled: Leadline, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    filled("backup", "all.tar")
    (filled.cwd / "bad.tar").write_bytes(damage((filled.cwd / "all.tar").read_bytes()))
    again = at(filled, tmp_path / "again")
    said = again("restore", "bad.tar", code=1).stderr
    assert said.startswith("error: ")
    assert "unexpected" not in said
    assert not (tmp_path / "escaped").exists()
    assert again.rows() == {}
    again("restore", "all.tar")
    assert again.rows() == filled.rows()


def test_a_restore_that_was_ended_is_said_and_taken_up(
    filled: Leadline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled("backup", "all.tar")
    again = at(filled, tmp_path / "again")

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(dump, "_go_on_after", ended)
        again("restore", "all.tar", code=130)
    assert (again.home / RESTORING).exists()
    assert "half restored" in again("status", code=1).stderr
    again("restore", "all.tar")
    assert everything(again.home, tmp_path / "b") == everything(filled.home, tmp_path / "a")


def test_a_backup_of_an_earlier_schema_is_brought_to_this_one(filled: Leadline, tmp_path: Path) -> None:
    filled("backup", "all.tar")
    earlier = "0010"
    there = _columns_of(earlier, tmp_path / "old")

    def of_then(name: str, text: bytes) -> bytes | None:
        if name == MANIFEST:
            return json.dumps(json.loads(text) | {"schema": earlier}).encode()
        if not name.startswith("database/") or name.endswith(dump.NUMBERS):
            return text
        columns = there.get(Path(name).stem)
        if columns is None:
            return None
        rows = [json.loads(line) for line in text.splitlines()]
        return "".join(json.dumps({c: v for c, v in row.items() if c in columns}) + "\n" for row in rows).encode()

    old = _changed((filled.cwd / "all.tar").read_bytes(), of_then)
    (filled.cwd / "old.tar").write_bytes(_listed_anew(old))
    again = at(filled, tmp_path / "again")
    again("restore", "old.tar")
    assert again("settings", "timezone").stdout == "Europe/Paris\n"
    assert again.rows() == filled.rows()
    again("status", "--check")
    with Home.open(again.home) as home:
        assert home.db.value(sa.text("SELECT version_num FROM alembic_version")) == CURRENT


def _columns_of(schema: str, folder: Path) -> dict[str, set[str]]:
    """The columns of each table in a database of that schema."""
    with Home.open(folder) as home, home.db.engine.connect() as connection:
        metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
        upgrade(connection, None, to=schema)
        found = sa.inspect(connection)
        return {name: {column["name"] for column in found.get_columns(name)} for name in found.get_table_names()}


def _listed_anew(content: bytes) -> bytes:
    listed: dict[str, list[object]] = {}

    def note(name: str, text: bytes) -> bytes:
        if name == CHECKSUMS:
            return json.dumps(listed).encode()
        listed[name] = [len(text), hashlib.sha256(text).hexdigest()]
        return text

    return _changed(content, note)


def test_who_is_signed_in_is_not_backed_up(filled: Leadline, tmp_path: Path) -> None:
    filled("backup", "all.tar")
    at(filled, tmp_path / "again")("restore", "all.tar")
    links = sa.text("SELECT count(*) FROM sign_in_links")
    with Home.open(filled.home) as home, Home.open(tmp_path / "again") as restored:
        assert (home.db.value(links), restored.db.value(links)) == (1, 0)


def test_every_type_of_column_comes_back() -> None:
    """A column of a type that is not written and read as it is would be lost or refused."""
    known = (sa.String, sa.Text, sa.Integer, sa.BigInteger, sa.Float, sa.Boolean, sa.JSON, sa.Date, Instant)
    odd = {
        str(column)
        for table in metadata.tables.values()
        for column in table.columns
        if not isinstance(column.type, known)
    }
    assert odd == set()
