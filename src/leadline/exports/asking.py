"""Who asks for what is answered about exports, and which names may be told to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from leadline.access import Access
from leadline.db import keys
from leadline.home import Project


@dataclass(frozen=True)
class Asking:
    """Somebody with the key ``key_id`` asks; ``access`` is what it may see of the project."""

    project: Project
    access: Access
    key_id: str

    def key_name(self, key_id: str) -> str | None:
        """The name of a key of the project; who is limited is told their own alone."""
        return self._keys.get(key_id)

    def team_name(self, team: int) -> str | None:
        """The name of a team as it is shown, by ref id."""
        return self._teams.get(team)

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        listed = keys.listed(self.project.db, self.project.id)
        return {key.id: key.name for key in listed if self.access.keys_of_others or key.id == self.key_id}

    @cached_property
    def _teams(self) -> Mapping[int, str]:
        from leadline.people.access import VisibleTrees

        visible = VisibleTrees(self.project, self.access)
        trees = [visible.tree(known.name) for known in visible.listed()]
        return {node.ref_id: node.name for tree in trees if tree is not None for node in tree.nodes}
