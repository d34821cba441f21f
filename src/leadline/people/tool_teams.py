"""A tree of a tool's teams: who is in which team comes in, a document of ``leadline org load``'s nested form goes out. Pure."""

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
    """The document, and the accounts that are nobody's by ``people``, who are left out of it.

    Teams are in the order of their paths; a team's key is its slug, which stays when it moves below another one, or its whole
    path where several teams have the slug.
    """
    given = sorted(memberships, key=lambda one: (one.path, one.account))
    paths = {
        tuple(slugs[:end]) for each in given if (slugs := each.path.split("/")[1:]) for end in range(1, len(slugs) + 1)
    }
    named = Counter(path[-1] for path in paths)
    root = _Team(organization, "")
    unknown: set[str] = set()
    for each in given:
        team = root
        slugs = each.path.split("/")[1:]
        for depth, (slug, name) in enumerate(zip(slugs, each.names, strict=True), start=1):
            called = slug if named[slug] == 1 else "--".join(slugs[:depth])  # no slug has two dashes in a row
            team = team.below.setdefault(slug, _Team(name, f"team-{called}" if called.isdigit() else called))
        if (person := people.get(each.account)) is None:
            unknown.add(each.account)
        else:
            team.members.setdefault(person.email, person)
    return _document(root, set()), sorted(unknown)


def _document(team: _Team, named: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": team.name}
    if team.key:
        found["key"] = team.key
    if team.members:
        found["members"] = [_member(person, named) for _, person in sorted(team.members.items())]
    if team.below:
        found["children"] = [_document(each, named) for _, each in sorted(team.below.items())]
    return found


def _member(person: Person, named: set[str]) -> str | dict[str, str]:
    """An address, at its first place with the name."""
    if person.name is None or person.email in named:
        return person.email
    named.add(person.email)
    return {"email": person.email, "full_name": person.name}
