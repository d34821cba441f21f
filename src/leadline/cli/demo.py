"""``leadline demo``: fills the home with a made-up organization and its data, and says what to try next."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from leadline.cli.context import Json, checked_date, example, opened
from leadline.cli.output import Column, count, emit_json, members, say, table
from leadline.cli.progress import bar

commands = typer.Typer()


@commands.command(epilog=example("leadline demo --developers 30 --months 3"))
def demo(
    context: typer.Context,
    developers: Annotated[int, typer.Option(min=1, metavar="N", help="People to make up.")] = 120,
    months: Annotated[int, typer.Option(min=1, max=120, metavar="N", help="Months of data.")] = 9,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed makes another organization.")] = 1,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", callback=checked_date, help="Last day of the data [default: today].")
    ] = None,
    json: Json = False,
) -> None:
    """Fill the home with a made-up organization and its data.

    The same options make the same data. Further runs add nothing.
    """
    from leadline.demo import check_options, fill

    last_day = date.fromisoformat(until) if until else datetime.now(UTC).date()
    check_options(developers, months, seed, last_day)
    with opened(context, create=True) as project, bar("making up an organization") as report:
        summary = fill(
            project,
            developers=developers,
            months=months,
            seed=seed,
            until=last_day,
            progress=lambda fraction: report(fraction, 1.0),
        )
    if json:
        names = ("changed", "developers", "months", "seed", "first_day", "last_day", "org_tree_name", "rows")
        emit_json(members(summary, *names))
        return
    state = "" if summary.changed else " It was there already."
    say(f"{count(summary.developers)} made-up developers from {summary.first_day} to {summary.last_day}.{state}")
    table(["table", Column("rows", number=True)], [[name, count(rows)] for name, rows in summary.rows.items()])
    first_day = max(date.fromisoformat(summary.first_day), last_day - timedelta(days=29))
    say("\nTry next:\n  leadline status\n  leadline org show")
    say(f"  leadline export productivity --org-tree {summary.org_tree_name} \\")
    say(f"    --start {first_day} --end {last_day} -o month.csv\n  leadline serve")
