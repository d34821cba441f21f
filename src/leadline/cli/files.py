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

from leadline.atomic_file import descriptor_of, named_output
from leadline.cli.output import count, emit_json, say

_STDOUT = 1
"""The number of the descriptor."""


@dataclass(frozen=True)
class Output:
    """The value of ``-o``: ``path`` is None for stdout."""

    path: Path | None

    @classmethod
    def of(cls, text: str, *, json: bool = False) -> Output:
        """Read the option. Wrong usage if stdout would get both the file and a JSON summary."""
        if text == "-" or descriptor_of(Path(text)) == _STDOUT:
            if json:
                raise typer.BadParameter("stdout cannot take both the file and --json", param_hint="--output")
            return cls(None)
        if not text or text.endswith("/"):
            raise typer.BadParameter("a file name, or - for stdout", param_hint="--output")
        return cls(Path(text))

    @property
    def name(self) -> str:
        """The file's name in lower case; '' for stdout."""
        return self.path.name.lower() if self.path else ""

    @property
    def is_stream(self) -> bool:
        """Whether it goes to stdout, a pipe, a device or a descriptor, whose name says nothing of its format."""
        if self.path is None or descriptor_of(self.path) is not None:
            return True
        return self.path.exists() and not self.path.is_file()

    @contextmanager
    def writing(self, temp: Path, *, ending: str = "") -> Iterator[Path]:
        """A new path to write the whole file to, called as the file is with ``ending``; a stream's is below ``temp``.
        Raises ``InvalidRequest`` for what cannot be written to."""
        if self.path is not None:
            with named_output(self.path, temp=temp, ending=ending) as path:
                yield path
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
