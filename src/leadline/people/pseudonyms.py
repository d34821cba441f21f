"""Pseudonyms: what stands in place of people's names and addresses where a project hides them. A person has one, the same in
everything that is shown, and nobody can tell who it is without the project's secret or a guess that is checked against it."""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from weakref import WeakKeyDictionary

from leadline.db import Database
from leadline.db.projects import pseudonym_secret
from leadline.home import Project
from leadline.people.timeline import Stretch
from leadline.people.titles import FIELDS
from leadline.people.tree import Developer, Node, OrgTree, called_after, with_paths

DIGITS = 16
"""Hexadecimal digits of a pseudonym: of a million people, two get the same one in a project of ten million."""

_KEPT_TREES = 16
_KEPT_PEOPLE = 100_000


@dataclass(frozen=True)
class Pseudonyms:
    """The pseudonyms of a project, made with its ``secret``."""

    secret: str

    def name(self, email: str) -> str:
        """What is shown in place of a full name."""
        return f"Developer {_digits(self.secret, email.strip().lower())}"

    def address(self, email: str) -> str:
        """What is shown in place of an email; no two people have the same."""
        return f"developer-{_digits(self.secret, email.strip().lower())}"

    def tree(self, tree: OrgTree) -> OrgTree:
        """``tree`` with pseudonyms in place of what is shown of people. Emails, by which events are found, stay where they are;
        of further fields only those are left that every list has."""
        developers = {email: self._developer(developer) for email, developer in tree.developers.items()}
        nodes = with_paths(replace(node, name=self._team(node, tree)) for node in tree.nodes)
        return OrgTree(tree.id, tree.name, tree.version, nodes, developers)

    def _developer(self, developer: Developer) -> Developer:
        declared = {field: text for field, text in developer.attributes.items() if field in FIELDS}
        shown = (self.name(developer.email), developer.teams, declared, self.address(developer.email))
        return Developer(developer.email, *shown)

    def _team(self, node: Node, tree: OrgTree) -> str:
        manager = None if node.manager is None else tree.developers.get(node.manager)
        if manager is not None and node.name == called_after(manager.full_name):
            return called_after(self.name(manager.email))
        return node.name


@lru_cache(maxsize=_KEPT_PEOPLE)
def _digits(secret: str, email: str) -> str:
    return hmac.digest(bytes.fromhex(secret), email.encode(), "sha256").hex()[:DIGITS]


def pseudonyms_of(project: Project) -> Pseudonyms:
    """The pseudonyms of ``project``."""
    return Pseudonyms(pseudonym_secret(project.db, project.id))


def hidden_stretch(project: Project, stretch: Stretch) -> Stretch:
    """``stretch`` with pseudonyms in its trees."""
    return replace(stretch, trees=tuple(hidden_tree(project, tree) for tree in stretch.trees))


_trees: WeakKeyDictionary[Database, OrderedDict[tuple[int, int], OrgTree]] = WeakKeyDictionary()
_guard = threading.Lock()


def hidden_tree(project: Project, tree: OrgTree) -> OrgTree:
    """``Pseudonyms.tree`` of a stored tree, made once per process: versions never change, nor do pseudonyms."""
    with _guard:
        kept = _trees.setdefault(project.db, OrderedDict())
        if (hidden := kept.get((tree.id, tree.version))) is not None:
            return hidden
    hidden = pseudonyms_of(project).tree(tree)
    with _guard:
        kept[tree.id, tree.version] = hidden
        while len(kept) > _KEPT_TREES:
            kept.popitem(last=False)
    return hidden
