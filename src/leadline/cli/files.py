"""Where a command's file goes: the path of ``-o``, whole or not at all, or stdout through a temporary file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from leadline.atomic_file import descriptor_of, named_output
from leadline.cli.output import count, emit_json, say

FORMATS = ("csv", "jsonl", "parquet")
"""What files of rows can be, as their endings say; the first two also gzipped."""
_GZIPPED = ".gz"
_STDOUT = 1
"""The number of the descriptor."""


def _endings(formats: Sequence[str]) -> list[str]:
    return [end for form in formats for end in ((form,) if form == "parquet" else (form, f"{form}{_GZIPPED}"))]


@dataclass(frozen=True)
class Output:
    """The value of ``-o``: ``path`` is None for stdout."""

    path: Path | None

    @classmethod
    def of(cls, text: str, *, json: bool = False, option: str = "--output") -> Output:
        """Read the ``option``. Wrong usage if stdout would get both the file and a JSON summary."""
        if text == "-" or descriptor_of(Path(text)) == _STDOUT:
            if json:
                raise typer.BadParameter("stdout cannot take both the file and --json", param_hint=option)
            return cls(None)
        if not text or text.endswith("/"):
            raise typer.BadParameter("a file name, or - for stdout", param_hint=option)
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

    def ending(self, known: Sequence[str], option: str = "--output") -> str:
        """Which of the ``known`` endings the file has; '' for a name that has none, or only ``.gz`` where some are gzipped, and for
        a stream, whose name need not say anything. Wrong usage, of ``option``, for any other ending."""
        found = self._ending_among(known)
        if found or self.is_stream:
            return found
        can_be_gzipped = any(form.endswith(_GZIPPED) for form in known)
        stem, dot, last = (self.name.removesuffix(_GZIPPED) if can_be_gzipped else self.name).rpartition(".")
        if dot:
            said = f".{last}{self.name.removeprefix(f'{stem}.{last}')}"
            endings = ", ".join(f".{form}" for form in known)
            raise typer.BadParameter(f"the ending {said} is none of {endings}, which say the format", param_hint=option)
        return ""

    def format(self, asked: str | None = None, known: Sequence[str] = FORMATS) -> str:
        """Which of the ``known`` formats of rows the file is to have: the one ``asked`` for, else what its ending says, else the
        first. Wrong usage for an ending that is none, unless one is asked for, or another's."""
        if self._ending_among(("parquet.gz",)):
            raise typer.BadParameter("Parquet is compressed by itself; leave .gz off", param_hint="--output")
        if asked is None:
            return self.ending(_endings(known)).removesuffix(_GZIPPED) or known[0]
        said = self._ending_among(_endings(FORMATS)).removesuffix(_GZIPPED)
        if said not in ("", asked):
            raise typer.BadParameter(f"the file's ending says {said}, and --format {asked}", param_hint="--output")
        return asked

    def _ending_among(self, known: Sequence[str]) -> str:
        name = "" if self.path is None or descriptor_of(self.path) is not None else self.name
        return next((form for form in sorted(known, key=len, reverse=True) if name.endswith(f".{form}")), "")

    @contextmanager
    def writing(self, temp: Path) -> Iterator[Path]:
        """A new path to write the whole file to, called as the file is; a stream's is below ``temp``. Raises ``InvalidRequest``
        for what cannot be written to."""
        if self.path is not None:
            with named_output(self.path, temp=temp) as path:
                yield path
            return
        with tempfile.TemporaryDirectory(prefix="output-", dir=temp) as folder:
            path = Path(folder) / "output"
            yield path
            with path.open("rb") as source:
                shutil.copyfileobj(source, sys.stdout.buffer, 1 << 20)
            sys.stdout.buffer.flush()

    def report(self, rows: int, *, json: bool, **further: object) -> None:
        """Say on stdout what was written, unless the file went there; as JSON, with what is ``further`` known of it."""
        self._say(rows, "rows", further, json=json)

    def report_pages(self, pages: int, *, json: bool) -> None:
        """The same of a file that has pages."""
        self._say(pages, "pages", {}, json=json)

    def _say(self, number: int, what: str, further: Mapping[str, object], *, json: bool) -> None:
        if json:
            emit_json({"file": str(self.path), what: number, **further})
        elif self.path is not None:
            say(f"{self.path}: {count(number)} {what}")
