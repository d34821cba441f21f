"""The oracle's sources: what is a deployment and what is an incident for whom, from further-exports.md, part H.

In comes a ``World``; out come ``Class``es (what a node counts), releases, merges and versions as if they were runs, and
work items as if they were of an incident tool. No SQL, no leadline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .oracle_events import World, by_key, last_done, links
from .oracle_people import Node, Row

OPERATORS = ("not equals", "equals", "not contains", "contains", "starts with", "ends with")
DEPLOYMENT_RULES = ("deployments.source", "deployments.branches", "deployments.labels", "releases.tags")
INCIDENT_FILTERS = ("type", "label", "priority", "project")
INCIDENT_RULES = ("incidents.source", *(f"incident.{name}" for name in INCIDENT_FILTERS))


def matches(text: str, values: Iterable[str | None]) -> bool:
    """Whether a filter set (`equals a, b; not contains c`) holds for a property that has these values."""
    found = [(value or "").lower() for value in values] or [""]
    return all(_holds(part.strip(), found) for part in text.split(";") if part.strip())


def _holds(part: str, found: list[str]) -> bool:
    operator = next(name for name in OPERATORS if part.lower().startswith(name + " "))
    wanted = [value.strip().lower() for value in part[len(operator) :].split(",") if value.strip()]
    test = {
        "equals": lambda value, want: value == want,
        "contains": lambda value, want: want in value,
        "starts with": lambda value, want: value.startswith(want),
        "ends with": lambda value, want: value.endswith(want),
    }[operator.removeprefix("not ")]
    hit = any(test(value, want) for value in found for want in wanted)
    return not hit if operator.startswith("not ") else hit


@dataclass(frozen=True)
class Class:
    """What somebody counts: the text of an environment rule (None: the default), and the texts of the rules over the sources
    of deployments and of incidents; a rule that is not there is as the project says."""

    environment: str | None = None
    deployments: tuple[tuple[str, str], ...] = ()
    incidents: tuple[tuple[str, str], ...] = ()

    def deployment(self, world: World, name: str) -> str:
        return dict(self.deployments).get(name) or world.setting(name)

    def names(self, world: World, name: str) -> list[str]:
        return [part.strip() for part in self.deployment(world, name).split(",") if part.strip()]


@dataclass(frozen=True)
class Sources:
    """The rules in force for a node: the nearest node's that has any; ``claims``: it is the node's own over projects."""

    deployments: tuple[tuple[str, str], ...] = ()
    incidents: tuple[tuple[str, str], ...] = ()
    claims: bool = False

    def counting(self, environment: str | None = None) -> Class:
        return Class(environment, self.deployments, self.incidents)


def sources_in_force(world: World, tree: Node) -> dict[str, Sources]:
    """By path of the node in a tree."""
    found: dict[str, Sources] = {}

    def own(node: Node, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        return tuple((name, text) for name in names if (text := world.settings.get(f"team.{node.key}.{name}")))

    def walk(node: Node, above: Sources) -> None:
        deployments, incidents = own(node, DEPLOYMENT_RULES), own(node, INCIDENT_RULES)
        found[node.path] = Sources(
            deployments or above.deployments, incidents or above.incidents, "incident.project" in dict(incidents)
        )
        for child in node.children:
            walk(child, found[node.path])

    walk(tree, Sources())
    return found


# --- releases, merges and versions ----------------------------------------------------------------------------------------


def code_rows(world: World) -> list[Row]:
    """Every release, merge and version as a successful run to `production`; whether it is a deployment is for a class to say."""
    found = []
    for row in world.rows("releases"):
        if row.get("published_at"):
            place = {"deployment_id": f"release:{row['repository']}@{row['tag']}", "repository": row["repository"]}
            found.append({**place, "of": "releases", "sha": row.get("sha"), "tags": [row["tag"]], "tag": row["tag"]})
            found[-1] |= {"finished_at": row["published_at"], "prerelease": row.get("prerelease")}
    for row in world.rows("pull_requests"):
        if row.get("merged_at"):
            place = {"deployment_id": f"merge:{row['repository']}#{row['number']}", "repository": row["repository"]}
            found.append({**place, "of": "merges", "sha": row.get("merge_commit_sha"), "tags": row.get("labels") or []})
            found[-1] |= {"finished_at": row["merged_at"], "branch": row.get("base_branch")}
    found += _version_rows(world)
    return [{**row, "environment": "production", "status": "success"} for row in found]


def _version_rows(world: World) -> list[Row]:
    """A released version is one run for each repository with pull requests of its items that were merged by then; the tracker tells
    days alone, so that of the day itself all are in time. Without any it is one run of no repository."""
    found: list[Row] = []
    merged = [(row, links(world, row)) for row in world.rows("pull_requests") if row.get("merged_at")]
    for version in world.rows("versions"):
        if (released := version.get("released_at")) is None:
            continue
        items = {
            (row["project"], row["key"])
            for row in world.rows("work_items")
            if row["project"] == version["project"] and version["name"] in (row.get("fix_versions") or [])
        }
        shas: dict[str, list[str]] = {}
        for row, linked in merged:
            if linked & items and row["merged_at"].date() <= released.date():
                shas.setdefault(row["repository"], []).append(row.get("merge_commit_sha") or "")
        name = f"version:{version['project']}/{version['name']}"
        run = {"of": "versions", "tags": [version["name"]], "finished_at": released}
        for repository, own in shas.items():
            place = {"deployment_id": f"{name}@{repository}", "repository": repository}
            found.append({**run, **place, "shas": [sha for sha in own if sha]})
        found += [] if shas else [{**run, "deployment_id": name}]
    return found


def is_prerelease(tag: str) -> bool:
    """A version of numbers with dots has a suffix after a hyphen; what follows a plus is no part of that."""
    version = re.search(r"(?:^|[^0-9.])(\d+(?:\.\d+)+)(.*)$", tag)
    return version is not None and re.match(r"-[^+]", version[2]) is not None


def counts_code(world: World, kind: Class, row: Row, with_runs: set[str]) -> bool:
    """Whether a release, a merge or a version is a deployment of a class; ``with_runs`` are the repositories that have runs to
    what is production for it."""
    source = kind.deployment(world, "deployments.source")
    if row["of"] == "versions":
        return source == "versions"
    if row["of"] == "releases":
        tags = kind.names(world, "releases.tags")
        asked = source == "releases" or (source == "auto" and row["repository"] not in with_runs)
        fits = not tags or any(fnmatchcase(row["tag"], glob) for glob in tags)
        return asked and fits and not row["prerelease"] and not is_prerelease(row["tag"])
    branches, labels = kind.names(world, "deployments.branches"), kind.names(world, "deployments.labels")
    if source != "merges" or row["branch"] is None:
        return False
    if not branches:
        known = [
            one.get("default_branch") for one in world.rows("repositories") if one["repository"] == row["repository"]
        ]
        fits = row["branch"] == known[0] if known and known[0] else row["branch"] in ("main", "master")
    else:
        fits = any(fnmatchcase(row["branch"], glob) for glob in branches)
    own = {label.strip().lower() for label in row["tags"]}
    return fits and (not labels or bool(own & {label.lower() for label in labels}))


# --- incidents ------------------------------------------------------------------------------------------------------------


def incident_rows(world: World) -> list[Row]:
    """Those of the incident tool and every work item as if it were one; ``places`` are its own repositories."""
    found = [
        {**row, "places": [row["repository"]] if row.get("repository") else [], "item": None}
        for row in world.rows("incidents")
    ]
    linked: dict[tuple[str, str], set[str]] = {}
    for request in world.rows("pull_requests"):
        for key in links(world, request):
            linked.setdefault(key, set()).add(request["repository"])
    names = {name.strip().lower() for name in world.setting("work_items.not_done_resolutions").split(",")} - {""}
    changes = by_key(world.rows("work_item_changes"), "project", "key")
    for row in world.rows("work_items"):
        if (row.get("resolution") or "").strip().lower() in names:
            continue
        places = linked.get((row["project"], row["key"]), set())
        services = {
            part.strip()
            for run in world.rows("deployments")
            if run.get("repository") in places
            for part in (run.get("service") or "").split(";")
            if part.strip()
        }
        history = sorted(changes[row["project"], row["key"]], key=lambda change: change["changed_at"])
        found.append(
            {
                "incident_id": f"item:{row['project']}/{row['key']}",
                "created_at": row.get("created_at"),
                "resolved_at": row.get("completed_at") or last_done(row, history),
                "service": services.pop() if len(services) == 1 else None,
                "places": sorted(places),
                "item": row,
            }
        )
    return found


def counts_incident(world: World, kind: Class, incident: Mapping[str, object]) -> bool:
    """Whether it is an incident for a class."""
    rules = dict(kind.incidents)
    source = rules.get("incidents.source") or world.setting("incidents.source")
    row = incident["item"]
    if row is None:
        return source in ("incidents", "both")
    assert isinstance(row, Mapping)
    values = {name: [(row.get(name) or "").strip()] for name in ("type", "priority", "project")}
    values["label"] = [label.strip() for label in row.get("labels") or []]
    sets = {
        "type": "equals incident",
        **{name: rules[f"incident.{name}"] for name in values if f"incident.{name}" in rules},
    }
    return source in ("work_items", "both") and all(matches(text, values[name]) for name, text in sets.items())
