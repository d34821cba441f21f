"""``leadline chart``: a chart as a picture, a page or its specification, drawn on the numbers that an export has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from leadline.atomic_file import make_durable
from leadline.cli.context import Declared, Json, example, looked_at, optional, required, takes
from leadline.cli.date_range import DATE_OPTIONS, AskedDays, note_days_without_data
from leadline.cli.export import only_tree
from leadline.cli.files import Output
from leadline.cli.option_words import in_option_words
from leadline.cli.output import emit_json, members, paragraph, say
from leadline.cli.progress import cancellable

if TYPE_CHECKING:
    from leadline.charts.chart import Chart
    from leadline.charts.draw import Picture
    from leadline.home import Project

EXAMPLE = ("leadline chart lead-time --period last-3-months \\", "  --org-tree Engineering -o lead-time.svg")


class ChartCommands(TyperGroup):
    """The commands of all charts, and the list. They are made when they are asked for: ``leadline --help`` needs none of them, and
    the declarations load the catalogue of metrics."""

    @property
    def commands(self) -> MutableMapping[str, Any]:
        """The commands by name."""
        from typer.main import get_group

        from leadline.charts.catalogue import CHARTS

        made = typer.Typer(rich_markup_mode=None)
        made.command("list", epilog=example("leadline chart list"))(list_charts)
        for chart in CHARTS.values():
            shown = example(
                f"leadline chart {chart.name} --period last-month \\", "  --org-tree Engineering -o chart.svg"
            )
            made.command(chart.name, help=f"{chart.title}.\n\n{chart.reading}", epilog=shown)(_command(chart))
        return get_group(made).commands

    @commands.setter
    def commands(self, _none: object) -> None:
        """Typer sets those that were registered, which are none."""


group = typer.Typer(
    name="chart",
    cls=ChartCommands,
    help="Charts without a server: pictures of what exports have.",
    epilog=example("leadline chart list", *EXAMPLE),
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _choice(flag: str, choices: Iterable[str], default: str, help_text: str) -> Declared:
    return Annotated[Literal[tuple(choices)], typer.Option(flag, case_sensitive=False, help=help_text)], default


def _options() -> dict[str, Declared]:
    """The options of every chart, by what can be asked of one."""
    from leadline.charts.document import CONTENT_TYPES, WIDTH, WIDTHS
    from leadline.charts.theme import THEMES
    from leadline.metrics.request import AGGREGATIONS, GRANULARITIES

    *forms, last = CONTENT_TYPES
    saying = f"File to write; its ending says the form: {', '.join(forms)} or {last}."
    width = typer.Option("--width", min=WIDTHS[0], max=WIDTHS[1], help="Width in pixels.")
    return {
        "context": (typer.Context, ...),
        **DATE_OPTIONS,
        "output": required("-o", "--output", metavar="FILE", help=saying),
        "org_tree": optional("--org-tree", metavar="NAME", help="Org tree [default: the only one]."),
        "team": optional("--team", metavar="ID", help="This team, by ref id or key [default: the whole tree]."),
        "granularity": _choice("--granularity", GRANULARITIES, "monthly", "Length of a period."),
        "aggregation": _choice("--aggregation", AGGREGATIONS, "mean", "How durations are summarized."),
        "trend": (Annotated[bool, typer.Option("--trend", help="Add the line of least squares.")], False),
        "theme": _choice("--theme", THEMES, "light", "Colours."),
        "width": (Annotated[int, width], WIDTH),
        "json": (Json, False),
    }


def list_charts(json: Json = False) -> None:
    """List the charts.

    Of every chart its name and how it is read; with --json the metrics that it shows, too.
    """
    from leadline.charts.catalogue import CHARTS

    if json:
        emit_json([members(chart, "name", "title", "reading", "insight", "metrics") for chart in CHARTS.values()])
        return
    for chart in CHARTS.values():
        say(f"{chart.name}: {chart.title}")
        paragraph(chart.reading, indent=2)


def _command(chart: Chart) -> Callable[..., None]:
    """The function of ``leadline chart <name>``."""

    def command(
        context: typer.Context,
        *,
        start: str | None,
        end: str | None,
        period: str | None,
        output: str,
        org_tree: str | None,
        team: str | None,
        granularity: str,
        aggregation: str,
        json: bool,
        trend: bool,
        **look: Any,
    ) -> None:
        if org_tree is not None and team is not None:
            raise typer.BadParameter("it cannot be combined with --org-tree; leave one out", param_hint="--team")
        days = AskedDays(start, end, period).required()
        scope = {"orgTreeName": org_tree, "teamId": team}
        asked = {**scope, "granularity": granularity, "aggregation": aggregation}
        _draw(context, chart, asked, days, Output.of(output, json=json), look, trend=trend, json=json)

    return takes(command, _options())


def _draw(
    context: typer.Context,
    chart: Chart,
    asked: dict[str, Any],
    days: AskedDays,
    target: Output,
    look: Mapping[str, Any],
    *,
    trend: bool,
    json: bool,
) -> None:
    from leadline.charts.document import CONTENT_TYPES, file_of
    from leadline.charts.render import Renderer

    form = target.ending([*CONTENT_TYPES]) or next(iter(CONTENT_TYPES))
    with looked_at(context) as project, target.writing(project.temp) as path, Renderer() as renderer:
        if asked["orgTreeName"] is None and asked["teamId"] is None:
            asked["orgTreeName"] = only_tree(project)
        picture = _picture(project, chart, asked, days, trend=trend)
        path.write_bytes(file_of(picture, form, renderer, **look))
        make_durable(path)
        note_days_without_data(project, *days.days(project, asked["orgTreeName"]), asked["orgTreeName"])
    target.report(len(picture.drawn.table.rows), json=json, chart=chart.name)


def _dates(days: AskedDays) -> dict[str, str]:
    names = {"start": "dateFrom", "end": "dateTo", "period": "period"}
    return {names[name]: value for name, value in days.document().items()}


def _picture(project: Project, chart: Chart, asked: dict[str, Any], days: AskedDays, *, trend: bool) -> Picture:
    from leadline.charts.answers import Answers
    from leadline.metrics.run import Runner

    with Runner(project.home) as runner:
        answers = Answers(project, runner, datetime.now(UTC), cancellable)
        with in_option_words(days.words):
            return answers.picture(chart, {**asked, **_dates(days)}, trend=trend)
