"""What screens take in their address beside the team and the days: each parameter with the words that it knows. Any other word is
told, and is as if it were not there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

MOST_WORDS = 24
"""Words that are told at once."""


@dataclass(frozen=True)
class Parameter:
    """A parameter that is one of ``words``, in any letter case; the ``default`` is what is meant where the address says none."""

    name: str
    words: Collection[str]
    default: str = ""

    def meant_by(self, said: str) -> str | None:
        """The word that ``said`` is; None for one that it does not know."""
        return next((word for word in self.words if word.casefold() == said.casefold()), None)

    @property
    def known(self) -> str:
        """The words that would do."""
        words = list(self.words)
        if len(words) > MOST_WORDS:
            return (
                f"{words[0]} to {words[-1]}" if words[-1].isdigit() else f"{', '.join(words[:MOST_WORDS])} and others"
            )
        return ", ".join(words)

    def problem(self, said: str) -> str:
        """What to say of a word that it does not know."""
        return f"The address says {self.name} {said[:40]!r}, which is left out; it can be {self.known}"


@dataclass(frozen=True)
class Order(Parameter):
    """The column that rows are sorted by, with `-` before it for downwards; ``words`` are the columns."""

    def meant_by(self, said: str) -> str | None:
        """With the sign, if there is one."""
        column = super().meant_by(said.removeprefix("-"))
        return column and ("-" if said.startswith("-") else "") + column

    @property
    def known(self) -> str:
        """The columns, and how the other way is said."""
        return f"{super().known}, each with - before it for downwards"


def order_by(columns: Iterable[str]) -> Order:
    """The parameter ``sort`` of rows that can be sorted by ``columns``."""
    return Order("sort", tuple(dict.fromkeys(columns)))


def number_to(name: str, last: int) -> Parameter:
    """A whole number from 0 to ``last``."""
    return Parameter(name, tuple(map(str, range(last + 1))))


def page_of(rows: int, size: int) -> Parameter:
    """The parameter ``page`` of so many rows, ``size`` of them on each."""
    return number_to("page", max(rows - 1, 0) // size)


def understood(query: Mapping[str, str], parameters: Iterable[Parameter]) -> tuple[dict[str, str], list[str]]:
    """``query`` with the words that ``parameters`` know and without those that they do not, and a sentence about each of these."""
    meant, problems = dict(query), []
    for one in parameters:
        if (said := query.get(one.name)) is None:
            continue
        if (word := one.meant_by(said)) is None:
            problems.append(one.problem(said))
            del meant[one.name]
        else:
            meant[one.name] = word
    return meant, problems
