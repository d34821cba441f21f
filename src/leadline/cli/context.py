"""What every command starts from: the home and project that the global options choose, open as long as the command runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:  # opening a home loads the database's libraries
    from leadline.home import Project

DEFAULT = "default"


@dataclass(frozen=True)
class Chosen:
    """The global options: ``home`` is None for the environment's."""

    home: Path | None
    organization: str
    project: str

    def command(self, *words: str) -> str:
        """The command line of ``words`` on the same home and project, as a shell takes it."""
        home = [] if self.home is None else ["--home", str(self.home)]
        named = (("--organization", self.organization), ("--project", self.project))
        return shlex.join(["leadline", *home, *(word for pair in named if pair[1] != DEFAULT for word in pair), *words])

    @contextmanager
    def opened(self, *, create: bool = False, to_read: bool = False) -> Iterator[Project]:
        """The chosen project, open; home and project are made if they are new and ``create``, and without a trace if only
        ``to_read``. Raises ``NotFound`` or ``StoreError``."""
        from leadline.home import Home

        if to_read:
            opening: AbstractContextManager[Home] = Home.open_to_read(self.home)
        else:
            opening = Home.open(self.home) if create else Home.open_existing(self.home)
        with opening as home:
            yield home.project(self.organization, self.project, create=create)

    def rehearse(self, work: Callable[[Project], object]) -> None:
        """Have ``work``, which is about to be done in a home, refuse what it would before one is made for it: done to an empty one
        that is gone afterwards. Nothing is done where a home is there, or where its database lies elsewhere."""
        from leadline.home import Home

        if not Home.is_to_be_made(self.home):
            return
        with Home.open_to_read(self.home) as home:
            work(home.project(self.organization, self.project, create=True))


def rehearse(context: typer.Context, work: Callable[[Project], object]) -> None:
    """``Chosen.rehearse`` with the home and project that the global options choose."""
    chosen: Chosen = context.obj
    chosen.rehearse(work)


def looked_at(context: typer.Context) -> AbstractContextManager[Project]:
    """As ``opened``, for a command that changes nothing: no home is made for it, and one that may not be written will do."""
    chosen: Chosen = context.obj
    return chosen.opened(to_read=True)


def opened(context: typer.Context, *, create: bool = False) -> AbstractContextManager[Project]:
    """The project that the global options choose, as a context manager. A command that needs what is there makes no home: only what
    brings data, people, keys or settings is a reason to ``create`` one."""
    chosen: Chosen = context.obj
    return chosen.opened(create=create)


def name_of(text: str, option: str) -> str:
    """The value of an option that names a project or an organization, or wrong usage."""
    if not text.strip():
        raise typer.BadParameter("a name must not be empty", param_hint=option)
    return text


def checked_date(text: str | None) -> str | None:
    """An option's callback: a real calendar day as yyyy-mm-dd, or wrong usage."""
    if text is None:
        return None
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is no day; write it as 2026-01-31")


def confirmed(question: str, *, yes: bool, of_rows: bool = False) -> None:
    """Ask on a terminal whether what cannot be undone is meant, unless ``yes`` says so. Elsewhere a script has named it, which is
    enough, but of what takes away rows (``of_rows``) it must say so. Ends the command where it is not meant."""
    import sys

    if yes:
        return
    if not sys.stdin.isatty():
        if of_rows:
            raise typer.BadParameter("it cannot be undone; say that it is meant", param_hint="--yes")
        return
    typer.confirm(question, abort=True, err=True)


def words(texts: Sequence[str] | None, option: str) -> list[str]:
    """The values of a repeatable option, each of which may list several separated by commas. Wrong usage if one lists none: without
    any, more would be meant than with some."""
    listed = [[word for part in text.split(",") if (word := part.strip())] for text in texts or ()]
    if not all(listed):
        raise typer.BadParameter("it names nothing; name at least one", param_hint=option)
    return [word for one in listed for word in one]


def command_group(name: str, help_text: str, *examples: str) -> typer.Typer:
    """A group of commands; called without a command it shows its help."""
    return typer.Typer(
        name=name, help=help_text, epilog=example(*examples), no_args_is_help=True, rich_markup_mode=None
    )


Declared = tuple[Any, Any]
"""The type of an option, annotated for Typer, and its default (``...``: required)."""


def required(*flags: str, **attributes: Any) -> Declared:
    """An option that must be there."""
    return Annotated[str, typer.Option(*flags, show_default=False, **attributes)], ...


def optional(*flags: str, **attributes: Any) -> Declared:
    """An option that may be left out."""
    return Annotated[str | None, typer.Option(*flags, **attributes)], None


def takes(function: Callable[..., None], options: Mapping[str, Declared]) -> Callable[..., None]:
    """``function``, for Typer to make a command of that has ``options``, by name."""
    function.__annotations__ = {name: annotation for name, (annotation, _) in options.items()}
    function.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in options.items()
        ]
    )
    return function


def example(*lines: str) -> str:
    """The epilog of a command's help: examples that run as they stand."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
"""Of every command that takes away what cannot be had back by another: see ``confirmed``."""
