"""Deployments that nobody runs: releases, merges of pull requests, and versions of the tracker (further exports, H), as a stored
table.

They are successful deployments to production without a service, of the environment `production`. A release is one when it
was published, with the commit of its tag; a merge is one when it was merged, with its merge commit. A version is one when it was
released, of each repository with pull requests linked to its work items, with the merge commits of those that were merged by the
end of its day.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from leadline.derive.completion import ITEM
from leadline.derive.expressions import fits
from leadline.derive.production import classes, is_production
from leadline.engine import schema_table
from leadline.engine.functions import INSTANT
from leadline.facts.production import ENVIRONMENTS
from leadline.facts.pull_requests import LINKS, PR
from leadline.materialize.model import Model
from leadline.settings.event_sources import AUTO, MERGES, VERSIONS, DeploymentSource
from leadline.settings.profile import Profile

ENVIRONMENT = "production"
"""Their environment: team rules may look at it."""
_DEFAULT_BRANCHES = ("main", "master")
"""Where a repository's default branch is not known."""
_PRERELEASE = r"(^|[^0-9.])[0-9]+(\.[0-9]+)+-[^+]"
"""A version of numbers and dots with a suffix after `-` (semver.org, 9); what follows a `+` is none (10)."""


def _code_deployments(profile: Profile) -> Table:
    parts = [
        rows.mutate(**{"class": ibis.literal(number, "int64")})
        for number, of_class in enumerate(classes(profile))
        if is_production(ENVIRONMENT, of_class.environment)
        for rows in _of_class(number, of_class.source)
    ]
    if not parts:
        return (
            _releases().drop("prerelease").filter(ibis.literal(False)).mutate(classes=ibis.literal([], "array<int64>"))
        )
    if len(parts) == 1:
        rows = parts[0].mutate(classes=ibis.array([parts[0]["class"]])).drop("class")
    else:
        all_rows = ibis.union(*parts)
        number = all_rows["class"]
        rows = all_rows.group_by("deployment_id").agg(
            **{name: all_rows[name].first() for name in _COLUMNS},
            classes=number.collect(order_by=number),
        )
    # Whatever was delivered under such an id is that.
    return rows.anti_join(schema_table("deployments").select("deployment_id"), "deployment_id")


def _of_class(number: int, source: DeploymentSource) -> list[Table]:
    if source.source in (MERGES, VERSIONS):
        return [_merges(source) if source.source == MERGES else _versions()]
    if not source.of_releases:
        return []
    releases = _releases()
    releases = releases.filter(~(releases.prerelease | releases.tag.re_search(_PRERELEASE)))
    if source.tags:
        releases = releases.filter(fits(releases.tag, source.tags))
    if source.source == AUTO:
        releases = releases.anti_join(_with_runs(number), "repository")
    return [releases.drop("prerelease")]


def _with_runs(number: int) -> Table:
    """The repositories that ever had a run to production, whatever became of it."""
    environments = ENVIRONMENTS.table()
    production = environments.filter(environments["class"] == number).select(
        of_environment=environments.environment.fill_null("")
    )
    runs = schema_table("deployments")
    runs = runs.filter(runs.repository.notnull())
    return runs.semi_join(production, runs.environment.fill_null("") == production.of_environment).select("repository")


def _releases() -> Table:
    releases = schema_table("releases")
    releases = releases.filter(releases.published_at.notnull())
    return releases.select(
        "repository",
        "tag",
        "sha",
        prerelease=releases.prerelease.fill_null(False),
        deployment_id=ibis.literal("release:") + releases.repository + "@" + releases.tag,
        tags=ibis.array([releases.tag]),
        source=ibis.literal("releases"),
        finished_at=releases.published_at,
        branch=ibis.null("string"),
        shas=_NO_SHAS,
        title=releases.name.nullif("").fill_null(releases.tag),
        url=releases.url,
    )


_COLUMNS = ("repository", "tag", "sha", "tags", "source", "finished_at", "branch", "shas", "title", "url")
_NO_SHAS = ibis.null("array<string>")


def _merges(source: DeploymentSource) -> Table:
    pulls = schema_table("pull_requests")
    pulls = pulls.filter(pulls.merged_at.notnull() & pulls.base_branch.notnull())
    if source.branches:
        pulls = pulls.filter(fits(pulls.base_branch, source.branches))
    else:
        defaults = schema_table("repositories").select("default_branch", of_repository="repository")
        joined = pulls.left_join(defaults, pulls.repository == defaults.of_repository)
        pulls = joined.filter(_is_default(joined.base_branch, joined.default_branch))
    if source.labels:
        # Not by a function of the list: Sail cannot filter rows by one.
        named = pulls.select(*PR, label=pulls.labels.unnest())
        pulls = pulls.semi_join(named.filter(named.label.strip().lower().isin(source.labels)), PR)
    return pulls.select(
        "repository",
        tag=ibis.null("string"),
        sha=pulls.merge_commit_sha,
        deployment_id=ibis.literal("merge:") + pulls.repository + "#" + pulls.number.cast("string"),
        tags=pulls.labels,
        source=ibis.literal("merges"),
        finished_at=pulls.merged_at,
        branch=pulls.base_branch,
        shas=_NO_SHAS,
        title=pulls.title,
        url=pulls.url,
    )


def _versions() -> Table:
    """One row per released version and repository; a version without a merged pull request has one without repository."""
    versions = schema_table("versions")
    versions = versions.filter(versions.released_at.notnull())
    items = schema_table("work_items").select(*ITEM, version=lambda t: t.fix_versions.unnest()).distinct()
    linked = LINKS.table().inner_join(items, ITEM).select("project", "version", *PR).distinct()
    pulls = schema_table("pull_requests")
    pulls = pulls.filter(pulls.merged_at.notnull()).select(*PR, "merged_at", sha=pulls.merge_commit_sha.lower())
    merged = linked.inner_join(pulls, PR).rename(of_project="project")
    # The tracker tells the day of a release alone.
    until_then = merged.merged_at.date() <= versions.released_at.date()
    own = [versions.project == merged.of_project, versions.name == merged.version, until_then]
    joined = versions.left_join(merged, own)
    rows = joined.group_by("project", "name", "released_at", "url", "repository").agg(
        shas=joined.sha.collect(where=joined.sha.notnull(), order_by=joined.sha, distinct=True)
    )
    place = ibis.cases((rows.repository.notnull(), ibis.literal("@") + rows.repository), else_=ibis.literal(""))
    return rows.select(
        "repository",
        tag=ibis.null("string"),
        sha=ibis.null("string"),
        deployment_id=ibis.literal("version:") + rows.project + "/" + rows.name + place,
        tags=ibis.array([rows.name]),
        source=ibis.literal(VERSIONS),
        finished_at=rows.released_at,
        branch=ibis.null("string"),
        shas=rows.shas,
        title=rows.name,
        url=rows.url,
    )


def _is_default(branch: StringValue, default: StringValue) -> BooleanValue:
    return ibis.cases((default.notnull(), branch == default), else_=branch.isin(_DEFAULT_BRANCHES))


CODE_DEPLOYMENTS = Model(
    "code_deployments",
    {
        "deployment_id": "string",
        "repository": "string",
        "tag": "string",
        "sha": "string",
        "tags": "array<string>",
        "source": "string",
        "finished_at": INSTANT,
        "branch": "string",
        "shas": "array<string>",
        "title": "string",
        "url": "string",
        "classes": "array<int64>",
    },
    expression=_code_deployments,
)
"""Releases, merges and versions that are deployments in some class of production (``classes``). ``tag`` is a release's, ``branch``
the one merged into, ``shas`` are a version's merge commits; ``tags`` are the tag, the pull request's labels or the version;
``source`` is `releases`, `merges` or `versions`; ``title`` and ``url`` are those of the release, pull request or version."""
