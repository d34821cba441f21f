"""``leadline forecast``: when work items will be completed, or how many, as the API answers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, checked_date, example, looked_at
from leadline.cli.option_words import in_option_words
from leadline.cli.output import emit_json, note, table
from leadline.cli.progress import cancellable

if TYPE_CHECKING:
    from leadline.exports.forecast import Forecast, ForecastBody
    from leadline.home import Project

commands = typer.Typer()


@commands.command(
    epilog=example(
        "leadline forecast --org-tree Engineering --remaining 40",
        "leadline forecast --team 3 --remaining 12 --weeks 26",
    )
)
def forecast(
    context: typer.Context,
    *,
    org_tree: Annotated[str | None, typer.Option(metavar="NAME", help="An org tree by its name.")] = None,
    team: Annotated[
        str | None, typer.Option(metavar="ID", help="A team by ref id or key, with those below it.")
    ] = None,
    remaining: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Work items still to be completed: tells when they will be.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            callback=checked_date, metavar="DATE", help="A day to come: tells how many are completed by then."
        ),
    ] = None,
    weeks: Annotated[int, typer.Option(metavar="N", help="Whole weeks of history to draw from.")] = 12,
    runs: Annotated[int, typer.Option(metavar="N", help="How many times weeks are drawn.")] = 10_000,
    json: Json = False,
) -> None:
    """Forecast the completion of work items.

    Weeks to come are drawn from the throughput of the last whole weeks, many
    times; told is what holds in 50, 85 and 95 of a hundred runs.
    """
    if (remaining is None) == (target is None):
        raise typer.BadParameter("say one of --remaining and --target", param_hint="--remaining")
    from leadline.exports.forecast import pinned, run_forecast
    from leadline.metrics.run import Runner

    asked: dict[str, Any] = {"scope": {}, "history": {"weeks": weeks}, "runs": runs}
    asked["scope"] |= {} if org_tree is None else {"orgTreeName": org_tree}
    asked["scope"] |= {} if team is None else {"teamId": team}
    asked |= {"remaining": remaining} if target is None else {"target": target}
    now = datetime.now(UTC)
    with looked_at(context) as project:
        wanted = _parsed(project, asked, now)
        pins = pinned(project, wanted)
        with Runner(project.home) as runner:
            told = cancellable("forecasting", lambda control: run_forecast(runner, project, wanted, pins, now, control))
    if json:
        emit_json(told.model_dump(mode="json", by_alias=True, exclude_unset=True))
    else:
        _print(told, wanted)


def _parsed(project: Project, asked: dict[str, Any], now: datetime) -> Forecast:
    from leadline.exports.forecast import parse_forecast

    with in_option_words({}):
        return parse_forecast(project, asked, now)


def _print(told: ForecastBody, wanted: Forecast) -> None:
    what = "completed by" if wanted.target is None else "completed at least"
    table(("in runs", what), [(f"{percent} %", value) for percent, value in told.percentiles.items()])
    counts = ", ".join(str(week.completed) for week in told.history)
    note(f"Drawn from the work items completed in the last {len(told.history)} weeks: {counts}")
