"""The rules that turn a cell's text into a declared type, as DuckDB SQL generated from the schema. For each column there is an
expression of its typed value, and one of the reason why a value is refused (NULL when it is not). One set of rules serves every
file format and every reader, so a value is judged alike wherever it comes from. Empty text is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadline.engine import quoted, sql_text
from leadline.formats.files import LONGEST_FIELD
from leadline.ingest.staging import lower_case_columns
from leadline.instants import EPOCH, WRITTEN
from leadline.schema import Column, ColumnType, Table
from leadline.schema.table import ATTRIBUTES, TOLD

FIRST_YEAR, LAST_YEAR = 1970, 2262
"""Years an instant may lie in: what 64-bit nanoseconds since 1970 hold, so that every reader of the lake can."""

_USUAL_INSTANT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?([Zz]|[-+]([01][0-9]|2[0-3]):?[0-5][0-9])?)?"
)
"""Of what is read as an instant (``leadline.instants``), what DuckDB's cast reads by itself. The cast then judges the calendar; it
also takes 24:00 and offsets beyond a day, which the pattern keeps out."""
_INTEGER = r"[-+]?[0-9]+(\.0*)?"
"""With nothing behind the point, too: so whole numbers are written by who keeps them beside unknown ones as floating-point."""
_DECIMAL = r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?"
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


@dataclass(frozen=True)
class Rule:
    """One stored column: ``value`` its typed SQL expression, ``problem`` a text expression (NULL: none), ``shown`` the
    text a refusal quotes. ``problem`` is None where nothing can be wrong. ``cast`` is an expression that value and problem
    share under the name ``cast_name(name)``, so that it is computed once."""

    name: str
    value: str
    problem: str | None
    shown: str
    cast: str | None = None


def cast_name(name: str) -> str:
    """What a column's shared cast is called inside a query; no column of a file is called so."""
    return quoted(f"{name}\tcast")


def rules(table: Table, raw: Mapping[str, bool], extras: Sequence[str] = (), *, thorough: bool) -> list[Rule]:
    """One rule per stored column of which something is told, in stored order. ``raw`` names the raw columns at hand, True for those
    that hold lists. ``extras`` are further columns kept as attributes. ``thorough`` also looks for NUL bytes and overlong values,
    which the fast CSV reader has excluded before."""
    lower = lower_case_columns(table)
    columns = [
        _rule(column, table, is_list=raw[column.name], lower=column.name in lower, thorough=thorough)
        for column in table.columns
        if column.name in raw
    ]
    if table.open_columns and (extras or ATTRIBUTES in raw):
        columns.append(_attributes(raw, extras))
    if TOLD in raw:
        columns.append(Rule(TOLD, quoted(TOLD), None, "NULL"))
    return columns


def _rule(column: Column, table: Table, *, is_list: bool, lower: bool, thorough: bool) -> Rule:
    cell = quoted(column.name)
    shown = f"array_to_string({cell}, ';')" if is_list else cell
    cast = cast_name(column.name) if column.type in _SHARED_CASTS else None
    if column.type is ColumnType.LIST:
        items = cell if is_list else f"string_split({cell}, ';')"
        item = "lower(trim(item))" if lower else "trim(item)"
        split = f"list_filter(list_transform({items}, lambda item: {item}), lambda item: item <> '')"
        value = f"nullif({split}, CAST([] AS VARCHAR[]))"
    else:
        value = cast or _VALUES[column.type].format(c=cell)
        if column.type is ColumnType.TEXT and lower:
            value = f"lower({value})"
    reasons = _reasons(column, cell, value)
    if column.name in table.required:
        reasons.insert(0, (f"{cell} IS NULL OR {cell} = ''", "empty, but part of the natural key"))
    if thorough:
        reasons.insert(0, (f"strlen({shown}) > {LONGEST_FIELD}", f"longer than {LONGEST_FIELD >> 20} MiB"))
        reasons.insert(0, (f"contains({shown}, chr(0))", "contains a NUL byte"))
    problem = None
    if reasons:
        good = f"WHEN {_good(column, cell, value)} THEN NULL " if cast is not None else ""
        problem = f"CASE {good}{' '.join(f'WHEN {when} THEN {sql_text(reason)}' for when, reason in reasons)} END"
    if column.default is not None:
        value = f"coalesce({value}, {column.default})"
    return Rule(column.name, value, problem, shown, _VALUES[column.type].format(c=cell) if cast is not None else None)


def _instant() -> str:
    """The instant of a cell ``{c}``. Few files have what the cast alone does not read."""
    whole = "split_part({c}, '.', 1)"
    length = f"length({whole})"
    places = f"CASE WHEN {length} <= 10 THEN 6 WHEN {length} <= 13 THEN 3 WHEN {length} <= 16 THEN 0 ELSE -3 END"
    digits = f"left(rpad(replace({{c}}, '.', ''), 40, '0'), CAST({length} + {places} AS BIGINT))"
    epoch = f"CAST(make_timestamp(TRY_CAST({digits} AS BIGINT)) AS TIMESTAMPTZ)"
    spelled = "regexp_replace(upper(replace({c}, ',', '.')), ' ?(Z|UTC|GMT)$', '+00')"
    written = f"TRY_CAST(regexp_replace({spelled}, ' ([-+])', '\\1') AS TIMESTAMPTZ)"
    is_epoch = f"regexp_full_match({{c}}, {sql_text(EPOCH.replace('{', '{{').replace('}', '}}'))})"
    others = f"CASE WHEN {{c}} = '' THEN NULL WHEN {is_epoch} THEN {epoch} ELSE {written} END"
    return f"coalesce(TRY_CAST({{c}} AS TIMESTAMPTZ), {others})"


_VALUES = {
    ColumnType.TEXT: "nullif({c}, '')",
    ColumnType.INTEGER: "TRY_CAST({c} AS BIGINT)",
    ColumnType.DECIMAL: "TRY_CAST({c} AS DOUBLE)",
    ColumnType.BOOLEAN: "CASE WHEN {c} <> '' THEN lower({c}) IN ('true', '1', 'yes') END",
    ColumnType.INSTANT: _instant(),
}
_SHARED_CASTS = (ColumnType.INTEGER, ColumnType.DECIMAL, ColumnType.INSTANT)


def _good(column: Column, cell: str, value: str) -> str:
    """A quick test that nearly every good value passes, so that the reasons need not be asked one by one."""
    if column.type is ColumnType.INSTANT:
        return f"NOT {_outside_years(value)} AND regexp_full_match({cell}, {sql_text(_USUAL_INSTANT)})"
    bound = f" AND {value} >= {column.minimum}" if column.minimum is not None else ""
    written = f"CAST({value} AS VARCHAR) = {cell}"  # as DuckDB writes an integer, so certainly one
    return f"{written}{bound}" if column.type is ColumnType.INTEGER else f"{cell} = ''"


def _reasons(column: Column, cell: str, value: str) -> list[tuple[str, str]]:
    """(Condition under which the value is refused, reason), in the order they are asked."""
    filled = f"{cell} <> ''"
    if column.type is ColumnType.TEXT and column.values:
        allowed = ", ".join(sql_text(one) for one in column.values)
        return [(f"{filled} AND lower({cell}) NOT IN ({allowed})", f"none of {', '.join(column.values)}")]
    if column.is_day:
        written = f"regexp_full_match({cell}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"
        return [
            (f"{filled} AND (NOT {written} OR TRY_CAST({cell} AS DATE) IS NULL)", "not a day; write it as 2026-01-31")
        ]
    if column.type is ColumnType.BOOLEAN:
        allowed = ", ".join(sql_text(one) for one in _TRUE + _FALSE)
        return [(f"{filled} AND lower({cell}) NOT IN ({allowed})", "none of true, false, 1, 0, yes, no")]
    if column.type in (ColumnType.INTEGER, ColumnType.DECIMAL):
        return _number_reasons(column, cell, filled, value)
    if column.type is ColumnType.INSTANT:
        return [
            (
                f"{filled} AND NOT regexp_full_match({cell}, {sql_text(f'{WRITTEN}|{EPOCH}')})",
                "not an instant; write RFC 3339, as 2026-01-31T09:30:00Z",
            ),
            (f"{filled} AND {value} IS NULL", "a date or time that does not exist"),
            (f"{filled} AND {_outside_years(value)}", f"outside the years {FIRST_YEAR} to {LAST_YEAR}"),
        ]
    return []


def _outside_years(value: str) -> str:
    start, end = (f"TIMESTAMPTZ '{year}-01-01 00:00:00+00'" for year in (FIRST_YEAR, LAST_YEAR + 1))
    return f"({value} < {start} OR {value} >= {end})"


def _number_reasons(column: Column, cell: str, filled: str, value: str) -> list[tuple[str, str]]:
    whole = column.type is ColumnType.INTEGER
    pattern = _INTEGER if whole else _DECIMAL
    malformed = f"{filled} AND NOT regexp_full_match({cell}, {sql_text(pattern)})"
    too_large = f"{filled} AND {value} IS NULL" if whole else f"{filled} AND ({value} IS NULL OR isinf({value}))"
    reasons = [(malformed, "not a whole number" if whole else "not a number"), (too_large, "too large a number")]
    if column.minimum is not None:
        reasons.append((f"{value} < {column.minimum}", f"below {column.minimum}"))
    return reasons


def _attributes(raw: Mapping[str, bool], extras: Sequence[str]) -> Rule:
    """Further columns as one JSON object of texts; what is empty is left out, nothing at all is unknown."""
    own = f"nullif({quoted(ATTRIBUTES)}, '')" if ATTRIBUTES in raw else None
    parts = []
    if extras:
        pairs = ", ".join(f"{sql_text(name)}: nullif({quoted(name)}, '')" for name in sorted(extras))
        filled = f"map_from_entries(list_filter(map_entries(MAP {{{pairs}}}), lambda pair: pair.value IS NOT NULL))"
        parts.append(f"nullif(CAST(to_json({filled}) AS VARCHAR), '{{}}')")
    problem = None
    if own is not None:
        # A value that is no JSON would stop the query before its problem could be told.
        parts.insert(0, f"CASE WHEN json_valid({own}) THEN {own} END")
        problem = (
            f"CASE WHEN {own} IS NOT NULL AND (NOT json_valid({own}) OR json_type({parts[0]}) <> 'OBJECT') "
            "THEN 'not a JSON object' END"
        )
    value = parts[0]
    if len(parts) > 1:
        merged = f"CAST(json_merge_patch(coalesce({parts[0]}, '{{}}'), coalesce({parts[1]}, '{{}}')) AS VARCHAR)"
        value = f"nullif({merged}, '{{}}')"
    return Rule(ATTRIBUTES, value, problem, own or "NULL")


# -- queries -------------------------------------------------------------------------------------------------------


def strict_query(columns: Sequence[Rule], source: str) -> str:
    """Typed rows of ``source``; running it fails at the first refused value."""
    selected = ", ".join(
        f"{rule.value} AS {quoted(rule.name)}"
        if rule.problem is None
        else f"CASE WHEN ({rule.problem}) IS NULL THEN {rule.value} ELSE error({rule.problem}) END AS {quoted(rule.name)}"
        for rule in columns
    )
    return f"SELECT {selected} FROM {_with_casts(columns, source)}"


def _with_casts(columns: Sequence[Rule], source: str) -> str:
    casts = "".join(f", {rule.cast} AS {cast_name(rule.name)}" for rule in columns if rule.cast is not None)
    return f"(SELECT *{casts} FROM {quoted(source)})"


def refusals_query(columns: Sequence[Rule], source: str, line: str, record: str | None) -> str:
    """Refused values of ``source`` as rows (line, column, value cut to 80 characters, reason, raw record)."""
    problems = ", ".join(
        f"{{'name': {sql_text(rule.name)}, 'value': {rule.shown}, 'reason': {rule.problem}}}"
        for rule in columns
        if rule.problem is not None
    )
    raw = quoted(record) if record is not None else "''"
    return (
        f"SELECT line, problem.name, coalesce(left(problem.value, 80), ''), problem.reason, raw FROM ("
        f"SELECT {quoted(line)} AS line, {raw} AS raw, unnest(list_filter([{problems}], "
        f"lambda refused: refused.reason IS NOT NULL)) AS problem FROM {_with_casts(columns, source)}) ORDER BY line"
    )


def accepted_query(columns: Sequence[Rule], source: str) -> str:
    """Typed rows of ``source`` in which nothing is refused, in order."""
    problems = [f"({rule.problem}) IS NULL" for rule in columns if rule.problem is not None]
    selected = ", ".join(f"{rule.value} AS {quoted(rule.name)}" for rule in columns)
    return f"SELECT {selected} FROM {_with_casts(columns, source)} WHERE {' AND '.join(problems) or 'true'}"
