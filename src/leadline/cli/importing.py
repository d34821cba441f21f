"""``leadline import``: takes files in the documented tables and reports what was taken and what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import interrupt
from leadline.cli.context import Json, example, looked_at, opened
from leadline.cli.failures import SHOWN_DETAILS
from leadline.cli.output import Column, clean, count, emit_json, members, note, table
from leadline.cli.progress import Report, bar

if TYPE_CHECKING:
    from leadline.formats.column_map import ColumnMap
    from leadline.ingest.report import FileReport, ImportReport

COLUMNS = [
    Column("file"),
    Column("table"),
    *(Column(title, number=True) for title in ("rows", "added", "updated", "unchanged", "refused")),
]


commands = typer.Typer()


@commands.command(
    "import",
    epilog=example(
        "leadline import data/",
        "leadline import pull_requests.csv --dry-run",
        "leadline import jira.csv --format jira-csv",
    ),
)
def import_files(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Files, or folders of files, named after the tables.", show_default=False),
    ],
    table_name: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="Table of the files, whatever they are called.")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="A tool's own CSV export: jira-csv.", show_default=False),
    ] = None,
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="TOML that says what the columns of a CSV file mean.", show_default=False
        ),
    ] = None,
    skip_bad_rows: Annotated[
        bool, typer.Option("--skip-bad-rows", help="Take the good rows and write the refused ones to a file.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate only; change nothing.")] = False,
    json: Json = False,
) -> None:
    """Take CSV, JSONL or Parquet files of the documented tables.

    CSV and JSONL may be gzipped. Nothing of a file with bad rows is taken, unless --skip-bad-rows.
    """
    from leadline.ingest.importing import chosen_files, import_paths

    columns = _columns(format_name, map_file)
    chosen_files(paths, table_name, columns)  # refused before a home is made
    with (
        looked_at(context) if dry_run else opened(context, create=True) as project,
        bar("importing") as report,
    ):
        parts = _Parts(report)

        result = import_paths(
            project,
            paths,
            table=table_name,
            columns=columns,
            skip_bad_rows=skip_bad_rows,
            dry_run=dry_run,
            progress=parts.read,
            stored=parts.store,
        )
    if json:
        emit_json(_document(result))
    else:
        _show(result)
    if not result.ok:
        raise typer.Exit(1)


class _Parts:
    """The two halves of an import, each with the bytes of its files: what is read, and what is stored of it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._read = self._stored = self._total = 0

    def read(self, done: int, total: int, _rows: int) -> None:
        """So many bytes of the files are read."""
        self._read, self._total = done, total
        self._tell()

    def store(self, done: int) -> None:
        """So many of them are in the tables."""
        self._stored = done
        self._tell()

    def _tell(self) -> None:
        interrupt.check()
        self._report(self._read + self._stored, 2 * self._total)


def _columns(name: str | None, file: Path | None) -> ColumnMap | None:
    """The map of columns that the options name."""
    from leadline.formats.column_map import named_map, read_map

    if name is not None and file is not None:
        raise typer.BadParameter("--format and --map both say what the columns mean; give one of them")
    if file is not None:
        return read_map(file)
    return named_map(name) if name is not None else None


def _show(result: ImportReport) -> None:
    if result.files:
        table(
            COLUMNS,
            [
                [
                    *(file.path.name, file.table, count(file.rows), count(file.added), count(file.updated)),
                    *(count(file.unchanged), count(file.refused_rows)),
                ]
                for file in result.files
            ],
        )
    if result.dry_run:
        note("Nothing was changed (--dry-run).")
    for path, reason in result.skipped:
        note(f"skipped {clean(path)}: {clean(reason)}")
    for file in result.files:
        if file.read_as is not None:
            note(f"{clean(file.path)}: its columns were read as {clean(file.read_as)}")
        _show_met(file)
        _show_refused(file)


def _show_met(file: FileReport) -> None:
    """What became of rows that are neither new nor a change nor the same."""
    if file.repeat_lines is not None:
        rows = f"{count(file.repeated)} rows have" if file.repeated > 1 else "1 row has"
        first, second = file.repeat_lines
        note(
            f"{clean(file.path)}: {rows} the same key as a later row with other content; both were applied, in order "
            f"(such as lines {first} and {second})"
        )
    if file.left_out:
        rows = f"{count(file.left_out)} rows are" if file.left_out > 1 else "1 row is"
        note(f"{clean(file.path)}: {rows} older than what is there, or would change what never changes; left out")


def _show_refused(file: FileReport) -> None:
    """The file's refusals on stderr, one a line as `file:line: column: value: reason`."""
    if file.error is not None:
        note(f"error: {clean(file.error)}")
    lines = [
        ": ".join(clean(part) for part in (f"{file.path}:{one.line}", one.column, one.value[:80], one.reason) if part)
        for one in file.refused
    ]
    lines += [f"{clean(detail.field)}: {clean(detail.message)}" for detail in file.details]
    for line in lines[:SHOWN_DETAILS]:
        note(f"  {line}")
    if (more := max(file.refused_count + len(file.details), len(lines)) - SHOWN_DETAILS) > 0:
        note(f"  … and {count(more)} more")
    if file.refused_file is not None:
        note(f"  refused rows are in {clean(file.refused_file)}")
    elif file.refused_count:
        note("next: mend these rows, or take the good ones with --skip-bad-rows")


def _document(result: ImportReport) -> dict[str, Any]:
    return {
        "ok": result.ok,
        "dryRun": result.dry_run,
        "files": [
            {
                "file": file.path,
                **members(
                    file, "table", "rows", "added", "updated", "unchanged", "repeated", "left_out", "refused_rows"
                ),
                "repeatLines": list(file.repeat_lines) if file.repeat_lines is not None else None,
                "refusedValues": file.refused_count,
                **members(file, "read_as", "refused_file", "error"),
                "refused": [
                    {**members(one, "line", "column"), "value": one.value[:80], "reason": one.reason}
                    for one in file.refused
                ],
                "details": [members(detail, "field", "message") for detail in file.details],
                "seconds": round(file.seconds, 3),
            }
            for file in result.files
        ],
        "skipped": [{"file": path, "reason": reason} for path, reason in result.skipped],
    }
