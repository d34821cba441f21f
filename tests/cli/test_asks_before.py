"""Whatever takes something away for good asks before on a terminal; a script must say that it means rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from typer.main import get_command

from leadline.cli.app import app

from .running import Leadline
from .terminal import on_terminal

TAKING_AWAY = {"remove", "revoke", "forget", "delete"}


def taking_away(command: object, *words: str) -> Iterator[tuple[str, ...]]:
    """The commands that take something away, by their names."""
    for name, child in getattr(command, "commands", {}).items():
        if hasattr(child, "commands"):
            yield from taking_away(child, *words, name)
        elif name in TAKING_AWAY:
            yield (*words, name)


COMMANDS = sorted(taking_away(get_command(app)))


def test_there_are_some() -> None:
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_whatever_takes_away_has_a_word_not_to_be_asked(leadline: Leadline, words: tuple[str, ...]) -> None:
    assert "--yes" in leadline(*words, "--help").stdout


@pytest.mark.parametrize(
    "words", [("people", "forget", "ada@example.com"), ("sources", "remove", "code", "--rows")], ids=" ".join
)
def test_what_takes_rows_away_is_refused_where_nobody_can_be_asked(leadline: Leadline, words: tuple[str, ...]) -> None:
    leadline("sources", "add", "gitlab", "acme", "--name", "code")
    refused = leadline(*words, code=2)
    assert "--yes" in refused.stderr
    assert "cannot be undone" in refused.stderr


def test_scripts_revoke_and_remove_by_name_alone(leadline: Leadline) -> None:
    key = leadline.json("keys", "create", "--name", "ci", "--role", "viewer")["id"]
    leadline("sources", "add", "gitlab", "acme", "--name", "code")
    leadline("keys", "revoke", key)
    leadline("sources", "remove", "code")
    (listed,) = leadline.json("keys", "list")
    assert (bool(listed["revokedAt"]), leadline.json("sources", "list")) == (True, [])


@pytest.mark.parametrize("answer", ["n", "y"])
def test_what_is_taken_away_is_asked_for_on_a_terminal(leadline: Leadline, answer: str) -> None:
    key = leadline.json("keys", "create", "--name", "ci", "--role", "viewer")["id"]
    leadline("sources", "add", "gitlab", "acme", "--name", "code")
    for words, thing in ((("keys", "revoke"), key), (("sources", "remove"), "code")):
        with on_terminal(leadline, *words, thing) as terminal:
            terminal.answer(thing, answer)
            assert terminal.ended() == (0 if answer == "y" else 1)
            assert ("given up" in terminal.text) is (answer == "n")
    assert bool(leadline.json("sources", "list")) is (answer == "n")
    (listed,) = leadline.json("keys", "list")
    assert bool(listed["revokedAt"]) is (answer == "y")
