"""``leadline tables``: the tables that rows are taken in, and what their columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, example
from leadline.cli.output import Column, emit_json, paragraph, say, table

if TYPE_CHECKING:
    from leadline.schema import Table

commands = typer.Typer()


@commands.command(epilog=example("leadline tables", "leadline tables pull_requests"))
def tables(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One table, with its columns.")] = None,
    json: Json = False,
) -> None:
    """Show the tables that data come in, or the columns of one."""
    from leadline.schema import TABLES, table_named

    if name is None:
        if json:
            emit_json([document(every) for every in TABLES.values()])
        else:
            table(["table", "key", "what a row is"], [[t.name, ", ".join(t.key), t.doc] for t in TABLES.values()])
        return
    chosen = table_named(name)
    if json:
        emit_json(document(chosen))
    else:
        _show(chosen)


def _show(chosen: Table) -> None:
    say(f"{chosen.name}: key {', '.join(chosen.key)}")
    paragraph(chosen.doc)
    say()
    table(
        [Column("column", whole=True), "type", "must be told", "meaning"],
        [
            [column.name, column.type, "yes" if column.name in chosen.required else "", column.doc]
            for column in chosen.columns
        ],
    )


def document(chosen: Table) -> dict[str, Any]:
    """One table as JSON."""
    return {
        "name": chosen.name,
        "key": list(chosen.key),
        "definition": chosen.doc,
        "columns": [
            {
                "name": column.name,
                "type": str(column.type),
                "required": column.name in chosen.required,
                "values": list(column.values),
                "definition": column.doc,
            }
            for column in chosen.columns
        ],
    }
