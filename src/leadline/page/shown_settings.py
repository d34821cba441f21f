"""Settings as screens show them: under their headings, each with the level that it is set at, and the form that changes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from leadline.administration import settings
from leadline.administration.settings import InForce
from leadline.errors import StoreError
from leadline.home import Project
from leadline.people import lookup
from leadline.people.tree import OrgTree
from leadline.settings.categories import OF_TEAM, in_team
from leadline.settings.groups import GROUPS, group_of
from leadline.settings.profile import SETTINGS, split_key

MOST_SINGLE = 200
"""Settings of single teams, services or repositories that are listed at once; a search finds the others."""


@dataclass(frozen=True)
class Level:
    """Whose settings are meant: the project's, or those of the org tree called ``tree``, which win over them."""

    tree: str | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.tree or "The project"

    @property
    def in_words(self) -> str:
        """The same within a sentence."""
        return self.tree or "the project"

    def address(self, path: str = "/settings", **more: str) -> str:
        """Where something of this level is."""
        said = {**({"of": self.tree} if self.tree else {}), **more}
        return path + (f"?{urlencode(said)}" if said else "")


@dataclass(frozen=True)
class ShownSetting:
    """A setting as it is in force at ``level``. ``elsewhere`` are the trees that have one of their own; ``whose`` is the path of
    the team that it is of."""

    row: InForce
    level: Level
    elsewhere: tuple[str, ...] = ()
    whose: str = ""

    @property
    def address(self) -> str:
        """Its page."""
        return self.level.address("/settings/one", key=self.row.key)

    @property
    def words(self) -> str:
        """What it is searched by."""
        return " ".join((self.row.key, self.row.meaning, self.row.value, self.whose)).lower()


@dataclass(frozen=True)
class Group:
    """Settings under their heading: those ``shown`` of ``total``."""

    title: str
    shown: tuple[ShownSetting, ...]
    total: int

    @property
    def anchor(self) -> str:
        """What a link to it says."""
        return self.title.lower().replace(" ", "-")


def levels(project: Project) -> list[Level]:
    """The project, and each of its org trees."""
    return [Level(), *(Level(known.name) for known in lookup.trees(project))]


def grouped(project: Project, level: Level, words: Sequence[str]) -> list[Group]:
    """The settings in force at ``level`` that have all of ``words``, under their headings. Raises ``InvalidRequest`` if there is no
    such tree."""
    elsewhere = _elsewhere(project) if level.tree is None else {}
    paths = _team_paths(project)
    groups: dict[str, list[ShownSetting]] = {}
    for row in settings.listed(project, level.tree):
        shown = ShownSetting(row, level, elsewhere.get(row.key, ()), _whose(row.key, paths))
        if all(word in shown.words for word in words):
            groups.setdefault(group_of(row.key), []).append(shown)
    return [_group(title, groups[title]) for title in GROUPS if title in groups]


def _group(title: str, settings_of: Sequence[ShownSetting]) -> Group:
    return Group(title, tuple(settings_of[:MOST_SINGLE]), len(settings_of))


def _elsewhere(project: Project) -> Mapping[str, tuple[str, ...]]:
    """The trees that have a setting of their own, by its key."""
    trees: dict[str, tuple[str, ...]] = {}
    for known in lookup.trees(project):
        for key in settings.own_texts(project, known.name):
            trees[key] = (*trees.get(key, ()), known.name)
    return trees


def trees_of_today(project: Project) -> list[OrgTree]:
    """The org trees in force; none while a setting that is stored cannot be read, which is mended on these screens."""
    try:
        return [lookup.tree(project, known.name) for known in lookup.trees(project)]
    except StoreError:
        return []


def whose(project: Project, key: str) -> str:
    """The path of the team that a setting is of; '' if it is of none there is today."""
    return "" if key in SETTINGS else _whose(key, _team_paths(project))


def _whose(key: str, paths: Mapping[str, str]) -> str:
    scope, name, _ = ("", "", "") if key in SETTINGS else split_key(key)
    team = in_team(name)[0] if scope == OF_TEAM else name if scope == "team" else ""
    return paths.get(team, "")


def _team_paths(project: Project) -> dict[str, str]:
    """The path of every team of today, by its ref id and by its key."""
    trees = trees_of_today(project)
    return {
        name: node.path
        for tree in trees
        for node in tree.nodes
        for name in (str(node.ref_id), node.key)
        if name is not None
    }
