"""``leadline facts``: writes the rows behind the numbers, one per thing, with how each came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import spreadsheet
from leadline.cli.context import Declared, Json, command_group, example, looked_at, optional, required, takes
from leadline.cli.date_range import DATE_OPTIONS, AskedDays, note_days_without_data
from leadline.cli.export import SINCE, since_pins
from leadline.cli.files import Output
from leadline.cli.progress import bar
from leadline.cli.spreadsheet import Spreadsheet
from leadline.facts.catalogue import FACTS

if TYPE_CHECKING:
    from leadline.facts.filters import Versions
    from leadline.home import Project

group = command_group(
    "facts",
    "The rows behind the numbers, one per thing.",
    "leadline facts pull-requests --period last-quarter -o prs.csv",
)

_OPEN = "Only what is open: pull requests that wait for something, incidents not resolved."
OPTIONS: dict[str, Declared] = {
    "context": (typer.Context, ...),
    "output": required(
        "-o",
        "--output",
        metavar="FILE",
        help="A .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet file; - is CSV on stdout.",
    ),
    **DATE_OPTIONS,
    "org_tree": optional("--org-tree", metavar="NAME", help="Only what counts for this tree."),
    "team": optional(
        "--team", metavar="ID", help="Only what counts for this team and those under it, by ref id or key."
    ),
    "developer": optional("--developer", metavar="EMAIL", help="Only this developer's."),
    "is_open": (Annotated[bool, typer.Option("--open", help=_OPEN)], False),
    **spreadsheet.OPTIONS,
    "since": SINCE,
    "json": (Json, False),
}


def _add(fact: str, help_text: str, shown: str) -> None:
    """Add the command of a fact; one that belongs to teams has no developer, and not all can be open."""

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
        is_open: bool = False,
        delimiter: str,
        bom: bool,
        since: str | None,
        json: bool,
    ) -> None:
        target = Output.of(output, json=json)
        form, sheet = target.format(), Spreadsheet(delimiter, bom)
        sheet.check(form)
        if developer is not None and not developer.strip():
            raise typer.BadParameter("it names nobody; give an email", param_hint="--developer")
        asked = AskedDays(start, end, period)
        if start is not None and end is not None and start > end:
            raise typer.BadParameter(f"{start} is after {end}", param_hint="--start")
        from leadline.exports.fact_files import write
        from leadline.facts.query import Filters
        from leadline.ingest.pushed import deliver_pushed

        with looked_at(context) as project, target.writing(project.temp) as path, bar(f"facts {fact}") as report:
            deliver_pushed(project)
            filters = Filters(*asked.days(project, org_tree), org_tree, team, developer, is_open)
            compared = None if since is None else _versions(project, since, org_tree)
            rows = write(
                project, fact, path, filters, form=form, since=compared, progress=lambda share: report(share, 1.0)
            )
            sheet.apply(path)
            if not rows:
                note_days_without_data(project, filters.start, filters.end, org_tree)
        target.report(rows, json=json)

    without = {"developer": FACTS[fact].by_team, "is_open": FACTS[fact].open is None}
    options = {name: option for name, option in OPTIONS.items() if not without.get(name, False)}
    group.command(fact, help=help_text, epilog=example(shown))(takes(command, options))


def _versions(project: Project, since: str, tree: str | None) -> Versions:
    from leadline.facts.filters import Versions
    from leadline.settings.profile import Profile

    pins = since_pins(project, "facts", since, tree)
    return Versions(pins.tables, pins.trees, Profile.of(pins.settings), pins.today)


_add(
    "pull-requests",
    "Pull requests merged in the range.\n\nWith every derived instant and duration, whose they are, and why.",
    "leadline facts pull-requests --period last-quarter -o prs.csv",
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
    "leadline facts deployments --period last-quarter -o runs.csv",
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
_add(
    "status-visits",
    "Visits of work items to statuses entered in the range.\n\nWith when each was entered and left, what the status means, and "
    "whose the item is.",
    "leadline facts status-visits --team 3 --period last-month -o visits.csv",
)
_add(
    "effort",
    "Days of developers in the range, shared over work items.\n\nWith the category of each item, its share of the day, and why.",
    "leadline facts effort --team 3 --period last-month -o effort.csv",
)
_add(
    "sprint-items",
    "Work items in sprints that ended in the range.\n\nOne row per sprint and item: committed, added, removed, delivered, "
    "in points and as tickets, the teams it counts for, and why.",
    "leadline facts sprint-items --period last-quarter -o items.csv",
)
