"""``leadline mcp``: the server for agents over the standard streams, as their programs start it."""

from __future__ import annotations

from typing import Annotated

import typer

from leadline.cli.context import example, opened, words

commands = typer.Typer()

Teams = Annotated[
    list[str] | None,
    typer.Option("--team", metavar="ID", help="Show this team and those below alone, by ref id or key; repeatable."),
]
NoDevelopers = Annotated[
    bool, typer.Option("--no-developers", help="Show rows of teams alone, of no single developer.")
]


@commands.command(epilog=example("leadline mcp --no-developers"))
def mcp(context: typer.Context, team: Teams = None, no_developers: NoDevelopers = False) -> None:
    """Answer agents over standard input and output, by MCP.

    For programs that start their servers themselves. Others ask POST /mcp of
    `leadline serve`, with a key.
    """
    from leadline.agents.protocol import check_installed
    from leadline.agents.stdio import speak
    from leadline.people.access import limited_to
    from leadline.service.ending import leave

    check_installed()
    teams = words(team, "--team")
    with opened(context) as project:
        access = limited_to(project, teams, developers=not no_developers)
        speak(project.home, project, access)
    leave()
