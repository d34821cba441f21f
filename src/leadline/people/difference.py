"""What one version of an org tree changes against another: teams and people that are new, gone, or in another place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from leadline.people.records import records
from leadline.people.tree import Developer, Node, OrgTree


@dataclass(frozen=True)
class MovedTeam:
    """A team that is elsewhere, or called otherwise: its hierarchy paths before and after."""

    before: str
    after: str


@dataclass(frozen=True)
class MovedPerson:
    """Somebody whose teams are others: the paths of these, the primary one first, before and after."""

    developer: Developer
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """Teams by path, and people by email, in order. ``changed_people`` stay where they are, but something else of theirs is
    another."""

    new_teams: tuple[str, ...]
    gone_teams: tuple[str, ...]
    moved_teams: tuple[MovedTeam, ...]
    new_people: tuple[Developer, ...]
    gone_people: tuple[Developer, ...]
    moved_people: tuple[MovedPerson, ...]
    changed_people: tuple[Developer, ...]

    @property
    def is_none(self) -> bool:
        """Whether nothing would be another."""
        return not any(vars(self).values())


def difference(before: OrgTree | None, after: OrgTree) -> Difference:
    """What ``after`` changes of ``before``; without one, all of it is new."""
    had_teams = {} if before is None else before.by_ref
    had = {} if before is None else before.developers
    moved = tuple(_moved_people(before, after)) if before is not None else ()
    elsewhere = {person.developer.email for person in moved}
    return Difference(
        tuple(node.path for node in after.nodes if node.ref_id not in had_teams),
        tuple(node.path for ref_id, node in had_teams.items() if ref_id not in after.by_ref),
        tuple(_moved_teams(had_teams.values(), after)),
        tuple(developer for email, developer in sorted(after.developers.items()) if email not in had),
        tuple(developer for email, developer in sorted(had.items()) if email not in after.developers),
        moved,
        () if before is None else tuple(one for one in _changed(before, after) if one.email not in elsewhere),
    )


def _moved_teams(before: Iterable[Node], after: OrgTree) -> Iterator[MovedTeam]:
    """Of teams that moved with the one above them, that one alone."""
    for node in before:
        now = after.by_ref.get(node.ref_id)
        if now is not None and (now.name, now.parent) != (node.name, node.parent):
            yield MovedTeam(node.path, now.path)


def _moved_people(before: OrgTree, after: OrgTree) -> Iterator[MovedPerson]:
    for email, developer in sorted(after.developers.items()):
        had = before.developers.get(email)
        if had is not None and had.teams != developer.teams:
            yield MovedPerson(developer, _paths(before, had), _paths(after, developer))


def _paths(tree: OrgTree, developer: Developer) -> tuple[str, ...]:
    return tuple(tree.by_ref[ref_id].path for ref_id in developer.teams)


def _changed(before: OrgTree, after: OrgTree) -> Iterator[Developer]:
    """Whose fields are others, their managers among these."""
    had = {record.developer.email: record.values for record in records(before)}
    for record in records(after):
        if had.get(record.developer.email, record.values) != record.values:
            yield record.developer
