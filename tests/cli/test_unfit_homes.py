"""A home below a folder that the library of the lake would look for elsewhere: one sentence, and nothing is made there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .running import Leadline

HOMES = {"code": "a%2Fb", "backslash": "a\\b", "line": "a\nb", "escape": "a\x1b[2Jb", "no text": os.fsdecode(b"a\xffb")}
RANGE = ("--start", "2026-01-01", "--end", "2026-03-31")
COMMANDS = (
    ("import", "."),
    ("sync",),
    ("sync", "git", "."),
    ("sync", "github", "acme"),
    ("sources", "list"),
    ("org", "load", "developers.csv", "--name", "Everybody"),
    ("org", "show"),
    ("identities",),
    ("keys", "list"),
    ("keys", "create", "--name", "x", "--role", "viewer"),
    ("export", "productivity", *RANGE, "-o", "out.csv"),
    ("export", "efficiency", *RANGE, "--group", "lttc", "--granularity", "monthly", "-o", "out.csv"),
    ("report", *RANGE, "--productivity", "all"),
    ("facts", "commits", "-o", "out.csv"),
    ("settings",),
    ("status",),
    ("status", "--check"),
    ("demo", "--developers", "3", "--months", "1"),
    ("serve", "--port", "0"),
    ("worker",),
)


@pytest.mark.parametrize("name", HOMES)
def test_a_home_that_cannot_be_is_refused_in_one_sentence_before_anything_is_made(tmp_path: Path, name: str) -> None:
    parent = tmp_path / HOMES[name]
    parent.mkdir()
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "developers.csv").write_text("email,full_name,manager_email\na@x.example,A,\n")
    leadline = Leadline(parent / "home", tmp_path / "cwd")
    for words in COMMANDS:
        done = leadline(*words, code=1)
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: The home cannot be "), (words, line)
        assert "name another home with --home or LEADLINE_HOME" in line
        assert line.isprintable(), line
        assert done.stdout == ""
    assert list(parent.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "cwd").iterdir()) == ["developers.csv"]


def test_a_home_below_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a%2Fb"
    folder.mkdir()
    done = Leadline(Path("home"), folder)("status", code=1)
    assert "The home cannot be" in done.stderr
    assert list(folder.iterdir()) == []
