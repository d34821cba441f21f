"""GitHub's people: an organization's members, with the emails and names that GitHub tells of their accounts, and its teams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from leadline.errors import NotFound
from leadline.instants import earlier
from leadline.sources.github.api import Api, connection
from leadline.sources.github.queries import LIST, MORE_TEAM_MEMBERS
from leadline.sources.github.queries import members as members_query
from leadline.sources.github.queries import teams as teams_query
from leadline.sources.github.rows import SOURCE, team_row
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.lists import Listed, read_all
from leadline.sources.kit.page import Page, Row
from leadline.sources.kit.records import Node, cleaned, inner, page_of
from leadline.sources.kit.streams import Stream

EVERY = timedelta(days=1)
"""How often an organization's people are read."""


def members(api: Api, organization: str) -> Iterator[list[Row]]:
    """Rows of ``tool_accounts``, a page at a time; none where the token may not see members at all."""
    after: str | None = None
    emails = True
    while True:
        variables = {"login": organization, "size": LIST, "after": after}
        try:
            data = api.graphql(members_query(emails=emails), variables)
            nodes, following = connection(data, "organization", "things")
            if emails and data.refused:  # an email that is refused takes its member with it
                data = api.graphql(members_query(emails=False), variables)
                shown = {node.get("login"): node for node in nodes}
                named, following = connection(data, "organization", "things")
                nodes = [shown.get(node.get("login"), node) for node in named]
        except (Refused, NotFound):
            if not emails:
                return
            emails = False
            continue
        after = following
        yield [
            cleaned(source=SOURCE, account=node.get("login"), email=_email(node), name=node.get("name"))
            for node in nodes
        ]
        if after is None:
            return


def _email(node: Node) -> str | None:
    """The address in a domain that the organization has proven to be its own, else the one the member shows to all.

    Of several of the organization's the one that is shown, else the first by the alphabet: always the same.
    """
    proven = node.get("organizationVerifiedDomainEmails")
    proven = proven if isinstance(proven, list) else []
    addresses = sorted(address for address in proven if isinstance(address, str) and address)
    shown = node.get("email") if isinstance(node.get("email"), str) else None
    return addresses[0] if addresses and shown not in addresses else shown or None


class Team(NamedTuple):
    """A team: its path (``org/parent/child``), and the names from the topmost team down to it."""

    path: str
    names: tuple[str, ...]


def teams(api: Api, organization: str) -> dict[str, Team]:
    """The organization's teams that the token may see, by slug. Raises ``Refused`` or ``NotFound`` if it may not see any."""

    def ask(after: str | None) -> Listed[Node]:
        variables = {"login": organization, "size": LIST, "after": after}
        return connection(api.graphql(teams_query(people=False), variables), "organization", "things")

    by_slug: dict[str, tuple[str, str | None]] = {}
    for node in read_all(ask):
        above = (inner(node, "parentTeam") or {}).get("slug")
        by_slug[str(node.get("slug"))] = str(node.get("name")), above if isinstance(above, str) else None
    placed: dict[str, Team] = {}
    for slug in by_slug:
        way: list[str] = []
        at: str | None = slug
        while at in by_slug and at not in way:  # one above may be hidden
            way.insert(0, at)
            at = by_slug[at][1]
        placed[slug] = Team("/".join((organization.lower(), *way)), tuple(by_slug[above][0] for above in way))
    return placed


def team_members(api: Api, organization: str, by_slug: dict[str, Team]) -> Iterator[tuple[list[str], list[Row]]]:
    """Paths of teams with all the rows of ``tool_teams`` that they have, a page at a time. Raises as ``teams`` does."""
    after: str | None = None
    while True:
        variables = {"login": organization, "size": LIST, "after": after}
        nodes, after = connection(api.graphql(teams_query(people=True), variables), "organization", "things")
        paths, rows = [], []
        for node in nodes:
            slug = str(node.get("slug"))
            if (team := by_slug.get(slug)) is None or (first := inner(node, "members")) is None:
                continue  # made just now, or hidden
            paths.append(team.path)
            for edge in _edges(api, organization, slug, first):
                login = (inner(edge, "node") or {}).get("login")
                rows.append(team_row(team.path, team.names, login, edge.get("role")))
        yield paths, rows
        if after is None:
            return


def _edges(api: Api, organization: str, slug: str, first: Node) -> list[Node]:
    """All members of a team, from the first page to the last."""

    def ask(after: str | None) -> Listed[Node]:
        data = api.graphql(MORE_TEAM_MEMBERS, {"login": organization, "slug": slug, "after": after})
        return connection(data, "organization", "team", "things", items="edges")

    return read_all(ask, page_of(first, "list", "edges"))


@dataclass(frozen=True)
class PeopleCursor(Cursor):
    """``asked``: when the people were read last; ``teams``: the paths of the teams that there were."""

    asked: str = ""
    teams: tuple[str, ...] = ()


class PeopleStream(Stream[PeopleCursor]):
    """The organization's members and teams, once a day; silently less where the token may not see them."""

    cursor = PeopleCursor

    def __init__(self, api: Api, organization: str) -> None:
        name = f"{api.server.host}:people {organization.lower()}"
        super().__init__(organization, f"people of {organization}", name)
        self.api, self.organization = api, organization

    def due(self, cursor: PeopleCursor) -> bool:
        """Whether a day has passed."""
        return cursor.asked <= earlier(self.api.now, EVERY)

    def read(self, cursor: PeopleCursor) -> Iterator[Page]:
        """All members, then the teams with theirs."""
        asked = self.api.now
        try:
            for rows in members(self.api, self.organization):
                yield self.page({"tool_accounts": rows})
            by_slug = teams(self.api, self.organization)
            for paths, rows in team_members(self.api, self.organization, by_slug):
                yield self.page({"tool_teams": rows}, complete_parents={"tool_teams": _parents(paths)})
        except (Refused, NotFound):
            yield self.page({}, replace(cursor, asked=asked))
            return
        now = {team.path for team in by_slug.values()}
        vanished = set(cursor.teams) - now
        yield self.page(
            {},
            PeopleCursor(asked, tuple(sorted(now))),
            complete_parents={"tool_teams": _parents(vanished)} if vanished else {},
        )


def _parents(paths: Iterable[str]) -> list[Row]:
    """Teams as parents of rows of ``tool_teams``."""
    return [{"source": SOURCE, "team": path} for path in sorted(set(paths))]
