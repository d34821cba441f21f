"""A home whose tables lie in a bucket: every number as from a folder, machines that share them, backups that go anywhere."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.serving import EXPORTS, Client, served_by_process
from leadline.home import LAKE
from stubs.object_store import ObjectStore

from .running import Leadline, write_tables

QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
BODY = {"scope": {"orgTreeName": "Research"}, "dateRange": {"start": "2026-01-01", "end": "2026-03-31"}}
PRODUCTIVITY = ("export", "productivity", "--org-tree", "Research", *QUARTER, "-o")


@pytest.fixture
def there(object_store: ObjectStore) -> dict[str, str]:
    """The environment of a machine whose tables lie in a bucket of their own."""
    return {**object_store.environ, "LEADLINE_LAKE": object_store.new_bucket() + "/leadline"}


def filled(leadline: Leadline, env: dict[str, str]) -> Leadline:
    write_tables(leadline.cwd / "data")
    leadline("import", "data", env=env)
    leadline("org", "load", "data/developers.csv", "--name", "Research", env=env)
    return leadline


def at(leadline: Leadline, home: Path) -> Leadline:
    return Leadline(home, leadline.cwd)


def rows(leadline: Leadline, env: dict[str, str]) -> dict[str, int]:
    tables = json.loads(leadline("status", "--json", env=env).stdout)["tables"]
    return {table["table"]: table["rows"] for table in tables}


def exported(leadline: Leadline, env: dict[str, str]) -> bytes:
    leadline(*PRODUCTIVITY, "out.csv", env=env)
    return (leadline.cwd / "out.csv").read_bytes()


def test_numbers_are_those_of_a_folder(leadline: Leadline, there: dict[str, str], tmp_path: Path) -> None:
    filled(leadline, there)
    folder = filled(at(leadline, tmp_path / "folder"), {})
    assert exported(leadline, there) == exported(folder, {})
    assert not (leadline.home / "projects" / "default" / "default" / LAKE).exists()
    for home, env in ((leadline, there), (folder, {})):
        home("import", "data", env=env)  # again: nothing is new
        assert home("status", "--check", env=env).stdout.endswith("All is sound.\n")
    assert exported(leadline, there) == exported(folder, {})
    assert leadline("tables", env=there).stdout == folder("tables", env={}).stdout


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_machines_share_a_bucket_and_a_database(
    leadline: Leadline, there: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    """What two machines import at the same time is all there, once, and each exports the same."""
    env = {**there, "LEADLINE_DATABASE_URL": database_url}
    other = at(leadline, tmp_path / "other")
    filled(leadline, env)
    assert exported(other, env) == exported(leadline, env)
    header = "repository,tag,published_at"
    for machine in "ab":
        for number in range(4):
            rows_of = [f"example/shop,{machine}{number},2026-01-0{number + 1}T00:00:00Z"]
            write_tables(leadline.cwd / f"{machine}{number}", {"releases": "\n".join([header, *rows_of])})

    def imports(machine: str, home: Leadline) -> None:
        for number in range(4):
            home.process("import", f"{machine}{number}", env=env)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(imports, "a", leadline), pool.submit(imports, "b", other)]:
            done.result()
    for home in (leadline, other):
        assert rows(home, env)["releases"] == 8
        assert home("status", "--check", env=env).stdout.endswith("All is sound.\n")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_one_server_exports_another_sends(
    leadline: Leadline, there: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    """Each has a home of its own; only the first has a worker. Both send the same file."""
    env = {**there, "LEADLINE_DATABASE_URL": database_url}
    filled(leadline, env)
    key = leadline("keys", "create", "--name", "reader", "--role", "viewer", env=env).stdout.strip()
    with (
        served_by_process(leadline.home, env=env) as (first, _),
        served_by_process(tmp_path / "other", workers=0, env=env) as (second, _),
    ):
        there_and_here = Client(first, key), Client(second, key)
        export = there_and_here[1].completed(BODY)
        sent = [client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="identity") for client in there_and_here]
        assert [answer.status for answer in sent] == [200, 200]
        assert sent[0].body == sent[1].body == exported(leadline, env)
        listed = [client.get(EXPORTS).json["exports"] for client in there_and_here]
        assert listed[0] == listed[1]
    assert not list(leadline.home.glob("projects/default/default/exports/exp_*")), "it lies in the bucket"
    assert leadline("status", "--check", env=env).stdout.endswith("All is sound.\n")
    leadline("backup", "all.tar", env=env)
    folder = at(leadline, tmp_path / "folder")
    folder("restore", "all.tar", env={})
    assert list(folder.home.glob("projects/default/default/exports/exp_*"))
    assert folder("status", "--check", env={}).stdout.endswith("All is sound.\n")


def test_a_backup_goes_from_a_bucket_to_a_folder_and_back(
    leadline: Leadline, there: dict[str, str], object_store: ObjectStore, tmp_path: Path
) -> None:
    before = exported(filled(leadline, there), there)
    leadline("backup", "all.tar", env=there)
    folder = at(leadline, tmp_path / "folder")
    folder("restore", "all.tar", env={})
    assert exported(folder, {}) == before
    folder("backup", "again.tar", env={})
    elsewhere = {**there, "LEADLINE_LAKE": object_store.new_bucket()}
    back = at(leadline, tmp_path / "back")
    back("restore", "again.tar", env=elsewhere)
    assert exported(back, elsewhere) == before
    assert back("status", "--check", env=elsewhere).stdout.endswith("All is sound.\n")
    assert not (back.home / "projects" / "default" / "default" / LAKE).exists()


def test_a_bucket_in_use_is_not_restored_over(leadline: Leadline, there: dict[str, str], tmp_path: Path) -> None:
    filled(leadline, there)("backup", "all.tar", env=there)
    refused = at(leadline, tmp_path / "other")("restore", "all.tar", env=there, code=1)
    assert "another home's database" in " ".join(refused.stderr.split())
    assert exported(leadline, there)


def test_a_bucket_that_cannot_be_used_is_said(leadline: Leadline, there: dict[str, str]) -> None:
    write_tables(leadline.cwd / "data")
    env = {**there, "LEADLINE_LAKE": "s3://not-there"}
    assert "s3://not-there" in leadline("import", "data", env=env, code=1).stderr
    checked = leadline("status", "--check", env=env, code=1)
    assert "There is no bucket s3://not-there" in " ".join((checked.stdout + checked.stderr).split())


@pytest.mark.parametrize("text", ["", "bucket", "/srv/lake", "s3://", "http://example.com/lake", "s3:// a"])
def test_what_is_no_bucket_is_refused(leadline: Leadline, text: str) -> None:
    refused = leadline("status", env={"LEADLINE_LAKE": text}, code=2 if text else 0)
    assert ("LEADLINE_LAKE" in refused.stderr) == bool(text)
