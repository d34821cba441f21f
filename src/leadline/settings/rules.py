"""Team rules as text: filter sets over a property, the mapping of work item types, and which sources a team uses. Each is the text
of one setting. A ``ValueError`` says what would do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

OPERATORS = ("not equals", "equals", "not contains", "contains", "starts with", "ends with")

DEFAULT_WORK_TYPES = {
    **dict.fromkeys(("story", "user story", "feature", "new feature", "enhancement", "improvement"), "feature"),
    **dict.fromkeys(("bug", "defect"), "bug"),
}
"""Work type of a work item's type, compared as the whole name in any case; any other type is `other`."""

INTEGRATION_TYPES = {
    "SCM": "source code management",
    "IM": "issue management",
    "CI": "continuous integration",
    "CD": "continuous delivery",
    "INCIDENT": "incident management",
}
"""What a team may use a source for (vendor docs, "Copy team integration settings", have SCM, IM and CD)."""


@dataclass(frozen=True)
class Filter:
    """One filter: ``operator`` of ``OPERATORS`` holds for at least one of ``values`` (none, for the `not` ones)."""

    operator: str
    values: tuple[str, ...]

    def holds(self, values: Iterable[str | None]) -> bool:
        """Whether it holds for a thing with these values (several for a list such as tags), in any letter case."""
        texts = [value.lower() for value in values if value is not None]
        wanted = tuple(value.lower() for value in self.values)
        negative = self.operator.startswith("not ")
        test = _TESTS[self.operator.removeprefix("not ")]
        return any(test(text, value) for text in texts for value in wanted) is not negative


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "equals": str.__eq__,
    "contains": str.__contains__,
    "starts with": str.startswith,
    "ends with": str.endswith,
}


def parse_filters(text: str) -> tuple[Filter, ...]:
    """``equals a, b; not contains c`` → two filters that must both hold."""
    filters = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        operator = next((name for name in OPERATORS if part.lower().startswith(name + " ")), None)
        values = tuple(value.strip() for value in part[len(operator or "") :].split(",") if value.strip())
        if operator is None or not values:
            raise ValueError(
                f"filters separated by `;`, each one of {', '.join(OPERATORS)} and values separated by `,`"
            )
        filters.append(Filter(operator, values))
    if not filters:
        raise ValueError("at least one filter such as `equals a, b`")
    return tuple(filters)


def parse_work_types(text: str) -> dict[str, str]:
    """``feature = Story, Epic; bug = Bug`` → work type by lower-case type name."""
    types: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        kind, sign, names = part.partition("=")
        kind = kind.strip().lower()
        if not sign or kind not in ("feature", "bug", "other"):
            raise ValueError("`feature = …; bug = …` with type names separated by `,`")
        for name in filter(None, (value.strip().lower() for value in names.split(","))):
            if types.setdefault(name, kind) != kind:
                raise ValueError(f"a rule that names {name!r} once")
    if not types:
        raise ValueError("at least one type, as in `feature = Story`")
    return types


def parse_integrations(text: str) -> dict[str, tuple[str, ...]]:
    """``SCM = github:example; IM = jira:shop, jira:web`` → names of sources by type, in the order of the types."""
    names_by_kind: dict[str, list[str]] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        kind, sign, names = part.partition("=")
        if not sign or (kind := kind.strip().upper()) not in INTEGRATION_TYPES:
            raise ValueError(f"`TYPE = source, source; …` with types of {', '.join(INTEGRATION_TYPES)}")
        names_by_kind.setdefault(kind, []).extend(filter(None, (name.strip() for name in names.split(","))))
    if not any(names_by_kind.values()):
        raise ValueError("at least one source, as in `SCM = github:example`")
    return {kind: tuple(dict.fromkeys(names_by_kind[kind])) for kind in INTEGRATION_TYPES if names_by_kind.get(kind)}


def parse_markers(text: str) -> dict[str, tuple[str, ...]]:
    """``acme-coder = coder@acme.example, Acme Coder; devin = …`` → addresses and names of AI tools by tool, in lower case."""
    markers: dict[str, list[str]] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        tool, sign, words = part.partition("=")
        marks = [" ".join(word.lower().split()) for word in words.split(",") if word.strip()]
        if not sign or not tool.strip() or not marks or not all(re.search(r"\w", mark) for mark in marks):
            raise ValueError("`tool = address, name; tool = …`: for each AI tool what its trailers have")
        markers.setdefault(tool.strip().lower(), []).extend(marks)
    return {tool: tuple(dict.fromkeys(marks)) for tool, marks in markers.items()}


def parse_currency(text: str) -> str:
    """A currency by its code (ISO 4217)."""
    if not re.fullmatch(r"[A-Za-z]{3}", text):
        raise ValueError("a currency by its three letters, such as EUR")
    return text.upper()


def parse_number(text: str) -> float:
    """A number, or a fraction: one a week is exactly `1/7`, which no decimal is."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?|\d{1,9}/0*[1-9]\d{0,8}", text):
        raise ValueError("a number of 0 or more, such as 1.5 or 1/7")
    return float(Fraction(text))


def parse_goals(text: str) -> dict[str, float]:
    """``LTTC_Mean_Days = 2; CFR_Percent = 15`` → goals by column in upper case. Which columns there are is for whoever knows the
    metrics."""
    goals: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, sign, number = (word.strip() for word in part.partition("="))
        if not sign or not name:
            raise ValueError("goals separated by `;`, each a column and its goal, such as `LTTC_Mean_Days = 2`")
        try:
            goal = parse_number(number)
        except ValueError as error:
            raise ValueError(f"goals that are numbers: that of {name} must be {error}") from None
        if goals.setdefault(name.upper(), goal) != goal:
            raise ValueError(f"goals that name {name} once")
    return goals


def integrations_text(used: Mapping[str, Iterable[str]]) -> str:
    """The text that ``parse_integrations`` reads; empty where nothing is used."""
    listed = {kind: ", ".join(used.get(kind, ())) for kind in INTEGRATION_TYPES}
    return "; ".join(f"{kind} = {names}" for kind, names in listed.items() if names)
