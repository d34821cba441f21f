"""GitHub's people: the members of an organization, with the emails and names that GitHub tells of their accounts, and its teams.

An API and an organization come in; rows of ``tool_accounts`` and ``tool_teams`` go out. Emails need more of a token than
anything else does: without it there are the names, and without membership the public members or none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leadline.errors import NotFound
from leadline.sources.github.api import Api, Data
from leadline.sources.github.queries import LIST, MORE_TEAM_MEMBERS
from leadline.sources.github.queries import members as members_query
from leadline.sources.github.queries import teams as teams_query
from leadline.sources.github.reading import listed
from leadline.sources.github.rows import SOURCE, Node, account_row, inner, team_row
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import Row


def members(api: Api, organization: str) -> Iterator[list[Row]]:
    """Rows of ``tool_accounts``, a page at a time; none where the token may not see members at all."""
    after: str | None = None
    emails = True
    while True:
        variables = {"login": organization, "size": LIST, "after": after}
        try:
            nodes, after = listed(api.graphql(members_query(emails=emails), variables), "organization", "things")
        except (Refused, NotFound):
            if not emails:
                return
            emails = False
            continue
        yield [account_row(node.get("login"), email=_email(node), name=node.get("name")) for node in nodes]
        if after is None:
            return


def _email(node: Node) -> str | None:
    """The address in a domain that the organization has proven to be its own, else the one the member shows to all.

    Of several of the organization's the one that is shown, else the first by the alphabet: always the same.
    """
    proven = node.get("organizationVerifiedDomainEmails")
    theirs = sorted(each for each in proven if isinstance(each, str) and each) if isinstance(proven, list) else []
    shown = node.get("email") if isinstance(node.get("email"), str) else None
    return theirs[0] if theirs and shown not in theirs else shown or None


@dataclass(frozen=True)
class Team:
    """A team: the slugs and the names from the topmost team down to it."""

    slugs: tuple[str, ...]
    names: tuple[str, ...]

    def path(self, organization: str) -> str:
        """``org/parent/child``."""
        return "/".join((organization.lower(), *self.slugs))


def teams(api: Api, organization: str) -> dict[str, Team]:
    """The organization's teams that the token may see, by slug. Raises ``Refused`` or ``NotFound`` if it may not see any."""
    found: dict[str, tuple[str, str | None]] = {}
    after: str | None = None
    while True:
        variables = {"login": organization, "size": LIST, "after": after}
        nodes, after = listed(api.graphql(teams_query(people=False), variables), "organization", "things")
        for node in nodes:
            above = (inner(node, "parentTeam") or {}).get("slug")
            found[str(node.get("slug"))] = str(node.get("name")), above if isinstance(above, str) else None
        if after is None:
            return {slug: _placed(slug, found) for slug in found}


def _placed(slug: str, found: dict[str, tuple[str, str | None]]) -> Team:
    way: list[str] = []
    at: str | None = slug
    while at in found and at not in way:  # one above may be hidden
        way.insert(0, at)
        at = found[at][1]
    return Team(tuple(way), tuple(found[each][0] for each in way))


def team_members(api: Api, organization: str, known: dict[str, Team]) -> Iterator[tuple[list[str], list[Row]]]:
    """Paths of teams with all the rows of ``tool_teams`` that they have, a page at a time. Raises as ``teams`` does."""
    after: str | None = None
    while True:
        variables = {"login": organization, "size": LIST, "after": after}
        nodes, after = listed(api.graphql(teams_query(people=True), variables), "organization", "things")
        paths, rows = [], []
        for node in nodes:
            slug = str(node.get("slug"))
            if (team := known.get(slug)) is None or (first := inner(node, "members")) is None:
                continue  # made just now, or hidden
            paths.append(team.path(organization))
            for edge in _edges(api, organization, slug, first):
                login = (inner(edge, "node") or {}).get("login")
                rows.append(team_row(team.path(organization), team.names, login, edge.get("role")))
        yield paths, rows
        if after is None:
            return


def _edges(api: Api, organization: str, slug: str, first: Node) -> list[Node]:
    """All members of a team, from the first page to the last."""
    found, after = listed(Data({"list": first}), "list", items="edges")
    while after is not None:
        data = api.graphql(MORE_TEAM_MEMBERS, {"login": organization, "slug": slug, "after": after})
        further, after = listed(data, "organization", "team", "things", items="edges")
        found += further
    return found


def without(paths: set[str]) -> list[Row]:
    """Teams as parents of rows of ``tool_teams``."""
    return [{"source": SOURCE, "team": path} for path in sorted(paths)]
