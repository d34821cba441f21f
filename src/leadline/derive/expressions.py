"""Small building blocks of ibis expressions: joins that keep their keys, durations, local days."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue, Table, TimestampValue, Value

from leadline.derive.local_time import Offset
from leadline.engine.functions import epoch_us, rounded_ratio, row_hash

US = 1_000_000
"""Microseconds of a second: durations are whole microseconds until they are shown."""

DAY_US = 86_400 * US


def attach(left: Table, keys: Sequence[str], *parts: Table) -> Table:
    """``left`` with the columns of every part, which has at most one row per ``keys``; unknown where it has none."""
    joined: Table = left
    extra: list[str] = []
    for number, part in enumerate(parts):
        names = {f"{key}__{number}": key for key in keys}
        # By name: ``left[key]`` may be taken for the same key of a part that was computed from ``left`` itself.
        joined = joined.left_join(part.rename(names), [(key, name) for name, key in names.items()])
        extra += names
    return joined.drop(*extra)


def reasons(*conditions: tuple[BooleanValue, str]) -> StringValue:
    """The sentences whose condition holds, separated by ``; `` (empty text: none)."""
    texts = ibis.array(
        [ibis.cases((condition, sentence), else_=ibis.null("string")) for condition, sentence in conditions]
    )
    return texts.join("; ")


def joined(*texts: StringValue) -> StringValue:
    """Sentences of several texts, separated by ``; ``."""
    return ibis.array([text.nullif("") for text in texts]).join("; ").fill_null("")


def fits(text: StringValue, globs: Sequence[str]) -> BooleanValue:
    """Whether ``text`` is, as a whole, what one of ``globs`` stands for (`*` any characters, `?` one)."""
    parts = [re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") for glob in globs]
    return text.re_search(f"(?s)^(?:{'|'.join(parts)})$")


def web_address(url: StringValue) -> StringValue:
    """``url`` without blanks around it if it is an address of http or https; else unknown."""
    address = url.strip()
    return ibis.cases((address.re_search(r"^(?i)https?://[^/?#\s]"), address))


def not_negative(amount: IntegerValue) -> IntegerValue:
    """A negative duration, or count of lines, counts 0 (metrics, ground rules); unknown stays unknown."""
    return ibis.cases((amount < 0, ibis.literal(0, "int64")), else_=amount)


def between(start: TimestampValue, end: TimestampValue) -> IntegerValue:
    """Microseconds from ``start`` to ``end``; unknown if either is."""
    return epoch_us(end) - epoch_us(start)


def local_day(instant: IntegerValue, zone: Sequence[Offset]) -> IntegerValue:
    """The local calendar day (days since 1970) of an instant in µs, by the ``zone``'s offsets over the range."""
    *changes, last = zone
    offset: Value = ibis.literal(last.offset, "int64")
    if changes:
        offset = ibis.cases(*((instant < change.until, change.offset) for change in changes), else_=last.offset)
    return (instant + offset) // DAY_US


def seconds(duration: IntegerValue) -> Value:
    """Whole microseconds, not negative, as seconds to four decimals (http-api, "CSV": the rule for numbers in every file)."""
    return rounded_ratio(duration, US)


def with_seconds(table: Table, names: Iterable[str]) -> Table:
    """``table`` with the durations ``names`` (in ``*_us``) in seconds, as ``*_seconds``."""
    return table.mutate(**{f"{name}_seconds": seconds(table[f"{name}_us"]) for name in names})


def is_merge(parents: StringValue) -> BooleanValue:
    """Whether ``parents`` (space-separated) names two or more commits."""
    # Most commits have one parent: only the others are looked at closely.
    several = parents.contains(" ").fill_null(False)
    return ibis.cases((several, parents.strip().contains(" ")), else_=False)


def repeated(table: Table, keys: Sequence[Value]) -> Table:
    """The rows of ``table`` whose ``keys`` may occur more than once.

    Hashes are counted instead of keys, which takes a tenth of the memory; a collision only lets a row through that the
    exact rule afterwards leaves alone.
    """
    hashed = table.mutate(key_hash=row_hash(ibis.struct({f"k{number}": key for number, key in enumerate(keys)})))
    counted = hashed.group_by("key_hash").agg(rows=lambda t: t.count())
    several = counted.filter(counted.rows > 1).select("key_hash")
    return hashed.semi_join(several, "key_hash").drop("key_hash")
