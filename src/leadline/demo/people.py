"""The made-up people: four levels of managers, teams of five to nine, contractors and bots, each with habits and accounts."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from random import Random

from leadline.demo import names
from leadline.demo.calendar import OFF_DAYS, Span, pattern, standard_offset_hours
from leadline.demo.organization import (
    AGENT,
    AGENT_ADDRESS,
    BOTS,
    Organization,
    Person,
    Team,
    list_days,
)
from leadline.demo.stage import Rows


def levels(developers: int) -> tuple[int, int, int]:
    """How many area heads, group managers and team leads ``developers`` people have; one more is above them all."""
    leads = max(2, round(developers / 7.6))
    heads = max(2, min(leads, round(leads ** (1 / 3)))) if leads > 2 else 1
    groups = max(heads, min(leads, round(0.8 * leads ** (2 / 3))))
    return heads, groups, leads


def make(developers: int, seed: int, demo: Span, repositories: list[str]) -> Organization:
    """The organization of ``developers`` listed people, with contractors and bots beside them."""
    maker = _Maker(Random(f"leadline demo people {seed}"), demo, repositories)  # noqa: S311 - made-up people are no secret
    return maker.organization(developers)


class _Maker:
    def __init__(self, random: Random, demo: Span, repositories: list[str]) -> None:
        self.random = random
        self.demo = demo
        self.repositories = repositories
        self.people: list[Person] = []
        self.teams: list[Team] = []
        self.identities: list[dict[str, str]] = []
        self.taken: set[str] = set()

    def organization(self, developers: int) -> Organization:
        heads, groups, leads = levels(developers)
        top = self._person("VP Engineering", self._site())
        top.area = "Engineering"
        head_people = [self._manager("Head of Engineering", top) for _ in range(heads)]
        for number, head in enumerate(head_people):
            head.area = head.team_name = _numbered(names.AREAS, number)
        group_people = [self._manager("Engineering Manager", head_people[number % heads]) for number in range(groups)]
        for number, manager in enumerate(group_people):
            manager.area = head_people[number % heads].area
            manager.team_name = f"{manager.area} {_numbered(names.GROUPS, number // heads)}"
        reports = developers - 1 - heads - groups - leads
        for number in range(leads):
            members = reports // leads + (1 if number < reports % leads else 0)
            self._team(number, leads, group_people[number % groups], members)
        self._vary_sizes()
        self._share_some()
        self._change_staff()
        self._contractors(max(2, developers // 60))
        self._bots()
        self._agents()
        self._move_some()
        return Organization(self.people, self.teams, self.identities, list_days(self.demo))

    def _site(self) -> int:
        return self.random.choices(range(len(names.SITES)), [site.share for site in names.SITES])[0]

    def _unique(self, text: str) -> str:
        candidate, number = text, 1
        while candidate in self.taken:
            number += 1
            candidate = f"{text}{number}"
        self.taken.add(candidate)
        return candidate

    def _person(self, role: str, site: int) -> Person:
        given, family = self.random.choice(names.GIVEN), self.random.choice(names.FAMILY)
        local = self._unique(f"{given}.{family}".lower())
        login = self._unique(
            self.random.choice((f"{given[0]}{family}", f"{given}{family[0]}", f"{family}-{given}")).lower()
        )
        email = f"{local}@{names.DOMAIN}"
        full_name = f"{given} {family}" + (f" {local[len(given) + len(family) + 1 :]}" if local[-1].isdigit() else "")
        person = Person(len(self.people), full_name, email, login, email, email, role, site)
        # A long time ago for most; never within the demo unless _change_staff says so.
        person.joined_on = self.demo.first - timedelta(days=self.random.randint(120, 3000))
        self.people.append(person)
        self._accounts(person)
        return person

    def _accounts(self, person: Person) -> None:
        chance = self.random.random()
        if chance < 0.15:
            person.login = person.login.title()  # written so by the tool, in another case in the mapping
        if self.random.random() < 0.35:
            person.tracker = person.login.lower()
            self._map("jira", person.tracker, person)
        if self.random.random() < 0.1:
            person.git_email = f"{person.login.lower()}@home.{names.DOMAIN}"
            self._map("git", person.git_email, person)
        if chance < 0.85 or person.git_email != person.email:  # the others are found by the commits beside them
            self._map("github", person.login.lower(), person)

    def _map(self, source: str, account: str, person: Person) -> None:
        self.identities.append({"source": source, "account": account, "email": person.email})

    def _manager(self, role: str, boss: Person) -> Person:
        manager = self._person(role, boss.site)
        manager.managers = [boss.email]
        return manager

    def _habits(self, person: Person, share: float) -> None:
        random = self.random
        person.rate = min(0.7, share * 0.29 * math.exp(random.gauss(-0.12, 0.5)))
        person.slowness = math.exp(random.gauss(0, 0.35))
        person.size = random.gauss(0, 0.4)
        person.day_from = random.choice((7.0, 8.0, 8.5, 9.0, 9.0, 9.5, 10.0, 11.0))
        person.day_hours = random.choice((7.5, 8.5, 8.5, 9.5))
        person.weekender = random.random() < 0.2
        if random.random() < 0.06:
            person.off = random.randrange(1, len(OFF_DAYS))

    def _team(self, number: int, teams: int, boss: Person, members: int) -> None:
        product = _numbered(names.PRODUCTS, number)
        lead = self._person("Team Lead", boss.site if self.random.random() < 0.7 else self._site())
        lead.managers = [boss.email]
        repo = number * len(self.repositories) // teams
        uses_issues = number % 9 == 4
        second = repo if uses_issues else (repo + 1 + self.random.randrange(3)) % len(self.repositories)
        project = self.repositories[repo] if uses_issues else _project_key(product, number)
        team = Team(number, product, boss.area, lead.number, 0, repo, second, project, uses_issues)
        self.teams.append(team)
        self._join(lead, team, 0.4)
        for _ in range(members):
            # Teams mostly sit together.
            member = self._person("Software Engineer", lead.site if self.random.random() < 0.75 else self._site())
            member.managers = [lead.email]
            self._join(member, team, 1.0)

    def _join(self, person: Person, team: Team, share: float) -> None:
        person.team, person.position = team.number, team.size
        person.area, person.team_name = team.area, team.name
        team.size += 1
        self._habits(person, share)

    def _members(self, team: Team) -> list[Person]:
        return [person for person in self.by_team[team.number] if person.number != team.lead]

    def _vary_sizes(self) -> None:
        """Move single people between neighbouring teams, so that teams have five to nine."""
        self.by_team: list[list[Person]] = [[] for _ in self.teams]
        for person in self.people:
            if person.team is not None:
                self.by_team[person.team].append(person)
        for giver, taker in zip(self.teams[::2], self.teams[1::2], strict=False):
            for _ in range(self.random.choice((0, 0, 1, 2))):
                if giver.size > 5 and taker.size < 9:
                    self._move(self.by_team[giver.number][-1], giver, taker)

    def _move(self, person: Person, giver: Team, taker: Team) -> None:
        self.by_team[giver.number].remove(person)
        self.by_team[taker.number].append(person)
        giver.size -= 1
        person.team, person.position, person.team_name, person.area = taker.number, taker.size, taker.name, taker.area
        person.managers = [self.people[taker.lead].email]
        taker.size += 1

    def _share_some(self) -> None:
        """About one engineer in forty works for a second team too."""
        for team in self.teams:
            for person in self._members(team)[:1]:
                if len(self.teams) > 1 and (team.number == 1 or self.random.random() < 0.15):
                    other = self.teams[(team.number + 1) % len(self.teams)]
                    person.managers.append(self.people[other.lead].email)

    def _change_staff(self) -> None:
        """Some engineers joined within the demo, some left; the first team has one of each."""
        days = (self.demo.last - self.demo.first).days
        for team in self.teams:
            members = self._members(team)
            for at, person in enumerate(members):
                chance = self.random.random()
                moment = self.demo.first + timedelta(days=int(days * self.random.uniform(0.2, 0.75)))
                if chance < 0.05 or (team.number == 0 and at == len(members) - 1):
                    person.joined_on = moment
                elif chance < 0.08 or (team.number == 0 and at == len(members) - 2):
                    person.left_on = moment

    def _move_some(self) -> None:
        """Every fifth team, counted from the last, got somebody from the one before it in the middle of the demo."""
        days = list_days(self.demo)
        middle = days[len(days) // 3 : len(days) - len(days) // 3]
        for number, team in enumerate(self.teams[:0:-5] if middle else ()):
            former = self.teams[team.number - 1]
            staying = [person for person in self._members(team) if self._stays(person)]
            if len(staying) > 1:
                mover = staying[-1]
                mover.moved_on, mover.former_team = middle[number % len(middle)], former.number
                mover.former_position, former.size = former.size, former.size + 1

    def _stays(self, person: Person) -> bool:
        """Whether somebody is in one team and there all the time."""
        return len(person.managers) == 1 and person.left_on is None and person.joined_on < self.demo.first

    def _contractors(self, count: int) -> None:
        """People who commit and open pull requests but are in no HR file and no mapping."""
        for number in range(count):
            team = self.teams[(number * 7 + 2) % len(self.teams)]
            listed = len(self.identities)
            person = self._person("Contractor", self._site())
            del self.identities[listed:]
            person.login = f"ext-{person.login.lower()}"
            person.email = person.git_email = person.tracker = f"{person.login}@contractors.{names.DOMAIN}"
            person.listed = False
            self._join(person, team, 0.7)

    def _bots(self) -> None:
        """One bot for each repository; reviewed by the first team that calls the repository its home."""
        homes: dict[int, Team] = {}
        for team in self.teams:
            homes.setdefault(team.repo, team)
        for repo in range(len(self.repositories)):
            team = homes.get(repo, self.teams[repo % len(self.teams)])
            login = BOTS[repo % 3 == 0]
            address = f"{login}@bots.{names.DOMAIN}"
            bot = Person(len(self.people), login, address, login, address, address, "Bot", 0, bot=True, listed=False)
            bot.team, bot.position, bot.repo = team.number, -1, repo
            bot.rate, bot.day_from, bot.day_hours = 0.16, 4.0, 3.0
            self.people.append(bot)

    def _agents(self) -> None:
        """An AI agent at work in some repositories, as the host's one account."""
        for bot in [
            person for person in self.people if person.bot and person.repo is not None and person.repo % 6 == 5
        ]:
            agent = replace(
                bot,
                number=len(self.people),
                full_name=AGENT,
                login=AGENT,
                tracker=AGENT,
                email=AGENT_ADDRESS,
                git_email=AGENT_ADDRESS,
                role="Agent",
                agent=True,
                rate=0.24,
            )
            self.people.append(agent)


def _numbered(words: tuple[str, ...], number: int) -> str:
    again = number // len(words)
    return words[number % len(words)] + (f" {again + 1}" if again else "")


def _project_key(product: str, number: int) -> str:
    """A tracker project's key: letters only, different for each team (``CHE``, ``CHEB`` …)."""
    again, letters = number // len(names.PRODUCTS), ""
    while again:
        again, digit = divmod(again, 26)
        letters += chr(ord("A") + digit)
    return product[:4].upper() + letters


_STAGED_OF_PERSON = (
    *(
        "full_name",
        "login",
        "tracker",
        "git_email",
        "team",
        "repo",
        "rate",
        "slowness",
        "size",
        "day_from",
        "day_hours",
    ),
    *("weekender", "joined_on", "left_on", "moved_on", "bot", "agent", "email", "listed"),
)
_STAGED_OF_TEAM = ("name", "lead", "repo", "second_repo", "project", "uses_issues")


def stage_rows(organization: Organization) -> tuple[Rows, Rows]:
    """The rows of the generator's ``people`` and ``teams`` tables."""
    people: Rows = [
        {
            **{name: getattr(person, name) for name in _STAGED_OF_PERSON},
            "p": person.number,
            "pos": person.position,
            "former_team": person.team if person.former_team is None else person.former_team,
            "former_pos": person.former_position,
            "pattern": pattern(person.site, person.off),
            "utc_offset": standard_offset_hours(names.SITES[person.site]),
        }
        for person in organization.people
        if person.team is not None
    ]
    teams: Rows = [
        {**{name: getattr(team, name) for name in _STAGED_OF_TEAM}, "team": team.number, "members": team.size}
        for team in organization.teams
    ]
    return people, teams
