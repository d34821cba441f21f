"""Expressions as Spark SQL: ibis's compiler for Databricks, with all that must be said otherwise to mean what DuckDB does."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any, ClassVar

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.base import NULL
from ibis.backends.sql.compilers.databricks import DatabricksCompiler
from ibis.backends.sql.dialects import PySpark

from leadline.engine.dialects.not_portable import UNCOMPOSED, NotPortable
from leadline.engine.dialects.patterns import portable

_MAY_BE_UNCOMPOSED = (
    r"[\p{M}\x{374}\x{37E}\x{387}\x{958}-\x{95F}\x{9DC}-\x{9DF}\x{A33}-\x{A36}\x{A59}-\x{A5E}\x{B5C}\x{B5D}\x{F43}-\x{F69}"
    r"\x{1160}-\x{11FF}\x{1F71}-\x{1FFD}\x{2000}\x{2001}\x{2126}\x{212A}\x{212B}\x{2329}\x{232A}\x{2ADC}\x{F900}-\x{FAFF}"
    r"\x{FB1D}-\x{FB4E}\x{1D15E}-\x{1D1C0}\x{2F800}-\x{2FA1F}]"
)
"""A letter that the composed form does not have, or that may be composed with the one before."""
_SIMPLE = {"epoch_us": "unix_micros", "hash": "xxhash64"}
_DIGITS = "[0-9]+(?:_[0-9]+)*"
_NUMBER = rf"^[\t-\r ]*[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?[0-9]+)?[\t-\r ]*\z"
Node = Any
"""A node of ibis or of sqlglot, of which neither tells its types."""


def spark_sql(query: ibis.Table) -> str:
    """``query`` as Spark SQL. Raises ``NotPortable`` if it cannot be said."""
    return str(_COMPILER.to_sqlglot(query).sql(dialect=_COMPILER.dialect))


class _SparkCompiler(DatabricksCompiler):  # type: ignore[misc]
    """What it does for each node of an expression; a method is called with the node and its compiled arguments."""

    __slots__ = ()
    dialect = PySpark  # that of Databricks leaves QUALIFY in, which Spark does not know
    SIMPLE_OPS: ClassVar = {op: name for op, name in DatabricksCompiler.SIMPLE_OPS.items() if op is not ops.Divide}

    # -- numbers -------------------------------------------------------------------------------------------------------

    def visit_NonNullLiteral(self, op: Node, *, value: Node, dtype: Node) -> Node:
        # A number that is written out is of 32 bits to Spark.
        number = sge.convert(value) if dtype.is_int64() else None
        return (
            super().visit_NonNullLiteral(op, value=value, dtype=dtype) if number is None else self.cast(number, dtype)
        )

    def visit_Divide(self, op: Node, *, left: Node, right: Node) -> Node:
        return self._ratio(left, right)

    def visit_FloorDivide(self, op: Node, *, left: Node, right: Node) -> Node:
        return self.cast(self.f.floor(self._ratio(left, right)), op.dtype)

    def _ratio(self, left: Node, right: Node) -> Node:
        """A quotient of doubles, as DuckDB's; expressions see to it themselves that nothing is divided by 0."""
        sides = [sge.paren(self.cast(side, dt.float64)) for side in (left, right)]
        return sge.Div(this=sides[0], expression=sides[1], typed=False, safe=False)

    def visit_TryCast(self, op: Node, *, arg: Node, to: Node) -> Node:
        if not (op.arg.dtype.is_string() and to.is_floating()):
            return super().visit_TryCast(op, arg=arg, to=to)
        # Each engine takes other texts for numbers, such as `1d`; DuckDB allows `1_000`.
        number = sge.TryCast(this=self.f.replace(arg, "_", ""), to=self.type_mapper.from_ibis(to))
        return self.if_(self.f.anon.rlike(arg, sge.convert(_NUMBER)), number, NULL)

    def visit_DateDelta(self, op: Node, *, part: Node, left: Node, right: Node) -> Node:
        if part.this != "day":
            raise NotPortable(f"a difference of dates in {part.this}")
        return self.cast(self.f.anon.datediff(left, right), op.dtype)

    # -- texts ---------------------------------------------------------------------------------------------------------

    def visit_Lowercase(self, op: Node, *, arg: Node) -> Node:
        # DuckDB's is letter by letter: no other sigma at the end of a word, and one letter for a capital I with a dot.
        return self.f.lower(self.f.replace(self.f.replace(arg, "Σ", "σ"), "İ", "i"))

    def visit_Uppercase(self, op: Node, *, arg: Node) -> Node:
        return self.f.upper(self.f.replace(arg, "ß", "ẞ"))

    def visit_Strip(self, op: Node, *, arg: Node) -> Node:
        return self.f.anon.btrim(arg, sge.convert(string.whitespace))

    def visit_StringSplit(self, op: Node, *, arg: Node, delimiter: Node) -> Node:
        return self.f.anon.split(arg, sge.convert(re.escape(_literal(op.delimiter))))

    def visit_RegexSearch(self, op: Node, *, arg: Node, pattern: Node) -> Node:
        return self.f.anon.regexp_like(arg, _pattern(op.pattern))

    def visit_RegexExtract(self, op: Node, *, arg: Node, pattern: Node, index: Node) -> Node:
        return self.f.anon.regexp_extract(arg, _pattern(op.pattern), index)

    def visit_RegexReplace(self, op: Node, *, arg: Node, pattern: Node, replacement: Node) -> Node:
        if set(_literal(op.replacement)) & {"\\", "$"}:
            raise NotPortable("what replaces a match must be plain text")
        return self.f.anon.regexp_replace(arg, _pattern(op.pattern), replacement)

    def visit_ScalarUDF(self, op: Node, **arguments: Node) -> Node:
        name, values = op.__func_name__, list(arguments.values())
        if name == "to_bigint":
            return self.cast(values[0], dt.int64)
        if name == "regexp_extract_all":
            return self.f.anon.regexp_extract_all(values[0], _pattern(op.args[1]), sge.convert(0))
        if name == "nfc_normalize":
            return self._composed(values[0])
        if name not in _SIMPLE:
            raise NotPortable(f"the function {name}")
        return self.f.anon[_SIMPLE[name]](*values)

    def _composed(self, text: Node) -> Node:
        """``text`` if it surely is in composed form, as nearly all are; else the query fails with ``UNCOMPOSED``."""
        may_be = self.f.anon.regexp_like(text, sge.convert(_MAY_BE_UNCOMPOSED))
        return self.if_(may_be, self.f.anon.raise_error(sge.convert(UNCOMPOSED)), text)

    # -- lists ---------------------------------------------------------------------------------------------------------

    def visit_ArrayLength(self, op: Node, *, arg: Node) -> Node:
        return self.cast(self.f.anon.array_size(arg), op.dtype)

    def visit_IntegerRange(self, op: Node, *, start: Node, stop: Node, step: Node) -> Node:
        numbers = super().visit_IntegerRange(op, start=start, stop=stop, step=step)
        return self.if_(sg.or_(start.is_(NULL), stop.is_(NULL)), NULL, numbers)

    def visit_ArrayStringJoin(self, op: Node, *, arg: Node, sep: Node) -> Node:
        return self.f.anon.array_join(arg, sep)

    def visit_ArrayCollect(
        self, op: Node, *, arg: Node, where: Node, order_by: Sequence[Node], include_null: bool, distinct: bool
    ) -> Node:
        if include_null:
            raise NotPortable("a list with what is unknown")
        wanted = _both(arg.is_(sg.not_(NULL)), where)
        keys = [_ascending(key) for key in order_by]
        collect = self.f.anon.collect_set if distinct else self.f.anon.collect_list
        if keys in ([], [arg]):
            items = collect(self.if_(wanted, arg, NULL))
            items = self.f.anon.array_sort(items) if keys else items
        elif distinct:
            raise NotPortable("a list of different values in the order of something else")
        else:
            items = self._sorted(collect, arg, keys, wanted)
        return self.if_(self.f.anon.array_size(items) > 0, items, NULL)

    def _sorted(self, collect: Node, arg: Node, keys: Sequence[Node], wanted: Node) -> Node:
        """A list in the order of ``keys``: of structures that have these first, sorted, and then what was meant of each."""
        row = self._structure([*(part for key in keys for part in (key.is_(NULL), key)), arg])
        item = sg.to_identifier("item")
        last = sge.Dot(this=item, expression=sg.to_identifier(f"k{2 * len(keys)}"))
        ordered = self.f.anon.array_sort(collect(self.if_(wanted, row, NULL)))
        return self.f.anon.transform(ordered, sge.Lambda(this=last, expressions=[item]))

    def _structure(self, values: Sequence[Node]) -> Node:
        """A structure of ``values``: such are compared value by value."""
        parts = [part for number, value in enumerate(values) for part in (sge.convert(f"k{number}"), value)]
        return self.f.anon.named_struct(*parts)

    # -- aggregates ----------------------------------------------------------------------------------------------------

    def visit_CountStar(self, op: Node, *, arg: Node, where: Node) -> Node:
        return super().visit_CountStar(op, arg=arg, where=None) if where is None else self.f.anon.count_if(where)

    def visit_ArgMin(self, op: Node, *, arg: Node, key: Node, where: Node) -> Node:
        return self._at("min_by", arg, [key], where)

    def visit_ArgMax(self, op: Node, *, arg: Node, key: Node, where: Node) -> Node:
        known = self._structure([key.is_(sg.not_(NULL)), key])
        return self.f.anon.max_by(arg, known if where is None else self.if_(where, known, NULL))

    def visit_First(self, op: Node, *, arg: Node, where: Node, order_by: Sequence[Node], include_null: bool) -> Node:
        return self._end_of("min_by", arg, where, order_by, include_null)

    def visit_Last(self, op: Node, *, arg: Node, where: Node, order_by: Sequence[Node], include_null: bool) -> Node:
        return self._end_of("max_by", arg, where, order_by, include_null)

    def _end_of(self, name: str, arg: Node, where: Node, order_by: Sequence[Node], include_null: bool) -> Node:
        if not order_by:
            raise NotPortable("the first or last value in no order")
        wanted = where if include_null else _both(arg.is_(sg.not_(NULL)), where)
        return self._at(name, arg, [_ascending(key) for key in order_by], wanted)

    def _at(self, name: str, arg: Node, keys: Sequence[Node], where: Node) -> Node:
        """``arg`` of the row with the least or greatest ``keys``, where unknown is the greatest."""
        place = self._structure([part for key in keys for part in (key.is_(NULL), key)])
        return self.f.anon[name](arg, place if where is None else self.if_(where, place, NULL))

    def visit_FirstValue(self, op: Node, *, arg: Node) -> Node:
        return self.f.anon.first_value(arg)

    def visit_LastValue(self, op: Node, *, arg: Node) -> Node:
        return self.f.anon.last_value(arg)


_COMPILER = _SparkCompiler()


def _literal(node: Node) -> str:
    if not isinstance(node, ops.Literal) or not isinstance(node.value, str):
        raise NotPortable("a pattern or separator that is not written out")
    return node.value


def _pattern(node: Node) -> Node:
    return sge.convert(portable(_literal(node)))


def _both(condition: Node, where: Node) -> Node:
    return condition if where is None else sg.and_(condition, where)


def _ascending(key: Node) -> Node:
    if key.args.get("desc") or key.args.get("nulls_first"):
        raise NotPortable("a list in descending order")
    return key.this
