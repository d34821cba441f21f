"""Who is said to have left, or to leave, in a list of people: HR systems keep them in it, and say so in a column of their own.

An org tree says who is in which team from a day on. It takes everybody who is in the list, so that work is counted that was done
before somebody left; who loads it is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from leadline.people.titles import normalized

_STATUSES = frozenset(
    {"status", "employment_status", "employee_status", "worker_status", "user_status", "account_status", "state"}
)
_LEFT = frozenset(
    {"terminated", "inactive", "left", "leaver", "former", "former_employee", "resigned", "retired", "dismissed"}
    | {"departed", "offboarded", "deactivated", "not_active", "ex_employee", "alumni"}
)
_ACTIVE = frozenset({"active_status", "active", "is_active", "currently_active", "currently_employed"})
_NO = frozenset({"no", "n", "false", "f", "0"})
_DAYS = frozenset(
    {"termination_date", "date_of_termination", "leaving_date", "exit_date", "last_day", "last_day_of_work"}
    | {"last_working_day", "separation_date", "employment_end_date", "end_date", "contract_end_date", "left_on"}
)
_NEVER = ("9999", "2999")
"""Years that stand for no day at all."""


class _OfList(Protocol):
    @property
    def email(self) -> str: ...

    @property
    def attributes(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Leavers:
    """The ``emails`` of those who are said to have left or to leave, in order, and the ``titles`` of the columns that say so."""

    emails: tuple[str, ...]
    titles: tuple[str, ...]

    def __str__(self) -> str:
        """What became of them, in one sentence; '' if there are none."""
        if not self.emails:
            return ""
        named = ", ".join(self.emails[:5]) + (", …" if len(self.emails) > 5 else "")
        who = "1 person is" if len(self.emails) == 1 else f"{len(self.emails):,} people are"
        return (
            f"{who} said to have left or to leave ({', '.join(self.titles)}), and in the tree all the same, so that their work "
            f"counts: {named}. A list without them, in force from the day after, takes them out from then on"
        )


def leavers(people: Iterable[_OfList]) -> Leavers:
    """Those of ``people`` of whom a column says that they left or leave."""
    said = {person.email: titles for person in people if (titles := _saying(person.attributes))}
    return Leavers(tuple(sorted(said)), tuple(dict.fromkeys(title for titles in said.values() for title in titles)))


def _saying(attributes: Mapping[str, str]) -> list[str]:
    return [title for title, value in attributes.items() if _says(normalized(title), value)]


def _says(title: str, value: str) -> bool:
    word = normalized(value)
    if title in _DAYS:
        return any(char.isdecimal() for char in word) and not any(year in word for year in _NEVER)
    return (title in _STATUSES and word in _LEFT) or (title in _ACTIVE and word in (_NO | _LEFT))
