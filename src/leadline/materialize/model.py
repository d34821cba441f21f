"""What a stored table is: a step between the lake and the metrics whose rows are computed once per state of the data.

A declaration is all there is here; ``store`` computes and keeps the rows, the modules of the facts declare theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from leadline.engine import Engine
    from leadline.lake import Snapshot
    from leadline.settings.profile import Profile


@dataclass(frozen=True)
class BuildContext:
    """Where a step that no query can say is computed.

    ``engine`` has the raw tables and the step's ``needs`` bound; the step writes Parquet files of its declared columns
    into ``folder`` (at least one, if only an empty one). ``state`` is a folder of the step's own that outlives the
    computation, used by one process at a time and never needed: it may be empty whenever a step begins.
    """

    engine: Engine
    profile: Profile
    snapshot: Snapshot
    folder: Path
    state: Path


@dataclass(frozen=True, eq=False)
class Model:
    """One stored table, by ``expression`` or, where no query can say it, by ``compute``.

    ``reads`` are the lake's tables, ``needs`` the stored tables, ``settings`` the profile's keys, ``rules`` the team rules
    (of any team) and, if ``people``, the org trees that its rows follow from; ``columns`` are its columns with ibis
    types. ``by_repository``: rows of one repository follow from rows of that repository alone (and from ``needs``), so
    that a large lake can be worked through some repositories at a time, in memory that does not grow with it. ``whole``:
    such a step reads all of it none the less, since it is looked up by what several repositories share. ``state`` names
    the state that steps which are computed together share; a step without has one of its own.
    """

    name: str
    columns: Mapping[str, str]
    reads: tuple[str, ...]
    expression: Callable[[Profile], Table] | None = None
    compute: Callable[[BuildContext], None] | None = None
    needs: tuple[Model, ...] = ()
    settings: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    people: bool = False
    by_repository: bool = False
    whole: bool = False
    state: str = ""
    bound_as: str = ""

    @property
    def bound_name(self) -> str:
        """The name under which its rows are bound in an engine."""
        return self.bound_as or f"stored_{self.name}"

    def table(self) -> Table:
        """Its rows as an unbound table."""
        import ibis

        return ibis.table(dict(self.columns), name=self.bound_name)
