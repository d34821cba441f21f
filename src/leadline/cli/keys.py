"""``leadline keys``: makes, limits, lists and revokes the API keys of projects."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leadline.cli.context import Chosen, Json, Yes, command_group, confirmed, example, looked_at, name_of, opened, words
from leadline.cli.option_words import in_option_words
from leadline.cli.output import Column, clean, emit_json, instant, note, say, table

if TYPE_CHECKING:
    from leadline.administration.keys import KeyMade
    from leadline.home import Project

group = command_group("keys", "API keys: create, limit, list, revoke.", "leadline keys list")

Role = Literal["admin", "ingestion", "viewer"]
Teams = Annotated[
    list[str] | None,
    typer.Option(
        "--team", metavar="ID", help="A viewer sees this team and those below alone, by ref id or key; repeatable."
    ),
]
NoDevelopers = Annotated[
    bool, typer.Option("--no-developers", help="A viewer sees rows of teams alone, of no single developer.")
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as listed.", show_default=False)]


@group.command(
    "create",
    epilog=example(
        "leadline keys create --name dashboard --role viewer",
        "leadline keys create --name payments --role viewer --team 12 --no-developers",
    ),
)
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
    team: Teams = None,
    no_developers: NoDevelopers = False,
    expires_days: Annotated[
        int | None,
        typer.Option("--expires-days", min=1, max=36500, metavar="N", help="Days until it expires [default: never]."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a key and print it, once; only its hash is stored."""
    from leadline.administration import keys
    from leadline.db.keys import check_name

    chosen: Chosen = context.obj
    teams = words(team, "--team")
    with in_option_words({}):
        check_name(name)
    home = Chosen(
        chosen.home,
        chosen.organization if organization is None else name_of(organization, "--organization"),
        chosen.project if project_name is None else name_of(project_name, "--project"),
    )

    def make(project: Project) -> KeyMade:
        return keys.create(
            *(project, name, role),
            now=datetime.now(UTC),
            teams=teams,
            developers=not no_developers,
            expires_days=expires_days,
        )

    with in_option_words({}):
        home.rehearse(make)
        with home.opened(create=True) as project:
            made, path = make(project), project.home.path
    if json:
        emit_json({**made.model_dump(), "home": str(path)})
        return
    say(made.key)
    note(f"Key {made.id} ({made.role}) of project {made.project} in organization {made.organization}, home {path}.")
    note("Keep it now: it is shown this once.")


@group.command(
    "limit",
    epilog=example("leadline keys limit key_0123456789ab --team 12", "leadline keys limit key_0123456789ab"),
)
def limit(
    context: typer.Context,
    key_id: KeyId,
    team: Teams = None,
    no_developers: NoDevelopers = False,
    json: Json = False,
) -> None:
    """Limit a viewer's key anew; without an option it sees all."""
    from leadline.administration import keys

    teams = words(team, "--team")
    with opened(context) as project, in_option_words({}):
        key = keys.limit(*(project, key_id), now=datetime.now(UTC), teams=teams, developers=not no_developers)
        sees = _in_words(project, key.teams, developers=key.developers)
    if json:
        emit_json(key.model_dump())
    else:
        say(f"Key {key.id} ({key.name}) sees {sees}.")


@group.command("list", epilog=example("leadline keys list --json"))
def list_keys(context: typer.Context, json: Json = False) -> None:
    """List the project's keys.

    Expired and revoked ones too. Their text is not stored and cannot be shown again.
    """
    from leadline.db import keys

    now = datetime.now(UTC)
    with looked_at(context) as project:
        listed = keys.listed(project.db, project.id)
        sees = {key.id: _in_words(project, key.access.teams, developers=key.access.developers) for key in listed}
    if json:
        from leadline.administration.keys import shown

        emit_json([shown(key, now).model_dump() for key in listed])
    elif not listed:
        say("No keys yet; `leadline keys create --name NAME --role viewer` makes one.")
    else:
        table(
            [Column("id", whole=True), "name", "role", "sees", "state", "created", "last used"],
            [
                [
                    *(key.id, key.name, key.role, sees[key.id], key.state(now)),
                    *(_day(key.created_at), _day(key.last_used_at)),
                ]
                for key in listed
            ],
        )


@group.command("revoke", epilog=example("leadline keys revoke key_0123456789ab --yes"))
def revoke(context: typer.Context, key_id: KeyId, yes: Yes = False, json: Json = False) -> None:
    """Revoke a key for good."""
    from leadline.administration import keys

    confirmed(f"Revoke the key {clean(key_id)} for good?", yes=yes)
    with opened(context) as project:
        key = keys.revoke(project, key_id, now=datetime.now(UTC))
    if json:
        emit_json(key.model_dump())
    else:
        say(f"Key {key.id} ({key.name}) is revoked.")


def _in_words(project: Project, teams: Collection[int] | None, *, developers: bool) -> str:
    named = "all"
    if teams is not None:
        from leadline.people.access import teams_in_words

        named = ", ".join(teams_in_words(project, teams))
    return named if developers else f"{named}; no developers"


def _day(value: datetime | None) -> str:
    return instant(value)[:10] or "never"
