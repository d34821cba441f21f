"""``leadline export``: the files of the API's exports without a server, to the byte (gzipped if the name ends in ``.gz``).

A command per kind, made from its declaration; its options become the request body that the API takes.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from leadline.cli import spreadsheet
from leadline.cli.context import Declared, Json, example, looked_at, optional, required, takes, words
from leadline.cli.date_range import DATE_OPTIONS, AskedDays, note_days_without_data
from leadline.cli.files import Output
from leadline.cli.option_words import OPTIONS, in_option_words
from leadline.cli.output import clean, note
from leadline.cli.progress import cancellable
from leadline.cli.spreadsheet import Spreadsheet
from leadline.errors import InvalidRequest, NotFound
from leadline.field_words import reworded

if TYPE_CHECKING:
    from leadline.exports.export_kind import ExportKind, Option
    from leadline.exports.requests import Parsed
    from leadline.home import Project
    from leadline.metrics.request import Pins


class KindCommands(TyperGroup):
    """The commands of all kinds. They are made when they are asked for: ``leadline --help`` needs none of them, and the
    declarations load what reads requests."""

    @property
    def commands(self) -> MutableMapping[str, Any]:
        """The commands by name."""
        from typer.main import get_group

        from leadline.exports.kinds import KINDS

        made = typer.Typer(rich_markup_mode=None)
        for kind in KINDS.values():
            epilog = example(*(line for lines in kind.command.examples for line in lines))
            made.command(kind.command_name, help=kind.command.help, epilog=epilog)(_command(kind))
        return get_group(made).commands

    @commands.setter
    def commands(self, _none: object) -> None:
        """Typer sets those that were registered, which are none."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The first example of each kind."""
        from leadline.exports.kinds import KINDS

        self.epilog = example(*(line for kind in KINDS.values() for line in kind.command.examples[0]))
        super().format_epilog(ctx, formatter)


group = typer.Typer(
    name="export", cls=KindCommands, help="Exports without a server.", no_args_is_help=True, rich_markup_mode=None
)


SINCE: Declared = optional(
    "--since",
    metavar="INSTANT|ID|FILE",
    help="Only rows that differ from those at an instant, or on the versions of an earlier export, with the column _change.",
)
FIRST: dict[str, Declared] = {
    "context": (typer.Context, ...),
    **DATE_OPTIONS,
    "output": required("-o", "--output", metavar="FILE", help="File to write, gzipped if it ends in .gz; - is stdout."),
    "org_tree": optional("--org-tree", metavar="NAME", help="Org tree [default: the only one]."),
    "team": optional("--team", metavar="ID", help="Only this team and those under it, by ref id or key."),
}
LAST: dict[str, Declared] = {
    "file_format": (
        Annotated[
            Literal["csv", "parquet", "jsonl"] | None,
            typer.Option(
                "--format", case_sensitive=False, help="Format of the file [default: by its ending, else csv]."
            ),
        ],
        None,
    ),
    **spreadsheet.OPTIONS,
    "pins": optional(
        "--pins", metavar="FILE|ID", help="Repeat on the versions of an earlier export: its id, or its --json."
    ),
    "since": SINCE,
    "json": (Json, False),
}
"""The options of all kinds, before and after those of one."""


def _command(kind: ExportKind) -> Callable[..., None]:
    """The function of ``leadline export <kind>``: the options of all kinds with those of its own among them."""
    own = {option.flag.removeprefix("--").replace("-", "_"): option for option in kind.command.options}

    def command(
        context: typer.Context,
        *,
        start: str | None,
        end: str | None,
        period: str | None,
        output: str,
        org_tree: str | None,
        team: str | None,
        file_format: str | None,
        delimiter: str,
        bom: bool,
        pins: str | None,
        since: str | None,
        json: bool,
        **chosen: Any,
    ) -> None:
        if kind.one_scope and org_tree is not None and team is not None:
            raise typer.BadParameter("it cannot be combined with --org-tree; leave one out", param_hint="--team")
        days = AskedDays(start, end, period).required()
        body: dict[str, Any] = {
            "scope": {"orgTreeName": org_tree, "teamId": team},
            "dateRange": days.document(),
            "options": {"format": file_format},
        }
        for name, value in chosen.items():
            _put(body, own[name].field, words(value, own[name].flag) if own[name].many else value)
        if kind.needs_columns and not body["metricGroups"] and not body["metrics"]:
            raise typer.BadParameter(
                f"name a group ({', '.join(kind.groups)}), or a metric with --metric", param_hint="--group"
            )
        _export(context, kind, body, days, output, Versions(pins, since), Spreadsheet(delimiter, bom), json=json)

    return takes(command, {**FIRST, **{name: _typed(option) for name, option in own.items()}, **LAST})


def _typed(option: Option) -> Declared:
    declared = typer.Option(option.flag, metavar=option.metavar, case_sensitive=not option.choices, help=option.help)
    value: Any = Literal[option.choices] if option.choices else str
    shape: Any = list[value] if option.many else value
    return Annotated[shape if option.default is not None else shape | None, declared], option.default


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set the field of ``body`` at ``path``, whose steps are separated by dots."""
    *steps, last = path.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    body[last] = value


@dataclass(frozen=True)
class Versions:
    """The values of the options that name versions: those to read, and those to compare with."""

    pins: str | None
    since: str | None


def _export(
    context: typer.Context,
    kind: ExportKind,
    body: dict[str, Any],
    days: AskedDays,
    output: str,
    versions: Versions,
    sheet: Spreadsheet,
    *,
    json: bool,
) -> None:
    from leadline.exports.files import digest
    from leadline.metrics.request import Earlier
    from leadline.metrics.run import produce

    target = Output.of(output, json=json)
    options = body["options"]
    options["format"] = target.format(options["format"])
    sheet.check(options["format"])
    with looked_at(context) as project:
        parsed = _parsed(project, body, kind, days)
        request = parsed.request
        since = None if versions.since is None else since_pins(project, kind.name, versions.since, request.tree)
        used = _pins(project, versions.pins, request.tree)
        earlier = None if since is None else Earlier(since, kind.rows.key(request))
        with target.writing(project.home.temp) as path:
            produced = cancellable(
                "exporting", lambda control: produce(project, request, used, path, control, kind.rows.query, earlier)
            )
            sheet.apply(path)
            size, sha256 = digest(path)
        note_days_without_data(project, request.start, request.end, request.tree)
    for warning in parsed.warnings:
        note(f"warning: {clean(reworded(warning, {**OPTIONS, **_own_words(kind)}))}")
    further = {"sizeBytes": size, "sha256": sha256, "request": request.document(), "pins": used.document()}
    compared = {} if since is None else {"since": since.document()}
    target.report(produced.rows, json=json, **further, **compared)


def _parsed(project: Project, body: dict[str, Any], kind: ExportKind, days: AskedDays) -> Parsed:
    scope = body["scope"]
    if scope["orgTreeName"] is None and scope["teamId"] is None:
        scope["orgTreeName"] = only_tree(project)
    body["scope"] = {name: value for name, value in scope.items() if value is not None}
    with in_option_words({**_own_words(kind), **days.words}):
        return kind.parse(project, body)


def _own_words(kind: ExportKind) -> dict[str, str]:
    """The option of each field that the kind alone has."""
    return {option.field: option.flag for option in kind.command.options}


def only_tree(project: Project) -> str:
    """The name of the project's only org tree. Raises ``InvalidRequest`` when it has several, ``NotFound`` when none."""
    from leadline.people import trees

    names = [tree.name for tree in trees(project)]
    if len(names) == 1:
        return names[0]
    if not names:
        raise NotFound(
            "There is no org tree yet; `leadline org load FILE --name TREE` makes one, `leadline demo` a whole example"
        )
    raise InvalidRequest(f"Name one of the org trees with --org-tree: {', '.join(names)}")


def since_pins(project: Project, kind: str, text: str, tree: str | None) -> Pins:
    """The versions that ``--since`` names, for rows of ``kind``: by a file that ``--json`` printed, an export or an instant."""
    from leadline.exports.recorded import recorded_pins
    from leadline.exports.since import resolved

    if Path(text).is_file():
        return recorded_pins(project, text, tree)
    with in_option_words({}):
        return resolved(project, kind, text, tree).pins


def _pins(project: Project, recorded: str | None, tree: str) -> Pins:
    from leadline.exports.recorded import recorded_pins
    from leadline.ingest.pushed import deliver_pushed
    from leadline.metrics.run import pin

    if recorded is not None:
        return recorded_pins(project, recorded, tree)
    deliver_pushed(project)
    return pin(project, tree)
