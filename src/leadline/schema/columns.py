"""How columns of the usual types are declared."""

from __future__ import annotations

from leadline.schema.table import Column, ColumnType, Personal


def text(name: str, doc: str, values: tuple[str, ...] = ()) -> Column:
    """A column of texts; ``values`` closes the set of what they may be."""
    return Column(name, ColumnType.TEXT, doc, values)


def count(name: str, doc: str) -> Column:
    """A column of whole numbers that are never negative."""
    return Column(name, ColumnType.INTEGER, doc, minimum=0)


def instant(name: str, doc: str) -> Column:
    """A column of instants."""
    return Column(name, ColumnType.INSTANT, doc)


def day(name: str, doc: str) -> Column:
    """A column of calendar days, as `2026-01-31`."""
    return Column(name, ColumnType.TEXT, doc, is_day=True)


def decimal(name: str, doc: str) -> Column:
    """A column of numbers that are never negative."""
    return Column(name, ColumnType.DECIMAL, doc, minimum=0)


def texts(name: str, doc: str) -> Column:
    """A column of lists of texts."""
    return Column(name, ColumnType.LIST, doc)


def boolean(name: str, doc: str) -> Column:
    """A column of yes or no."""
    return Column(name, ColumnType.BOOLEAN, doc)


def account(name: str, doc: str) -> Column:
    """A column of accounts."""
    return Column(name, ColumnType.TEXT, doc, personal=Personal.ACCOUNT)


def accounts(name: str, doc: str) -> Column:
    """A column of lists of accounts."""
    return Column(name, ColumnType.LIST, doc, personal=Personal.ACCOUNT)


def address(name: str, doc: str) -> Column:
    """A column of emails."""
    return Column(name, ColumnType.TEXT, doc, personal=Personal.ADDRESS)


def prose(name: str, doc: str) -> Column:
    """A column of texts that people write."""
    return Column(name, ColumnType.TEXT, doc, personal=Personal.PROSE)


def about(name: str, doc: str, *whose: str, personal: Personal = Personal.DETAIL) -> Column:
    """A column that says something of whoever the columns ``whose`` mean."""
    return Column(name, ColumnType.TEXT, doc, personal=personal, whose=whose)


REPOSITORY = text("repository", "Repository as `org/name`.")
SHA = text("sha", "Full commit id.")
