"""The developers of a tree as records, the way the file that made it listed them; searched, sorted, cut into pages. As ``Record``
values, or as the ``Person`` rows that would make the same tree again. A tree that was given directly as a nested file may not be a
list of managers and reports: then there are no such rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from leadline.errors import Conflict, InvalidInput
from leadline.people.csv_file import Person
from leadline.people.draft import ROOT, assemble, manager_identity
from leadline.people.fields import field_of
from leadline.people.hierarchy import draft_of, team_identity
from leadline.people.titles import FIELDS
from leadline.people.tree import Developer, Node, OrgTree
from leadline.people.violations import Violations


@dataclass(frozen=True)
class Record:
    """One developer: who it is, the managers in listed order, the nodes it belongs to (the primary one first), and all
    fields as text under their names. ``shown_managers`` are the managers as the list spells their own emails."""

    developer: Developer
    managers: tuple[str, ...]
    teams: tuple[Node, ...]
    shown_managers: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """Every field that has a value."""
        return {
            "email": self.developer.address,
            "full_name": self.developer.full_name,
            **({"manager_email": ";".join(self.shown_managers)} if self.managers else {}),
            **self.developer.attributes,
        }


@dataclass(frozen=True)
class Wanted:
    """What to list: only ``emails`` (None: anybody) whose fields contain ``search`` (any of them, in any letter case) and
    whose ``key`` contains ``value``; by ``sort``, then by email."""

    emails: Collection[str] | None = None
    search: str = ""
    key: str | None = None
    value: str = ""
    sort: str = "email"
    descending: bool = False


def records(tree: OrgTree) -> list[Record]:
    """Every developer of the tree, those without a team too, by email."""
    managing = {node.manager: node for node in tree.nodes if node.manager is not None}
    listed = []
    for developer in tree.developers.values():
        teams = tuple(tree.by_ref[ref_id] for ref_id in developer.teams)
        own = managing.get(developer.email)
        managers = _managers(tree, developer.email, own, teams)
        shown_managers = tuple(tree.developers[email].address for email in managers)
        listed.append(Record(developer, managers, teams, shown_managers))
    return sorted(listed, key=lambda record: record.developer.order)


def _managers(tree: OrgTree, email: str, own: Node | None, teams: Sequence[Node]) -> tuple[str, ...]:
    if own is not None:
        above = [*([] if own.parent is None else [own.parent]), *own.also_under]
        named = [tree.by_ref[ref_id].manager for ref_id in above]
    else:
        named = [node.manager for node in teams]
    return tuple(dict.fromkeys(manager for manager in named if manager is not None and manager != email))


def people_of(tree: OrgTree) -> list[Person]:
    """The rows of a developers list that makes this very tree. Raises ``Conflict`` if no list does."""
    people = [
        Person(
            line=line,
            email=record.developer.email,
            full_name=record.developer.full_name,
            managers=record.managers,
            team=record.developer.attributes.get("team", ""),
            attributes=record.developer.attributes,
            written=record.developer.written,
        )
        for line, record in enumerate(records(tree), start=1)
    ]
    if not _makes(people, tree):
        raise Conflict(
            f'The org tree "{tree.name}" was given as a nested file, not as a list of developers; change that file and '
            "load it again with `leadline org load`, or upload a whole list",
            code="no_developers_list",
        )
    return people


def _makes(people: Sequence[Person], tree: OrgTree) -> bool:
    refs = {manager_identity(node.manager): node.ref_id for node in tree.nodes if node.manager is not None}
    flat = (node for node in tree.nodes if node.manager is None and node.parent is not None)
    refs.update({team_identity(tree.name, node.name): node.ref_id for node in flat})
    refs[ROOT] = tree.root.ref_id
    try:
        draft = draft_of(people, tree.name, Violations(tree.name))
    except InvalidInput:
        return False
    if not set(draft.nodes) <= set(refs):
        return False
    return assemble(draft, refs, tree_id=tree.id, name=tree.name, version=tree.version) == tree


def selected(listed: Iterable[Record], wanted: Wanted) -> list[Record]:
    """The records that are ``wanted``, in its order."""
    key = None if wanted.key is None else field_of(wanted.key)
    search, value = wanted.search.casefold(), wanted.value.casefold()
    chosen = [
        record
        for record in listed
        if (wanted.emails is None or record.developer.order in wanted.emails)
        and (not search or any(search in text.casefold() for text in record.values.values()))
        and (key is None or value in record.values.get(key, "").casefold())
    ]
    chosen.sort(key=lambda record: record.developer.order)
    sort = field_of(wanted.sort)
    chosen.sort(key=lambda record: record.values.get(sort, "").casefold(), reverse=wanted.descending)
    return chosen


def fields_of(listed: Iterable[Record]) -> list[str]:
    """Every field that any record has: the declared ones, then the further ones by code point."""
    further = {name for record in listed for name in record.developer.attributes} - set(FIELDS)
    return [*FIELDS, *sorted(further)]
