"""The made-up organization as data: its people and teams, who is there and where on a day, and what HR and tools say of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from leadline.demo import names
from leadline.demo.calendar import OFF_DAYS, Span

BOTS = ("dependabot[bot]", "renovate")
"""Bots that open pull requests."""
AGENT, AGENT_ADDRESS = "Copilot", "198982749+Copilot@users.noreply.github.com"
"""An AI agent that opens pull requests when somebody asks it to."""
OWN_BOT = "build-robot"
"""A bot nobody could tell from its name: it is on the project's own list (setting ``bots``)."""
ALWAYS = date(1900, 1, 1)
"""A day before every demo: bots are there since, and who never moved is in the team since."""
LIST_DAY = 15
"""The day of the month from which HR's new list of people is in force."""


@dataclass
class Person:
    """One account holder. ``rate`` is pull requests per working day, ``slowness`` scales every delay, ``size`` shifts the
    logarithm of the lines changed, ``off`` says which weekdays are never worked (``calendar.OFF_DAYS``); ``listed`` people
    are in the HR file. Before ``moved_on`` somebody was in ``former_team``."""

    number: int
    full_name: str
    email: str
    login: str
    tracker: str
    git_email: str
    role: str
    site: int
    managers: list[str] = field(default_factory=list)
    team: int | None = None
    position: int = 0
    area: str = ""
    team_name: str = ""
    repo: int | None = None
    rate: float = 0.0
    slowness: float = 1.0
    size: float = 0.0
    day_from: float = 9.0
    day_hours: float = 8.5
    off: int = 0
    weekender: bool = False
    joined_on: date = ALWAYS
    left_on: date | None = None
    moved_on: date = ALWAYS
    former_team: int | None = None
    former_position: int = 0
    bot: bool = False
    agent: bool = False
    listed: bool = True


@dataclass
class Team:
    """A team: its lead's number, its size (lead and contractors included), home repositories and tracker project."""

    number: int
    name: str
    area: str
    lead: int
    size: int
    repo: int
    second_repo: int
    project: str
    uses_issues: bool


@dataclass
class Organization:
    """Everybody, team by team. ``people[n].number`` is n. HR sends a new list on each of ``list_days``."""

    people: list[Person]
    teams: list[Team]
    identities: list[dict[str, str]]
    list_days: Sequence[date]

    def developers(self) -> list[dict[str, str | None]]:
        """The rows of the HR export: the columns of ``developers`` and one further, ``start_date``; all who ever were there, as
        they were last."""
        return [self._listed(person, date.max) for person in self.people if person.listed]

    def lists(self) -> Iterator[tuple[date | None, list[dict[str, str | None]]]]:
        """HR's lists with the day from which each is in force (None: from the beginning). A list has everybody who is there on
        some day until the next one comes."""
        days = (date.min, *self.list_days)
        for day, following in zip(days, (*days[1:], date.max), strict=True):
            present = [person for person in self.people if person.listed and _is_there(person, day, following)]
            yield (None if day == date.min else day), [self._listed(person, day) for person in present]

    def _listed(self, person: Person, day: date) -> dict[str, str | None]:
        team = self._former(person) if day < person.moved_on else None
        managers = person.managers if team is None else [self.people[team.lead].email]
        return {
            "email": person.email,
            "full_name": person.full_name,
            "manager_email": ";".join(managers) or None,
            "role": person.role,
            "sub_role": "Part-time" if person.off else None,
            "team": (person.team_name if team is None else team.name) or None,
            "department": (person.area if team is None else team.area) or None,
            "site": names.SITES[person.site].name,
            "fte": str((5 - len(OFF_DAYS[person.off])) / 5) if person.off else None,
            "start_date": person.joined_on.isoformat(),
        }

    def _former(self, person: Person) -> Team | None:
        return None if person.former_team is None else self.teams[person.former_team]

    def tool_accounts(self) -> list[dict[str, str | None]]:
        """What the code host and the tracker say of their accounts: a name for all, an email of those mapped anyway."""
        mapped = {(row["source"], row["account"]): row["email"] for row in self.identities}
        accounts = [("github", person.login.lower(), person.full_name) for person in self.people if not person.bot]
        accounts += [("jira", person.tracker, person.full_name) for person in self.people if "@" not in person.tracker]
        return [
            {"source": source, "account": account, "email": mapped.get((source, account)), "name": name}
            for source, account, name in sorted(accounts)
        ]

    def tool_teams(self) -> list[dict[str, str | list[str] | None]]:
        """What the code host says of its teams, which are those of the departments."""
        leads = {team.lead for team in self.teams}
        return [
            {
                "source": "github",
                "team": f"example/{_slug(person.area)}/{_slug(person.team_name)}",
                "account": person.login.lower(),
                "name": person.team_name,
                "parent": f"example/{_slug(person.area)}",
                "above": [person.area],
                "role": "maintainer" if person.number in leads else "member",
            }
            for person in self.people
            if person.team_name and person.area and not person.bot
        ]


def _is_there(person: Person, first: date, following: date) -> bool:
    """Whether somebody is there on some day from ``first`` until the one before ``following``."""
    return person.joined_on < following and (person.left_on is None or person.left_on >= first)


def list_days(demo: Span) -> list[date]:
    """The days within the demo on which HR's list is new."""
    months = range((demo.last.year - demo.first.year) * 12 + demo.last.month - demo.first.month + 1)
    number = demo.first.year * 12 + demo.first.month - 1
    days = [date((number + month) // 12, (number + month) % 12 + 1, LIST_DAY) for month in months]
    return [day for day in days if demo.first < day <= demo.last]


def _slug(name: str) -> str:
    return "-".join(name.lower().replace("&", " ").split())
