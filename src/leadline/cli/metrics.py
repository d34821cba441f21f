"""``leadline metrics``: prints the catalogue of metrics, or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, example
from leadline.cli.option_words import in_option_words
from leadline.cli.output import emit_json, members, paragraph, say

if TYPE_CHECKING:
    from leadline.metrics.metric import CatalogueEntry


commands = typer.Typer()


@commands.command(epilog=example("leadline metrics", "leadline metrics PR_Merged", "leadline metrics LTTC"))
def metrics(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One metric, by id, column or alias.")] = None,
    json: Json = False,
) -> None:
    """Show the catalogue of metrics.

    Of every metric its column, unit, levels, definition and sources; with --json its id too.
    """
    from leadline.exports.kinds import KINDS
    from leadline.metrics.catalogue import named

    catalogues = {kind.name: kind.catalogue() for kind in KINDS.values()}
    if name is not None:
        with in_option_words({"metrics": "NAME"}):
            chosen = named(name, [entry for entries in catalogues.values() for entry in entries])
        catalogues = {
            insight: [entry for entry in entries if entry is chosen] for insight, entries in catalogues.items()
        }
    if json:
        documents = [document(entry, insight) for insight, entries in catalogues.items() for entry in entries]
        emit_json(documents if name is None else documents[0])
        return
    for insight, entries in catalogues.items():
        for group in dict.fromkeys(entry.group for entry in entries):
            say(f"{insight}: {group}")
            for entry in entries:
                if entry.group == group:
                    _show(entry)
            say()


def _show(metric: CatalogueEntry) -> None:
    notes = [f"From {', '.join(metric.sources)}."]
    if metric.also_in:
        notes.append(f"Also in the group {', '.join(metric.also_in)}.")
    if metric.aliases:
        notes.append(f"Also called {', '.join(metric.aliases)}.")
    say(f"  {metric.column} ({metric.unit}; {', '.join(metric.levels)})")
    paragraph(metric.definition, indent=4)
    paragraph(" ".join(notes), indent=4)


def document(metric: CatalogueEntry, insight: str) -> dict[str, Any]:
    """One metric as JSON; ``insight`` is the kind of export that has it."""
    return {
        **members(metric, "id", "column"),
        "insight": insight,
        **members(metric, "group", "groups", "aliases", "unit", "levels", "definition", "sources"),
    }
