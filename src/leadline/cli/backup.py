"""``leadline backup`` and ``leadline restore``: the whole home as one file, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.context import Chosen, Json, example
from leadline.cli.files import Output
from leadline.cli.output import bytes_text, count, emit_json, say
from leadline.cli.progress import bar

if TYPE_CHECKING:
    from leadline.administration.backup import Contents

FORMS = ("tar", "tar.gz", "tgz")
"""Endings of a backup's file."""
_OWN = 0o600

commands = typer.Typer()


@commands.command(epilog=example("leadline backup leadline-backup.tar"))
def backup(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A .tar, or .tar.gz or .tgz to have it gzipped; - for stdout.", show_default=False
        ),
    ],
    json: Json = False,
) -> None:
    """Write the whole home to one file.

    Consistent while servers and imports go on: the database as it is at one
    moment, the tables with their history, exported files, secrets of sources.
    Left out is what can be made or fetched again, and who is signed in.
    """
    from leadline.administration.backup import back_up
    from leadline.home import Home

    chosen: Chosen = context.obj
    output = Output.of(file, json=json, option="FILE")
    output.ending(FORMS, "FILE")
    Home.require(chosen.home)
    with Home.open_to_read(chosen.home) as home:
        with output.writing(home.temp) as path, path.open("wb") as target, bar("backup", in_bytes=True) as report:
            held = back_up(
                home, target, gzip=output.name.endswith((".gz", ".tgz")), now=datetime.now(UTC), report=report
            )
        if not output.is_stream and output.path is not None:
            output.path.chmod(_OWN)  # it holds what the home holds, which is its owner's alone
    if json or output.path is not None:
        _tell(str(output.path), held, "written", json=json)


@commands.command(epilog=example("leadline --home restored restore leadline-backup.tar"))
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.", show_default=False)],
    json: Json = False,
) -> None:
    """Put a backup into an empty home.

    The home may use another database than the one that was backed up: what a
    backup of SQLite holds goes into PostgreSQL, and back. It may be of an earlier
    version of leadline. Run nothing on the home meanwhile.
    """
    from leadline.administration.backup import restore as put_back

    chosen: Chosen = context.obj
    with bar("restore", in_bytes=True) as report:
        held = put_back(chosen.home, file, report)
    _tell(str(file), held, "restored", json=json)


def _tell(file: str, held: Contents, done: str, *, json: bool) -> None:
    if json:
        emit_json(
            {
                "file": file,
                "createdAt": held.made_at,
                "rows": sum(held.rows.values()),
                "files": held.files,
                "bytes": held.size,
            }
        )
        return
    say(
        f"{file} of {held.made_at}: {done}, {count(sum(held.rows.values()))} rows of the database and {count(held.files)} files "
        f"({bytes_text(held.size)})"
    )
