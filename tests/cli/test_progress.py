"""What a terminal of 80 columns shows while a command works: one line that has an end, which is gone afterwards, also after Ctrl-C;
and nothing where nobody looks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pyte
import pytest

from stubs.git_history import History

from .running import TABLES, Leadline, write_tables
from .terminal import CTRL_C, Terminal, on_terminal

DAYS = ("--start", "2026-01-01", "--end", "2026-02-28")


def percents(text: str, what: str) -> list[int]:
    """The percents that were shown of ``what``, in their order."""
    return [int(found) for found in re.findall(rf"{re.escape(what)} [━╸╺ ]*\s*(\d+)%", text)]


def lines_left(terminal: Terminal) -> list[str]:
    """What stands on the screen in the end, and where nothing more than 24 lines was written."""
    screen = pyte.Screen(80, 200)
    pyte.Stream(screen).feed(terminal.raw)
    return [line.rstrip() for line in screen.display if line.strip()]


def rises_to_the_end(shares: Sequence[int]) -> bool:
    return list(shares) == sorted(shares) and len(shares) > 0


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("status", "--check"), "checking"),
        (("facts", "pull-requests", "-o", "prs.csv"), "facts pull-requests"),
        (
            ("export", "productivity", *DAYS, "-o", "made.csv"),
            "exporting",
        ),
        (
            ("report", *DAYS, "--efficiency", "all", "--productivity", "all", "-o", "report.csv"),
            "reporting",
        ),
    ],
)
def test_a_bar_that_rises_to_its_end_and_is_gone(company: Leadline, words: tuple[str, ...], what: str) -> None:
    with on_terminal(company, *words) as terminal:
        assert terminal.ended() == 0, terminal.text
    assert rises_to_the_end(percents(terminal.text, what))
    assert what in terminal.text
    left = lines_left(terminal)
    assert not any("━" in line for line in left)
    assert all(len(line) <= 80 for line in left)


def test_an_import_is_done_when_it_is_written(leadline: Leadline) -> None:
    rows = ["repository,number,title,author,state,created_at,source"]
    rows += [f"example/shop,{number},{'t' * 60},ben,open,2026-01-05T09:00:00Z,github" for number in range(300_000)]
    (leadline.cwd / "pull_requests.csv").write_text("\n".join(rows) + "\n")
    with on_terminal(leadline, "import", "pull_requests.csv") as terminal:
        assert terminal.ended() == 0
    shares = percents(terminal.text, "importing")
    assert rises_to_the_end(shares)
    assert any(50 <= share < 100 for share in shares)  # it is read, and not yet written
    assert not any("importing" in line for line in lines_left(terminal))


def test_git_says_of_how_many_commits(leadline: Leadline, tmp_path: Path) -> None:
    history = History(tmp_path / "shop")
    for number in range(40):
        history.commit(f"change {number}", {"a.py": f"{number}\n"})
    with on_terminal(leadline, "sync", "git", history.folder, "--name", "example/shop") as terminal:
        assert terminal.ended() == 0
    assert "of 40 commits" in terminal.text
    assert [line for line in lines_left(terminal) if "example/shop" in line] == [
        line for line in lines_left(terminal) if "40 commits" in line
    ]


def test_a_source_that_has_not_answered_yet_is_named(leadline: Leadline) -> None:
    leadline("sources", "add", "gitlab", "example", "--url", "https://tool.invalid")
    with on_terminal(leadline, "sync", env={"GITLAB_TOKEN": "t"}) as terminal:
        shown = terminal.until("0 records")
        terminal.type(CTRL_C)
        assert terminal.ended() == 130, terminal.text
    assert "gitlab:example@tool.invalid" in shown


@pytest.mark.parametrize("words", [("-q", "status", "--check"), ("status", "--check", "--json")])
def test_whoever_wants_none_sees_none(company: Leadline, words: tuple[str, ...]) -> None:
    with on_terminal(company, *words) as terminal:
        assert terminal.ended() == 0
    assert "checking" not in terminal.text
    quiet = company.process("status", "--check")
    assert "\x1b" not in quiet.stdout + quiet.stderr
    assert "checking" not in quiet.stderr


def test_ctrl_c_leaves_a_clean_line(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "data", TABLES)
    rows = ["repository,number,title,author,state,created_at,source"]
    rows += [f"example/shop,{number},{'t' * 60},ben,open,2026-01-05T09:00:00Z,github" for number in range(600_000)]
    (leadline.cwd / "pull_requests.csv").write_text("\n".join(rows) + "\n")
    with on_terminal(leadline, "import", "pull_requests.csv") as terminal:
        terminal.until("importing")
        terminal.until("%")
        terminal.type(CTRL_C)
        assert terminal.ended() == 130, terminal.text
    assert [line for line in lines_left(terminal) if line != "^C"] == [
        "interrupted; what was finished before stays, the rest was not kept"
    ]
    assert terminal.raw.count("\x1b[?25h") >= terminal.raw.count("\x1b[?25l")  # the cursor is shown again
    assert leadline.rows() == {}
