"""Marks of AI tools in texts: trailers of a commit, and the footer that some tools write (metrics, "AI").

Only whole lines that are such a trailer, or begin with such a footer, are looked at: prose never marks anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table, Value

from leadline.derive.account_names import comparable
from leadline.derive.ai_tools import AiTool
from leadline.derive.bots import tool_of_account
from leadline.engine.functions import regexp_extract_all

TRAILERS = ("Co-authored-by", "Assisted-by", "Generated-by", "AI-assisted")
_ABOUT_PEOPLE = "co-authored-by"
"""The trailer that people stand in as well."""
# Cheap test that lets most texts go before the exact ones.
_MAYBE = r"(?i)authored-by|assisted|generated-by|generated with"
_TRAILER = rf"(?im)^(?:{'|'.join(TRAILERS)})[ \t]*:[^\r\n]*"
_FOOTER = r"(?im)^[^\pL\pN\r\n]*generated with \[[^\]\r\n]+\]"
_EDGE = r"[^\pL\pN]"
"""What may stand beside a word."""


def marks(texts: Table, keys: Sequence[str], tools: Sequence[AiTool]) -> Table:
    """The marks in ``texts`` (``keys`` and ``text``): ``keys``, ``tool``, ``why`` in words, and their order: ``rank`` (trailers
    before footers) and ``position`` in the text."""
    maybe = texts.filter(texts.text.re_search(_MAYBE))
    found = [_found(maybe, keys, pattern, rank) for rank, pattern in enumerate((_TRAILER, _FOOTER))]
    lines = found[0].union(found[1])
    # Few lines are judged, however many there are: most of them say the same.
    judged = _judged(lines.select("rank", "line").distinct(), tools)
    return lines.inner_join(judged, ["rank", "line"]).select(*keys, "tool", "why", "rank", "position")


def _found(texts: Table, keys: Sequence[str], pattern: str, rank: int) -> Table:
    lines = texts.select(*keys, line=regexp_extract_all(texts.text, pattern)).unnest("line", offset="position")
    return lines.select(*keys, "line", rank=ibis.literal(rank, "int64"), position=lines["position"].cast("int64"))


def _judged(lines: Table, tools: Sequence[AiTool]) -> Table:
    lower = lines.line.lower()
    key = lower.re_extract(r"^([a-z-]+)", 1)
    lines = lines.mutate(
        key=key,
        value=comparable(lower.re_extract(r"^[a-z-]+[ \t]*:(.*)$", 1)).strip(),
        footer=lower.re_extract(r"\[([^\]]+)\]", 1).strip(),
    )
    lines = lines.mutate(
        # A closing bracket is forgotten now and then; some write no brackets at all.
        address=lines.value.re_extract(r"<?([^\s<>()]+@[^\s<>()]+?)>?\s*$", 1),
        called=lines.value.re_replace(r"<?[^\s<>()]+@[^\s<>()]+?>?\s*$", "").strip(),
    )
    by_footer = lines["rank"] == 1
    tool = ibis.cases((by_footer, _named_by_footer(lines, tools)), else_=_named_by_trailer(lines, tools))
    spelled = ibis.cases(*((lines.key == name.lower(), name) for name in TRAILERS), else_=lines.key)
    why = ibis.cases(
        (by_footer, ibis.literal("a footer says what it was generated with")),
        else_=ibis.literal("a trailer names it: ") + spelled,
    )
    return lines.mutate(tool=tool, why=why).filter(lambda row: row.tool.notnull()).select("rank", "line", "tool", "why")


def _named_by_trailer(lines: Table, tools: Sequence[AiTool]) -> StringValue:
    alone = lines.address == ""
    people = lines.key == _ABOUT_PEOPLE
    branches: list[tuple[Value, str]] = []
    for tool in tools:
        if tool.names:
            branches.append((has_words(lines.called, tool.names), tool.name))
        if tool.shared:
            own = lines.called.isin(sorted(tool.shared)) | (~people & has_words(lines.called, tool.shared))
            branches.append((alone & own, tool.name))
    by_name = ibis.cases(*branches)
    return tool_of_account(lines.address, tools).coalesce(by_name)


def _named_by_footer(lines: Table, tools: Sequence[AiTool]) -> StringValue:
    names = {tool.name: (*tool.names, *tool.shared, tool.name) for tool in tools}
    return ibis.cases(*((has_words(lines.footer, words), tool) for tool, words in names.items()))


def has_words(text: StringValue, names: Sequence[str]) -> BooleanValue:
    """Whether ``text`` (in lower case) has one of ``names`` as whole words; between these may stand a blank or a hyphen."""
    patterns = (r"[\s_-]+".join(re.escape(word) for word in name.split()) for name in names)
    return text.re_search(f"(?:^|{_EDGE})(?:{'|'.join(patterns)})(?:$|{_EDGE})")
