"""``leadline settings``: shows, gets and sets the profile of the project or of one of its org trees.

Values, also those of a TOML file, are checked together and stored all or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, example, opened
from leadline.cli.output import clean, emit_json, paragraph, say
from leadline.errors import Detail, InvalidInput, InvalidRequest

if TYPE_CHECKING:
    from leadline.home import Project


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    examples = (
        "leadline settings",
        "leadline settings timezone Europe/Berlin",
        "leadline settings --file settings.toml --org-tree Engineering",
        "leadline settings timezone --unset",
    )
    app.command("settings", epilog=example(*examples))(settings)


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
    if file is not None and (key is not None or unset):
        raise typer.BadParameter("it stands alone: no KEY, no --unset", param_hint="--file")
    if unset and (key is None or value is not None):
        raise typer.BadParameter("it takes a KEY and no VALUE", param_hint="--unset")
    writes = file is not None or unset or value is not None
    values = _read(file) if file else {}
    if key is not None and value is not None:
        values = {key: value}
    with opened(context, create=writes) as project:
        if org_tree is not None:
            _require_tree(project, org_tree)
        if unset and key is not None:
            _unset(project, key, org_tree)
        elif writes:
            _set(project, values, org_tree)
        rows = _rows(project, org_tree)
    chosen = {key} if key is not None else set(values)
    _show(rows, key=key, only=chosen if key is not None or writes else None, json=json)


def _show(rows: list[dict[str, Any]], *, key: str | None, only: set[str] | None, json: bool) -> None:
    from leadline.settings.profile import declared

    found = [row for row in rows if only is None or row["key"] in only]
    if key is not None and not found:
        declared(key)  # refuses what is no setting; a team's rule that is not set is shown as empty
        found = [{"key": key, "value": "", "default": "", "set": "", "meaning": ""}]
    if json:
        emit_json(found[0] if key is not None else found)
    elif key is not None:
        say(clean(found[0]["value"]))
    else:
        for row in found:
            setter = f" (set by the {row['set']})" if row["set"] else ""
            say(clean(f"{row['key']} = {row['value']}{setter}"))
            paragraph(row["meaning"], indent=4)


def _rows(project: Project, org_tree: str | None) -> list[dict[str, Any]]:
    """Every setting in force, with who set it (``project``, ``tree`` or '' for the default)."""
    from leadline.db.settings import stored
    from leadline.settings.profile import SETTINGS, declared

    own = stored(project.db, project.id)
    tree = stored(project.db, project.id, org_tree) if org_tree is not None else {}
    rows = []
    for key in [*SETTINGS, *sorted((set(own) | set(tree)) - set(SETTINGS))]:
        setting = declared(key)
        rows.append(
            {
                "key": key,
                "value": tree.get(key, own.get(key, setting.default)),
                "default": setting.default,
                "set": "tree" if key in tree else "project" if key in own else "",
                "meaning": setting.doc,
            }
        )
    return rows


def _set(project: Project, values: Mapping[str, str], org_tree: str | None) -> None:
    from leadline.db.settings import PROJECT, put

    put(project.db, project.id, values, org_tree if org_tree is not None else PROJECT)


def _unset(project: Project, key: str, org_tree: str | None) -> None:
    from leadline.db.settings import PROJECT, remove
    from leadline.settings.profile import declared

    declared(key)  # refuses what is no setting
    remove(project.db, project.id, key, org_tree if org_tree is not None else PROJECT)


def _require_tree(project: Project, name: str) -> None:
    from leadline.people import trees

    names = [found.name for found in trees(project)]
    if name not in names:
        raise InvalidRequest(
            f"There is no org tree {name!r}; trees are {', '.join(names) or 'none yet'}", code="invalid_org_tree_name"
        )


def _read(file: Path) -> dict[str, str]:
    """The settings of a TOML file by dotted key; nested tables and dotted keys mean the same."""
    import tomllib

    try:
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text (byte {error.start + 1})") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{file} is not TOML: {error}") from error
    values: dict[str, str] = {}
    refused: list[Detail] = []
    _flatten("", document, values, refused)
    if refused:
        raise InvalidInput(f"{file} holds values that no setting can have; nothing was set", details=refused)
    return values


def _flatten(prefix: str, node: Mapping[str, Any], values: dict[str, str], refused: list[Detail]) -> None:
    for name, value in node.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            _flatten(f"{key}.", value, values, refused)
        elif isinstance(value, bool):
            values[key] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            values[key] = str(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            # A team's rules are sentences separated by `;`, all other lists are names separated by `,`.
            values[key] = ("; " if key.startswith("team.") else ", ").join(value)
        else:
            refused.append(Detail(key, "must be text, a number, true or false, or a list of texts"))
