"""The rows of some repositories that the step `carried` works on: commits, deployments and releases, by repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.derive.commit_graph import CommitRow
from leadline.engine import parquet_relation, sql_text
from leadline.schema import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings

CHOSEN = "carried_repositories"
"""The name under which the repositories at work are bound."""

_PICK = r"(?m)^[ \t]*\(cherry picked from commit ([0-9a-f]{4,64})\)[ \t\r]*$"
"""Git's own line (`git cherry-pick -x`)."""
_PICKS = (
    "CASE WHEN contains(message, 'cherry picked from commit') "
    f"THEN nullif(list_transform(regexp_extract_all(lower(message), '{_PICK}', 1), lambda sha: encode(sha)), []) END"
)
_BLANKS = " \t\n\r\v\f"


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


class RepositoryRows:
    """Reads them, names by ``spellings``. ``runs`` is a relation with all deployments, with the classes of production in which each
    is one (``kinds``), ``releases`` one with all releases."""

    def __init__(self, engine: Backend, spellings: Spellings, runs: str, releases: str) -> None:
        self._engine = engine
        self._spellings = spellings
        self._runs = runs
        self._releases = releases
        self._bounds = "true"

    def choose(self, repositories: Sequence[str]) -> None:
        """The repositories that the rows which follow are of."""
        import pyarrow as pa

        self._engine.bind_arrow(CHOSEN, pa.table({"chosen": pa.array(repositories, pa.string())}))
        # Files mostly hold whole repositories, so that the bounds alone rule out nearly all of them unread.
        self._bounds = f"repository BETWEEN {sql_text(min(repositories))} AND {sql_text(max(repositories))}"

    def commits(self, files: Sequence[str]) -> Iterator[tuple[str, list[CommitRow]]]:
        """The commits of the chosen repositories in some files of the lake, by repository and id."""
        if not files:
            return iter(())
        return self._grouped(
            f"SELECT repository, encode(lower(sha)), encode(lower(parents)), {_PICKS} FROM {self.relation(files)} "
            f"SEMI JOIN {CHOSEN} ON repository = chosen WHERE {self._bounds} ORDER BY 1, 2"
        )

    def deployments(self) -> Iterator[tuple[str, list[DeploymentRow]]]:
        """The deployments of the chosen repositories, by repository, finish and id."""
        groups = self._grouped(
            "SELECT repository, deployment_id, lower(sha), shas, tags, service, epoch_us(finished_at), kinds, "
            f"status = 'success' FROM {self._runs} SEMI JOIN {CHOSEN} ON repository = chosen "
            "ORDER BY 1, finished_at NULLS FIRST, deployment_id"
        )
        return ((name, [_deployment(name, row) for row in rows]) for name, rows in groups)

    def releases(self) -> dict[str, list[tuple[str, str]]]:
        """Tag and commit id of the chosen repositories' releases, by repository."""
        return dict(
            self._grouped(
                f"SELECT repository, tag, lower(sha) FROM {self._releases} SEMI JOIN {CHOSEN} ON repository = chosen "
                "WHERE sha IS NOT NULL ORDER BY 1, 2"
            )
        )

    def relation(self, files: Sequence[str]) -> str:
        """Files of commits, as they are read."""
        commits = parquet_relation(files, TABLES["commits"].arrow_schema)
        return f"({self._spellings.query('commits', f'SELECT * FROM {commits}')})"

    def copy_deployments(self, path: Path) -> None:
        """Write the deployments of the chosen repositories to a file, which is ``runs`` to another process."""
        chosen = f"SELECT r.* FROM {self._runs} AS r SEMI JOIN {CHOSEN} ON repository = chosen"
        self._engine.copy(chosen, path, "parquet", durable=False, compression="snappy")

    def copy_releases(self, path: Path) -> None:
        """Write their releases, likewise."""
        chosen = f"SELECT repository, tag, sha FROM {self._releases} SEMI JOIN {CHOSEN} ON repository = chosen"
        self._engine.copy(chosen, path, "parquet", durable=False, compression="snappy")

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
