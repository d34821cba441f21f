"""A session on one state of a project's data: an engine with the pinned tables and people bound, and the fact store.

The versions of tables and trees and the profile come in; an engine in which facts can be asked for goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.engine import Engine
from leadline.facts.store import FactStore
from leadline.people import tree
from leadline.people.arrow import people

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.settings.profile import Profile

PEOPLE = "people"


@dataclass(frozen=True)
class Session:
    """An engine on pinned data and the store that binds facts in it."""

    engine: Engine
    facts: FactStore


@contextmanager
def session(
    project: Project,
    tables: Mapping[str, int],
    tree_versions: Mapping[str, int],
    profile: Profile,
    *,
    before_each: Callable[[str], None] = lambda _name: None,
) -> Iterator[Session]:
    """Open a session on the given Delta versions and org tree versions; ``before_each`` hears of every fact that must be
    computed first. Raises ``StoreError`` if a version is gone."""
    home = project.home

    def bind_people() -> None:
        known = [tree(home.db, project.id, name, version) for name, version in sorted(tree_versions.items())]
        engine.bind_arrow(PEOPLE, people(known))

    with Engine(temp_dir=home.temp, memory_limit=home.settings.memory_limit) as engine:
        store = FactStore(
            project.folder / "cache" / "facts",
            engine,
            snapshot=lambda: project.lake.snapshot(tables),
            versions=tables,
            people=tree_versions,
            bind_people=bind_people,
            profile=profile,
            lock=project.lock,
            before_each=before_each,
        )
        yield Session(engine, store)
