"""``leadline settings``: shows, gets and sets the profile of the project or of one of its org trees, all values or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.context import Json, example, looked_at, opened, rehearse
from leadline.cli.option_words import of_file
from leadline.cli.output import clean, emit_json, paragraph, say

if TYPE_CHECKING:
    from leadline.administration.settings import InForce
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
    from leadline.administration import settings as administration
    from leadline.settings.profile import canonical

    if file is not None and (key is not None or unset):
        raise typer.BadParameter("it stands alone: no KEY, no --unset", param_hint="--file")
    if unset and (key is None or value is not None):
        raise typer.BadParameter("it takes a KEY and no VALUE", param_hint="--unset")
    writes = file is not None or unset or value is not None
    key = key if key is None else canonical(key)  # refuses what is no setting
    values = _values(key, value, file)
    removed = [key] if unset and key is not None else []

    def change(project: Project) -> None:
        administration.check_tree(project, org_tree)
        if writes:
            with of_file() if file is not None else nullcontext():
                administration.change(project, values, removed, tree=org_tree, on_machine=True)

    if writes:
        rehearse(context, change)
    with opened(context, create=True) if writes else looked_at(context) as project:
        change(project)
        if key is not None:
            _show_one(administration.one(project, key, org_tree), json=json)
            return
        rows = administration.listed(project, org_tree)
    changed = set(map(canonical, values))
    _show([row for row in rows if not writes or row.key in changed], json=json)


def _values(key: str | None, value: str | None, file: Path | None) -> dict[str, str]:
    """What is to be set. What can be refused without a look at the home is, before one is made."""
    if file is not None:
        from leadline.settings.toml_file import read_settings

        return read_settings(file)
    if key is None or value is None:
        return {}
    from leadline.settings.checks import check

    return {key: check(key, value)}


def _show_one(row: InForce, *, json: bool) -> None:
    if json:
        emit_json(_document(row))
    else:
        say(clean(row.value))


def _show(rows: Sequence[InForce], *, json: bool) -> None:
    if json:
        emit_json([_document(row) for row in rows])
        return
    for row in rows:
        setter = f" (set by the {row.set_by})" if row.set_by else ""
        say(clean(f"{row.key} = {row.value}{setter}"))
        paragraph(row.meaning, indent=4)


def _document(row: InForce) -> object:
    from leadline.administration.setting_body import SettingInForce

    return SettingInForce.of(row).model_dump()
