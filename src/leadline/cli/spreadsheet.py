"""``--delimiter`` and ``--bom``: CSV as spreadsheets of some countries open it by a double click. Without them a file is to the
byte what the API gives."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Literal, cast

import typer

from leadline.atomic_file import make_durable
from leadline.cli.context import Declared

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}

_CALLED = {**{sign: name for name, sign in DELIMITERS.items()}, "\\t": "tab"}
"""Their names by the characters themselves, and by what stands for one that a shell makes hard to write."""


def _named(text: str) -> str:
    """The name of what an option says, which is a name or the character itself, or wrong usage."""
    name = _CALLED.get(text, text.lower())
    if name not in DELIMITERS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(DELIMITERS)}, nor such a character")
    return name


Delimiter = Annotated[
    str,
    typer.Option(
        "--delimiter",
        metavar="[comma|semicolon|tab]",
        callback=_named,
        help="What separates the columns of a CSV file, by name or itself.",
    ),
]
Bom = Annotated[
    bool, typer.Option("--bom", help="Begin a CSV file with a byte order mark, by which Excel knows it is UTF-8.")
]
OPTIONS: Mapping[str, Declared] = {"delimiter": (Delimiter, "comma"), "bom": (Bom, False)}
"""The options of commands that are made from declarations."""


@dataclass(frozen=True)
class Spreadsheet:
    """How a CSV file is to be written; as it is by default."""

    delimiter: str = "comma"
    bom: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the file stays as it is."""
        return self == Spreadsheet()

    def check(self, form: str) -> None:
        """Wrong usage for a file of another format."""
        if form != "csv" and not self.is_plain:
            flag = "--bom" if self.bom else "--delimiter"
            raise typer.BadParameter(f"only CSV has one, and this file is {form}", param_hint=flag)

    def apply(self, path: Path) -> None:
        """Write the CSV file at ``path``, gzipped if its name says so, anew in this way."""
        if self.is_plain:
            return
        written = path.with_name(f"{path.name}.plain")
        path.rename(written)
        with _text(written, "r", "utf-8") as source, _text(path, "w", "utf-8-sig" if self.bom else "utf-8") as target:
            rows = csv.writer(target, delimiter=DELIMITERS[self.delimiter], lineterminator="\r\n")
            rows.writerows(csv.reader(source, strict=True))
        written.unlink()
        make_durable(path)


@contextmanager
def _text(path: Path, mode: Literal["r", "w"], encoding: str) -> Iterator[IO[str]]:
    if not path.name.removesuffix(".plain").endswith(".gz"):
        with path.open(mode, encoding=encoding, newline="") as plain:
            yield plain
    elif mode == "r":
        with gzip.open(path, "rt", encoding=encoding, newline="") as packed:
            yield cast("IO[str]", packed)
    else:
        # As exports are packed: without a name or the time, so that the same rows are the same bytes.
        with (
            path.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packing,
            io.TextIOWrapper(packing, encoding=encoding, newline="") as text,
        ):
            yield text
