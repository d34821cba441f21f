"""The generated pages of the documentation: declarations of the program in, Markdown text out.

Metrics come from the catalogue, tables from the schema, settings and environment variables from their declarations,
commands from the program's own help. Nothing is written here: ``docs/hooks.py`` hands the pages to mkdocs, and the tests
read them as text. In the repository a page of the same name stands for each, which says where it is to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from leadline.exports.export_kind import ExportKind
from leadline.exports.kinds import KINDS
from leadline.metrics.catalogue import DEFINITIONS, GROUP_ALIASES, group_title
from leadline.metrics.metric import AGGREGATIONS, CatalogueEntry, Metric, Overall, counted_by, things_of, values_of
from leadline.schema import TABLES, Table
from leadline.schema.table import Column
from leadline.settings.profile import SCOPES, SETTINGS, placeholder
from leadline.settings.rules import OPERATORS
from leadline.settings.server import DOCUMENTED_PREFIXES, ENVIRONMENT

HELP_WIDTH = 80

CALCULATIONS = {
    "A *sum*": "over nothing is 0",
    "A *ratio*": "divides two sums; over nothing it is empty (`PR_Velocity` and `Deployment_Frequency`: 0)",
    "A *statistic*": "is the mean, median or percentile of single values, as the aggregation says; over nothing it is empty",
    "A *rating*": "is the band that the unrounded value falls in; without a value it is empty",
    "An *overall*": "is the rounded mean of ratings (Elite 4 … Low 1; half rounds down), over those that have a value",
}


def pages() -> dict[str, str]:
    """Every generated page: its path below ``docs/`` and its Markdown."""
    makers: dict[str, Callable[[], str]] = {
        "reference/metrics.md": metrics_page,
        "reference/data-model.md": data_model_page,
        "reference/settings.md": settings_page,
        "reference/commands.md": commands_page,
    }
    return {path: make() for path, make in makers.items()}


def table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    """``text`` as code; nothing if it is empty."""
    return f"`{text}`" if text else ""


# -- metrics -------------------------------------------------------------------------------------------------------


def metrics_page() -> str:
    """The metric reference: what each column is, insight by insight and group by group, in the order of the columns."""
    intro = f"""# Metric reference

Every metric of an export, in the order of the file's columns: first [productivity](#productivity), then [efficiency
(DORA)](#efficiency-dora). This page is made from the catalogue that the program computes with; `leadline metrics` shows the
same. Definitions have a version, now `{DEFINITIONS}`: an export records it, and it changes when a number may come out
otherwise.

How to read it:

- **Level**: whose rows have it, `developer`, `team` or `service`. A team's row covers all teams below it. It is computed from
  the events themselves, never from the rows of its children.
- **Kind**: how it is computed. {" ".join(f"{kind} {meaning}." for kind, meaning in CALCULATIONS.items())}
- **Rows behind it**: what `n` of an [insight](../api.md#insights) counts, and the fact that shows the [rows behind a
  value](../api.md#the-rows-behind-a-value).
- **Id**: the column's name in upper case. Requests accept either, in any case, under any aggregation's name.
- Periods are of local dates in the setting `timezone`. Numbers have at most four decimals."""
    return "\n\n".join([intro, *map(_kind_of_export, KINDS.values()), _aggregations()]) + "\n"


def _kind_of_export(kind: ExportKind) -> str:
    rows = [
        (
            code(group),
            ", ".join(map(code, _aliases(group))),
            ", ".join(f"`{each.column}`" for each in _in(kind, group)),
        )
        for group in kind.groups
    ]
    parts = [
        f"## {kind.title}",
        kind.about,
        f"Asked for with `POST {kind.path}` or `leadline export {kind.name}`. Its rows begin with:",
        table(
            ("level", "first columns"),
            [(code(level), ", ".join(map(code, leading))) for level, leading in kind.leading.items()],
        ),
        table(("group", "also called", "columns"), rows) if rows else "",
        *(_group(kind, group) for group in kind.groups),
    ]
    return "\n\n".join(part for part in parts if part)


def _aliases(group: str) -> list[str]:
    return [alias for alias, name in GROUP_ALIASES.items() if name == group]


def _in(kind: ExportKind, group: str) -> list[CatalogueEntry]:
    return [entry for entry in kind.catalogue() if group in entry.groups]


def _group(kind: ExportKind, group: str) -> str:
    """The metrics whose own group it is; nothing for a group that only gathers metrics of others."""
    entries = [entry for entry in kind.catalogue() if entry.group == group]
    if not entries:
        return ""
    title = group_title(group)
    return f"### {title} (`{group}`)\n\n" + "\n\n".join(map(_entry, entries))


def _entry(metric: CatalogueEntry) -> str:
    facts = [
        ("Id", code(metric.id)),
        ("Also called", ", ".join(map(code, metric.aliases))),
        ("Also in", ", ".join(map(code, metric.also_in))),
        ("Unit", metric.unit),
        ("Level", ", ".join(map(code, metric.levels))),
        ("Kind", _calculation(metric)),
        ("Rows behind it", _rows_behind(metric)),
        ("Made from", ", ".join(f"[`{name}`](data-model.md#{name})" for name in metric.sources)),
    ]
    lines = "\n".join(f"- {name}: {value}" for name, value in facts if value)
    return f"#### {metric.column}\n\n{metric.definition}\n\n{lines}"


def _rows_behind(metric: CatalogueEntry) -> str:
    """The fact whose rows its values are of, and what these are, where it is traced to any."""
    formula = isinstance(metric, Metric) and (metric.team or metric.developer)
    if not formula:
        return ""
    if isinstance(formula, Overall):
        return "none of its own: it is the mean of ratings, which are of different facts"
    fact = counted_by(values_of(formula)[0]).fact
    units = [unit for unit in ("work_items", "pull_requests") if unit == "work_items" or fact.without_tracker]
    ways = [
        f"{things_of(formula, unit)} ([`{fact.shown_by(unit).fact}`](../guide/facts.md#{fact.shown_by(unit).fact}))"
        for unit in units
    ]
    return ", or without a work tracker ".join(ways)


def _calculation(metric: CatalogueEntry) -> str:
    """How it is computed, level by level where that differs."""
    if not isinstance(metric, Metric):
        return metric.kind
    kinds = {level: type(metric.formula(level)).__name__.lower() for level in metric.levels}
    if len(set(kinds.values())) == 1:
        return metric.kind
    return ", ".join(f"{kind} (`{level}`)" for level, kind in kinds.items())


def _aggregations() -> str:
    rows = [
        tuple(code(metric.column_for(name)) for name in AGGREGATIONS)
        for kind in KINDS.values()
        for metric in kind.catalogue()
        if isinstance(metric, Metric) and metric.kind == "statistic"
    ]
    return (
        "## Names under other aggregations\n\n"
        "`aggregation` is `mean` (the arithmetic mean), `median`, `p90` or `p95` (linear interpolation, Hyndman–Fan type "
        "7). Only statistics follow it, and their column says so; a rating rates the statistic that the request asks "
        "for:\n\n" + table(tuple(map(code, AGGREGATIONS)), rows)
    )


# -- data model ----------------------------------------------------------------------------------------------------


def data_model_page() -> str:
    """The tables: what `leadline import` accepts and the lake stores."""
    names = ", ".join(f"[`{name}`](#{name})" for name in TABLES)
    intro = f"""# Data model

These tables are all that metrics read. `leadline import` accepts files of exactly these columns, the lake stores them, and
this page is made from the same declaration.

Tables: {names}.

- Files may have their columns in any order and leave out any that is not part of the key. A column that the table does not
  have is refused (`developers` keeps further columns).
- **Key** columns are the natural key. The same key again updates the row, however often it is delivered. The newest
  `updated_at` wins whatever the order of arrival; without it the last delivered does. Rows of `commits` and
  `commit_files` never change: the first one stays.
- An *instant* is a time as in RFC 3339 (`2026-01-31T12:00:00Z`); without an offset it is UTC.
- A *list* is separated by `;` in CSV and an array in JSON and Parquet.
- An empty cell means unknown.
- Texts with a closed set of values are compared in any letter case."""
    return "\n\n".join([intro, *map(_table, TABLES.values())]) + "\n"


def _table(declared: Table) -> str:
    notes = [
        declared.doc,
        *(["Further columns of a file are kept as attributes."] if declared.open_columns else []),
    ]
    rows = [(_name(declared, column), _type(column), column.doc) for column in declared.columns]
    return f"## {declared.name}\n\n{' '.join(notes)}\n\n" + table(("column", "type", "meaning"), rows)


def _name(declared: Table, column: Column) -> str:
    return f"**`{column.name}`** (key)" if column.name in declared.key else f"`{column.name}`"


def _type(column: Column) -> str:
    text = str(column.type)
    if column.values:
        return f"{text}: " + ", ".join(map(code, column.values))
    return text if column.minimum is None else f"{text}, {column.minimum} or more"


# -- settings ------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """The profile's settings, the rules of teams, and the server's environment variables."""
    profile = table(
        ("key", "default", "values", "meaning"),
        [(code(setting.key), code(setting.default), setting.choices, setting.doc) for setting in SETTINGS.values()],
    )
    rules = table(("key", "meaning"), [(code(f"team.<key>.{name}"), rule.doc) for name, rule in SCOPES["team"].items()])
    scoped = [
        (placeholder(scope, name), rule) for scope in SCOPES if scope != "team" for name, rule in SCOPES[scope].items()
    ]
    parts = table(("key", "meaning"), [(code(key), setting.doc) for key, setting in scoped])
    variables = table(("variable", "meaning"), [(code(name), doc) for name, doc in ENVIRONMENT.items()])
    prefixes = ", ".join(map(code, DOCUMENTED_PREFIXES))
    operators = ", ".join(map(code, sorted(OPERATORS)))
    return f"""# Settings

## The profile of a project or tree

`leadline settings` shows them, `leadline settings KEY VALUE` sets one for the project, `--org-tree NAME` for one tree. A
tree's own value wins over the project's. `leadline settings --file settings.toml` sets all of a file or, if one value
cannot be, none. An unknown key or an impossible value is refused with what would do. Where a number is asked for, a fraction does
as well: `1/7` deployments per day is exactly one a week.

{profile}

## Rules of a team

`<key>` is the team's key, or its ref id. A team without filter sets of its own has those of the nearest team above it; of the
others each is by itself its own, else that of the nearest team above it, else what the tree or project has. What they do is told
in [DORA metrics](../guide/dora.md#team-rules).

{rules}

A filter is one of {operators}, with values separated by `,`; it holds if one of the values does (for the `not` ones: if
none does), in any letter case. Filters separated by `;` must all hold, and so must all filter sets of a team.

## Settings of one service or repository

`<name>` is the service or the repository (`org/name`), in any letter case; a repository is also found by a name that it had. They
are set for the project or, with `--org-tree`, for one tree.

{parts}

## Environment variables

Read once when a command starts.

{variables}

The documented prefixes are {prefixes}. Set `LEADLINE_PREFIXES` to an empty text to answer at `/v2/…` alone.
"""


# -- commands ------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """Every command with its help as the program prints it, 80 columns wide."""
    intro = """# Commands

Each command's `--help`, as the program prints it. The global options stand before the command:
`leadline --home DIR COMMAND`. Commands work without a server, and beside one on the same home.

Exit codes: `0` done, `1` the thing asked for failed, `2` wrong usage, `3` a source could be read in part only, `130` interrupted.
Results go to standard output, progress and errors to standard error; `--json` prints JSON for programs."""
    sections = [f"## {words}\n\n```text\n{text}\n```" for words, text in helps()]
    return "\n\n".join([intro, *sections]) + "\n"


def helps() -> Iterator[tuple[str, str]]:
    """The words that call each command, with its help."""
    for words, command in commands():
        context = command.make_context(words, [], resilient_parsing=True, terminal_width=HELP_WIDTH)
        context.max_content_width = HELP_WIDTH
        yield words, command.get_help(context).rstrip()


def commands() -> Iterator[tuple[str, Any]]:
    """The words that call each command and group, with its declaration, in the order of the program's own help."""
    from typer.main import get_command

    from leadline.cli.app import app

    yield from _below("leadline", get_command(app))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield words, command
    children = getattr(command, "commands", {})
    names = command.list_commands(None) if children else []
    for name in names:
        yield from _below(f"{words} {name}", children[name])
