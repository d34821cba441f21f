"""Environments to which much is deployed and of which nothing counts, because they are no production by any rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from leadline.derive.production import classes, is_production, is_production_name
from leadline.engine.tables import schema_table

if TYPE_CHECKING:
    from leadline.materialize.session import Session
    from leadline.people.tree import OrgTree
    from leadline.settings.profile import Profile

DAYS = 90
LEAST = 10
"""Successful deployments in the last `DAYS` days before the environment's newest from which on it is told."""
_NAMED = 3


def uncounted_environments(opened: Session, profiles: Sequence[Profile], org_trees: Sequence[OrgTree]) -> list[str]:
    """A sentence for each environment with `LEAST` successful deployments of repositories without any production deployment.
    The raw tables are bound already."""
    rules = {of_class.environment for profile in profiles for of_class in classes(profile)}
    rows = _deployed(opened)
    production = {
        name: any(is_production(name or None, rule) for rule in rules) for name in {row["environment"] for row in rows}
    }
    with_production = {row["repository"] for row in rows if production[row["environment"]]}
    by_environment: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["repository"] not in with_production:
            by_environment.setdefault(row["environment"].strip(), []).append(row)
    named = sorted(name for name in production if name and is_production_name(name))
    return [
        sentence
        for environment, of in sorted(by_environment.items())
        if (sentence := _sentence(environment, of, named, org_trees)) is not None
    ]


def _deployed(opened: Session) -> list[dict[str, Any]]:
    """Per repository and environment the successful deployments in the days before the environment's newest."""
    import ibis

    runs = schema_table("deployments")
    runs = runs.filter((runs.status == "success") & runs.finished_at.notnull())
    runs = runs.select("repository", "finished_at", environment=runs.environment.fill_null(""))
    newest = runs.finished_at.max().over(ibis.window(group_by=runs.environment))
    runs = runs.mutate(recent=runs.finished_at >= newest - ibis.interval(days=DAYS))
    counted = runs.group_by("environment", "repository").agg(deployments=runs.recent.cast("int64").sum().cast("int64"))
    return [
        {**row, "deployments": int(row["deployments"] or 0)}
        for row in opened.engine.arrow(counted.order_by("environment", "repository")).to_pylist()
    ]


def _sentence(
    environment: str, rows: Iterable[dict[str, Any]], production: Sequence[str], org_trees: Sequence[OrgTree]
) -> str | None:
    counts = {row["repository"]: row["deployments"] for row in rows if row["deployments"]}
    total = sum(counts.values())
    if total < LEAST:
        return None
    busiest = sorted((name for name in counts if name), key=lambda name: (-counts[name], name))
    names = ", ".join(busiest[:_NAMED]) + (f" and {len(busiest) - _NAMED} more" if len(busiest) > _NAMED else "")
    whose = f" of {names}, of which nothing is deployed to production" if busiest else ""
    return (
        f"environment {environment!r}: {total:,} successful deployments in {DAYS} days{whose}; by its name it is no production, "
        f"so they count in nothing. If it is, say so: {_setting(environment, production, org_trees)}"
    )


def _setting(environment: str, production: Sequence[str], org_trees: Sequence[OrgTree]) -> str:
    team = str(org_trees[0].root.key or org_trees[0].root.ref_id) if org_trees else "TEAM"
    values = [environment, *production[: 2 * _NAMED]]
    told = ", ".join(value for value in values if not set(value) & set(',;"'))
    return f'`leadline settings team.{team}.environment "equals {told}"`'
