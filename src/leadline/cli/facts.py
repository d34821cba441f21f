"""``leadline facts``: writes the rows behind the numbers, one per thing, with how each came about."""

from __future__ import annotations

import typer

from leadline.cli.context import Declared, Json, command_group, example, opened, optional, required, takes
from leadline.cli.date_range import DATE_OPTIONS, AskedDays
from leadline.cli.files import Output
from leadline.facts.catalogue import FACTS

group = command_group(
    "facts",
    "The rows behind the numbers, one per thing.",
    "leadline facts pull-requests --start 2026-01-01 --end 2026-03-31 -o prs.csv",
)

ENDINGS = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz")


OPTIONS: dict[str, Declared] = {
    "context": (typer.Context, ...),
    "output": required(
        "-o", "--output", metavar="FILE", help="A .csv, .csv.gz, .jsonl or .parquet file; - is CSV on stdout."
    ),
    **DATE_OPTIONS,
    "org_tree": optional("--org-tree", metavar="NAME", help="Only what counts for this tree."),
    "team": optional(
        "--team", metavar="ID", help="Only what counts for this team and those under it, by ref id or key."
    ),
    "developer": optional("--developer", metavar="EMAIL", help="Only this developer's."),
    "json": (Json, False),
}


def _add(fact: str, help_text: str, shown: str) -> None:
    """Add the command of a fact; one that belongs to teams has no developer."""

    def command(
        context: typer.Context,
        *,
        output: str,
        start: str | None,
        end: str | None,
        period: str | None,
        org_tree: str | None,
        team: str | None,
        developer: str | None = None,
        json: bool,
    ) -> None:
        target = Output.of(output, json=json)
        ending = "" if target.name.endswith(ENDINGS) else ".csv"
        if ending and not target.is_stream:
            raise typer.BadParameter(f"its ending says the format: {', '.join(ENDINGS)}", param_hint="--output")
        asked = AskedDays(start, end, period)
        if start is not None and end is not None and start > end:
            raise typer.BadParameter(f"{start} is after {end}", param_hint="--start")
        from leadline.facts.query import Filters
        from leadline.facts.write import write
        from leadline.ingest.pushed import deliver_pushed

        with opened(context) as project, target.writing(project.temp, ending=ending) as path:
            deliver_pushed(project)
            rows = write(project, fact, path, Filters(*asked.days(project, org_tree), org_tree, team, developer))
        target.report(rows, json=json)

    options = {name: option for name, option in OPTIONS.items() if name != "developer" or not FACTS[fact].by_team}
    group.command(fact, help=help_text, epilog=example(shown))(takes(command, options))


_add(
    "pull-requests",
    "Pull requests merged in the range.\n\nWith every derived instant and duration, whose they are, and why.",
    "leadline facts pull-requests --start 2026-01-01 --end 2026-03-31 -o prs.csv",
)
_add(
    "work-items",
    "Work items completed in the range.\n\nWith every stage of their lead time, whose they are, and why.",
    "leadline facts work-items --team 3 --period last-month -o items.csv",
)
_add(
    "deployments",
    "Deployments finished in the range, one row per service.\n\nWith what each carried, what made it fail, the teams it "
    "counts for, and why.",
    "leadline facts deployments --start 2026-01-01 --end 2026-03-31 -o runs.csv",
)
_add(
    "incidents",
    "Incidents resolved in the range.\n\nWith the time to restore, the teams each counts for, and why.",
    "leadline facts incidents --org-tree Engineering -o incidents.csv",
)
_add(
    "commits",
    "Commits authored in the range.\n\nWith whose they are, whether each is credited, and why.",
    "leadline facts commits --developer ada@example.com -o commits.parquet",
)
