"""A tree as a file describes it, before its nodes have ref ids; and how it becomes an ``OrgTree``. Nodes name each other by
identity. Given a ref id for every identity, ``assemble`` arranges them: preorder, siblings by code point, hierarchy paths."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadline.people.tree import Developer, Node, OrgTree, with_paths

ROOT = "root"
"""The root's identity: it stays the same whoever is at the top, so that a stored ref id always means the whole tree."""

_LONGEST_IDENTITY = 500


def key_identity(key: str) -> str:
    """The identity of a node that has a key."""
    return f"key:{key}"


def manager_identity(email: str) -> str:
    """The identity of a node that has no key but a manager."""
    return f"manager:{email}"


def path_identity(names: Sequence[str]) -> str:
    """The identity of a node that has neither, by the names from the root (hashed if long)."""
    text = "path:" + "\x1f".join(names)
    return text if len(text) <= _LONGEST_IDENTITY else "path-hash:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DraftNode:
    """A node without ref id; ``parent`` and ``also_under`` are identities of other nodes."""

    identity: str
    name: str
    key: str | None
    manager: str | None
    own: tuple[str, ...]
    parent: str | None
    also_under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftDeveloper:
    """A developer; ``teams`` are identities of nodes in listed order, ``written`` as in ``Developer``."""

    email: str
    full_name: str
    teams: tuple[str, ...]
    attributes: Mapping[str, str]
    written: str | None = None


@dataclass(frozen=True)
class Draft:
    """A whole tree by identities: exactly one node (``ROOT``) has no parent."""

    nodes: Mapping[str, DraftNode]
    developers: Mapping[str, DraftDeveloper]

    def preorder(self) -> list[str]:
        """The identities in preorder, siblings by code point of the name (then by identity)."""
        children: dict[str, list[str]] = {identity: [] for identity in self.nodes}
        for node in self.nodes.values():
            if node.parent is not None:
                children[node.parent].append(node.identity)
        order: list[str] = []
        pending = [ROOT]
        while pending:
            identity = pending.pop()
            order.append(identity)
            pending.extend(sorted(children[identity], key=lambda child: (self.nodes[child].name, child), reverse=True))
        return order


def assemble(draft: Draft, refs: Mapping[str, int], *, tree_id: int, name: str, version: int) -> OrgTree:
    """The tree of a draft, given a ref id for each identity."""
    nodes: dict[str, Node] = {}
    for order, identity in enumerate(draft.preorder()):
        node = draft.nodes[identity]
        parent = None if node.parent is None else nodes[node.parent]
        nodes[identity] = Node(
            ref_id=refs[identity],
            key=node.key,
            name=node.name,
            parent=None if parent is None else parent.ref_id,
            path="",
            depth=0 if parent is None else parent.depth + 1,
            order=order,
            manager=node.manager,
            own=node.own,
            also_under=tuple(refs[above] for above in node.also_under),
        )
    developers = {
        developer.email: Developer(
            developer.email,
            developer.full_name,
            tuple(refs[team] for team in developer.teams),
            developer.attributes,
            developer.written,
        )
        for developer in sorted(draft.developers.values(), key=lambda developer: developer.email)
    }
    return OrgTree(tree_id, name, version, with_paths(nodes.values()), developers)
