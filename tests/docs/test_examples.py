"""The examples of README and architecture are true: their commands run, and print what the page says they print."""

from __future__ import annotations

import csv
import importlib
import io
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest

from .conftest import Shell
from .pages import Pages, blocks, code_words, section

ELENA = "--developer elena.moreau@example.com --start 2026-02-01 --end 2026-02-28"


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a page's console blocks, each with what it is said to print."""
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def matches(said: str, printed: str) -> bool:
    """Whether ``printed`` is what is ``said``, where a line `…` stands for any lines."""
    pattern = "".join(".*?" if line == "…" else re.escape(line) + "\n" for line in said.splitlines())
    printed = "".join(line.rstrip() + "\n" for line in printed.splitlines())
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


@pytest.fixture(scope="module")
def demo(shell: Shell, pages: Pages) -> Shell:
    """The demo home as README's first command makes it."""
    command, said = next(steps(pages["README.md"]))
    assert command == "leadline demo --until 2026-03-31"
    printed = shell.run(command)
    assert matches(said, printed), printed
    return shell


def test_readme_prints_what_it_says(demo: Shell, pages: Pages) -> None:
    following = list(steps(pages["README.md"]))[1:]
    assert len(following) >= 4
    for command, said in following:
        printed = demo.run(command)
        assert matches(said, printed), f"{command}\n{printed}"


def test_what_matches() -> None:
    assert matches("a\n…\nb\n", "a\nx\ny\nb\n")
    assert not matches("a\n…\nb\n", "a\nx\n")
    assert not matches("a\n", "a\nb\n")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_readme_through_the_api(demo: Shell, pages: Pages) -> None:
    (script,) = (block for block in blocks(pages["README.md"], "sh") if "curl" in block)
    server = subprocess.Popen(
        ["leadline", "serve", "--port", "0"],
        cwd=demo.folder,
        env=dict(demo.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        executable=str(demo.folder / "bin" / "leadline"),
    )
    try:
        assert server.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert address is not None
        demo.run(script.replace("http://127.0.0.1:8080", address.group()))
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=120)
    served = (demo.folder / "developers.csv").read_bytes()
    demo.run("leadline export productivity --start 2026-01-01 --end 2026-03-31 -o local.csv")
    assert served == (demo.folder / "local.csv").read_bytes()
    assert served.count(b"\r\n") == 1 + 3 * 120


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_event_walked_through(demo: Shell, pages: Pages) -> None:
    """The numbers of ``docs/architecture.md`` and ``docs/guide/facts.md``, from the demo home they are of."""
    facts = rows(demo.run(f"leadline facts pull-requests {ELENA} -o -"))
    (event,) = (row for row in facts if (row["repository"], row["number"]) == ("acme/basket", "194"))
    columns = ("additions", "deletions", "size", "comments", "refactored", "refactored_recent", "first_comment_at")
    told = ["38", "9", "medium", "2", "9", "5", "2026-02-09T14:39:49Z"]
    assert [event[column] for column in columns] == told
    assert (event["first_commit_at"][11:19], event["created_at"][11:19]) == ("11:30:09", "14:26:37")
    assert (float(event["cycle_seconds"]), float(event["first_comment_seconds"])) == (15720, 792)
    assert (event["work_items"], event["merge_commit_sha"][:8]) == ("CATA-289", "d042bbf3")
    total = sum(float(row["cycle_seconds"]) for row in facts)
    assert (len(facts), total, sum(int(row["comments"]) for row in facts)) == (9, 1_322_974, 22)
    for page in ("docs/architecture.md", "docs/guide/facts.md"):
        assert "1,322,974" in pages[page]
        assert "1.7014" in pages[page]
    exported = rows(demo.run("leadline export productivity --start 2026-02-01 --end 2026-02-28 -o -"))
    (cells,) = (row for row in exported if row["Email"] == "elena.moreau@example.com")
    names = ("PR_Merged", "PR_Merged_Medium", "PR_Cycle_Time_Days_Avg", "LOC_Refactored", "LOC_Refactored_Recent")
    assert [cells[name] for name in names] == ["9", "3", "1.7014", "214", "138"]
    assert cells["Review_Comments_Per_PR_Avg"] == "2.4444"


def test_accounts_of_the_example(demo: Shell, pages: Pages) -> None:
    (example,) = blocks(pages["docs/guide/identities.md"], "text")
    printed = {tuple(re.split(" {2,}", line)) for line in demo.run("leadline identities").splitlines()}
    assert {tuple(re.split(" {2,}", re.sub(r" +(\d+)", r"  \1", line))) for line in example.splitlines()} <= {
        tuple(re.split(" {2,}", re.sub(r" +(\d+)", r"  \1", "  ".join(line)))) for line in printed
    }


def test_named_code_exists(pages: Pages) -> None:
    """Dotted names in the walk are modules of the package with such a member."""
    text = pages["docs/architecture.md"]
    names = {name for name in code_words(section(text, "One event, from source to cell")) if "." in name}
    dotted = [
        name
        for name in names
        if re.fullmatch(r"(db|lake|ingest|derive|facts|metrics|exports|engine|api)(\.\w+)+", name)
    ]
    assert len(dotted) > 12
    for name in dotted:
        package, module, *members = name.split(".")
        found = importlib.import_module(f"leadline.{package}.{module}")
        for member in members:
            found = getattr(found, member)
