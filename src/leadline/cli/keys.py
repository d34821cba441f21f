"""``leadline keys``: makes, lists and revokes the API keys of projects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leadline.cli.context import Chosen, Json, command_group, example, opened
from leadline.cli.output import Column, emit_json, instant, members, note, say, table

if TYPE_CHECKING:
    from leadline.db.keys import ApiKey

group = command_group("keys", "API keys: create, list, revoke.", "leadline keys list")

Role = Literal["admin", "ingestion", "viewer"]


@group.command("create", epilog=example("leadline keys create --name dashboard --role viewer"))
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", metavar="N", help="What the key is for.", show_default=False)],
    role: Annotated[
        Role,
        typer.Option(
            "--role",
            case_sensitive=False,
            help="admin: everything; ingestion: write data; viewer: read and export.",
            show_default=False,
        ),
    ],
    project_name: Annotated[
        str | None, typer.Option("--project", metavar="P", help="Project of the key; made if it is new.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option("--organization", metavar="O", help="Organization of the project.")
    ] = None,
    expires_days: Annotated[
        int | None,
        typer.Option("--expires-days", min=1, max=36500, metavar="N", help="Days until it expires [default: never]."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a key and print it, once; only its hash is stored."""
    from leadline.db import keys

    chosen: Chosen = context.obj
    home = Chosen(chosen.home, organization or chosen.organization, project_name or chosen.project)
    now = datetime.now(UTC)
    with home.opened(create=True) as project:
        expires_at = now + timedelta(days=expires_days) if expires_days else None
        made = keys.create(project.db, project.id, name, role, now=now, expires_at=expires_at)
    if json:
        owner = {"organization": project.organization, "project": project.name, "expiresAt": made.expires_at}
        emit_json({**members(made, "id", "key", "name", "role"), **owner})
        return
    say(made.key)
    note(f"Key {made.id} ({made.role}) of project {project.name} in organization {project.organization}.")
    note("Keep it now: it is shown this once.")


@group.command("list", epilog=example("leadline keys list --json"))
def list_keys(context: typer.Context, json: Json = False) -> None:
    """List the project's keys.

    Expired and revoked ones too. Their text is not stored and cannot be shown again.
    """
    from leadline.db import keys

    with opened(context) as project:
        listed = keys.listed(project.db, project.id)
    now = datetime.now(UTC)
    if json:
        emit_json([_document(key, now) for key in listed])
    elif not listed:
        say("No keys yet; `leadline keys create --name NAME --role viewer` makes one.")
    else:
        table(
            [Column("id", whole=True), "name", "role", "state", "created", "last used"],
            [
                [key.id, key.name, key.role, key.state(now), _day(key.created_at), _day(key.last_used_at)]
                for key in listed
            ],
        )


@group.command("revoke", epilog=example("leadline keys revoke key_0123456789ab"))
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as listed.", show_default=False)],
    json: Json = False,
) -> None:
    """Revoke a key for good."""
    from leadline.db import keys

    now = datetime.now(UTC)
    with opened(context) as project:
        key = keys.revoke(project.db, project.id, key_id, now=now)
    if json:
        emit_json(_document(key, now))
    else:
        say(f"Key {key.id} ({key.name}) is revoked.")


def _document(key: ApiKey, now: datetime) -> dict[str, object]:
    return {
        **members(key, "id", "name", "role"),
        "state": key.state(now),
        **members(key, "created_at", "expires_at", "revoked_at", "last_used_at"),
    }


def _day(value: datetime | None) -> str:
    return instant(value)[:10] or "never"
