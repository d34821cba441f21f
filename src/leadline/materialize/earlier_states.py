"""Of which earlier state of the data a stored table keeps rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.materialize.dependencies import Dependencies
from leadline.materialize.fingerprints import Fingerprints
from leadline.materialize.folders import Folders, in_use
from leadline.materialize.incremental import NONE, BuildRecord, Differences, Repositories
from leadline.materialize.model import Model

if TYPE_CHECKING:
    from leadline.engine.spellings import Spellings
    from leadline.materialize.published import PublishedTables

_TRIED_STATES = 2
"""Earlier states that are compared with the present one before it is computed from nothing."""


class EarlierStates:
    """Those of one project. ``named`` tells where a table is now, ``spellings`` how names are read, ``is_little`` whether the rows
    of some repositories are worked on at once, ``others`` has those of other machines."""

    def __init__(
        self,
        folders: Folders,
        differences: Differences,
        fingerprints: Fingerprints,
        versions: Mapping[str, int],
        *,
        named: Callable[[Model], Path],
        spellings: Callable[[], Spellings],
        is_little: Callable[[Repositories], bool],
        others: Callable[[Model], PublishedTables | None],
    ) -> None:
        self._folders = folders
        self._differences = differences
        self._fingerprints = fingerprints
        self._versions = versions
        self._named = named
        self._spellings = spellings
        self._is_little = is_little
        self._others = others
        self._found: dict[Model, tuple[Path, Repositories] | None] = {}

    def record(self, follows: Dependencies, previous: str | None, rebuilt: tuple[str, ...]) -> BuildRecord:
        """What the rows of now are computed from."""
        return BuildRecord(
            self._fingerprints.of_all_but_data(follows),
            {table: self._versions.get(table) for table in follows.sources},
            {above.name: self._named(above).name for above in follows.depends_on},
            previous,
            rebuilt,
        )

    def of(self, model: Model, follows: Dependencies) -> tuple[Path, Repositories] | None:
        """A folder of another state whose rows still hold, but for those of the repositories that go with it. The tables that it
        ``follows`` from are there, and those of the lake are bound."""
        if model not in self._found:
            self._found[model] = self._sought(model, follows)
        return self._found[model]

    def _sought(self, model: Model, follows: Dependencies) -> tuple[Path, Repositories] | None:
        config_digest = self._fingerprints.of_all_but_data(follows)
        for folder, record in self._states(model):
            if record is None or record.config_digest != config_digest:
                continue
            changed = self._changed(model, follows, record)
            if changed is None or (changed and not (_is_by_repository(model) and self._is_little(changed))):
                continue
            if self._is_there(model, folder):
                return folder, changed
        return None

    def _states(self, model: Model) -> Iterator[tuple[Path, BuildRecord | None]]:
        """The last states of a table: those of this machine, then those that others have."""
        tried = self._folders.of_table(model.name)[:_TRIED_STATES]
        yield from ((folder, BuildRecord.of(folder)) for folder in tried)
        if (others := self._others(model)) is not None:
            for name, record in others.states(model.name, _TRIED_STATES).items():
                if (folder := self._folders.called(name)) not in tried:
                    yield folder, record

    def _is_there(self, model: Model, folder: Path) -> bool:
        """Whether an earlier state is on this machine, or was brought; used from here on, so that nobody deletes it meanwhile."""
        others = self._others(model)
        return in_use(folder) or (others is not None and others.bring(folder, newest=False))

    def _changed(self, model: Model, follows: Dependencies, record: BuildRecord) -> Repositories | None:
        """The repositories of which a stored table may have other rows than a folder with ``record``; None: any."""
        changed = NONE
        for table in follows.sources:
            apart = self._differences.of_table(table, record.sources.get(table), self._versions.get(table))
            if apart is None or (apart and not model.by_repository):
                return None
            changed |= {self._spellings().repository(table, name) for name in apart}
        for above in follows.depends_on:
            before, now = self._folders.called(record.depends_on.get(above.name, "-")), self._named(above)
            apart = self._differences.of_stored(above, before, now) if self._is_there(above, before) else None
            if apart is None or (apart and not model.by_repository):
                return None
            changed |= apart
        return changed


def _is_by_repository(model: Model) -> bool:
    return model.by_repository and "repository" in model.columns and model.computation is None
