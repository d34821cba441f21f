"""With which commits a merged pull request is deployed (metrics, "Which deployment carries a change"): its merge commit; where
that is not deployed, the last of its listed commits; and the merge commit of a pull request that lists its merge commit (a stack
or a promotion that was squashed), and so on.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
from ibis.expr.types import Table

from leadline.derive.paths import named_by
from leadline.engine import schema_table
from leadline.engine.functions import epoch_us
from leadline.facts.rework import PULL_REQUEST_KEY, own_commits
from leadline.materialize.model import BuildContext, Computation, Model
from leadline.settings.profile import Profile

PR = ["repository", "number"]
MERGE, HEAD, OUTER = "merge", "head", "outer"
_Pull = tuple[str, int]


def merged_pulls() -> Table:
    """Merged pull requests whose merge commit is named: repository, number and its ``sha``."""
    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merged_at.notnull() & pulls.merge_commit_sha.notnull())
    return merged.select(*PR, sha=merged.merge_commit_sha.lower())


def _heads() -> Table:
    """The last listed commit of every merged pull request."""
    pulls, commits = schema_table("pull_requests"), schema_table("commits")
    merged = pulls.filter(pulls.merged_at.notnull()).select(*PR)
    listed = schema_table("pull_request_commits").semi_join(merged, PR)
    dated = listed.committed_at.coalesce(listed.authored_at)
    undated = listed.filter(dated.isnull()).select("repository", "sha").distinct()
    known = commits.semi_join(undated, ["repository", "sha"])
    known = known.select("repository", known_sha="sha", known_at=known.committed_at.coalesce(known.authored_at))
    listed = listed.select(*PR, "sha", dated=dated)
    joined = listed.left_join(known, [listed.repository == known.repository, listed.sha == known.known_sha])
    joined = joined.select(*PR, "sha", at=epoch_us(joined.dated.coalesce(joined.known_at)).fill_null(0))
    return joined.group_by(PR).agg(sha=joined.sha.argmax(ibis.struct({"at": joined["at"], "sha": joined.sha})))


def _changes() -> Table:
    outer = OUTER_MERGES.table()
    ways = (
        merged_pulls().mutate(way=ibis.literal(MERGE, "string"), outer=ibis.null("int64")),
        _heads().mutate(way=ibis.literal(HEAD, "string"), outer=ibis.null("int64")),
        outer.select(*PR, "sha", way=ibis.literal(OUTER, "string"), outer="outer"),
    )
    return ibis.union(*(way.select(*CHANGES.columns) for way in ways))


def carried_changes(carried: Table, profile: Profile) -> Table:
    """``carried`` (class, repository, service, sha, deployment_id, deployed_at, …) with the pull requests that are deployed with
    each of these commits; with the last commit of a branch only where the merge is not deployed at all. A service that has
    ``paths`` carries none that touches none of these."""
    joined = CHANGES.table().inner_join(carried, ["repository", "sha"])
    if profile.own("service", "paths"):
        joined = joined.mutate(of_service=joined.service.lower())
        joined = joined.anti_join(OUTSIDE.table(), [*PR, "of_service"]).drop("of_service")
    whole = ibis.window(group_by=["class", *PR])
    joined = joined.mutate(merge_deployed=(joined.way == MERGE).any().over(whole))
    return joined.filter((joined.way != HEAD) | ~joined.merge_deployed).drop("merge_deployed")


def _outside(profile: Profile) -> Table:
    """Pull requests of which files are known, none of them among the paths of a service, for each service that has any."""
    files, old = _touched(), schema_table("pull_request_files").filter(ibis.literal(False)).select(*PR)
    known = files.select(*PR).distinct()
    parts = [old.mutate(of_service=ibis.literal("", "string"))]
    for service, globs in sorted(profile.own("service", "paths").items()):
        if globs:
            inside = files.filter(named_by(files.path, globs)).select(*PR)
            parts.append(known.anti_join(inside, PR).mutate(of_service=ibis.literal(service, "string")))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _touched() -> Table:
    """The files of each pull request: its own, else those of its commits, with what they were called before."""
    own = schema_table("pull_request_files").select(*PR, "path")
    files = schema_table("commit_files").select("repository", "sha", "path", "old_path")
    of_commits = own_commits().inner_join(files, ["repository", "sha"]).anti_join(own, PR)
    former = of_commits.filter(of_commits.old_path.notnull()).select(*PR, path="old_path")
    return ibis.union(own, of_commits.select(*PR, "path"), former)


def _listing() -> Table:
    """Pairs of merged pull requests of a repository: ``number``, and ``outer``, which lists its merge commit."""
    inner = merged_pulls()
    listed = schema_table("pull_request_commits").select("repository", "sha", outer="number")
    pairs = inner.inner_join(listed, ["repository", "sha"])
    # These are few, and as distinct ones found first: else all pull requests of a repository are joined with each other.
    pairs = pairs.filter(pairs.number != pairs.outer).select(*PR, "outer").distinct()
    outer = merged_pulls().select("repository", outer="number", outer_sha="sha")
    return pairs.inner_join(outer, ["repository", "outer"]).select(*PR, "outer", "outer_sha")


def _compute_outer(context: BuildContext) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = context.engine.arrow(context.sql("listing", None, _listing)).to_pylist()
    above: dict[_Pull, dict[_Pull, str]] = {}
    for row in rows:
        listing = above.setdefault((row["repository"], row["number"]), {})
        listing[row["repository"], row["outer"]] = row["outer_sha"]
    found = [(*pull, outer[1], sha) for pull in sorted(above) for outer, sha in sorted(_all_above(pull, above).items())]
    columns = list(zip(*found, strict=True)) or [()] * len(OUTER_MERGES.columns)
    types = {"string": pa.string(), "int64": pa.int64()}
    arrays = [
        pa.array(column, types[kind]) for column, kind in zip(columns, OUTER_MERGES.columns.values(), strict=True)
    ]
    pq.write_table(pa.table(dict(zip(OUTER_MERGES.columns, arrays, strict=True))), context.folder / "outer.parquet")


def _all_above(pull: _Pull, above: Mapping[_Pull, Mapping[_Pull, str]]) -> dict[_Pull, str]:
    """The merge commits of all pull requests that list the merge of ``pull``, or of one that does, and so on."""
    found: dict[_Pull, str] = {}
    waiting = [pull]
    while waiting:
        for outer, sha in above.get(waiting.pop(), {}).items():
            if outer not in found and outer != pull:
                found[outer] = sha
                waiting.append(outer)
    return found


OUTSIDE = Model(
    "outside_services",
    {**PULL_REQUEST_KEY, "of_service": "string"},
    expression=_outside,
    by_repository=True,
)
"""The services (in lower case) of whose ``paths`` a pull request touches none."""

OUTER_MERGES = Model(
    "outer_merges",
    {**PULL_REQUEST_KEY, "outer": "int64", "sha": "string"},
    computation=Computation(_compute_outer, sources=("pull_requests", "pull_request_commits")),
)
"""Per merged pull request those whose merge brings it, too (``outer``), with the commit of that merge."""

CHANGES = Model(
    "changes",
    {**PULL_REQUEST_KEY, "sha": "string", "way": "string", "outer": "int64"},
    expression=lambda _profile: _changes(),
    by_repository=True,
)
"""The commits with which each merged pull request is deployed, and in which ``way`` it is (``merge``, ``head``, ``outer``)."""
