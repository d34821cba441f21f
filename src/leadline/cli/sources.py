"""``leadline sources``: the tools that ``leadline sync`` and ``leadline serve`` read. A source says where its secrets are
found, never what they are."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import interrupt
from leadline.cli.context import Json, Yes, command_group, confirmed, example, looked_at, opened
from leadline.cli.kinds import add_source_commands
from leadline.cli.output import clean, count, emit_json, instant, members, note, say, table
from leadline.cli.progress import bar
from leadline.sources.kit.intervals import interval_text

if TYPE_CHECKING:
    from leadline.db.sources import SourceRow
    from leadline.home import Project
    from leadline.sources.kit.page import ConnectionReport
    from leadline.sources.kit.settings import SourceSettings
    from leadline.sync.configured import ConfiguredSource

group = command_group("sources", "List, add and test sources.", "leadline sources add github example")
add_group = command_group("add", "Add a source.", "leadline sources add github example 'other/web-*'")
group.add_typer(add_group)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.", show_default=False)]


def _add(context: typer.Context, checked: list[SourceSettings], further: Mapping[str, Any]) -> None:
    from leadline.sync.configured import add, check_named

    check_named(checked, further["name"], further["every"])
    with opened(context, create=True) as project:
        for settings in add(project, checked, name=further["name"], every=further["every"], now=datetime.now(UTC)):
            command = f"leadline sources test {shlex.quote(clean(settings.name))}"
            say(f"Added {clean(settings.name)}; `{command}` tries the connection")


add_source_commands(add_group, _add)


@group.command("list", epilog=example("leadline sources list"))
def list_(context: typer.Context, json: Json = False) -> None:
    """List the sources and when each was last read."""
    from leadline.sync.configured import configured

    with looked_at(context) as project:
        listed = configured(project)
    if json:
        emit_json([_document(source) for source in listed])
    elif listed:
        table(
            ["name", "kind", "reads", "server", "token", "every", "last success"],
            [_line(source.row, source.settings) for source in listed],
        )
    else:
        say("None yet; `leadline sources add github ORG` adds one.")


@group.command(
    "remove",
    epilog=example(
        "leadline sources remove github:example --yes", "leadline sources remove gitlab:example --rows --yes"
    ),
)
def remove(
    context: typer.Context,
    name: Name,
    rows: Annotated[bool, typer.Option("--rows", help="Take away the rows that it brought, too.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove a source. What it brought stays, unless --rows takes it away.

    Rows that it brought are those that say its tool as their `source`, of the
    repositories or projects that it reads, with the files of commits and pull
    requests. Rows that say no tool (builds, releases, sprints, …) stay, and so
    do identities.
    """
    from leadline.db import sources

    if rows:
        _remove_with_rows(context, name, yes=yes, json=json)
        return
    confirmed(f"Remove {clean(name)}? What it brought stays.", yes=yes)
    with opened(context) as project:
        sources.remove(project.db, project.id, name)
    if json:
        emit_json({"name": name, "removed": {}})
    else:
        say(f"Removed {clean(name)}; its data stays")


def _remove_with_rows(context: typer.Context, name: str, *, yes: bool, json: bool) -> None:
    from leadline.administration.source_rows import count_rows, remove_with_rows

    with opened(context) as project:
        found = count_rows(project, name)
        confirmed(
            f"Remove {clean(name)} with {count(sum(found.values()))} rows of {len(found)} tables?",
            yes=yes,
            of_rows=True,
        )
        with bar(f"removing {clean(name)}") as report:
            removed = remove_with_rows(project, name, report)
    if json:
        emit_json({"name": name, "removed": removed})
        return
    say(f"Removed {clean(name)}, and with it" if removed else f"Removed {clean(name)}, which had no rows")
    for table_name, number in removed.items():
        say(f"  {count(number)} rows of {table_name}")


@group.command("test", epilog=example("leadline sources test github:example"))
def try_connection(context: typer.Context, name: Name, json: Json = False) -> None:
    """Try a source's connection: what its token may see. Nothing is read."""
    from leadline.db import sources
    from leadline.sync.configured import ConfiguredSource

    with looked_at(context) as project:
        source = ConfiguredSource.of(sources.get(project.db, project.id, name))
        seen = seen_by(project, source.settings)
    if json:
        hidden = [members(thing, "what", "why") for thing in seen.hidden]
        emit_json({"name": name, "server": seen.host, seen.noun: list(seen.things), "hidden": hidden})
        return
    show_seen(name, seen)


def seen_by(project: Project, settings: SourceSettings) -> ConnectionReport:
    """What the connection of a source may see; waits are told. Raises what the tool refuses."""
    from leadline.sync.configured import try_connection

    def waiting(seconds: float, why: str) -> None:
        interrupt.check()
        note(f"waiting {seconds:.0f} s: {clean(why)}")

    return try_connection(project, settings, waiting=waiting)


def show_seen(name: str, seen: ConnectionReport) -> None:
    """What the connection of the source ``name`` may see, for people."""
    of = f" of {clean(seen.owner)}" if seen.owner else ""
    say(f"{clean(name)}: {clean(seen.host)} answers; {count(len(seen.things))} {seen.noun}{of}")
    for thing in seen.hidden:
        say(f"  not to be seen: {clean(thing.what)}: {clean(thing.why)}")


def _line(row: SourceRow, settings: SourceSettings) -> list[object]:
    token = settings.secret_place.short if settings.declared.secret_env else ""
    reads = " ".join(settings.targets)
    every = interval_text(settings.every)
    return [row.name, row.kind, reads, settings.url or "", token, every, instant(row.succeeded_at)]


def _document(source: ConfiguredSource) -> dict[str, Any]:
    row, settings = source.row, source.settings
    return {
        **members(row, "name", "kind"),
        **members(settings, "targets", "url"),
        "token": settings.secret_place.text if settings.declared.secret_env else None,
        "options": settings.options,
        "every": interval_text(settings.every),
        **members(row, "created_at", "succeeded_at"),
    }
