"""A home below a folder that the library of the lake would look for elsewhere: its metadata database is its own, whatever needs
tables is refused in one sentence, and nothing lies elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .running import Leadline

HOMES = {"code": "a%2Fb", "backslash": "a\\b", "line": "a\nb", "escape": "a\x1b[2Jb", "no text": os.fsdecode(b"a\xffb")}
RANGE = ("--start", "2026-01-01", "--end", "2026-03-31")
WITH_TABLES = (
    ("import", "incidents.csv"),
    ("identities",),
    ("export", "productivity", *RANGE, "-o", "out.csv"),
    ("export", "efficiency", *RANGE, "--group", "lttc", "--granularity", "monthly", "-o", "out.csv"),
    ("report", *RANGE, "--productivity", "all"),
    ("facts", "commits", "-o", "out.csv"),
    ("status",),
    ("demo", "--developers", "8", "--months", "1"),
    ("serve", "--port", "0"),
    ("worker",),
)
WITHOUT = (
    ("keys", "create", "--name", "x", "--role", "viewer"),
    ("keys", "list"),
    ("settings",),
    ("sources", "list"),
    ("org", "load", "developers.csv", "--name", "Everybody"),
    ("org", "show"),
)


@pytest.mark.parametrize("name", HOMES)
def test_what_needs_tables_is_refused_and_all_else_works_in_its_place(tmp_path: Path, name: str) -> None:
    parent = tmp_path / HOMES[name]
    parent.mkdir()
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "incidents.csv").write_text("incident_id,service,created_at\n1,s,2026-03-01T00:00:00Z\n")
    (tmp_path / "cwd" / "developers.csv").write_text(
        "email,full_name,manager_email\na@x.example,A,\nb@x.example,B,a@x.example\n"
    )
    leadline = Leadline(parent / "home", tmp_path / "cwd")
    for words in WITHOUT:
        leadline(*words)
    assert (parent / "home" / "leadline.db").stat().st_size > 0
    for words in WITH_TABLES:
        done = leadline(*words, code=1)
        line = done.stderr.splitlines()[0]
        assert line.startswith("error: "), (words, line)
        assert "name another home with --home or LEADLINE_HOME" in line, (words, line)
        assert line.isprintable(), line
    assert "name another home" in leadline("status", "--check", code=1).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([HOMES[name], "cwd"])
    assert [path.name for path in parent.iterdir()] == ["home"]
