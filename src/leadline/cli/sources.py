"""``leadline sources``: the tools that ``leadline sync`` and ``leadline serve`` read. A source says where its secrets are
found, never what they are."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, command_group, example, opened
from leadline.cli.kinds import EVERY, add_source_commands
from leadline.cli.output import clean, count, emit_json, instant, members, note, say, table

if TYPE_CHECKING:
    from leadline.db.sources import SourceRow
    from leadline.sources.kit.settings import SourceSettings

group = command_group("sources", "List, add and test sources.", "leadline sources add github example")
add_group = command_group("add", "Add a source.", "leadline sources add github example 'other/web-*'")
group.add_typer(add_group)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.", show_default=False)]


def _add(context: typer.Context, checked: list[SourceSettings], further: Mapping[str, Any]) -> None:
    from leadline.db import sources
    from leadline.errors import InvalidRequest

    name, every = further["name"], further["every"]
    if every not in EVERY:
        raise InvalidRequest(f"--every cannot be {every[:40]!r}; it must be one of {', '.join(EVERY)}")
    if name is not None and len(checked) > 1:
        raise InvalidRequest("--name is for one source; add the others by themselves")
    if name is not None and (not name.strip(" .") or len(name) > 100 or "/" in name or clean(name) != name):
        raise InvalidRequest("--name is a name of at most 100 characters on one line, without /")
    with opened(context, create=True) as project:
        for unnamed in checked:
            settings = replace(unnamed, name=name or unnamed.name, every=EVERY[every])
            sources.add(project.db, project.id, settings.name, settings.kind, settings.stored(), datetime.now(UTC))
            command = f"leadline sources test {shlex.quote(clean(settings.name))}"
            say(f"Added {clean(settings.name)}; `{command}` tries the connection")


add_source_commands(add_group, _add)


@group.command("list", epilog=example("leadline sources list"))
def list_(context: typer.Context, json: Json = False) -> None:
    """List the sources and when each was last read."""
    from leadline.db import sources
    from leadline.sources.kit.settings import SourceSettings

    with opened(context) as project:
        rows = sources.listed(project.db, project.id, configured=True)
    listed = [(row, SourceSettings.restored(row.kind, row.name, row.settings)) for row in rows]
    if json:
        emit_json([_document(row, settings) for row, settings in listed])
    elif listed:
        table(
            ["name", "kind", "reads", "server", "token", "every", "last success"],
            [
                [
                    *(row.name, row.kind, " ".join(settings.targets), settings.url or ""),
                    settings.secret_place.short if settings.declared.secret_env else "",
                    *(_span(settings), instant(row.succeeded_at)),
                ]
                for row, settings in listed
            ],
        )
    else:
        say("None yet; `leadline sources add github ORG` adds one.")


@group.command("remove", epilog=example("leadline sources remove github:example"))
def remove(context: typer.Context, name: Name) -> None:
    """Remove a source. What it brought stays."""
    from leadline.db import sources

    with opened(context) as project:
        sources.remove(project.db, project.id, name)
    say(f"Removed {clean(name)}; its data stays")


@group.command("test", epilog=example("leadline sources test github:example"))
def try_connection(context: typer.Context, name: Name, json: Json = False) -> None:
    """Try a source's connection: what its token may see. Nothing is read."""
    from leadline.db import sources
    from leadline.sources.kit.settings import Folders, SourceSettings, connected

    with opened(context) as project:
        row = sources.get(project.db, project.id, name)
        folders = Folders(project.temp, project.clones)
    settings = SourceSettings.restored(row.kind, row.name, row.settings)

    def waiting(seconds: float, why: str) -> None:
        note(f"waiting {seconds:.0f} s: {clean(why)}")

    with connected(settings, folders, waiting=waiting) as source:
        seen = source.check()
    if json:
        hidden = [members(thing, "what", "why") for thing in seen.hidden]
        emit_json({"name": name, "server": seen.host, seen.noun: list(seen.things), "hidden": hidden})
        return
    of = f" of {clean(seen.owner)}" if seen.owner else ""
    say(f"{clean(name)}: {clean(seen.host)} answers; {count(len(seen.things))} {seen.noun}{of}")
    for thing in seen.hidden:
        say(f"  not to be seen: {clean(thing.what)}: {clean(thing.why)}")


def _document(row: SourceRow, settings: SourceSettings) -> dict[str, Any]:
    return {
        **members(row, "name", "kind"),
        **members(settings, "targets", "url"),
        "token": settings.secret_place.text if settings.declared.secret_env else None,
        "options": settings.options,
        "every": _span(settings),
        **members(row, "created_at", "succeeded_at"),
    }


def _span(settings: SourceSettings) -> str:
    """How often it is run, as ``--every`` has it."""
    return next((text for text, seconds in EVERY.items() if seconds == settings.every), f"{settings.every}s")
