"""What the step `carried` reads of the lake: what changed since it last looked, and the rows of some repositories.

Files of the lake never change, so new files are new commits; only where files went (merged into others, or replaced) are
commits compared. The queries are DuckDB's: this step is computed where the files are, on any engine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.derive.commit_graph import CommitRow
from leadline.engine import parquet_relation, sql_text
from leadline.facts.code_deployments import CODE_DEPLOYMENTS
from leadline.facts.production import ENVIRONMENTS
from leadline.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.materialize.model import BuildContext

CHOSEN = "carried_repositories"
"""The name under which the repositories at work are bound."""
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

_PICK = r"(?m)^[ \t]*\(cherry picked from commit ([0-9a-f]{4,64})\)[ \t\r]*$"
"""Git's own line (`git cherry-pick -x`)."""
_PICKS = (
    "CASE WHEN contains(message, 'cherry picked from commit') "
    f"THEN nullif(list_transform(regexp_extract_all(lower(message), '{_PICK}', 1), lambda sha: encode(sha)), []) END"
)
_PRINT = "concat(count(*), '-', sum(CAST(hash({}) AS HUGEINT)))"
"""A digest of rows that does not depend on their order."""
_BLANKS = " \t\n\r\v\f"


@dataclass(frozen=True)
class CommitChanges:
    """``new`` is the number of commits by repository in ``files``, which are to be added to what is there;
    ``replaced`` are repositories whose commits must be read anew."""

    files: tuple[str, ...]
    new: Mapping[str, int]
    replaced: frozenset[str]


@dataclass(frozen=True)
class DeploymentRow:
    """One deployment. ``kinds`` are the classes of production in which it carries anything: none unless it succeeded,
    finished (``finished_us``, microseconds since 1970) and has a repository."""

    deployment_id: str
    sha: str | None
    shas: tuple[str, ...]
    tags: tuple[str, ...]
    services: tuple[str, ...]
    finished_us: int | None
    kinds: tuple[int, ...]
    fault: str | None


class LakeReader:
    """The lake of a build. A repository that is not known is ''."""

    def __init__(self, context: BuildContext) -> None:
        self._engine = context.engine
        self._spellings = context.spellings
        self._files = context.snapshot.files("commits")
        self._bounds = "true"
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

    def deployments_by_repository(self) -> dict[str, str]:
        """A digest of the deployments of every repository that has any."""
        columns = "deployment_id, service, sha, shas, tags, status, finished_at, kinds"
        return self._prints(f"SELECT repository AS name, {_PRINT.format(columns)} AS digest FROM {_RUNS} GROUP BY 1")

    def releases_by_repository(self) -> dict[str, str]:
        """A digest of the releases of every repository that has any."""
        return self._prints(f"SELECT repository, {_PRINT.format('tag, sha')} AS digest FROM releases GROUP BY 1")

    def _prints(self, query: str) -> dict[str, str]:
        names, digests = self._engine.arrow(query).to_pydict().values()
        return dict(zip(names, digests, strict=True))

    def commit_files(self) -> list[str]:
        """Names of the lake's files of commits."""
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
            f"SELECT repository, {_PRINT.format('sha, parents, message')} AS digest FROM {self._relation(files)} GROUP BY 1"
            if files
            else "SELECT '' AS repository, '' AS digest WHERE false"
        )

    def sizes(self, files: Sequence[str] | None = None) -> dict[str, int]:
        """The number of commits by repository, of all files or of some."""
        paths = self._files if files is None else files
        if not paths:
            return {}
        names, counts = self._engine.arrow(
            f"SELECT repository, count(*) AS n FROM {self._relation(paths)} GROUP BY 1"
        ).columns
        return dict(zip(names.to_pylist(), counts.to_pylist(), strict=True))

    # -- rows of some repositories -------------------------------------------------------------------------------------

    def choose(self, repositories: Sequence[str]) -> None:
        """The repositories that the rows which follow are of."""
        import pyarrow as pa

        self._engine.bind_arrow(CHOSEN, pa.table({"chosen": pa.array(repositories, pa.string())}))
        # Files mostly hold whole repositories, so that the bounds alone rule out nearly all of them unread.
        self._bounds = f"repository BETWEEN {sql_text(min(repositories))} AND {sql_text(max(repositories))}"

    def commits(self, files: Sequence[str] | None = None) -> Iterator[tuple[str, list[CommitRow]]]:
        """The commits of the chosen repositories, of all files or of some, by repository and id."""
        paths = self._files if files is None else files
        if not paths:
            return iter(())
        return self._grouped(
            f"SELECT repository, encode(lower(sha)), encode(lower(parents)), {_PICKS} FROM {self._relation(paths)} "
            f"SEMI JOIN {CHOSEN} ON repository = chosen WHERE {self._bounds} ORDER BY 1, 2"
        )

    def deployments(self) -> Iterator[tuple[str, list[DeploymentRow]]]:
        """The deployments of the chosen repositories, by repository, finish and id."""
        groups = self._grouped(
            "SELECT repository, deployment_id, lower(sha), shas, tags, service, epoch_us(finished_at), kinds, "
            f"status = 'success' FROM {_RUNS} SEMI JOIN {CHOSEN} ON repository = chosen "
            "ORDER BY 1, finished_at NULLS FIRST, deployment_id"
        )
        return ((name, [_deployment(name, row) for row in rows]) for name, rows in groups)

    def releases(self) -> dict[str, list[tuple[str, str]]]:
        """Tag and commit id of the chosen repositories' releases, by repository."""
        return dict(
            self._grouped(
                f"SELECT repository, tag, lower(sha) FROM releases SEMI JOIN {CHOSEN} ON repository = chosen "
                "WHERE sha IS NOT NULL ORDER BY 1, 2"
            )
        )

    def _relation(self, files: Sequence[str]) -> str:
        commits = parquet_relation(files, TABLES["commits"].arrow_schema)
        return f"({self._spellings.query('commits', f'SELECT * FROM {commits}')})"

    def _grouped(self, query: str) -> Iterator[tuple[str, list[Any]]]:
        """The rows of a query by their first column, without it, which they are sorted by."""
        name, rows = "", list[Any]()
        for batch in self._engine.reader(query):
            more = list(zip(*(column.to_pylist() for column in batch.columns[1:]), strict=True))
            for value, start, end in _runs(batch.column(0)):
                if value != name:
                    if rows:
                        yield name, rows
                    name, rows = value, []
                rows += more[start:end]
        if rows:
            yield name, rows


def _runs(column: pa.Array) -> Iterator[tuple[str, int, int]]:
    import pyarrow.compute as pc

    if len(column):
        runs = pc.run_end_encode(column)
        start = 0
        for value, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            yield value, start, end
            start = end


def _deployment(repository: str, row: Sequence[Any]) -> DeploymentRow:
    deployment_id, sha, shas, tags, service, finished_us, kinds, succeeded = row
    fault = None
    if not repository:
        fault = "no repository: it carries nothing"
    elif succeeded and finished_us is None:
        fault = "no finished_at: it carries nothing"
    services = dict.fromkeys(name for part in (service or "").split(";") if (name := part.strip(_BLANKS)))
    return DeploymentRow(
        deployment_id,
        sha,
        tuple(text.lower() for text in shas or () if text),
        tuple(tag for tag in tags or () if tag),
        tuple(services) or ("",),
        finished_us,
        tuple(kinds or ()) if succeeded and repository and finished_us is not None else (),
        fault,
    )
