"""The command line and the server on a home whose metadata database is PostgreSQL: every command that touches it."""

from __future__ import annotations

import pytest

from api.serving import EXPORTS, Client, served_by_process
from leadline.home import Home
from leadline.lake import Lake
from leadline.lake.maintenance import check_lake

from .running import Leadline, write_tables

QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
BODY = {"scope": {"orgTreeName": "Research"}, "dateRange": {"start": "2026-01-01", "end": "2026-03-31"}}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_from_nothing_to_an_export(leadline: Leadline, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"LEADLINE_DATABASE_URL": database_url}
    write_tables(leadline.cwd / "data")
    leadline("import", "data", env=there)
    leadline("import", "data", env=there)
    leadline("org", "load", "data/developers.csv", "--name", "Research", env=there)
    assert "Engines" in leadline("org", "show", env=there).stdout
    leadline("identities", "set", "github", "stranger", "cleo@example.com", env=there)
    leadline("settings", "timezone", "Europe/Paris", env=there)
    assert leadline("settings", "timezone", env=there).stdout == "Europe/Paris\n"
    key = leadline("keys", "create", "--name", "reader", "--role", "viewer", env=there).stdout.strip()
    leadline("export", "productivity", *QUARTER, "-o", "local.csv", env=there)
    leadline("facts", "commits", "-o", "commits.csv", env=there)
    with served_by_process(leadline.home, env=there) as (base, _):
        client = Client(base, key)
        export = client.completed(BODY)
        served = client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="identity").body
    assert served == (leadline.cwd / "local.csv").read_bytes()
    done = leadline("status", "--check", env={**there, "COLUMNS": "80"}).stdout
    assert done.splitlines()[-1] == "All is sound."

    assert not (leadline.home / "leadline.db").exists(), "nothing is kept in a database beside the one given"
    assert check_lake(Lake(leadline.home / "projects" / "default" / "default" / "lake")) == []
    monkeypatch.setenv("LEADLINE_DATABASE_URL", database_url)
    with Home.open(leadline.home) as home:
        assert home.project().profile()["timezone"] == "Europe/Paris"
