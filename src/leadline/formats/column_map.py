"""Column maps: how the columns of a tool's own CSV export become those of a table, written down as data. leadline has some of its
own (``NAMED``); users write others in the same TOML. What a map says is checked when it is read, not when a row needs it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from leadline.errors import Detail, InvalidRequest, Unusable
from leadline.field_types import shown
from leadline.model_findings import WHATEVER_IT_WAS, expected
from leadline.schema import ColumnType, Table, table_named
from leadline.settings.setting import Zone

NAMED = ("jira-csv",)
"""The maps that come with leadline, by the names that ``--format`` takes."""
DELIMITERS = (",", ";", "\t", "|")
"""What may separate cells. The one that separates the most titles is taken where the map says none."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(_Checked):
    """Where a column's value comes from: the first cell with something in it of those titled ``titles`` (``every``: all of them, as
    a list), or the constant ``value``. ``pattern`` keeps the first group of what it matches as a whole, ``values`` translates,
    ``separator`` splits into a list, ``unless`` leaves the cell empty where other columns have one of the values named."""

    titles: Texts = Field((), alias="from")
    value: str | None = None
    every: bool = False
    pattern: re.Pattern[str] | None = None
    values: Mapping[str, str] = Field(default_factory=dict)
    separator: str | None = Field(None, min_length=1)
    unless: Mapping[str, Texts] = Field(default_factory=dict)


class Instants(_Checked):
    """How instants are written (formats of ``strptime``, tried in order, beside what every import takes), and in which time zone
    those without an offset are."""

    written: Texts = ()
    time_zone: Annotated[str, Zone] | None = None


_PARTS: Mapping[str, type[BaseModel]] = {"columns": Origin, "instants": Instants}
_MEANING = {"table": 'the table that its rows are of, as table = "builds"', "columns": "where its columns come from"}
"""What the fields are that a map cannot do without."""
_IN_MAPS = {
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "string_type": "must be a text in quotes",
    "tuple_type": "must be a text in quotes, or a list of them",
}
"""What values must be, in the words of TOML."""


class _Document(_Checked):
    table: str
    columns: dict[str, Origin]
    recognized_by: Texts = ()
    delimiter: str | None = None
    instants: Instants = Field(default_factory=lambda: Instants.model_validate({}))


@dataclass(frozen=True)
class ColumnMap:
    """A map of ``table``: an ``Origin`` for each of its columns that the files tell. Files with all titles of ``recognized_by`` are
    of this kind for sure. ``time_zone`` is that of instants without an offset, None: the project's."""

    name: str
    table: Table
    columns: Mapping[str, Origin]
    recognized_by: tuple[str, ...]
    delimiter: str | None
    written: tuple[str, ...]
    time_zone: str | None


@cache
def named_map(name: str) -> ColumnMap:
    """The map that comes with leadline under this name. Raises ``InvalidRequest`` for another."""
    if name not in NAMED:
        raise InvalidRequest(
            f"There is no format {name!r}; there is {', '.join(NAMED)}, and others can be described in a file (--map)",
            code="unknown_format",
        )
    return _read(name, (files(__package__) / f"{name}.toml").read_text("utf-8"))


def read_map(path: Path) -> ColumnMap:
    """The map in a TOML file. Raises ``Unusable`` with every finding."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Unusable(f"The map {path} cannot be read: {reason}", code="no_such_file") from error
    return _read(str(path), text)


def _read(name: str, text: str) -> ColumnMap:
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unusable(f"The map {name} is no TOML: {error}", code="invalid_map") from error
    columns = raw.get("columns")
    if isinstance(columns, dict):  # a title or titles alone say where from
        raw["columns"] = {column: one if isinstance(one, dict) else {"from": one} for column, one in columns.items()}
    try:
        document = _Document.model_validate(raw)
    except ValidationError as error:
        raise _refused(name, text, [_finding(one) for one in error.errors()]) from error
    try:
        table = table_named(document.table)
    except InvalidRequest as error:
        raise _refused(name, text, [Detail("table", error.message)]) from None
    if findings := _findings(document, table):
        raise _refused(name, text, findings)
    return ColumnMap(
        name,
        table,
        document.columns,
        document.recognized_by,
        document.delimiter,
        document.instants.written,
        document.instants.time_zone,
    )


def _finding(error: Any) -> Detail:
    """One of pydantic's errors, by the field of the map."""
    # Titles alone say where a column is from, without the word; an element of a list is told as the list.
    place = [part for part in error["loc"] if isinstance(part, str) and part != "from"]
    message = _IN_MAPS.get(error["type"]) or expected(error)
    if error["type"] == "missing":
        message += f"; it is {_MEANING[error['loc'][0]]}"
    elif error["type"] == "extra_forbidden":
        model = _PARTS.get(place[0], _Document) if len(place) > 1 else _Document
        message += f"; there are {', '.join(field.alias or name for name, field in model.model_fields.items())}"
    elif error["type"] not in WHATEVER_IT_WAS:
        message += f", not {shown(error['input'])}"
    return Detail(".".join(place), message)


def _at_line(text: str, finding: Detail) -> Detail:
    """A finding with the first line of the map that gives a field of this name a value, if one does."""
    name = re.escape(finding.field.rpartition(".")[2])
    given = re.compile(rf"(?:^|[\s.{{,\[\"']){name}[\"']?\s*[=\]]")
    line = next((number for number, line in enumerate(text.splitlines(), start=1) if given.search(line)), None)
    return finding if line is None else replace(finding, field=f"{finding.field} (line {line})")


def _findings(document: _Document, table: Table) -> list[Detail]:
    """What a map says that cannot be."""
    found = [
        Detail(f"columns.{name}", "a key column must be mapped")
        for name in table.required
        if name not in document.columns
    ]
    for name, origin in document.columns.items():
        found += [Detail(f"columns.{name}", problem) for problem in _problems(name, origin, document, table)]
    if document.delimiter is not None and document.delimiter not in DELIMITERS:
        found.append(Detail("delimiter", f"one of {' '.join(map(repr, DELIMITERS))}"))
    return found


def _problems(name: str, origin: Origin, document: _Document, table: Table) -> list[str]:
    column = table.column.get(name)
    if column is None:
        return [f"table {table.name} has no such column; columns are {', '.join(table.column)}"]
    problems = []
    if bool(origin.titles) == (origin.value is not None):
        problems.append("say where it is from (from), or what it is always (value)")
    if (origin.every or origin.separator) and column.type is not ColumnType.LIST:
        problems.append("every and separator make lists, and this column holds one value")
    if origin.pattern is not None and origin.pattern.groups != 1:
        problems.append("the pattern must have one group: the part to keep")
    problems += [
        f"unless names {other}, which is not mapped" for other in origin.unless if other not in document.columns
    ]
    return problems


def _refused(name: str, text: str, findings: Sequence[Detail]) -> Unusable:
    details = [_at_line(text, finding) for finding in findings]
    what = "; ".join(f"{detail.field}: {detail.message}" for detail in details[:5])
    return Unusable(f"The map {name} will not do: {what}", code="invalid_map", details=details)
