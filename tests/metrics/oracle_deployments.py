"""The oracle's deployments: what is production, what a deployment carries and what failed, found the slow and obvious way.

In comes a ``World``; out go ``Event``s (one per deployment and service of its run), the deployment that carries a commit,
and which production runs failed. A *class* is what somebody counts (``oracle_sources``). Sets of
ancestors are built in full for every deployment: whoever doubts a number reads the rule here. No SQL, no leadline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from .oracle_events import World, is_named
from .oracle_people import Row
from .oracle_sources import Class, code_rows, counts_code, counts_incident, incident_rows, matches

PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{4,64})\)", re.IGNORECASE)


# --- environments and filter sets ---------------------------------------------------------------------------------------


def default_production(environment: str) -> bool:
    """No environment, or the whole word prod, production or live (digits may follow) and none that says otherwise."""
    if not environment:
        return True
    words = re.findall(r"[a-z0-9]+", environment.lower())
    is_named = any(re.fullmatch(r"(prod|prd|production|live)\d*", word) for word in words)
    others = {"non", "not", "pre", "preprod", "like", "staging", "stage", "test", "dev", "qa", "uat"} & set(words)
    denied = re.search(r"(?<![a-z0-9])no[^a-z0-9]+(prod|prd|production|live)\d*(?![a-z0-9])", environment.lower())
    return is_named and not others and not denied


# --- events -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One deployment of one service."""

    deployment_id: str
    service: str
    row: Row = field(compare=False, hash=False)

    @property
    def repository(self) -> str:
        return self.row.get("repository") or ""

    @property
    def environment(self) -> str:
        return self.row.get("environment") or ""

    @property
    def status(self) -> str:
        return (self.row.get("status") or "").lower()

    @property
    def finished_at(self) -> datetime:
        return self.row["finished_at"]

    @property
    def order(self) -> tuple[datetime, str]:
        return self.finished_at, self.deployment_id


def services_of(row: Row) -> list[str]:
    """A run may deploy several services, separated by `;`."""
    names = [part.strip() for part in (row.get("service") or "").split(";")]
    return list(dict.fromkeys(name for name in names if name)) or [""]


class Deployments:
    """The deployments of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs = world.rows("deployments")
        self.rows = {row["deployment_id"]: row for row in [*code_rows(world), *self.runs]}
        self.incidents = incident_rows(world)
        self.finished = sorted(
            (
                Event(row["deployment_id"], service, row)
                for row in self.rows.values()
                for service in services_of(row)
                if row.get("finished_at")
            ),
            key=lambda event: event.order,
        )
        self._carriers: dict[Class, dict[tuple[str, str], list[Event]]] = {}
        self._failed: dict[Class, set[Event]] = {}
        self._production: dict[Class, list[Event]] = {}

    def production(self, kind: Class) -> list[Event]:
        """The finished runs to production, in order."""
        if kind not in self._production:
            with_runs = {row.get("repository") for row in self.runs if self._is_production(kind, row)}
            of_pipelines = kind.deployment(self.world, "deployments.source") in ("pipelines", "auto")
            self._production[kind] = [
                event
                for event in self.finished
                if self._is_production(kind, event.row)
                and (counts_code(self.world, kind, event.row, with_runs) if "of" in event.row else of_pipelines)
            ]
        return self._production[kind]

    def _is_production(self, kind: Class, row: Row) -> bool:
        environment = row.get("environment") or ""
        return default_production(environment) if kind.environment is None else matches(kind.environment, [environment])

    def successful(self, kind: Class) -> list[Event]:
        return [event for event in self.production(kind) if event.status == "success"]

    # --- the commit graph -----------------------------------------------------------------------------------------------

    @cached_property
    def commits(self) -> Mapping[tuple[str, str], Row]:
        return {(row["repository"], row["sha"].lower()): row for row in self.world.rows("commits")}

    @cached_property
    def releases(self) -> Mapping[tuple[str, str], str]:
        rows = self.world.rows("releases")
        return {(row["repository"], row["tag"]): row["sha"].lower() for row in rows if row.get("sha")}

    def known(self, repository: str, text: str) -> str | None:
        """The known commit of a full sha, of a prefix that only one has, or of a tag."""
        sha = text.lower()
        if (repository, sha) in self.commits:
            return sha
        if re.fullmatch(r"[0-9a-f]{4,64}", sha):
            near = [known for place, known in self.commits if place == repository and known.startswith(sha)]
            if near:
                return near[0] if len(near) == 1 else None
        tagged = self.releases.get((repository, text))
        return self.known(repository, tagged) if tagged and tagged != text else None

    def reached(self, row: Row) -> set[str]:
        """The shas of a deployment: its commit and all its ancestors; without the graph, those it lists."""
        repository, own, listed = row["repository"], row.get("sha"), row.get("shas") or []
        told_by_tag = row.get("of") in (None, "releases")
        names = [own] if own else []
        if not own and not listed and told_by_tag:
            names = [
                self.releases[repository, tag] for tag in row.get("tags") or [] if (repository, tag) in self.releases
            ]
        anchor = next((sha for sha in (self.known(repository, name) for name in names) if sha), None)
        if anchor is not None:
            found = self._ancestors(repository, anchor)
        else:
            found = {self.known(repository, sha) or sha.lower() for sha in [*listed, *([own] if own else [])]}
        return self._with_picks(repository, found)

    def _ancestors(self, repository: str, sha: str) -> set[str]:
        found, waiting = {sha}, [sha]
        while waiting:
            row = self.commits.get((repository, waiting.pop()), {})
            above = {parent.lower() for parent in (row.get("parents") or "").split()} - found
            found |= above
            waiting += above
        return found

    def _with_picks(self, repository: str, shas: set[str]) -> set[str]:
        """With the commits that these say they were picked from; a pick brings a change, not its ancestry."""
        found, waiting = set(shas), list(shas)
        while waiting:
            message = self.commits.get((repository, waiting.pop()), {}).get("message") or ""
            lines = [PICKED.fullmatch(line.strip()) for line in message.splitlines()]
            above = {line[1].lower() for line in lines if line} - found
            found |= above
            waiting += above
        return found

    def carriers(self, kind: Class) -> dict[tuple[str, str], list[Event]]:
        """(repository, sha) → the events that carry it: the first of each service of the repository."""
        if kind in self._carriers:
            return self._carriers[kind]
        groups: dict[tuple[str, str], list[Event]] = {}
        for event in self.successful(kind):
            if event.repository:
                groups.setdefault((event.repository, event.service), []).append(event)
        found: dict[tuple[str, str], list[Event]] = {}
        for (repository, _), events in groups.items():
            before: set[str] = set()
            for event in events:
                reached = self.reached(event.row)
                if event is not events[0] or self.world.setting("deployments.first_carries") == "true":
                    for sha in reached - before:
                        found.setdefault((repository, sha), []).append(event)
                before |= reached
        self._carriers[kind] = found
        return found

    def carrier(self, kind: Class, row: Row) -> Event | None:
        """The event that carries a merged PR: with its merge commit or, where that is not deployed, with the last of its listed
        commits; or with the merge of a PR that lists its merge commit, and so on."""
        carriers, repository = self.carriers(kind), row["repository"]
        if not row.get("merged_at"):
            return None
        merge = (row.get("merge_commit_sha") or "").lower()

        def by(sha: str) -> list[Event]:
            return [event for event in carriers.get((repository, sha), ()) if self.touches(row, event.service)]

        events = by(merge) or by(self._head(row))
        events = events + [event for sha in self._outer(repository, row["number"], merge) for event in by(sha)]
        return min(events, key=lambda one: one.order, default=None)

    def touches(self, row: Row, service: str) -> bool:
        """Whether a PR touches the paths of a service, if it has any: by its files, else those of its commits."""
        globs = self.world.own("service", service, "paths")
        if not globs:
            return True
        repository, number = row["repository"], row["number"]
        files = [
            file["path"]
            for file in self.world.rows("pull_request_files")
            if (file["repository"], file["number"]) == (repository, number)
        ]
        if not files:
            own = {
                one["sha"]
                for one in self.world.rows("pull_request_commits")
                if (one["repository"], one["number"]) == (repository, number)
            } | {row.get("merge_commit_sha")}
            files = [
                path
                for file in self.world.rows("commit_files")
                if file["repository"] == repository and file["sha"] in own
                for path in (file["path"], file.get("old_path"))
                if path
            ]
        return not files or any(is_named(path, globs) for path in files)

    def _head(self, row: Row) -> str:
        key = (row["repository"], row["number"])
        listed = [one for one in self.world.rows("pull_request_commits") if (one["repository"], one["number"]) == key]

        def dated(one: Row) -> tuple[float, str]:
            commit = self.commits.get((row["repository"], one["sha"].lower()), {})
            times = [of.get(name) for of in (one, commit) for name in ("committed_at", "authored_at")]
            moment = next((time for time in times if time), None)
            return (moment.timestamp() if moment else 0.0, one["sha"])

        return max(listed, key=dated)["sha"].lower() if listed else ""

    def _outer(self, repository: str, number: int, merge: str) -> set[str]:
        merges = {
            row["number"]: row["merge_commit_sha"].lower()
            for row in self.world.rows("pull_requests")
            if row["repository"] == repository and row.get("merged_at") and row.get("merge_commit_sha")
        }
        listed = [
            (one["number"], one["sha"].lower())
            for one in self.world.rows("pull_request_commits")
            if one["repository"] == repository
        ]
        found, waiting = {number}, [merge]
        while waiting:
            sha = waiting.pop()
            above = {other for other, own in listed if own == sha and other in merges} - found
            found |= above
            waiting += [merges[other] for other in above]
        return {merges[other] for other in found - {number}}

    # --- failures -------------------------------------------------------------------------------------------------------

    def population(self, kind: Class) -> list[Event]:
        """The runs of which the failure rate is a part."""
        if self.world.setting("cfr.source") == "incidents":
            return self.successful(kind)
        return [event for event in self.production(kind) if event.status in ("success", "failure")]

    def failed(self, kind: Class) -> set[Event]:
        if kind not in self._failed:
            by_incident = self.world.setting("cfr.source") == "incidents"
            self._failed[kind] = self._by_incidents(kind) if by_incident else self._by_pipelines(kind)
        return self._failed[kind]

    def _by_pipelines(self, kind: Class) -> set[Event]:
        runs = self.population(kind)
        failed = {event for event in runs if event.status == "failure"}
        undone: set[Event] = set()
        # Of a run and a rollback that end at the same instant, the run is what was there before.
        for event in sorted(runs, key=lambda event: (event.finished_at, bool(event.row.get("rollback")))):
            if event.row.get("rollback") and event.status == "success":
                before = [
                    run
                    for run in runs
                    if (run.repository, run.service) == (event.repository, event.service)
                    and not run.row.get("rollback")
                    and run.finished_at <= event.finished_at
                    and run not in undone
                ]
                undone |= set(before[-1:])
        return failed | undone

    def _by_incidents(self, kind: Class) -> set[Event]:
        runs = self.population(kind)
        failed: set[Event] = set()
        for incident in self.incidents:
            if not counts_incident(self.world, kind, incident):
                continue
            named = incident.get("deployment_id")
            if named in self.rows:
                failed |= {run for run in runs if run.deployment_id == named}
            elif incident.get("created_at") and (incident.get("service") or incident["places"]):
                service, places = incident.get("service"), incident["places"]
                before = [
                    run
                    for run in runs
                    if run.finished_at < incident["created_at"]
                    and (run.service == service if service else run.repository in places)
                ]
                # Without a service it is the whole run that failed, with all it deployed.
                failed |= {run for run in before if run.deployment_id == before[-1].deployment_id}
        return failed

    # --- incidents ------------------------------------------------------------------------------------------------------

    def repositories_of(self, incident: Row) -> set[str]:
        """By its repository, else its known deployment's, else those that its service deploys from."""
        if incident["places"]:
            return set(incident["places"])
        known = self.rows.get(incident.get("deployment_id") or "", {})
        if known.get("repository"):
            return {known["repository"]}
        service = incident.get("service")
        rows = [row for row in self.rows.values() if service and service in services_of(row)]
        return {row["repository"] for row in rows if row.get("repository")}
