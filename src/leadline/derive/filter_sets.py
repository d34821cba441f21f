"""Filters of rules (``settings.rules.Filter``) as expressions over the values that a thing has of a property, and what a work item
has of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any

import ibis
from ibis.expr.types import ArrayValue, BooleanValue, StringValue, Table, Value

from leadline.settings.rules import Filter


def holds(condition: Filter, values: ArrayValue) -> BooleanValue:
    """As ``Filter.holds``, of a list of values that may be unknown."""
    operator = condition.operator.removeprefix("not ")
    wanted = [value.lower() for value in condition.values]
    fitting = values.filter(lambda text: reduce(or_, (_TESTS[operator](text.lower(), one) for one in wanted)))
    any_fits = (fitting.length() > 0).fill_null(False)
    return ~any_fits if condition.operator != operator else any_fits


_TESTS: dict[str, Callable[[StringValue, str], BooleanValue]] = {
    "equals": lambda text, value: text == value,
    "contains": lambda text, value: text.contains(value),
    "starts with": lambda text, value: text.startswith(value),
    "ends with": lambda text, value: text.endswith(value),
}


def one(column: str) -> Callable[[Table], Value]:
    """The value of a column, as a list."""
    return lambda rows: ibis.array([rows[column]])


def several(column: str) -> Callable[[Table], Value]:
    """The values of a column of lists."""
    return lambda rows: rows[column]


OF_ITEMS: Mapping[str, Callable[[Table], Any]] = {
    "project": one("project"),
    "type": one("type"),
    "label": several("labels"),
    "component": several("components"),
    "priority": one("priority"),
    "fix_version": several("fix_versions"),
    "key": one("key"),
    "parent": one("parent_key"),
    "title": one("title"),
}
"""What a row of ``work_items`` has of each property that rules may look at."""
