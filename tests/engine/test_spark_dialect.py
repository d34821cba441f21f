"""What expressions mean on Spark Connect: the same as to DuckDB, also where the two would differ by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from ibis.expr.types import Table, Value

from leadline.engine import SPARK, Engine, NotPortable, compiled
from leadline.engine.dialects.patterns import portable
from leadline.engine.functions import epoch_us, nfc_normalize, regexp_extract_all, rounded_ratio, to_bigint
from stubs.sail import sail_session

TEXTS = [
    *(
        "",
        " a\tb\x0b\n",
        "abc-12 ABC_13",
        "ÄRGER ß",
        "ΟΔΟΣ",
        "İstanbul",
        "straße",
        "a\nb",
        "Kelvin",
        "ä-1 b",
        "a;b;;c",
        "x.y|z",
    ),
    *("1_000", "1d", " 5 ", "5", "-2.5e3", ".5", "1__0", "0x1f", "5.", "a\u00a0b", "٣", "o'clock \\d \\' \"q\"", None),
]
ROWS = pa.table(
    {
        "text": TEXTS,
        "n": pa.array([(7 * number) % 5 if number % 4 else None for number in range(len(TEXTS))], pa.int64()),
        "m": pa.array([number - 9 for number in range(len(TEXTS))], pa.int64()),
        "list": pa.array([["b", None, "a"], [], None, [""]] * (len(TEXTS) // 4) + [["z"]] * (len(TEXTS) % 4)),
        "at": pa.array([number * 1_234_567_891 for number in range(len(TEXTS))], pa.timestamp("us", "UTC")),
    }
)
T = ibis.table(
    {"text": "string", "n": "int64", "m": "int64", "list": "array<string>", "at": "timestamp('UTC', 6)"}, name="t"
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Table], tuple[Any, Any]]]:
    """Rows of an expression over ``T`` by either engine, as sorted texts."""
    spark = sail_session()
    spark.createDataFrame(ROWS).createOrReplaceTempView("t")
    with Engine(temp_dir=tmp_path_factory.mktemp("spill")) as engine:
        engine.bind_arrow("t", ROWS)

        def rows(table: Table) -> tuple[Any, Any]:
            answers = engine.arrow(table), spark.sql(compiled(table, SPARK)).toArrow()
            return tuple(sorted(map(repr, answer.to_pylist())) for answer in answers)

        yield rows
    spark.stop()


SCALARS: dict[str, Value] = {
    "lower": T.text.lower(),
    "upper": T.text.upper(),
    "strip": T.text.strip(),
    "split": T.text.split(";"),
    "split at a dot": T.text.split("."),
    "split at a bar": T.text.split("|"),
    "start": T.text.left(3),
    "contains": T.text.contains("\\d"),
    "ends": T.text.endswith("b"),
    "replaced": T.text.replace("b", "\\1"),
    "any case": T.text.ilike("%ärg%"),
    "number": T.text.try_cast("float64"),
    "text of a number": T.m.cast("string"),
    "divided": T.m // 4,
    "by zero": T.m / T.n.nullif(0),
    "rounded": (T.m / 4).round(),
    "instant": epoch_us(T.at),
    "whole": to_bigint(T.m + T.n),
    "list's length": T.list.length(),
    "list as text": T.list.join(";"),
    "some of a list": T.list.filter(lambda text: text != ""),
    "rest of a list": T.list[1:],
    "lists": T.list.concat(T.list),
    "each": ibis.range(0, T.n).map(lambda number: number * 2),
    "same": T.text.identical_to(T.list.join("")),
    "matches": T.text.re_search(r"(?i)[ä-ö]r|^k|\bb$"),
    "word": T.text.re_search(r"\w-1\b"),
    "blank": T.text.re_search(r"a\sb"),
    "line": T.text.re_search(r"a.b"),
    "any character": T.text.re_search(r"(?s)a.b"),
    "lines": T.text.re_search(r"(?m)^b"),
    "digit": T.text.re_search(r"^[\d]+$"),
    "quote": T.text.re_search(r"o'clock \\d \\' \"q\""),
    "extracted": T.text.re_extract(r"([a-z]+)-([0-9]+)", 2),
    "all extracted": regexp_extract_all(T.text, r"(?i)[a-z]+[-_][0-9]+"),
    "all replaced": T.text.re_replace(r"[b-c]+", "-"),
    "in a set": T.text.re_search(r"[][&|.;]"),
}
AGGREGATES: dict[str, Value] = {
    "counted": T.m.count(where=T.m > 100),
    "of rows": T.count(where=T.m > 3),
    "summed": to_bigint(T.m.sum(where=T.n > 1)),
    "collected": T.m.collect(order_by=[T.n, T.m]),
    "some collected": T.text.collect(where=T.m > 2, order_by=T.text),
    "none collected": T.text.collect(where=T.m > 200, order_by=T.text),
    "different": T.n.collect(distinct=True, order_by=T.n),
    "least": T.text.argmin(T.m),
    "least of some": T.text.argmin(T.m, where=T.n == 1),
    "greatest": T.text.argmax(T.m),
    "last": T.text.last(order_by=T.m),
    "first": T.text.first(order_by=[T.n, T.m]),
    "any": (T.m > 3).any(),
    "how many": T.text.nunique(),
}


@pytest.mark.parametrize("name", SCALARS)
def test_a_value_is_the_same(name: str, both: Callable[[Table], tuple[Any, Any]]) -> None:
    duck, spark = both(T.select("m", value=SCALARS[name]))
    assert spark == duck


@pytest.mark.parametrize("name", AGGREGATES)
def test_an_aggregate_is_the_same(name: str, both: Callable[[Table], tuple[Any, Any]]) -> None:
    duck, spark = both(T.group_by("n").agg(value=AGGREGATES[name]))
    assert spark == duck
    duck, spark = both(T.agg(value=AGGREGATES[name]))
    assert spark == duck


def test_windows_are_the_same(both: Callable[[Table], tuple[Any, Any]]) -> None:
    ordered = ibis.window(group_by=T.n, order_by=[T.text.desc(), T.m])
    duck, spark = both(
        T.select(
            "m",
            first=T.text.first().over(ordered),
            before=T.m.lag().over(ordered),
            number=ibis.row_number().over(ordered),
            least=T.m.min().over(ibis.window(group_by=T.n)),
        )
    )
    assert spark == duck


def test_a_text_that_is_not_composed_is_not_taken_for_another(both: Callable[[Table], tuple[Any, Any]]) -> None:
    duck, spark = both(T.filter(T.text.length() < 4).select(name=nfc_normalize(T.text)))
    assert spark == duck
    decomposed = T.select(name=nfc_normalize(T.text + "e\u0301"))
    with pytest.raises(Exception, match="not in Unicode's composed form"):
        both(decomposed)


@pytest.mark.parametrize(
    "expression",
    [
        T.text.re_search(r"\Bx"),
        T.text.re_search(r"[\Wx]"),
        T.text.re_search(r"(?U)x"),
        T.text.re_search(r"(?s:.)x"),
        T.text.re_search(r"(?m)x$"),
        T.text.re_search(T.text),
        T.text.re_replace("x", r"\1"),
        rounded_ratio(T.n, T.m),
        T.text.collect(order_by=T.m.desc()),
    ],
    ids=str,
)
def test_what_cannot_be_said_alike_is_refused(expression: Value) -> None:
    with pytest.raises(NotPortable):
        compiled(expression.name("value").as_table(), SPARK)


def test_patterns_are_said_so_that_engines_agree() -> None:
    said = {
        r"^a.b$": r"^a[^\n]b\z",
        r"(?i)\d+[\s-]": r"(?iu)[0-9]+[\t\n\f\r -]",
        r"(?s)^(?:x)$": r"^(?:x)\z",
        r"[^]a].[[]": r"[^]a][^\n][\[]",
        r"\bx\.": r"(?-u:\b)x\.",
        r"\pL\p{Lu}\x{41}\$": r"\pL\p{Lu}\x{41}\$",
    }
    assert {pattern: portable(pattern) for pattern in said} == said


def test_a_name_is_quoted(tmp_path: Path, both: Callable[[Table], tuple[Any, Any]]) -> None:
    duck, spark = both(T.select(**{"group by": T.m, "ß": T.n}))
    assert spark == duck
