"""Where a command's file goes: the path of ``-o``, whole or not at all, or stdout through a temporary file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from leadline.cli.output import count, emit_json, say
from leadline.errors import InvalidRequest


@dataclass(frozen=True)
class Output:
    """The value of ``-o``: ``path`` is None for stdout."""

    path: Path | None

    @classmethod
    def of(cls, text: str, *, json: bool = False) -> Output:
        """Read the option. Wrong usage if stdout would get both the file and a JSON summary."""
        if text == "-":
            if json:
                raise typer.BadParameter("stdout cannot take both the file and --json", param_hint="--output")
            return cls(None)
        if not text:
            raise typer.BadParameter("a file name, or - for stdout", param_hint="--output")
        return cls(Path(text))

    @property
    def name(self) -> str:
        """The file's name in lower case; '' for stdout."""
        return self.path.name.lower() if self.path else ""

    @contextmanager
    def writing(self, temp: Path, *, ending: str = "") -> Iterator[Path]:
        """A path to write the whole file to; for stdout a temporary one below ``temp`` with ``ending``. Raises
        ``InvalidRequest`` when the path is a folder or lies in none."""
        if self.path is not None:
            if self.path.is_dir():
                raise InvalidRequest(f"{self.path} is a folder; name a file in it with -o")
            if not self.path.parent.is_dir():
                raise InvalidRequest(f"There is no folder {self.path.parent}; make it first, or name another with -o")
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="output-", dir=temp) as folder:
            path = Path(folder) / f"output{ending}"
            yield path
            with path.open("rb") as source:
                shutil.copyfileobj(source, sys.stdout.buffer, 1 << 20)
            sys.stdout.buffer.flush()

    def report(self, rows: int, *, json: bool, **further: object) -> None:
        """Say on stdout what was written, unless the file went there; as JSON, with what is ``further`` known of it."""
        if json:
            emit_json({"file": str(self.path), "rows": rows, **further})
        elif self.path is not None:
            say(f"{self.path}: {count(rows)} rows")
