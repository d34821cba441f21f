"""What the step `carried` reads of the lake: what changed since it last looked, and the rows of repositories.

Files of the lake never change, so new files are new commits; only where files went (merged into others, or replaced) are
commits compared. The queries are DuckDB's: this step is computed where the files are, on any engine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.facts.code_deployments import CODE_DEPLOYMENTS
from leadline.facts.deployment_contents.repository_rows import RepositoryRows
from leadline.facts.production import ENVIRONMENTS

if TYPE_CHECKING:
    from leadline.materialize.model import BuildContext

_ENVIRONMENTS = "carried_environments"
_RUNS = (
    "(SELECT coalesce(repository, '') AS repository, deployment_id, sha, shas, tags, service, status, finished_at, kinds "
    f"FROM deployments LEFT JOIN {_ENVIRONMENTS} ON coalesce(environment, '') = name "
    # The labels of a pull request are no tags of its repository.
    "UNION ALL SELECT coalesce(repository, ''), deployment_id, sha, shas, if(tag IS NULL, NULL, tags), NULL, 'success', "
    "finished_at, classes "
    f"FROM {CODE_DEPLOYMENTS.bound_name})"
)
"""All deployments, with the classes of production (``kinds``) in which each is one."""
_OF_CODE = "repository, deployment_id, sha, shas, tag, tags, finished_at, classes"
"""What is read of deployments that nobody runs: what they are called changes nothing."""

_PRINT = "concat(count(*), '-', sum(CAST(hash({}) AS HUGEINT)))"
"""A digest of rows that does not depend on their order."""


@dataclass(frozen=True)
class CommitChanges:
    """``new`` is the number of commits by repository in ``files``, which are to be added to what is there;
    ``replaced`` are repositories whose commits must be read anew."""

    files: tuple[str, ...]
    new: Mapping[str, int]
    replaced: frozenset[str]


class LakeReader:
    """The lake of a build. A repository that is not known is ''. ``rows`` reads those of some repositories."""

    def __init__(self, context: BuildContext) -> None:
        self._engine = context.engine
        self._files = context.snapshot.files("commits")
        self.rows = RepositoryRows(self._engine, context.spellings, _RUNS, "releases")
        self._all_files = {name: context.snapshot.files(name) for name in ("commits", "deployments", "releases")}
        # Environments are few: what each is, is written beside its deployments once.
        kinds = self._engine.arrow(
            "SELECT coalesce(environment, '') AS name, list(DISTINCT class ORDER BY class) AS kinds "
            f"FROM {ENVIRONMENTS.bound_name} WHERE counts GROUP BY ALL"
        )
        self._kinds = kinds.sort_by("name").to_pylist()
        self._engine.bind_arrow(_ENVIRONMENTS, kinds)

    def inputs(self) -> str:
        """A name for all that is read: files of the lake never change, and no two have the same name."""
        files = {table: sorted(Path(path).name for path in paths) for table, paths in self._all_files.items()}
        code = self._engine.arrow(
            f"SELECT {_PRINT.format(_OF_CODE)} AS digest FROM {CODE_DEPLOYMENTS.bound_name}"
        ).to_pylist()
        return hashlib.sha256(json.dumps([files, self._kinds, code]).encode()).hexdigest()

    # -- what changed --------------------------------------------------------------------------------------------------

    def _deployments_by_repository(self) -> dict[str, str]:
        columns = "deployment_id, service, sha, shas, tags, status, finished_at, kinds"
        return self._prints(f"SELECT repository AS name, {_PRINT.format(columns)} AS digest FROM {_RUNS} GROUP BY 1")

    def digests(self) -> dict[str, tuple[str, str]]:
        """A digest of the deployments of every repository that has any, and one of its releases."""
        releases = self._releases_by_repository()
        return {name: (digest, releases.get(name, "")) for name, digest in self._deployments_by_repository().items()}

    def _releases_by_repository(self) -> dict[str, str]:
        return self._prints(f"SELECT repository, {_PRINT.format('tag, sha')} AS digest FROM releases GROUP BY 1")

    def _prints(self, query: str) -> dict[str, str]:
        names, digests = self._engine.arrow(query).to_pydict().values()
        return dict(zip(names, digests, strict=True))

    @property
    def files(self) -> list[str]:
        """The lake's files of commits."""
        return list(self._files)

    def commit_files(self) -> list[str]:
        """Their names."""
        return [Path(path).name for path in self._files]

    def commit_changes(self, before: Sequence[str]) -> CommitChanges | None:
        """What became of the commits since the lake had the files ``before``; None if that cannot be told."""
        names = {Path(path).name for path in self._files}
        fresh = [path for path in self._files if Path(path).name not in set(before)]
        gone = [name for name in before if name not in names]
        if not gone:
            return CommitChanges(tuple(fresh), self.sizes(fresh), frozenset())
        if not self._files:
            return None
        earlier = [Path(self._files[0]).with_name(name) for name in gone]
        if not all(path.exists() for path in earlier):
            return None
        left, came = self._contents([str(path) for path in earlier]), self._contents(fresh)
        # Files that were merged are the same commits in another file; anything else is compared by repository.
        changed = {name for name in left.keys() | came.keys() if left.get(name) != came.get(name)}
        added = {name: rows for name, rows in self.sizes(fresh).items() if name in changed and name not in left}
        return CommitChanges(tuple(fresh), added, frozenset(changed - added.keys()))

    def _contents(self, files: Sequence[str]) -> dict[str, str]:
        return self._prints(
            f"SELECT repository, {_PRINT.format('sha, parents, message')} AS digest FROM {self.rows.relation(files)} GROUP BY 1"
            if files
            else "SELECT '' AS repository, '' AS digest WHERE false"
        )

    def sizes(self, files: Sequence[str] | None = None) -> dict[str, int]:
        """The number of commits by repository, of all files or of some."""
        paths = self._files if files is None else files
        if not paths:
            return {}
        names, counts = self._engine.arrow(
            f"SELECT repository, count(*) AS n FROM {self.rows.relation(paths)} GROUP BY 1"
        ).columns
        return dict(zip(names.to_pylist(), counts.to_pylist(), strict=True))
