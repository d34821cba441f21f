"""Homes that are not there: which commands make them, and that no other does, nor one that is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from typer.main import get_command

from leadline.cli.app import app

from .running import Leadline, environment, write_tables
from .test_refusals import QUARTER, REFUSED

WITH_HOME = {"init", "demo", "serve", "worker", "import", "settings", "restore"}
WITH_HOMES = {("org", "load"), ("keys", "create")}


def makes_home(words: Sequence[str]) -> bool:
    """Whether a command makes a home that is not there: one that brings data, people, keys, sources or settings, or serves."""
    first, second = (*words, "", "")[:2]
    sources = (first == "sync" and second not in ("", "--source")) or (first, second) == ("sources", "add")
    return sources or first in WITH_HOME or (first, second) in WITH_HOMES


ARGUMENTS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("mcp",): (),
    ("open",): ("--print",),
    ("sync",): (),
    ("backup",): ("out.tar",),
    ("sources", "list"): (),
    ("sources", "remove"): ("nosuch", "--yes"),
    ("sources", "test"): ("nosuch",),
    ("org", "from-teams"): ("github:example",),
    ("org", "show"): (),
    ("org", "history"): (),
    ("org", "remove"): ("Research", "--yes"),
    ("people", "forget"): ("ada@example.com", "--yes"),
    ("identities",): (),
    ("identities", "set"): ("github", "ada", "ada@example.com"),
    ("keys", "limit"): ("nosuch",),
    ("keys", "list"): (),
    ("keys", "revoke"): ("nosuch", "--yes"),
    ("report",): (*QUARTER, "--efficiency", "all"),
    ("forecast",): ("--team", "1", "--remaining", "4"),
    ("chart", "list"): (),
    ("schedules", "add"): ("file.json",),
    ("schedules", "change"): ("nosuch", "file.json"),
    ("schedules", "list"): (),
    ("schedules", "run"): ("nosuch",),
    ("schedules", "runs"): ("nosuch",),
    ("schedules", "remove"): ("nosuch", "--yes"),
    ("webhooks", "add"): ("https://example.com/hook", "--event", "export.failed"),
    ("webhooks", "list"): (),
    ("webhooks", "remove"): ("nosuch", "--yes"),
    ("webhooks", "test"): ("nosuch",),
    ("metrics",): (),
    ("tables",): (),
    ("status",): (),
}
"""Of each command that makes no home, what to call it with; all of a group are called as the group is in ``OF_GROUPS``."""
OF_GROUPS = {"export": (*QUARTER, "-o", "-"), "chart": (*QUARTER, "-o", "-"), "facts": (*QUARTER, "-o", "-")}
OF_KINDS = {"efficiency": ("--group", "df"), "facts": ("--fact", "commits")}
NEEDING = {
    *((name,) for name in ("mcp", "open", "sync", "backup")),
    *(("schedules", name) for name in ("add", "change", "run", "remove")),
    *(("webhooks", name) for name in ("add", "remove", "test")),
    *(("sources", "remove"), ("org", "remove"), ("people", "forget"), ("identities", "set")),
    *(("keys", "limit"), ("keys", "revoke")),
}
"""Commands that change what is there; the others only read, and find nothing."""


def arguments_of(path: tuple[str, ...]) -> tuple[str, ...] | None:
    group, name = (*path, "")[:2]
    if path in ARGUMENTS or group not in OF_GROUPS:
        return ARGUMENTS.get(path)
    return (*OF_GROUPS[group], *(OF_KINDS.get(name, ()) if group == "export" else ()))


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of the program, as the words that call it; a group is one if it does something by itself."""
    within = getattr(command, "commands", None)
    if within is None or command.invoke_without_command:
        yield path
    for name, child in (within or {}).items():
        yield from commands(child, (*path, name))


COMMANDS = list(commands(get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_makes_homes_or_is_known_to_make_none(path: tuple[str, ...]) -> None:
    assert makes_home(path) != (arguments_of(path) is not None)


@pytest.mark.parametrize("path", [path for path in COMMANDS if not makes_home(path)], ids=" ".join)
def test_a_home_that_is_not_there_is_not_made(leadline: Leadline, path: tuple[str, ...]) -> None:
    (leadline.cwd / "file.json").write_text("{}")
    done = leadline.either(*path, *(arguments_of(path) or ()), codes=(0, 1, 2))
    assert not leadline.home.exists()
    assert [file.name for file in leadline.cwd.iterdir()] == ["file.json"]
    if path in NEEDING:
        assert (done.code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert done.stderr.startswith(f"error: There is no home at {leadline.home}: ")
        assert "`leadline init` makes one" in done.stderr


@pytest.mark.parametrize(
    "words", [("status",), ("keys", "create", "--name", "n", "--role", "viewer"), ("open",)], ids=" ".join
)
def test_an_empty_variable_names_no_home(leadline: Leadline, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*leadline.command()[:3], *words],
        env=environment({"LEADLINE_HOME": "", "XDG_DATA_HOME": str(leadline.cwd)}),
        cwd=leadline.cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "error: LEADLINE_HOME cannot be ''; it must be a folder on this machine, such as /srv/leadline\n"
    )
    assert list(leadline.cwd.iterdir()) == []


OF_WHAT_IS_THERE = ("--org-tree", "--team", "pr_size.small", "nosuch=email", "admin")
"""Words of refusals that only a look at what is there can tell."""


@pytest.mark.parametrize(
    "words",
    [words for words in REFUSED if makes_home(words) and not set(words) & set(OF_WHAT_IS_THERE)],
    ids=" ".join,
)
def test_no_home_is_made_for_what_cannot_be(leadline: Leadline, words: tuple[str, ...]) -> None:
    write_tables(leadline.cwd / "data")
    (leadline.cwd / "data" / "developers.zip").write_bytes(b"PK")
    done = leadline(*words, code=2)
    assert (done.stdout, leadline.home.exists()) == ("", False)


@pytest.mark.parametrize(
    "words",
    [
        ("settings", "timezone", "Europe/Berlin", "--org-tree", "Nope"),
        ("settings", "timezone", "--unset", "--org-tree", "Nope"),
        ("settings", "pr_size.small", "5000"),
        ("settings", "--file", "nosuch.toml"),
        ("settings", "--file", "bad.toml"),
        ("keys", "create", "--name", "x", "--role", "viewer", "--team", "99"),
        ("keys", "create", "--name", "x", "--role", "admin", "--no-developers"),
        ("org", "load", "nosuch.csv", "--name", "T"),
        ("org", "load", "bad.csv", "--name", "T"),
        ("org", "load", "bad.json", "--name", "T"),
    ],
    ids=" ".join,
)
def test_what_is_refused_leaves_no_home_behind(leadline: Leadline, words: tuple[str, ...]) -> None:
    (leadline.cwd / "bad.toml").write_text("timezone = 5\n")
    (leadline.cwd / "bad.csv").write_text("email,full_name,manager_email\na@x.test,A,nobody@x.test\n")
    (leadline.cwd / "bad.json").write_text("[]")
    leadline.either(*words, codes=(1, 2))
    assert not leadline.home.exists()


def test_what_is_taken_makes_one(leadline: Leadline) -> None:
    made = leadline.json("keys", "create", "--name", "x", "--role", "viewer", "--project", "new")
    assert made["home"] == str(leadline.home)
    assert [key["id"] for key in leadline.json("--project", "new", "keys", "list")] == [made["id"]]
