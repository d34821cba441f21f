"""Org trees and lists of developers with pseudonyms in place of people who are forgotten. Teams stay what they are, with their
numbers of people, but for those that are called after somebody."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

from leadline.people.csv_rows import above_header, separator_of
from leadline.people.draft import Draft, DraftDeveloper, DraftNode, manager_identity, path_identity
from leadline.people.fields import field_of
from leadline.people.forgotten import Forgotten, name_of
from leadline.people.titles import EMPLOYEE_IDS, FIRST_NAMES, LAST_NAMES, normalized
from leadline.people.tree import Developer, Node, OrgTree, called_after, with_paths

_MANAGER, _PATH = manager_identity(""), path_identity([])
_ID = "id"
_KEPT = {"email", "full_name", "manager_email", "team"}
"""What is left of a row about somebody who is forgotten: what teams follow from."""


def tree_without(forgotten: Forgotten, tree: OrgTree) -> OrgTree:
    """``tree`` with pseudonyms; the very same where nobody in it is forgotten."""
    names = {email: developer.full_name for email, developer in tree.developers.items()}
    developers: dict[str, Developer] = {}
    for email, developer in tree.developers.items():
        address = forgotten.address(email) or email
        same = developers.get(address)
        teams = tuple(dict.fromkeys((*(same.teams if same else ()), *developer.teams)))
        full_name, said = _said(forgotten, developer)
        developers[address] = Developer(address, full_name, teams, said, _written(developer, address))
    nodes = [
        replace(
            node,
            name=_team(forgotten, node, names),
            manager=_one(forgotten, node.manager),
            own=_all(forgotten, node.own),
        )
        for node in tree.nodes
    ]
    if nodes == list(tree.nodes) and developers == tree.developers:
        return tree
    return replace(tree, nodes=_arranged(nodes), developers=dict(sorted(developers.items())))


def draft_without(forgotten: Forgotten, draft: Draft) -> Draft:
    """``draft`` with pseudonyms; the very same where nobody is forgotten."""
    if not forgotten:
        return draft
    names = {email: developer.full_name for email, developer in draft.developers.items()}

    def named(identity: str) -> str:
        return identity_without(forgotten, identity)

    nodes = {
        named(node.identity): replace(
            node,
            identity=named(node.identity),
            name=_team(forgotten, node, names),
            manager=_one(forgotten, node.manager),
            own=_all(forgotten, node.own),
            parent=None if node.parent is None else named(node.parent),
            also_under=tuple(map(named, node.also_under)),
        )
        for node in draft.nodes.values()
    }
    developers: dict[str, DraftDeveloper] = {}
    for email, developer in draft.developers.items():
        address = forgotten.address(email) or email
        teams = tuple(dict.fromkeys(map(named, developer.teams)))
        full_name, said = _said(forgotten, developer)
        developers[address] = DraftDeveloper(address, full_name, teams, said, _written(developer, address))
    return Draft(nodes, developers)


def identity_without(forgotten: Forgotten, identity: str) -> str:
    """The identity of a node, of which a manager or a name may be part."""
    email = identity.removeprefix(_MANAGER)
    if email != identity:
        return manager_identity(forgotten.address(email) or email)
    names = identity.removeprefix(_PATH)
    return identity if names == identity else _PATH + forgotten.prose(names)


def _said(forgotten: Forgotten, developer: Developer | DraftDeveloper) -> tuple[str, Mapping[str, str]]:
    """Full name and further values of a developer."""
    pseudonym = forgotten.address(developer.email)
    said = {name: forgotten.prose(text) for name, text in developer.attributes.items()}
    if pseudonym is None:
        return developer.full_name, said
    return name_of(pseudonym), {name: text for name, text in said.items() if field_of(name) in _KEPT}


def _written(developer: Developer | DraftDeveloper, address: str) -> str | None:
    return developer.written if address == developer.email else None


def _one(forgotten: Forgotten, email: str | None) -> str | None:
    return None if email is None else forgotten.address(email) or email


def _all(forgotten: Forgotten, emails: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(forgotten.address(email) or email for email in emails))


def _team(forgotten: Forgotten, node: Node | DraftNode, names: Mapping[str, str]) -> str:
    """The name of a team. One that is called after its manager is called after the pseudonym."""
    pseudonym = None if node.manager is None else forgotten.address(node.manager)
    if pseudonym is not None and node.name == called_after(names.get(node.manager or "", "")):
        return called_after(name_of(pseudonym))
    return forgotten.prose(node.name)


def _arranged(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """``nodes`` in preorder with their paths, as they follow from their names."""
    below: dict[int | None, list[Node]] = {}
    for node in nodes:
        below.setdefault(node.parent, []).append(node)
    arranged: dict[int, Node] = {}
    pending = list(below[None])
    while pending:
        node = pending.pop()
        arranged[node.ref_id] = replace(node, order=len(arranged))
        children = below.get(node.ref_id, [])
        pending.extend(sorted(children, key=lambda child: (child.name, child.order), reverse=True))
    return with_paths(arranged.values())


# -- lists ---------------------------------------------------------------------------------------------------------------


def list_without(forgotten: Forgotten, text: str, fields: Mapping[str, str]) -> str:
    """A list of developers as text, with pseudonyms; ``fields`` are those of its columns by their titles. The very same where
    nobody in it is forgotten."""
    if not forgotten:
        return text
    separator = separator_of(text)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    filled = [at for at, row in enumerate(rows) if row]
    header = next(iter(filled[above_header(text, separator) :]), None)
    if header is None:
        return text
    columns = _columns(rows[header], fields, rows[header + 1 :])
    changed = [*rows[: header + 1], *(_row(forgotten, columns, row) for row in rows[header + 1 :])]
    if changed == rows:
        return text
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=separator).writerows(changed)
    return target.getvalue()


def _columns(titles: Sequence[str], fields: Mapping[str, str], rows: Sequence[Sequence[str]]) -> list[str]:
    """What is left of rows about somebody who is forgotten, by column; empty where nothing is."""
    columns = []
    for title in titles:
        field, name = fields.get(title.strip(), ""), normalized(title)
        parts = "first" if name in FIRST_NAMES else "last" if name in LAST_NAMES else ""
        columns.append(field if field in _KEPT else parts or (_ID if name in EMPLOYEE_IDS else ""))
    managers = columns.index("manager_email") if "manager_email" in columns else len(titles)
    by_email = all("@" in row[managers] for row in rows if len(row) > managers and row[managers].strip())
    # Those who are managed go by the id, where the list says so.
    return ["" if by_email and column == _ID else column for column in columns]


def _row(forgotten: Forgotten, columns: Sequence[str], row: Sequence[str]) -> list[str]:
    said = dict(zip(columns, row, strict=False))
    whose = forgotten.address(said.get("email", ""))
    if whose is None:
        return [forgotten.prose(cell) for cell in row]
    first, _, last = name_of(whose).partition(" ")
    own = {"email": whose, "full_name": name_of(whose), "first": first, "last": last}
    kept = [*columns, *[""] * (len(row) - len(columns))]
    return [
        own.get(column) or (forgotten.prose(cell) if column else "") for column, cell in zip(kept, row, strict=False)
    ]
