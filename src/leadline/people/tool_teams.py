"""The tree of a tool's teams, by who is in which team, as a document of ``leadline org load``'s nested form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Membership:
    """A row of ``tool_teams``: ``path`` is ``org/parent/child``, ``names`` those of its teams from the topmost down."""

    path: str
    names: Sequence[str]
    account: str


@dataclass(frozen=True)
class Person:
    """Whose an account is, as far as it is known."""

    email: str
    name: str | None = None


@dataclass
class _Team:
    name: str
    key: str
    members: dict[str, Person] = field(default_factory=dict)
    below: dict[str, _Team] = field(default_factory=dict)


def team_tree(
    organization: str, memberships: Iterable[Membership], people: Mapping[str, Person]
) -> tuple[dict[str, Any], list[str]]:
    """The document, and the accounts that are nobody's by ``people``, who are left out of it. Teams are in the order of their
    paths; a team's key is its slug, which stays when it moves below another one, or its whole path where several teams have the
    slug."""
    rows = sorted(memberships, key=lambda one: (one.path, one.account))
    paths = {
        tuple(slugs[:end])
        for membership in rows
        if (slugs := membership.path.split("/")[1:])
        for end in range(1, len(slugs) + 1)
    }
    named = Counter(path[-1] for path in paths)
    root = _Team(organization, "")
    unknown: set[str] = set()
    for membership in rows:
        team = root
        slugs = membership.path.split("/")[1:]
        for depth, (slug, name) in enumerate(zip(slugs, membership.names, strict=True), start=1):
            called = slug if named[slug] == 1 else "--".join(slugs[:depth])  # no slug has two dashes in a row
            team = team.below.setdefault(slug, _Team(name, f"team-{called}" if called.isdigit() else called))
        if (person := people.get(membership.account)) is None:
            unknown.add(membership.account)
        else:
            team.members.setdefault(person.email, person)
    return _document(root, set()), sorted(unknown)


def _document(team: _Team, named: set[str]) -> dict[str, Any]:
    document: dict[str, Any] = {"name": team.name}
    if team.key:
        document["key"] = team.key
    if team.members:
        document["members"] = [_member(person, named) for _, person in sorted(team.members.items())]
    if team.below:
        document["children"] = [_document(child, named) for _, child in sorted(team.below.items())]
    return document


def _member(person: Person, named: set[str]) -> str | dict[str, str]:
    """An address; where it stands first, with the name."""
    if person.name is None or person.email in named:
        return person.email
    named.add(person.email)
    return {"email": person.email, "full_name": person.name}
