"""``leadline sources``: the tools that ``leadline sync`` pulls from. A source says where its token is found, never the token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, command_group, example, opened
from leadline.cli.output import clean, count, emit_json, instant, say, table
from leadline.cli.pulls import Targets, TokenEnv, TokenFile, Url

if TYPE_CHECKING:
    from leadline.db.sources import SourceRow

group = command_group("List, add and test sources.", "leadline sources add github example")
add_group = command_group("Add a source.", "leadline sources add github example 'other/web-*'")
group.add_typer(add_group, name="add")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command group to the program."""
    app.add_typer(group, name="sources")


@add_group.callback()
def add() -> None:
    """Keep ``add`` a group also while GitHub is its only tool."""


@add_group.command("github", epilog=example("leadline sources add github example --token-env GITHUB_TOKEN"))
def add_github(
    context: typer.Context,
    targets: Targets,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it [default: github:ORG]; for one ORG only.")
    ] = None,
    url: Url = None,
    token_env: TokenEnv = None,
    token_file: TokenFile = None,
) -> None:
    """Add repositories of GitHub.

    Every organization or user becomes a source of its own.
    """
    from leadline.db import sources
    from leadline.errors import InvalidRequest
    from leadline.sources.configured import github_settings

    found = github_settings(targets, url=url, token_env=token_env, token_file=token_file)
    if name is not None and (len(found) > 1 or not name.strip() or len(name) > 100):
        raise InvalidRequest("--name is a short name for one source; add those of other organizations by themselves")
    with opened(context, create=True) as project:
        for settings in found:
            called = name or settings.default_name
            sources.add(project.home.db, project.id, called, settings.kind, settings.stored(), datetime.now(UTC))
            say(f"Added {clean(called)}; `leadline sources test {clean(called)}` tries the connection")


@group.command("list", epilog=example("leadline sources list"))
def list_(context: typer.Context, json: Json = False) -> None:
    """List the sources and when each was last read."""
    from leadline.db import sources

    with opened(context) as project:
        rows = sources.listed(project.home.db, project.id, configured=True)
    documents = [_document(row) for row in rows]
    if json:
        emit_json(documents)
    elif documents:
        table(
            ["name", "kind", "repositories", "server", "token", "last success"],
            [
                [
                    each["name"],
                    each["kind"],
                    " ".join(each["targets"]),
                    each["url"] or "",
                    each["token"],
                    each["succeededAt"],
                ]
                for each in documents
            ],
        )
    else:
        say("None yet; `leadline sources add github ORG` adds one.")


@group.command("remove", epilog=example("leadline sources remove github:example"))
def remove(context: typer.Context, name: Name) -> None:
    """Remove a source. What it brought stays."""
    from leadline.db import sources

    with opened(context) as project:
        sources.remove(project.home.db, project.id, name)
    say(f"Removed {clean(name)}; its data stays")


@group.command("test", epilog=example("leadline sources test github:example"))
def try_connection(context: typer.Context, name: Name, json: Json = False) -> None:
    """Try a source's connection: what its token may see. Nothing is read."""
    from leadline.db import sources
    from leadline.sources.configured import SourceSettings, connected

    with opened(context) as project:
        row = sources.get(project.home.db, project.id, name)
    with connected(SourceSettings.restored(row.kind, row.settings)) as source:
        found = source.check()
    if json:
        hidden = [{"what": each.what, "why": each.why} for each in found.hidden]
        emit_json({"name": name, "server": found.host, "repositories": list(found.repositories), "hidden": hidden})
        return
    say(f"{clean(name)}: {found.host} answers; {count(len(found.repositories))} repositories of {clean(found.owner)}")
    for each in found.hidden:
        say(f"  not to be seen: {clean(each.what)}: {clean(each.why)}")


def _document(row: SourceRow) -> dict[str, Any]:
    from leadline.sources.configured import SourceSettings

    settings = SourceSettings.restored(row.kind, row.settings)
    return {
        "name": row.name,
        "kind": row.kind,
        "targets": [f"{settings.owner}/{pattern}" for pattern in settings.patterns],
        "url": settings.url,
        "token": settings.token_from,
        "createdAt": instant(row.created_at),
        "succeededAt": instant(row.succeeded_at) or None,
    }
