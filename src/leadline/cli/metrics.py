"""``leadline metrics``: prints the catalogue of metrics, or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, example
from leadline.cli.output import emit_json, paragraph, say

if TYPE_CHECKING:
    from leadline.metrics.catalogue import Metric


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("metrics", epilog=example("leadline metrics", "leadline metrics PR_Merged"))(metrics)


def metrics(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One metric, by id or column.")] = None,
    json: Json = False,
) -> None:
    """Show the catalogue of metrics.

    Of every metric its column, unit, levels, definition and sources; with --json its id too.
    """
    from leadline.metrics.catalogue import CATALOGUE, GROUPS, metric_named

    found = CATALOGUE if name is None else (metric_named(name),)
    if json:
        documents = [document(metric) for metric in found]
        emit_json(documents if name is None else documents[0])
        return
    for group in GROUPS:
        members = [metric for metric in found if metric.group == group]
        if not members:
            continue
        say(group)
        for metric in members:
            say(f"  {metric.column} ({metric.unit}; {', '.join(metric.levels)})")
            paragraph(metric.definition, indent=4)
            paragraph(f"From {', '.join(metric.sources)}.", indent=4)
        say()


def document(metric: Metric) -> dict[str, Any]:
    """One metric as JSON."""
    return {
        "id": metric.id,
        "column": metric.column,
        "group": metric.group,
        "unit": metric.unit,
        "levels": list(metric.levels),
        "definition": metric.definition,
        "sources": list(metric.sources),
    }
