"""Marks of AI tools: what a commit, a pull request and a work item must have to be one in which a tool had part, and what must not
mark one."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from leadline.facts.ai_marks import AI_ITEMS
from leadline.facts.policy import BUILD_POLICY
from leadline.facts.query import Filters
from leadline.facts.write import write
from leadline.home import Project
from leadline.materialize.session import session
from leadline.settings.rules import parse_markers
from metrics.oracle_events import World
from metrics.oracle_people import tree_of
from metrics.world import TREE, load, rows_of

DEVELOPERS = """
email,               full_name, manager_email
mia@example.com,     Mia,
claude@example.com,  Claude,    mia@example.com
"""
MESSAGES = {
    # a trailer's address
    "Fix\n\nCo-Authored-By: Claude Opus 4.6 (1M context) <noreply@anthropic.com>": "claude-code",
    "Fix\n\nCo-authored-by: Copilot <223556219+Copilot@users.noreply.github.com>": "copilot",
    "Fix (#1)\n\n* one\n\nCo-authored-by: Cursor <cursoragent@cursor.com>\r\n\r\n* two\r\n": "cursor",
    "Fix\n\nCo-authored-by: MiniMax M2.7 <noreply@anthropic.com>": "claude-code",
    "Fix\n\nco-authored-by:Ada <ada@example.com>\nCo-authored-by: Amp <amp@ampcode.com>": "amp",
    "Fix\n\nCo-authored-by: OpenHands-GPT-5 openhands@all-hands.dev": "openhands",
    # a trailer's name
    "Fix\n\nAssisted-by: Claude Code": "claude-code",
    "Fix\n\nAssisted-by: Crush:glm-5.2": "crush",
    "Fix\n\nAssisted-by: Claude Sonnet 4 via Crush": "crush",
    "Fix\n\nCo-authored-by: aider (gpt-5) <someone@example.com>": "aider",
    "Fix\n\nGenerated-by: GitHub Copilot": "copilot",
    "Fix\n\nAI-assisted: Claude": "claude-code",
    "Fix\n\nCo-authored-by: Gemini": "gemini",
    # a footer
    "Fix\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)": "claude-code",
    "Fix\n\nGenerated with [Cursor](https://cursor.com)": "cursor",
    # people
    "Fix\n\nCo-authored-by: Claude Monet <claude.monet@example.org>": "",
    "Fix\n\nCo-authored-by: Devin Miller <devinm@example.org>": "",
    "Fix\n\nCo-authored-by: Claude Monet": "",
    "Fix\n\nCo-authored-by: Aiden <aiden@example.org>": "",
    "Fix\n\nCo-authored-by: Kim <roo-code@example.org>": "",
    "Fix\n\nCo-authored-by: Kim <me+claude@example.org>": "",
    "Fix\n\nReviewed-by: Claude <noreply@anthropic.com>": "",
    "Fix\n\nCo-authored-by: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>": "",
    # prose
    "The code generated with [Claude Code](https://claude.com/claude-code) was wrong": "",
    "Say Co-authored-by: Claude <noreply@anthropic.com> where it helped": "",
    "Example:\n\n    Co-authored-by: Claude <noreply@anthropic.com>": "",
    "> Assisted-by: Copilot": "",
    "Add the Copilot extension and Claude Code to the list": "",
    "Fix\n\nAI-assisted: intent and review human-driven": "",
    "Fix\n\nGenerated with [a script](https://example.org)": "",
}


def facts(project: Project, fact: str, folder: Path) -> list[dict[str, str]]:
    path = folder / "facts.csv"
    write(project, fact, path, Filters())
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def loaded(
    project: Project, folder: Path, settings: dict[str, str] | None = None, **tables: list[dict[str, Any]]
) -> Project:
    people = rows_of("developers", DEVELOPERS)
    load(project, World(dict(tables), tree_of(TREE, people), people, settings or {}), folder)
    return project


def commit(number: int, message: str = "", **more: Any) -> dict[str, Any]:
    return {"repository": "o/r", "sha": f"{number:040x}", "author_email": "mia@example.com", "message": message, **more}


def tools(project: Project, folder: Path) -> list[tuple[str, str]]:
    return [(row["ai_tool"], row["ai_why"]) for row in facts(project, "commits", folder)]


def test_trailers_and_footers_mark_and_people_and_prose_do_not(project: Project, tmp_path: Path) -> None:
    loaded(project, tmp_path, commits=[commit(number, message) for number, message in enumerate(MESSAGES)])
    found = [tool for tool, _ in tools(project, tmp_path)]
    assert dict(zip(MESSAGES, found, strict=True)) == MESSAGES


def test_what_tells_is_told_and_the_first_that_holds_counts(project: Project, tmp_path: Path) -> None:
    trailer = "Fix\n\nAssisted-by: Copilot\n\nGenerated with [Claude Code](https://claude.com/claude-code)"
    footer = "Fix\n\nGenerated with [Claude Code](https://claude.com/claude-code)"
    cursor, jules = "cursoragent@cursor.com", "161369871+google-labs-jules[bot]@users.noreply.github.com"
    loaded(
        project,
        tmp_path,
        commits=[
            commit(0, trailer, author_email=cursor),
            commit(1, trailer, author_email=cursor),
            commit(2, footer, author_email=cursor, committer_email=jules),
            commit(3, footer, committer_email=jules),
            commit(4, footer),
            commit(5, "Fix", author_email="cursor@example.com", committer_email="noreply@github.com"),
            commit(6, "Fix", author_email="claude@example.com"),
        ],
        commit_ai=[{"repository": "o/r", "sha": f"{0:040x}", "tool": "Claude", "lines_ai": 3}],
    )
    assert tools(project, tmp_path) == [
        ("claude-code", "told of the commit (commit_ai)"),
        ("copilot", "a trailer names it: Assisted-by"),
        ("cursor", "its author is an agent's account"),
        ("jules", "its committer is an agent's account"),
        ("claude-code", "a footer says what it was generated with"),
        ("", ""),
        ("", ""),
    ]


def test_lines_without_a_tool_mark_and_no_lines_do_not(project: Project, tmp_path: Path) -> None:
    told = [("", 4), ("", 0), ("acme", None), ("", None)]
    loaded(
        project,
        tmp_path,
        commits=[commit(number, "Fix") for number in range(4)],
        commit_ai=[
            {"repository": "o/r", "sha": f"{number:040X}", "tool": tool or None, "lines_ai": lines}
            for number, (tool, lines) in enumerate(told)
        ],
    )
    assert [tool for tool, _ in tools(project, tmp_path)] == ["unknown", "", "acme", ""]


def test_an_account_that_is_a_developers_is_no_agents(project: Project, tmp_path: Path) -> None:
    mapped = [{"source": "git", "account": "noreply@anthropic.com", "email": "mia@example.com"}]
    rows = [
        commit(0, "Fix", author_email="noreply@anthropic.com"),
        commit(1, "Fix", committer_email="noreply@anthropic.com"),
    ]
    loaded(project, tmp_path, commits=rows, identities=mapped)
    assert tools(project, tmp_path) == [("", ""), ("", "")]


def test_a_project_has_marks_of_its_own(project: Project, tmp_path: Path) -> None:
    messages = [
        "Fix\n\nCo-authored-by: Coder <coder@acme.example>",
        "Fix\n\nCo-authored-by: The Acme Coder 2 <other@acme.example>",
        "Fix\n\nAssisted-by: Acme-Devin",
        "Fix\n\nGenerated with [Acme Coder](https://acme.example)",
        "Fix\n\nCo-authored-by: Macme Coder <other@acme.example>",
    ]
    rows = [commit(number, message) for number, message in enumerate(messages)]
    rows.append(commit(len(rows), "Fix", author_email="helper@acme.example"))
    settings = {
        "ai.markers": "acme-coder = Coder@acme.example, Acme Coder; devin = acme devin",
        "ai.agents": "helper",
    }
    loaded(project, tmp_path, settings, commits=rows)
    assert [tool for tool, _ in tools(project, tmp_path)] == [
        "acme-coder",
        "acme-coder",
        "devin",
        "acme-coder",
        "",
        "helper",
    ]


def test_markers_are_read_as_they_are_written() -> None:
    assert parse_markers("A = X@y.z, The  Name; b = c; a = more") == {"a": ("x@y.z", "the name", "more"), "b": ("c",)}
    assert parse_markers("") == {}
    for wrong in ("tool", "= a", "tool =", "tool = ,", "tool = -"):
        with pytest.raises(ValueError, match="for each AI tool"):
            parse_markers(wrong)


PULLS = """
repository, number, author,          merged_at,         merge_commit_sha, body
o/r,        1,      mia@example.com, 2026-01-07T10:00Z, ,                 closes P-1
o/r,        2,      mia@example.com, 2026-01-07T10:00Z, c2,               P-2
o/r,        3,      mia@example.com, 2026-01-07T10:00Z, ,                 P-3\\n\\nGenerated with [Cursor](https://cursor.com)
o/r,        4,      Copilot,         ,                  ,                 P-4
o/r,        5,      mia@example.com, 2026-01-07T10:00Z, ,                 P-5 with Claude Code
o/r,        6,      mia@example.com, 2026-01-07T10:00Z, ,                 P-6
"""
LISTED = """
repository, number, sha, author
o/r,        1,      c1,  mia@example.com
o/r,        5,      c5,  mia@example.com
o/r,        6,      c6,  devin-ai-integration[bot]
"""
ITEMS = "project, key\n" + "\n".join(f"P, P-{number}" for number in range(1, 7))


def test_a_pull_request_is_assisted_by_its_commits_its_merge_its_body_or_its_author(
    project: Project, tmp_path: Path
) -> None:
    mark = "Fix\n\nCo-authored-by: Claude <noreply@anthropic.com>"
    loaded(
        project,
        tmp_path,
        pull_requests=rows_of("pull_requests", PULLS),
        pull_request_commits=rows_of("pull_request_commits", LISTED),
        commits=[{**commit(0, mark), "sha": "c1"}, {**commit(0, mark), "sha": "c2"}, {**commit(0, "Fix"), "sha": "c5"}],
        work_items=rows_of("work_items", ITEMS),
    )
    rows = facts(project, "pull-requests", tmp_path)
    assert [(row["ai_tool"], row["ai_why"]) for row in rows] == [
        ("claude-code", "a commit of it: a trailer names it: Co-authored-by"),
        ("claude-code", "its merge commit: a trailer names it: Co-authored-by"),
        ("cursor", "its description: a footer says what it was generated with"),
        ("copilot", "its author is an agent"),
        ("", ""),
        ("devin", "a commit of it: its author is an agent's account"),
    ]
    with session(project, project.lake.snapshot().versions, {TREE: 1}, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind([AI_ITEMS])
        items = opened.engine.arrow(AI_ITEMS.table().order_by("key"))["key"].to_pylist()
    # That of 4 is not merged, that of 5 is nobody's but Mia's.
    assert items == ["P-1", "P-2", "P-3", "P-6"]
