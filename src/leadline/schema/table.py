"""What a table declaration is: ``Table`` and ``Column``, and how each column type is stored (as an Arrow type)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pyarrow costs a start-up that `leadline --help` need not pay
    import pyarrow as pa


class ColumnType(StrEnum):
    """The types of the data model. ``INSTANT`` is a UTC instant in microseconds; ``LIST`` a list of strings."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    LIST = "list"


class Personal(StrEnum):
    """What a column says of people, as far as it does; what is to be done about it when a person is forgotten follows."""

    ACCOUNT = "account"
    """An account, or a list of them, of the row's ``source``."""
    ADDRESS = "address"
    """An email, or several separated by ``;``."""
    NAME = "name"
    """The name of whoever the row's columns ``whose`` mean."""
    DETAIL = "detail"
    """Something else about whoever the row's columns ``whose`` mean."""
    PROSE = "prose"
    """Text that people write, or a branch that they call: it may name anybody."""
    CHANGE = "change"
    """A value of whatever field the row's ``field`` says: an account, or prose."""


@dataclass(frozen=True)
class Column:
    """One column. ``values`` closes the set of what a text may be (compared without case, stored in lower case);
    ``minimum`` bounds a number from below. Empty means unknown, for every column that is not part of the key; one with a
    ``default`` is that instead, in rows and in files of before the column was declared. ``is_day``: a text
    that is a calendar day."""

    name: str
    type: ColumnType
    doc: str
    values: tuple[str, ...] = ()
    minimum: int | None = None
    default: int | None = None
    personal: Personal | None = None
    whose: tuple[str, ...] = ()
    is_day: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the data model.

    ``key`` is the natural key: the same key again updates the row. Of its columns those in ``may_be_unknown`` may be empty,
    which is a value like any other, and those with a default need not be told. ``immutable`` rows never change once seen (a commit
    is its sha), so only unseen ones are stored. ``open_columns``: further columns of a file are kept (as attributes)
    instead of refused.
    """

    name: str
    doc: str
    key: tuple[str, ...]
    own_columns: tuple[Column, ...]
    accounts: bool = False
    may_be_unknown: frozenset[str] = frozenset()
    immutable: bool = False
    open_columns: bool = False
    event_time: str | None = None
    """The instant that says when a row's event happened; ``status`` shows the newest."""

    column: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in self.columns}
        if len(by_name) != len(self.columns) or not set(self.key) <= set(by_name):
            raise AssertionError(f"table {self.name}: a column twice, or a key that is no column")
        object.__setattr__(self, "column", by_name)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns in documented order: the table's own, then those every (account) table may carry."""
        return self.own_columns + (((SOURCE,) if self.accounts else ()) + (UPDATED_AT,))

    @cached_property
    def personal(self) -> tuple[Column, ...]:
        """The columns that say something of people."""
        return tuple(column for column in self.columns if column.personal is not None)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns of the key that every row must tell."""
        return tuple(name for name in self.key if name not in self.may_be_unknown and self.column[name].default is None)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The stored form: one Arrow field per column; ``open_columns`` adds ``attributes`` (a JSON object as text). A default
        is in the field's metadata, under ``DEFAULT``, for those who read files that lack the column."""
        import pyarrow as pa

        types = {
            ColumnType.TEXT: pa.string(),
            ColumnType.INTEGER: pa.int64(),
            ColumnType.DECIMAL: pa.float64(),
            ColumnType.BOOLEAN: pa.bool_(),
            ColumnType.INSTANT: pa.timestamp("us", tz="UTC"),
            ColumnType.LIST: pa.list_(pa.string()),
        }
        fields = [
            pa.field(
                column.name,
                types[column.type],
                metadata=None if column.default is None else {DEFAULT: str(column.default).encode()},
            )
            for column in self.columns
        ]
        if self.open_columns:
            fields.append(pa.field(ATTRIBUTES, pa.string()))
        return pa.schema(fields)


ATTRIBUTES = "attributes"
DEFAULT = b"leadline.default"
"""The entry of an Arrow field's metadata that has the column's default, in digits."""

TOLD = "_told"
"""A column of rows on their way into the lake: which columns a row tells, as ``told_mask``. Rows without it tell all of the
columns that they have."""


def told_mask(table: Table, names: Iterable[str]) -> int:
    """Columns as a number: a bit for each of ``table.arrow_schema``, in its order."""
    bits = {name: 1 << at for at, name in enumerate(table.arrow_schema.names)}
    return sum(bits[name] for name in names if name in bits)


def default_of(field: pa.Field) -> int | None:
    """What a column of ``Table.arrow_schema`` is where nothing tells it; None: unknown."""
    text = (field.metadata or {}).get(DEFAULT)
    return None if text is None else int(text)


def untold(field: pa.Field, rows: int) -> pa.Array:
    """The column ``field`` of so many rows that do not tell it."""
    import pyarrow as pa

    default = default_of(field)
    return pa.nulls(rows, field.type) if default is None else pa.array([default] * rows, field.type)


SOURCE = Column(
    "source",
    ColumnType.TEXT,
    "Tool the accounts of this row belong to (`github`, `gitlab`, `jira`, `git`, …); empty: looked up among all.",
)
UPDATED_AT = Column(
    "updated_at",
    ColumnType.INSTANT,
    "Version of the row: the newest wins whatever the order of arrival; without it the last delivered.",
)
