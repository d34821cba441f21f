"""How results look: tables for people, JSON for programs, notes on stderr.

Rich is loaded only for a table at a terminal, or one that plain letters do not make. Whatever a value holds is shown as text and
never acted upon.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from leadline.instants import rfc3339

UNBOUNDED = 10_000
"""Width in characters of a table that goes to a pipe or a file: nothing is folded there."""

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\dZ)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Column:
    """A table column; ``number`` aligns right, ``whole`` keeps its values on one line as long as there is room."""

    title: str
    number: bool = False
    whole: bool = False


class _Voice:
    """Of this process: whether only results and errors are said, and whether a program reads them."""

    quiet = False
    to_program = False


def say(text: str = "") -> None:
    """One line of a result on stdout."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """One line beside the result on stderr, unless ``quiet`` was called."""
    if not _Voice.quiet:
        complain(text)


def complain(text: str) -> None:
    """One line of an error on stderr."""
    sys.stderr.write(text + "\n")


def quiet(wanted: bool) -> None:
    """From now on say nothing beside results and errors, or say it again."""
    _Voice.quiet = wanted


def speak_to_program(wanted: bool) -> None:
    """From now on a program reads what is said, or a person again."""
    _Voice.to_program = wanted


def is_watched() -> bool:
    """Whether a person looks at what stands beside the result: at a terminal, not told to be quiet, and no JSON asked for."""
    return sys.stderr.isatty() and not _Voice.quiet and not _Voice.to_program


def clean(text: object) -> str:
    """``text`` with control and direction-changing characters made visible: data must not drive the terminal."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), str(text))


def emit_json(value: object) -> None:
    """``value`` as indented JSON on stdout; instants as RFC 3339 in UTC."""
    say(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def members(value: object, *names: str) -> dict[str, Any]:
    """Attributes of ``value`` as members of a JSON object, whose names are camelCase."""
    from pydantic.alias_generators import to_camel

    return {to_camel(name): getattr(value, name) for name in names}


def instant(value: datetime | None) -> str:
    """An instant as RFC 3339 in UTC, to the second; '' when unknown."""
    return "" if value is None else rfc3339(value)


def count(number: int) -> str:
    """A whole number with thin groups for people: 1,234,567."""
    return f"{number:,}"


def bytes_text(size: int) -> str:
    """A size in bytes for people, in binary units."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:,.1f} {unit}"


def width() -> int:
    """Characters in a line: ``COLUMNS``, the terminal's, or unbounded where the output is no terminal."""
    if (set_width := os.environ.get("COLUMNS", "")).isdigit() and int(set_width) > 0:
        return int(set_width)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return UNBOUNDED


def table(columns: Sequence[str | Column], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout, folded to the terminal's width; instants then between date and time."""
    specs = [Column(column) if isinstance(column, str) else column for column in columns]
    texts = [[clean("" if cell is None else cell) for cell in row] for row in rows]
    lines = [[spec.title for spec in specs], *texts]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    is_folded = sum(widths) + 2 * len(widths) > width() + 2
    if is_folded or sys.stdout.isatty() or not all(cell.isascii() for line in lines for cell in line):
        _styled(specs, [[_INSTANT.sub(r"\1 \2", cell) if is_folded else cell for cell in row] for row in texts])
        return
    # Where nothing is bold, folded or of another width, it is padded with blanks: loading Rich would take longer.
    for line in lines:
        cells = zip(specs, line, widths, strict=True)
        say(
            "  ".join(
                cell.rstrip().rjust(room) if spec.number else cell.ljust(room) for spec, cell, room in cells
            ).rstrip()
        )


def _styled(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for column in columns:
        grid.add_column(
            Text(column.title),
            justify="right" if column.number else "left",
            no_wrap=column.number or column.whole,
            overflow="ellipsis" if column.number or column.whole else "fold",
        )
    for row in rows:
        grid.add_row(*map(Text, row))
    console = Console(file=sys.stdout, width=width(), highlight=False, soft_wrap=False)
    with console.capture() as captured:
        console.print(grid)
    for line in captured.get().splitlines():
        say(line.rstrip())


def paragraph(text: str, *, indent: int = 0) -> None:
    """Text on stdout, wrapped to the terminal's width (at most 100) and indented."""
    import textwrap

    margin = " " * indent
    for line in textwrap.wrap(clean(text), min(width(), 100), initial_indent=margin, subsequent_indent=margin):
        say(line)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
