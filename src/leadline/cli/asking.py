"""Questions at a terminal, of commands that can take all of it by options as well."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection
from getpass import getpass

import typer


def can_ask() -> bool:
    """Whether somebody is there to answer: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, default: str | None = None) -> str:
    """The answer without surrounding blanks, else ``default``; without one it is asked again until there is an answer."""
    answer: str = typer.prompt(question, default=default, show_default=bool(default), err=True)
    return answer.strip()


def ask_one_of(question: str, choices: Collection[str], default: str) -> str:
    """One of ``choices``, in any letter case; asked again until it is one."""
    while (answer := ask(question, default).lower()) not in choices:
        typer.echo(f"one of {', '.join(choices)}", err=True)
    return answer


def ask_words(question: str, default: str | None = None) -> list[str]:
    """The answer's words, of which those with blanks stand in quotes."""
    while True:
        try:
            return shlex.split(ask(question, default))
        except ValueError:
            typer.echo("a quote lacks its other half", err=True)


def ask_secret(question: str, *, needed: bool) -> str:
    """The answer, which is not shown while it is typed; '' for none, unless it is ``needed``."""
    # Typer's own hidden prompt is on the screen before the terminal stops to show what is typed.
    while not (answer := getpass(f"{question}: ", sys.stderr).strip()) and needed:
        pass
    return answer
