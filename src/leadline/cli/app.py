"""The program's command tree: the global options and every command. Only declarations are imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadline import __version__
from leadline.cli import (
    demo,
    export,
    facts,
    identities,
    importing,
    keys,
    metrics,
    org,
    report,
    serve,
    settings,
    sources,
    status,
    sync,
)
from leadline.cli.context import DEFAULT, Chosen, example
from leadline.cli.output import say

app = typer.Typer(
    name="leadline",
    help="Developer productivity exports from your own engineering data.",
    epilog=example("leadline demo --developers 30 --months 3", "leadline serve"),
    no_args_is_help=True,
    add_completion=False,
    # Plain help: Rich would cost more start-up than the rest of `leadline --help`.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"leadline {__version__}")
        raise typer.Exit


def _folder(text: str | None) -> str | None:
    """The option's text, if it can be a folder."""
    from leadline.settings.server import home_folder

    try:
        return None if text is None else str(home_folder(text))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} must be {error}") from error


@app.callback()
def choose(
    context: typer.Context,
    home: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            callback=_folder,
            help="Folder that holds all state [default: LEADLINE_HOME, else the platform's user data folder].",
        ),
    ] = None,
    project: Annotated[str, typer.Option(metavar="NAME", help="Project to work on.")] = DEFAULT,
    organization: Annotated[str, typer.Option(metavar="NAME", help="Organization of the project.")] = DEFAULT,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keep the global options for the command that follows."""
    for option, value in (("--project", project), ("--organization", organization)):
        if not value.strip():
            raise typer.BadParameter("a name must not be empty", param_hint=option)
    context.obj = Chosen(None if home is None else Path(home), organization, project)


# In the order in which a newcomer needs them.
for commands in (
    *(demo.commands, serve.commands, importing.commands, sync.group, sources.group, org.group, identities.group),
    *(keys.group, export.group, report.commands, facts.group, settings.commands, metrics.commands, status.commands),
):
    app.add_typer(commands)
