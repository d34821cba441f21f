"""``leadline import``: takes files in the documented tables and reports what was taken and what was refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import interrupt
from leadline.cli.context import Json, example, opened
from leadline.cli.failures import SHOWN_DETAILS
from leadline.cli.output import Column, clean, count, emit_json, members, note, table
from leadline.cli.progress import bar

if TYPE_CHECKING:
    from leadline.ingest.report import FileReport, ImportReport

COLUMNS = [
    Column("file"),
    Column("table"),
    *(Column(title, number=True) for title in ("rows", "added", "updated", "unchanged", "refused")),
]


commands = typer.Typer()


@commands.command("import", epilog=example("leadline import data/", "leadline import pull_requests.csv --dry-run"))
def import_files(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Files, or folders of files, named after the tables.", show_default=False),
    ],
    table_name: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="Table of the files, whatever they are called.")
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
    from leadline.ingest.importing import import_paths

    with opened(context, create=not dry_run) as project, bar("importing", in_bytes=True) as report:

        def progress(done: int, total: int, _rows: int) -> None:
            interrupt.check()
            report(done, total)

        result = import_paths(
            project, paths, table=table_name, skip_bad_rows=skip_bad_rows, dry_run=dry_run, progress=progress
        )
    if json:
        emit_json(_document(result))
    else:
        _show(result)
    if not result.ok:
        raise typer.Exit(1)


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
                **members(file, "refused_file", "error"),
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
