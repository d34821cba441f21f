"""What a stored table follows from, as a digest: its folder is named by it, so that rows are never those of another state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from leadline.materialize.compiled import code_digest
from leadline.materialize.dependencies import Dependencies, Lineage
from leadline.materialize.incremental import digest_of

if TYPE_CHECKING:
    from leadline.engine.spellings import Spellings


class Fingerprints:
    """Those of one state: the ``versions`` of the lake's tables, digests of the ``people``, the packages of ``code`` and the
    ``spellings``."""

    def __init__(
        self,
        versions: Mapping[str, int],
        people: Sequence[str],
        code: tuple[str, ...],
        spellings: Callable[[], Spellings],
    ) -> None:
        self._versions = versions
        self._people = list(people)
        self._code = code
        self._spellings = spellings
        self._known: dict[str, str] = {}

    def of(self, lineage: Lineage) -> str:
        """A digest of all that a stored table follows from."""
        if (fingerprint := self._known.get(lineage.name)) is None:
            state = {
                "config": self.of_all_but_data(lineage),
                "sources": {table: self._versions.get(table) for table in lineage.sources},
                "depends_on": [self.of(above) for above in lineage.depends_on],
            }
            fingerprint = self._known[lineage.name] = digest_of(state)
        return fingerprint

    def of_all_but_data(self, follows: Lineage | Dependencies) -> str:
        """A digest of what a stored table follows from beside the lake's and other stored tables."""
        state = {
            "code": code_digest(self._code),
            "people": self._people if follows.people else None,
            "settings": dict(follows.answers),
            "spellings": self._spellings().of_tables(follows.sources),
        }
        return digest_of(state)
