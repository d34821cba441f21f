"""``leadline export``: writes the same files as the API's exports, without a server.

The options become the request body of the API and are judged by the same code; the file's bytes are those of the API's
file for the same data (gzipped when its name ends in ``.gz``).
"""

from __future__ import annotations

import json as jsonlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from leadline.cli import interrupt
from leadline.cli.context import Json, checked_date, command_group, example, opened, words
from leadline.cli.failures import with_options
from leadline.cli.files import Digest, Output
from leadline.cli.output import clean, count, emit_json, note, say
from leadline.cli.progress import bar
from leadline.errors import InvalidInput, InvalidRequest, LeadlineError

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.metrics.request import Control, MetricsRequest, Pins, Produced

group = command_group(
    "Exports without a server.",
    "leadline export productivity --org-tree Engineering \\\n    --start 2026-01-01 --end 2026-03-31 -o q1.csv",
    "leadline export efficiency --org-tree Engineering --group summary \\\n    --start 2026-01-01 --end 2026-03-31 -o dora.csv",
)

OPTIONS = {
    "scope": "--org-tree, --team",
    "scope.orgTreeName": "--org-tree",
    "scope.teamId": "--team",
    "dateRange": "--start, --end",
    "dateRange.start": "--start",
    "dateRange.end": "--end",
    "metricGroups": "--group",
    "metrics": "--metric",
    "options.aggregation": "--aggregation",
    "options.aggregationLevel": "--level",
    "options.granularity": "--granularity",
    "options.format": "--format",
}
"""The option that stands for each field of the API's body."""

FORMATS_BY_ENDING = {".parquet": "parquet", ".jsonl": "jsonl", ".jsonl.gz": "jsonl"}

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add the command group to the program."""
    app.add_typer(group, name="export")


Start = Annotated[str, typer.Option(metavar="DATE", callback=checked_date, help="First day.", show_default=False)]
End = Annotated[str, typer.Option(metavar="DATE", callback=checked_date, help="Last day.", show_default=False)]
File = Annotated[
    str,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="File to write, gzipped if it ends in .gz; - is stdout.",
        show_default=False,
    ),
]
Tree = Annotated[str | None, typer.Option("--org-tree", metavar="NAME", help="Org tree [default: the only one].")]
Team = Annotated[str | None, typer.Option(metavar="ID", help="Only this team and those under it, by ref id or key.")]
Metrics = Annotated[
    list[str] | None, typer.Option("--metric", metavar="NAME", help="Metric by column or id; repeatable.")
]
Aggregation = Annotated[
    Literal["mean", "median", "p90", "p95"], typer.Option(case_sensitive=False, help="How averages are taken.")
]
Format = Annotated[
    Literal["csv", "parquet", "jsonl"] | None,
    typer.Option("--format", case_sensitive=False, help="Format of the file [default: by its ending, else csv]."),
]
Recorded = Annotated[
    str | None,
    typer.Option(
        "--pins", metavar="FILE|ID", help="Repeat on the versions of an earlier export: its id, or its --json."
    ),
]


@group.command(
    "productivity",
    epilog=example(
        "leadline export productivity --org-tree Engineering \\",
        "  --start 2026-01-01 --end 2026-03-31 -o q1.csv",
        "leadline export productivity --org-tree Engineering --level team \\",
        "  --group activity,volume --start 2026-01-01 --end 2026-01-31 -o -",
    ),
)
def productivity(
    context: typer.Context,
    *,
    start: Start,
    end: End,
    output: File,
    org_tree: Tree = None,
    team: Team = None,
    groups: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="NAME", help="Metric group; repeatable [default: all metrics]."),
    ] = None,
    metrics: Metrics = None,
    level: Annotated[
        Literal["developer", "team"], typer.Option(case_sensitive=False, help="What a row is.")
    ] = "developer",
    granularity: Annotated[
        Literal["daily", "weekly", "monthly", "quarterly"],
        typer.Option(case_sensitive=False, help="Length of a period."),
    ] = "monthly",
    aggregation: Aggregation = "mean",
    file_format: Format = None,
    pins: Recorded = None,
    json: Json = False,
) -> None:
    """Export developer or team productivity metrics to a file."""
    body = _body(org_tree, team, start, end, groups, metrics)
    body["options"] = {
        "aggregation": aggregation,
        "aggregationLevel": level,
        "granularity": granularity,
        "format": file_format,
    }
    _export(context, "productivity", body, output, pins, json=json)


@group.command(
    "efficiency",
    epilog=example(
        "leadline export efficiency --org-tree Engineering --group summary \\",
        "  --start 2026-01-01 --end 2026-03-31 -o dora.csv",
        "leadline export efficiency --org-tree Engineering --group lttc,df \\",
        "  --granularity weekly --start 2026-01-01 --end 2026-01-31 -o -",
    ),
)
def efficiency(
    context: typer.Context,
    *,
    start: Start,
    end: End,
    output: File,
    org_tree: Tree = None,
    team: Team = None,
    groups: Annotated[
        list[str] | None, typer.Option("--group", metavar="NAME", help="Metric group; repeatable.")
    ] = None,
    metrics: Metrics = None,
    granularity: Annotated[
        Literal["weekly", "monthly", "quarterly"], typer.Option(case_sensitive=False, help="Length of a period.")
    ] = "monthly",
    aggregation: Aggregation = "mean",
    file_format: Format = None,
    pins: Recorded = None,
    json: Json = False,
) -> None:
    """Export the DORA metrics of teams to a file.

    Lead time for changes, deployment frequency, change failure rate, time to
    restore, their ratings. Needs a group or a metric.
    """
    if org_tree is not None and team is not None:
        raise typer.BadParameter("it cannot be combined with --org-tree; leave one out", param_hint="--team")
    if not words(groups) and not words(metrics):
        from leadline.metrics.catalogue import groups_of

        raise typer.BadParameter(
            f"name a group ({', '.join(groups_of('efficiency'))}), or a metric with --metric", param_hint="--group"
        )
    body = _body(org_tree, team, start, end, groups, metrics)
    body["options"] = {"aggregation": aggregation, "granularity": granularity, "format": file_format}
    _export(context, "efficiency", body, output, pins, json=json)


def _body(
    org_tree: str | None,
    team: str | None,
    start: str,
    end: str,
    groups: list[str] | None,
    metrics: list[str] | None,
) -> dict[str, Any]:
    """The API's body for what every kind of export has."""
    return {
        "scope": {"orgTreeName": org_tree, "teamId": team},
        "dateRange": {"start": start, "end": end},
        "metricGroups": words(groups),
        "metrics": words(metrics),
    }


def _export(
    context: typer.Context, kind: str, body: dict[str, Any], output: str, pins: str | None, *, json: bool
) -> None:
    """Write the export of ``kind`` that ``body`` asks for to ``output``."""
    target = Output.of(output, json=json)
    options = body["options"]
    options["format"] = options["format"] or _format_of(target)
    if options["format"] == "parquet" and target.name.endswith(".gz"):
        raise typer.BadParameter("Parquet is compressed by itself; leave .gz off", param_hint="--output")
    with opened(context) as project:
        request, warnings = _request(project, body, kind)
        used = _recorded(project, pins, request.tree) if pins is not None else _newest(project, request.tree)
        with target.writing(project.temp) as path:
            produced = _produce(project, request, used, path)
            digest = target.digest(path)
    _report(target, produced, request, used, digest, warnings, json=json)


def _format_of(target: Output) -> str:
    return next((name for ending, name in FORMATS_BY_ENDING.items() if target.name.endswith(ending)), "csv")


def _request(project: Project, body: dict[str, Any], kind: str) -> tuple[MetricsRequest, tuple[str, ...]]:
    from leadline.exports.requests import parse

    scope = body["scope"]
    if scope["orgTreeName"] is None and scope["teamId"] is None:
        scope["orgTreeName"] = only_tree(project)
    body["scope"] = {name: value for name, value in scope.items() if value is not None}
    try:
        parsed = parse(project, body, kind)
    except LeadlineError as error:
        raise with_options(error, OPTIONS) from error
    return parsed.request, parsed.warnings


def only_tree(project: Project) -> str:
    """The name of the project's only org tree. Raises ``InvalidRequest`` when it has none or several."""
    from leadline.people import trees

    names = [tree.name for tree in trees(project)]
    if len(names) == 1:
        return names[0]
    if not names:
        raise InvalidRequest(
            "There is no org tree yet; `leadline org load FILE --name TREE` makes one, `leadline demo` a whole example"
        )
    raise InvalidRequest(f"Name one of the org trees with --org-tree: {', '.join(names)}")


def _newest(project: Project, tree: str) -> Pins:
    from leadline.ingest.pushed import deliver_pushed
    from leadline.metrics.run import pin

    deliver_pushed(project)
    return pin(project, tree)


def _recorded(project: Project, text: str, tree: str) -> Pins:
    """The versions that an earlier export used: by its id, or from a JSON file that this command printed."""
    from leadline.metrics.request import Pins

    if Path(text).is_file():
        try:
            document = jsonlib.loads(Path(text).read_text("utf-8-sig"))
        except ValueError as error:
            raise InvalidInput(f"{text} is not JSON; it must be the --json output of an export") from error
    else:
        from leadline.exports.service import get

        document = get(project, text).pinned
        if document is None:
            raise InvalidRequest(f"Export {text} has not begun, so it has no versions yet")
    pins = document.get("pins", document) if isinstance(document, Mapping) else None
    shape = {"tables": int, "trees": int, "settings": str}
    if not (
        isinstance(pins, Mapping)
        and set(pins) == {*shape, "definitions"}
        and all(isinstance(pins[name], Mapping) for name in shape)
        and all(isinstance(value, kind) for name, kind in shape.items() for value in pins[name].values())
    ):
        raise InvalidInput(f"{text} does not name an export's versions; it must be the --json output of an export")
    if tree not in pins["trees"]:
        raise InvalidRequest(f"{text} is of an export that knew no org tree {tree!r}")
    return Pins.of(pins)


def _produce(project: Project, request: MetricsRequest, pins: Pins, path: Path) -> Produced:
    from leadline.metrics.request import Control
    from leadline.metrics.run import produce

    control = Control()
    with bar("exporting") as report:
        control.progress = lambda fraction: report(fraction, 1.0)
        return interruptible(lambda: produce(project, request, pins, path, control), control)


def interruptible(work: Callable[[], T], control: Control) -> T:
    """Run ``work`` in a thread of its own, so that Ctrl-C reaches us at once and stops the query that runs."""
    outcome: list[T] = []
    failure: list[BaseException] = []
    finished = threading.Event()

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # handed over to the waiting thread, whatever it is
            failure.append(error)
        finally:
            finished.set()

    thread = threading.Thread(target=run, name="export")
    with interrupt.held():  # the thread inherits that, so that every Ctrl-C comes to this one
        thread.start()
    try:
        # Not `join`: Python 3.11 takes a thread for ended when Ctrl-C interrupts its join.
        while not finished.wait(0.5):
            pass
    except KeyboardInterrupt:
        interrupt.ignore()
        control.cancel()
        finished.wait()
        raise
    finally:
        thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _report(
    target: Output,
    produced: Produced,
    request: MetricsRequest,
    pins: Pins,
    digest: Digest,
    warnings: tuple[str, ...],
    *,
    json: bool,
) -> None:
    for warning in warnings:
        note(f"warning: {clean(warning)}")
    if json:
        emit_json(
            {
                "file": str(target.path),
                "rows": produced.rows,
                "sizeBytes": digest.size,
                "sha256": digest.sha256,
                "request": request.document(),
                "pins": pins.document(),
            }
        )
    elif target.path is not None:
        say(f"{target.path}: {count(produced.rows)} rows")
