"""``leadline report``: the report of the API without a server, to the byte (gzipped if the file's name ends in ``.gz``).

Its options become the request body that the API takes.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from leadline.atomic_file import make_durable
from leadline.cli.context import Json, example, looked_at, words
from leadline.cli.date_range import AskedDays, End, Period, Start, note_days_without_data
from leadline.cli.files import Output
from leadline.cli.option_words import in_option_words
from leadline.cli.output import clean, note
from leadline.cli.progress import cancellable
from leadline.cli.spreadsheet import Bom, Delimiter, Spreadsheet

if TYPE_CHECKING:
    from leadline.exports.reports import Report
    from leadline.home import Project

ALL = "all"

_FLAGS = {
    "efficiency": "--efficiency",
    "productivity": "--productivity",
    "productivityContributors": "--contributors",
}
"""The option of each section of the API's body."""

commands = typer.Typer()


def _metrics(flag: str, what: str) -> Any:
    return typer.Option(flag, metavar="M,…", help=f"{what}: names separated by commas, or `all`; repeatable.")


@commands.command(
    epilog=example(
        "leadline report --period last-quarter \\",
        "  --efficiency all --ratings -o teams.csv",
        "leadline report --period last-4-weeks --contributors PR_VELOCITY,CODING_DAYS",
        "leadline report --team 3 --period last-quarter --pdf team.pdf",
    )
)
def report(
    context: typer.Context,
    *,
    start: Start = None,
    end: End = None,
    period: Period = None,
    team: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only this team and those under it, by ref id or key [default: every team]."),
    ] = None,
    efficiency: Annotated[list[str] | None, _metrics("--efficiency", "Efficiency metrics")] = None,
    productivity: Annotated[list[str] | None, _metrics("--productivity", "Productivity metrics")] = None,
    contributors: Annotated[
        list[str] | None, _metrics("--contributors", "Metrics of developers, a row each instead of teams")
    ] = None,
    calculation: Annotated[
        Literal["mean", "median", "p90", "p95"],
        typer.Option(case_sensitive=False, help="How efficiency durations are summarized."),
    ] = "mean",
    granularity: Annotated[
        Literal["daily", "weekly", "monthly"], typer.Option(case_sensitive=False, help="What rates are per.")
    ] = "weekly",
    ratings: Annotated[bool, typer.Option("--ratings", help="Add the rating after each metric rated.")] = False,
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FILE", help="File to write, gzipped if it ends in .gz; - is stdout."),
    ] = "-",
    pdf: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Instead write what the screens Delivery and Productivity show of the team, for a mail.",
        ),
    ] = None,
    delimiter: Delimiter = "comma",
    bom: Bom = False,
    json: Json = False,
) -> None:
    """Report on teams, or developers, over a range.

    Each metric once for the whole range, as CSV; or, with --pdf, cards, charts
    and tables on pages.
    """
    if pdf is not None:
        if efficiency or productivity or contributors or ratings or output != "-":
            raise typer.BadParameter(
                "it has the metrics of the screens: leave the others and -o out", param_hint="--pdf"
            )
        _write_pdf(context, pdf, team, AskedDays(start, end, period).required(), calculation, json=json)
        return
    from leadline.exports.files import digest
    from leadline.exports.reports import run_report
    from leadline.metrics.run import Runner

    asked = {"efficiency": efficiency, "productivity": productivity, "productivityContributors": contributors}
    if not any(asked.values()):
        raise typer.BadParameter(
            "name metrics with it, --productivity or --contributors; `all` means all of them", param_hint="--efficiency"
        )
    if contributors and (efficiency or productivity):
        raise typer.BadParameter("its rows are developers: leave the other metrics out", param_hint="--contributors")
    body: dict[str, Any] = {field: {"metrics": _names(names, _FLAGS[field])} for field, names in asked.items() if names}
    if "efficiency" in body:
        body["efficiency"]["calculationType"] = calculation
    body |= {"granularity": granularity, "includeRatings": ratings}
    asked_days = AskedDays(start, end, period).required()
    if team is not None:
        body["teamRefId"] = team
    target = Output.of(output, json=json)
    target.format(known=("csv",))
    with looked_at(context) as project, target.writing(project.temp) as path:
        body["dateStart"], body["dateEnd"] = map(str, asked_days.days(project))
        wanted = _parsed(project, body, asked_days)
        with Runner(project.home) as runner:
            computed = cancellable("reporting", lambda control: run_report(runner, project, wanted, control))
        path.write_bytes(gzip.compress(computed.text, mtime=0) if path.name.endswith(".gz") else computed.text)
        make_durable(path)
        Spreadsheet(delimiter, bom).apply(path)
        size, sha256 = digest(path)
        note_days_without_data(project, wanted.start, wanted.end)
    target.report(computed.rows, json=json, sizeBytes=size, sha256=sha256)


def _write_pdf(
    context: typer.Context, pdf: str, team: str | None, days: AskedDays, calculation: str, *, json: bool
) -> None:
    from leadline.cli.report_pdf import target_of, write_pdf

    target = target_of(pdf, json=json)
    with looked_at(context) as project:
        pages = write_pdf(project, target, team, days, calculation)
    target.report_pages(pages, json=json)


def _names(texts: list[str], option: str) -> list[str]:
    names = words(texts, option)
    return [] if ALL in (name.lower() for name in names) else names


def _parsed(project: Project, body: dict[str, Any], days: AskedDays) -> Report:
    from leadline.exports.reports import parse_report

    with in_option_words(days.words):
        wanted, warnings = parse_report(project, body)
    for warning in warnings:
        note(f"warning: {clean(warning)}")
    return wanted
