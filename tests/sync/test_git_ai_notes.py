"""Notes under `refs/notes/ai`: what they say of commits reaches the table, by folder and by URL, and follows their changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadline.home import Project
from leadline.sources.git.ai_notes import Told, parse_note
from stubs.git_history import History, rows, shas, sync

SESSIONS = {
    "s_1": {"agent_id": {"tool": "claude", "id": "x", "model": "m"}},
    "s_2": {"agent_id": {"tool": "cursor", "id": "y", "model": "m"}},
}
ADA = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
PROMPTS = {"abcd1234abcd1234": {"agent_id": {"tool": "codex"}, "accepted_lines": 20}}


def log(attestations: str, **metadata: object) -> str:
    return f"{attestations}---\n{json.dumps({'schema_version': 'authorship/3.0.0', **metadata}, indent=2)}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            log("src/a.rs\n  s_1::t_1 1-10,15\n  s_2::t_2 25,30-35\n  h_3 42-50\n", sessions=SESSIONS),
            Told("claude", 18),
        ),
        (
            log('"a b.rs"\n  s_2::t_2 1-50\nc\n  abcd1234abcd1234 7\n', sessions=SESSIONS, prompts=PROMPTS),
            Told("cursor", 51),
        ),
        (log("a.rs\n  abcd1234abcd1234 1-4,9-10,12\n", prompts=PROMPTS), Told("codex", 7)),
        (log("", prompts={}), Told(None, 0)),
        (log("a.rs\n  h_3 1-9\n", humans={"h_3": {"author": "A"}}), Told(None, 0)),
        (log("a.rs\n  s_9::t_1 1-3\n", sessions=SESSIONS), Told(None, 3)),
        (log("a.rs\n  s_1::t_1 5-3\n", sessions=SESSIONS), Told("claude", 0)),
        ("claude-code 12\n", Told("claude-code", 12)),
        ("Acme Coder: 3", Told("Acme Coder", 3)),
        ("cursor", Told("cursor", None)),
        ("a.rs\n  s_1 1-3\n---\nno JSON", Told()),
        ("---\n[1]", Told()),
        ("", Told()),
        ("two\nlines of prose", Told()),
    ],
)
def test_a_note_is_a_log_or_a_tool_and_lines(text: str, told: Told) -> None:
    assert parse_note(text) == told


def note(history: History, sha: str, text: str) -> None:
    history.git(*ADA, "notes", "--ref=ai", "add", "-f", "-F", "-", sha, stdin=text.encode())


def told(project: Project) -> dict[str, tuple[str | None, int | None]]:
    return {row["sha"]: (row["tool"], row["lines_ai"]) for row in rows(project, "commit_ai", "sha, tool, lines_ai")}


@pytest.mark.parametrize("by_url", [False, True])
def test_notes_are_read_with_the_history_and_when_they_change(project: Project, tmp_path: Path, by_url: bool) -> None:
    history = History(tmp_path / "org" / "repo")
    commits = [history.commit(f"{number}", {"a.txt": f"{number}\n"}) for number in range(3)]
    place: Path | str = history.folder.as_uri() if by_url else history.folder
    note(history, commits[0], "claude 3")
    sync(project, place)
    assert told(project) == {commits[0]: ("claude", 3)}
    # Nothing else changed: notes alone are read, those that are others.
    note(history, commits[0], "claude 1")
    note(history, commits[1], log("a.txt\n  s_2::t_2 1\n", sessions=SESSIONS))
    sync(project, place)
    assert told(project) == {commits[0]: ("claude", 1), commits[1]: ("cursor", 1)}
    history.git(*ADA, "notes", "--ref=ai", "remove", commits[0])
    sync(project, place)
    assert told(project) == {commits[0]: (None, None), commits[1]: ("cursor", 1)}
    history.git("update-ref", "-d", "refs/notes/ai")
    sync(project, place)
    sync(project, place)
    assert set(told(project).values()) == {(None, None)}
    # Commits of notes are no delivered work.
    assert shas(project) == set(commits)
