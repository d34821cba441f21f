"""``leadline settings``: shows, gets and sets the profile of the project or of one of its org trees, all values or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, example, opened
from leadline.cli.output import clean, emit_json, paragraph, say
from leadline.errors import InvalidRequest

if TYPE_CHECKING:
    from leadline.home import Project


commands = typer.Typer()


@commands.command(
    epilog=example(
        "leadline settings",
        "leadline settings timezone Europe/Berlin",
        "leadline settings --file settings.toml --org-tree Engineering",
        "leadline settings timezone --unset",
    )
)
def settings(
    context: typer.Context,
    key: Annotated[str | None, typer.Argument(metavar="KEY", help="Setting to show or set.")] = None,
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="Its new value.")] = None,
    org_tree: Annotated[
        str | None, typer.Option("--org-tree", metavar="NAME", help="The settings of this tree, over the project's.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="F", help="Set everything in this TOML file, or nothing.")
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Take the setting's own value away again.")] = False,
    json: Json = False,
) -> None:
    """Show all settings, or get or set one."""
    from leadline.db.settings import PROJECT, in_force, put, remove
    from leadline.settings.profile import canonical, declared
    from leadline.settings.toml_file import read_settings

    if file is not None and (key is not None or unset):
        raise typer.BadParameter("it stands alone: no KEY, no --unset", param_hint="--file")
    if unset and (key is None or value is not None):
        raise typer.BadParameter("it takes a KEY and no VALUE", param_hint="--unset")
    writes = file is not None or unset or value is not None
    key = key if key is None else canonical(key)  # refuses what is no setting
    values = read_settings(file) if file else {}
    if key is not None and value is not None:
        values = {key: value}
    with opened(context, create=writes) as project:
        if org_tree is not None:
            _require_tree(project, org_tree)
        if unset and key is not None:
            remove(project.db, project.id, key, org_tree or PROJECT)
        elif writes:
            put(project.db, project.id, values, org_tree or PROJECT)
        rows = [
            {
                "key": name,
                "value": text,
                "default": declared(name).default,
                "set": set_by,
                "meaning": declared(name).doc,
            }
            for name, text, set_by in in_force(project.db, project.id, org_tree)
        ]
    chosen = {key} if key is not None else set(map(canonical, values))
    _show(rows, key=key, only=chosen if key is not None or writes else None, json=json)


def _show(rows: list[dict[str, Any]], *, key: str | None, only: set[str] | None, json: bool) -> None:
    shown = [row for row in rows if only is None or row["key"] in only]
    if key is not None and not shown:
        # What is not set for a team, service or repository is shown as empty.
        shown = [{"key": key, "value": "", "default": "", "set": "", "meaning": ""}]
    if json:
        emit_json(shown[0] if key is not None else shown)
    elif key is not None:
        say(clean(shown[0]["value"]))
    else:
        for row in shown:
            setter = f" (set by the {row['set']})" if row["set"] else ""
            say(clean(f"{row['key']} = {row['value']}{setter}"))
            paragraph(row["meaning"], indent=4)


def _require_tree(project: Project, name: str) -> None:
    from leadline.people import trees

    names = [summary.name for summary in trees(project)]
    if name not in names:
        raise InvalidRequest(
            f"There is no org tree {name!r}; trees are {', '.join(names) or 'none yet'}", code="invalid_org_tree_name"
        )
