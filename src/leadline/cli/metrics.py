"""``leadline metrics``: prints the catalogue of metrics, or one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, example
from leadline.cli.output import emit_json, paragraph, say

if TYPE_CHECKING:
    from leadline.metrics.metric import Metric


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("metrics", epilog=example("leadline metrics", "leadline metrics PR_Merged", "leadline metrics LTTC"))(
        metrics
    )


def metrics(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One metric, by id, column or alias.")] = None,
    json: Json = False,
) -> None:
    """Show the catalogue of metrics.

    Of every metric its column, unit, levels, definition and sources; with --json its id too.
    """
    from leadline.metrics.catalogue import catalogue_of, metric_named
    from leadline.metrics.metric import INSIGHTS

    found = (
        [metric for insight in INSIGHTS for metric in catalogue_of(insight)] if name is None else [metric_named(name)]
    )
    if json:
        documents = [document(metric) for metric in found]
        emit_json(documents if name is None else documents[0])
        return
    for insight in INSIGHTS:
        of_insight = [metric for metric in found if metric.insight == insight]
        for group in dict.fromkeys(metric.group for metric in of_insight):
            say(f"{insight}: {group}")
            for metric in of_insight:
                if metric.group == group:
                    _show(metric)
            say()


def _show(metric: Metric) -> None:
    notes = [f"From {', '.join(metric.sources)}."]
    if metric.also_in:
        notes.append(f"Also in the group {', '.join(metric.also_in)}.")
    if metric.aliases:
        notes.append(f"Also called {', '.join(metric.aliases)}.")
    say(f"  {metric.column} ({metric.unit}; {', '.join(metric.levels)})")
    paragraph(metric.definition, indent=4)
    paragraph(" ".join(notes), indent=4)


def document(metric: Metric) -> dict[str, Any]:
    """One metric as JSON."""
    return {
        "id": metric.id,
        "column": metric.column,
        "insight": metric.insight,
        "group": metric.group,
        "groups": list(metric.groups),
        "aliases": list(metric.aliases),
        "unit": metric.unit,
        "levels": list(metric.levels),
        "definition": metric.definition,
        "sources": list(metric.sources),
    }
