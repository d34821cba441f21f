"""The program's command tree: the global options and every command. Only declarations are imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadline import __version__, tracing
from leadline.cli import (
    backup,
    chart,
    demo,
    export,
    facts,
    forecast,
    identities,
    importing,
    init,
    keys,
    mcp,
    metrics,
    open_page,
    org,
    people,
    report,
    schedules,
    serve,
    settings,
    sources,
    status,
    sync,
    tables,
    webhooks,
)
from leadline.cli.context import DEFAULT, Chosen, example, name_of
from leadline.cli.given_values import check_when_given
from leadline.cli.output import note, quiet, say

check_when_given()
app = typer.Typer(
    name="leadline",
    help="Developer productivity exports from your own engineering data.",
    epilog=example("leadline demo --developers 30 --months 3", "leadline serve"),
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
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
    silent: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing beside results and errors; no progress.")
    ] = False,
    talkative: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell on stderr of every call, and of what is computed and stored.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keep the global options for the command that follows."""
    for option, value in (("--project", project), ("--organization", organization)):
        name_of(value, option)
    if silent and talkative:
        raise typer.BadParameter("not both at once", param_hint="--quiet, --verbose")
    quiet(silent)
    if talkative:
        from leadline.cli.narration import narrate

        narrate()
    if (why := tracing.configure()) is not None:
        note(why)
    context.obj = Chosen(None if home is None else Path(home), organization, project)


# In the order in which a newcomer needs them.
for commands in (
    *(
        init.commands,
        demo.commands,
        serve.commands,
        mcp.commands,
        open_page.commands,
        importing.commands,
        sync.group,
        sources.group,
        org.group,
    ),
    *(
        people.group,
        identities.group,
        keys.group,
        export.group,
        report.commands,
        forecast.commands,
        chart.group,
        facts.group,
        settings.commands,
        schedules.group,
        webhooks.group,
    ),
    *(metrics.commands, tables.commands, status.commands, backup.commands),
):
    app.add_typer(commands)
