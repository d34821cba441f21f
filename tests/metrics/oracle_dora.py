"""The oracle for efficiency: lead time, deployment frequency, failure rate, time to restore and ratings of metrics.md.

In comes a ``World`` and a ``Request``; out goes the table that an efficiency export must show, as cells (text, exact
``Fraction``, or None for empty). Everything is computed anew for every row from lists of events. No SQL, no leadline.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import ceil

from .oracle import Cell, Request, aggregate, percent, periods, safe
from .oracle_deployments import Deployments, Event
from .oracle_events import PullRequests, World, assignee_at, by_key, last_done, left_out, links
from .oracle_names import one_name
from .oracle_people import Accounts, Node, Row, team_of
from .oracle_sources import Class, Sources, counts_incident, matches, sources_in_force
from .oracle_trees import TeamRow, Trees, developer_rows, identity

STAGES = ("planning", "coding", "review", "build", "deploy")
STAGE_COLUMNS = tuple(f"{stage.capitalize()}_Mean_Days" for stage in STAGES)
RATINGS = ("LTTC_Rating", "DF_Rating", "CFR_Rating", "MTTR_Rating", "Overall_Rating")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "lttc": (*STAGE_COLUMNS, "LTTC_Mean_Days"),
    "lttc_items": (*(f"{stage.capitalize()}_Items" for stage in STAGES), "LTTC_Items"),
    "work_items": ("Total_Work_Items", "PR_Associations", "Percentage_PR_Associated"),
    "df": ("DF_Deployment_Count", "Deployment_Frequency"),
    "deployment_frequency": ("DF_Deployment_Count", "Deployment_Frequency"),
    "cfr": ("Total_Success", "Total_Failures", "CFR_Percent"),
    "mttr": ("MTTR_Mean_Days", "Incident_Count"),
    "rating": RATINGS,
    "summary": ("LTTC_Mean_Days", "DF_Deployment_Count", "CFR_Percent", "MTTR_Mean_Days", *RATINGS),
}
COLUMNS = tuple(
    column for group in ("lttc", "work_items", "lttc_items", "df", "cfr", "mttr", "rating") for column in GROUPS[group]
)
OF_SERVICES = {*GROUPS["df"], *GROUPS["cfr"], *GROUPS["mttr"], "DF_Rating", "CFR_Rating", "MTTR_Rating"}
"""The columns that services have, too."""
RULES = ("repository", "service", "pipeline", "environment", "label")
DAY = timedelta(days=1)
WORDS = {4: "Elite", 3: "High", 2: "Medium", 1: "Low"}


# --- lead time ----------------------------------------------------------------------------------------------------------


@dataclass
class Unit:
    """A work item or a pull request, with its stages in days."""

    developer: str | None
    completed_at: datetime
    stages: dict[str, Fraction | None]
    deployed: bool


def span(start: datetime | None, end: datetime | None, order: str) -> Fraction | None:
    """Days from start to end; empty if either is missing. A negative one counts 0, or is left out."""
    if start is None or end is None:
        return None
    days = Fraction((end - start) // timedelta(microseconds=1), DAY // timedelta(microseconds=1))
    if days >= 0:
        return days
    return Fraction(0) if order == "enforce" else None


class LeadTimes:
    """The units of lead time of a world."""

    def __init__(self, world: World, accounts: Accounts, deployments: Deployments, trees: Trees | None = None) -> None:
        self.world, self.accounts, self.deployments = world, accounts, deployments
        self.trees = trees or Trees(world)
        self.requests = PullRequests(world, accounts, self.trees.on)
        unit = world.setting("lead_time.unit")
        self.of_items = unit == "work_items" or (unit == "auto" and bool(world.rows("work_items")))
        self.order = world.setting("lead_time.order")
        self.linked: dict[tuple[str, str], list[Row]] = {}
        for row in world.rows("pull_requests"):
            for item in links(world, row):
                self.linked.setdefault(item, []).append(row)

    def units(self) -> list[Unit]:
        if self.of_items:
            found = [self._item(row, completed) for row, completed in self.items()]
        else:
            merged = [row for row in self.world.rows("pull_requests") if row.get("merged_at")]
            found = [self._request(row) for row in merged if not self.requests.is_left_out(row)]
        only_deployed = self.world.setting("lead_time.work") == "deployed"
        return [unit for unit in found if unit.deployed or not only_deployed]

    def items(self) -> list[tuple[Row, datetime]]:
        """Completed work items and when."""
        found = []
        for row in self.world.rows("work_items"):
            completed = row.get("completed_at") or last_done(row, self._history(row))
            if completed is not None and not left_out(self.world, row):
                found.append((row, completed))
        return found

    def assignee(self, row: Row, completed: datetime) -> str | None:
        account = assignee_at(row, self._history(row), completed)
        return self.accounts.developer("work", row.get("source"), account)

    def _history(self, row: Row) -> list[Row]:
        changes = by_key(self.world.rows("work_item_changes"), "project", "key")[row["project"], row["key"]]
        return sorted(changes, key=lambda change: change["changed_at"])

    def _author(self, row: Row) -> str | None:
        return self.requests.owner(row)

    def _first_commit(self, rows: Iterable[Row]) -> datetime | None:
        times = [self.requests.first_commit((row["repository"], row["number"])) for row in rows]
        return min((time for time in times if time), default=None)

    def _after_merge(
        self, row: Row | None, who: str | None, instant: datetime
    ) -> tuple[datetime | None, datetime | None]:
        """When the last build of a pull request's merge finished, and when it was deployed to what is production for the team of
        ``who`` at ``instant``."""
        if row is None:
            return None, None
        sha = row.get("merge_commit_sha") or ""
        builds = [
            build["finished_at"]
            for build in self.world.rows("builds")
            if sha
            and (build.get("sha") or "").lower() == sha.lower()
            and build.get("repository") == row["repository"]
            and build.get("finished_at")
        ]
        carrier = self.deployments.carrier(self.class_of(who, instant), row)
        return max(builds, default=None), carrier.finished_at if carrier else None

    def class_of(self, developer: str | None, instant: datetime) -> Class:
        """By the rules in force for the primary team of that day."""
        one = self.trees.on(self.world.local_date(instant))
        if developer is None or developer not in one.tree.people():
            return Class()
        home = team_of(developer, one.tree, developer_rows(one))
        rules, sources = (in_force(self.world, one.tree)[home.path] for in_force in (rules_in_force, sources_in_force))
        return sources.counting(rules.get("environment"))

    def _item(self, row: Row, completed: datetime) -> Unit:
        moves = [one["changed_at"] for one in self._history(row) if one.get("to_category") == "in_progress"]
        started = row.get("started_at") or min(moves, default=None)
        requests = [
            one
            for one in self.linked.get((row["project"], row["key"]), [])
            if (begun := self._first_commit([one])) is None or begun <= completed
        ]
        merged = [one for one in requests if one.get("merged_at")]
        last = max(merged, key=lambda one: one["merged_at"], default=None)
        merged_at = last["merged_at"] if last else None
        who = self.assignee(row, completed)
        first, (built, deployed) = self._first_commit(requests), self._after_merge(last, who, completed)
        events = [row.get("created_at"), started, first, merged_at, built, deployed]
        return self._unit(who, completed, events)

    def _request(self, row: Row) -> Unit:
        opened = row.get("ready_at") or row.get("created_at")
        whose = self._author(row)
        built, deployed = self._after_merge(row, whose, row["merged_at"])
        events = [None, self._first_commit([row]), opened, row["merged_at"], built, deployed]
        return self._unit(whose, row["merged_at"], events)

    def _unit(self, developer: str | None, completed: datetime, events: Sequence[datetime | None]) -> Unit:
        merged, built, deployed = events[3:]
        pairs = [*pairwise(events[:5]), (built or merged, deployed)]
        stages = {stage: span(*pair, self.order) for stage, pair in zip(STAGES, pairs, strict=True)}
        return Unit(developer, completed, stages, deployed is not None)


# --- whose deployments and incidents ------------------------------------------------------------------------------------


def rules_in_force(world: World, tree: Node) -> dict[str, dict[str, str]]:
    """Filter sets by node path: a node's own if it has any, else the nearest ancestor's, else none."""
    found: dict[str, dict[str, str]] = {}

    def walk(node: Node, above: dict[str, str]) -> None:
        own = {rule: world.settings.get(f"team.{node.key}.{rule}") for rule in RULES}
        found[node.path] = {rule: text for rule, text in own.items() if text} or above
        for child in node.children:
            walk(child, found[node.path])

    walk(tree, {})
    return found


class Belonging:
    """Which deployments and incidents are a team's: by the tree that is in force when it is asked whose they are."""

    def __init__(self, world: World, accounts: Accounts, deployments: Deployments, trees: Trees) -> None:
        self.world, self.deployments, self.trees = world, deployments, trees
        self._in_force: dict[int, tuple[dict[str, dict[str, str]], dict[str, Sources]]] = {}
        self._merges: dict[tuple[str, str], list[tuple[datetime, str, Sources]]] = {}
        requests = PullRequests(world, accounts)
        self.days = timedelta(days=int(world.setting("deployments.team_days")))
        self.merged = [
            (row["merged_at"], requests.owner(row), row["repository"])
            for row in world.rows("pull_requests")
            if row.get("merged_at")
        ]

    def rules(self, tree: Node, node: Node) -> tuple[dict[str, str], Sources]:
        """The filter sets and the sources in force for a node of a tree."""
        if id(tree) not in self._in_force:
            self._in_force[id(tree)] = rules_in_force(self.world, tree), sources_in_force(self.world, tree)
        rules, sources = self._in_force[id(tree)]
        return rules[node.path], sources[node.path]

    def merges(self, row: TeamRow, name: str, instant: datetime) -> set[tuple[str, Sources]]:
        """The repositories in which people merged in the days before ``instant`` who were in the node ``name`` then, each with what
        their own node counted."""
        if (name, row.scope) not in self._merges:  # asked for every event, and the same for all
            self._merges[name, row.scope] = list(self._all_merges(name, row.scope))
        return {
            (repository, sources)
            for merged_at, repository, sources in self._merges[name, row.scope]
            if timedelta(0) <= instant - merged_at <= self.days
        }

    def _all_merges(self, name: str, scope: str) -> Iterator[tuple[datetime, str, Sources]]:
        for merged_at, who, repository in self.merged:
            day = self.world.local_date(merged_at)
            node, tree = self.trees.node(name, scope, day), self.trees.on(day).tree
            for below in node.preorder() if node and who is not None else ():
                if who in below.own:
                    yield merged_at, repository, replace(self.rules(tree, below)[1], claims=False)

    def events(self, row: TeamRow, first: date, last: date) -> dict[Event, tuple[bool, bool]]:
        """Runs that count for the failure rate → (in its population, failed); a node has its children's, too."""
        found = {}
        for event in self.deployments.finished:
            day = self.world.local_date(event.finished_at)
            node = self.trees.node(row.name, row.scope, day) if first <= day <= last else None
            verdict = self._run(row, self.trees.on(day).tree, node, event) if node else None
            if verdict is not None:
                found[event] = verdict
        return found

    def _run(self, row: TeamRow, tree: Node, node: Node, event: Event) -> tuple[bool, bool] | None:
        rules, own = self.rules(tree, node)
        if rules:
            kinds = [own.counting(rules.get("environment"))] if self._run_matches(event, rules) else []
        else:
            merges = self.merges(row, identity(node, tree), event.finished_at)
            kinds = [sources.counting() for repository, sources in merges if repository == event.repository]
        verdicts: list[tuple[bool, bool] | None] = [
            (event in self.deployments.population(kind), event in self.deployments.failed(kind))
            for kind in kinds
            if event in self.deployments.production(kind)
        ]
        verdicts += [self._run(row, tree, child, event) for child in node.children]
        known = [verdict for verdict in verdicts if verdict is not None]
        return (any(one for one, _ in known), any(one for _, one in known)) if known else None

    def _run_matches(self, event: Event, rules: Mapping[str, str]) -> bool:
        values = {
            "repository": self._names([event.repository]),
            "service": [event.service],
            "pipeline": [event.row.get("pipeline")],
            "environment": [event.environment],
            "label": event.row.get("tags") or [],
        }
        return all(matches(text, values[rule]) for rule, text in rules.items())

    def _names(self, repositories: Sequence[str | None]) -> list[str | None]:
        """Repositories with the names that they had before: a rule may say any."""
        return [
            *repositories,
            *(
                old
                for row in self.world.rows("repositories")
                if row["repository"] in repositories
                for old in row.get("former_names") or []
            ),
        ]

    def incidents(self, row: TeamRow, first: date, last: date) -> list[Row]:
        """Incidents resolved in the period; whose they are is asked for the time of their creation, if it is known."""
        found = []
        for incident in self.deployments.incidents:
            if not incident.get("resolved_at") or not first <= self.world.local_date(incident["resolved_at"]) <= last:
                continue
            asked = incident.get("created_at") or incident["resolved_at"]
            day = self.world.local_date(asked)
            node = self.trees.node(row.name, row.scope, day)
            if node and self._is_ours(row, self.trees.on(day).tree, node, incident, asked):
                found.append(incident)
        return found

    def _is_ours(self, row: TeamRow, tree: Node, node: Node, incident: Row, asked: datetime) -> bool:
        places = self.deployments.repositories_of(incident)
        rules, own = self.rules(tree, node)
        if rules:
            kind = own.counting(rules.get("environment"))
            ours = counts_incident(self.world, kind, incident) and self._incident_matches(incident, places, rules, kind)
        else:
            ours = any(
                repository in places and counts_incident(self.world, sources.counting(), incident)
                for repository, sources in self.merges(row, identity(node, tree), asked)
            )
        claimed = own.claims and incident["item"] is not None and counts_incident(self.world, own.counting(), incident)
        return ours or claimed or any(self._is_ours(row, tree, child, incident, asked) for child in node.children)

    def _incident_matches(self, row: Row, places: set[str], rules: Mapping[str, str], kind: Class) -> bool:
        """By its repositories and its service, which is all an incident has. For rules that look at more, the team must
        also deploy that service, or from one of those repositories, by the same rules."""
        service = row.get("service") or ""
        values = {"repository": self._names(sorted(places)), "service": [service]}
        if not places and not service:
            return False
        if not all(matches(text, values[rule]) for rule, text in rules.items() if rule in values):
            return False
        return rules.keys() <= values.keys() or any(
            (event.repository in places or not places) and service in ("", event.service)
            for event in self.deployments.production(kind)
            if event.status in ("success", "failure") and self._run_matches(event, rules)
        )


# --- ratings ------------------------------------------------------------------------------------------------------------


def band(world: World, metric: str, value: Fraction | None) -> int | None:
    """4 Elite … 1 Low; None for no value."""
    if value is None:
        return None
    for points, name in ((4, "elite"), (3, "high"), (2, "medium")):
        bound = Fraction(world.setting(f"ratings.{metric}.{name}"))
        if value >= bound if metric == "deployment_frequency" else value < bound:
            return points
    return 1


def half_down(value: Fraction) -> int:
    return ceil(value - Fraction(1, 2))


# --- the export ---------------------------------------------------------------------------------------------------------


def renamed(column: str, how: str) -> str:
    word = {"mean": "Mean", "median": "Median", "p90": "P90", "p95": "P95"}[how]
    return re.sub("_Mean_Days$", f"_{word}_Days", column)


def chosen(request: Request) -> list[tuple[str, str]]:
    """The columns asked for, each with its statistic: groups and metrics merged, in catalogue order. A name that says
    median, p90 or p95 is taken by its word, any other follows the request."""
    wanted = {column for group in request.groups for column in GROUPS[group.lower()]}
    names = {name.lower() for name in request.metrics}
    found = []
    for column in COLUMNS:
        said = {how for how in ("median", "p90", "p95") if renamed(column, how).lower() in names - {column.lower()}}
        if column in wanted or column.lower() in names:
            said.add(request.aggregation)
        found += [(column, how) for how in ("mean", "median", "p90", "p95") if how in said]
    return found


def days_counted(first: date, last: date, today: date | None) -> int:
    """Of a period's days those that are over or began."""
    return sum(today is None or first + number * DAY <= today for number in range((last - first).days + 1))


def days_of_unit(first: date, granularity: str) -> int:
    """The days of the whole week, month or quarter around ``first``."""
    if granularity == "weekly":
        return 7
    months = {"monthly": [first.month], "quarterly": [(first.month - 1) // 3 * 3 + one for one in (1, 2, 3)]}
    return sum(monthrange(first.year, month)[1] for month in months[granularity])


class Efficiency:
    """Rows of efficiency exports of a world."""

    def __init__(self, world: World, trees: Trees) -> None:
        self.world = world
        accounts = Accounts(world.tables, world.everybody(), world.setting("bots"), world.setting("ai.agents"))
        self.deployments = Deployments(world)
        times = LeadTimes(world, accounts, self.deployments, trees)
        self.units = times.units()
        self.items = [
            (times.assignee(row, completed), completed, bool(times.linked.get((row["project"], row["key"]))))
            for row, completed in times.items()
        ]
        self.belonging = Belonging(world, accounts, self.deployments, trees)
        self.enabled = [part.strip() for part in world.setting("lead_time.stages").split(",")]

    def values(
        self,
        row: TeamRow,
        first: date,
        last: date,
        how: str,
        days: tuple[int, int],
        of_service: tuple[str, str] | None = None,
    ) -> dict[str, Cell]:
        """Every metric of one row; ``days`` are those that count in rates and those of its whole unit. With ``of_service`` the
        deployments and incidents of one of the team's services alone (what is of work items is then of no use)."""

        def ours(who: str | None, instant: datetime) -> bool:
            return self._within(instant, first, last) and who in row.people(self.world.local_date(instant))

        units = [unit for unit in self.units if ours(unit.developer, unit.completed_at)]
        items = [linked for who, completed, linked in self.items if ours(who, completed)]
        events, incidents = self._of(row, first, last, of_service)
        deployed = sum(event.status == "success" for event in events)
        failures = sum(counts and fails for counts, fails in events.values())
        counted = sum(counts for counts, _ in events.values())
        restored = [span(one.get("created_at"), one["resolved_at"], "enforce") for one in incidents]
        values: dict[str, Fraction | int | None] = {
            **{
                column: aggregate([unit.stages[stage] for unit in units if stage in self.enabled], how)
                for stage, column in zip(STAGES, STAGE_COLUMNS, strict=True)
            },
            "LTTC_Mean_Days": aggregate([self._lead(unit) for unit in units], how),
            "Total_Work_Items": len(items),
            "PR_Associations": sum(items),
            "Percentage_PR_Associated": percent(sum(items), len(items)),
            "DF_Deployment_Count": deployed,
            "Deployment_Frequency": Fraction(deployed * days[1], days[0]) if days[0] else 0,
            **{
                f"{stage.capitalize()}_Items": sum(unit.stages[stage] is not None for unit in units)
                for stage in STAGES
                if stage in self.enabled
            },
            **{f"{stage.capitalize()}_Items": 0 for stage in STAGES if stage not in self.enabled},
            "LTTC_Items": sum(self._lead(unit) is not None for unit in units),
            "Total_Success": counted - failures,
            "Total_Failures": failures,
            "CFR_Percent": percent(failures, counted),
            "MTTR_Mean_Days": aggregate(restored, how),
            "Incident_Count": len(incidents),
        }
        exact = {name: None if value is None else Fraction(value) for name, value in values.items()}
        per_day = Fraction(deployed, days[0]) if days[0] else Fraction(0)
        so_far, _ = self._of(row, date.min, last, of_service)
        known = days[0] and any(event.status in ("success", "failure") for event in so_far)
        return {**exact, **self._ratings(exact, per_day if per_day or known else None)}

    def _of(
        self, row: TeamRow, first: date, last: date, of_service: tuple[str, str] | None
    ) -> tuple[dict[Event, tuple[bool, bool]], list[Row]]:
        """The deployments and incidents of a row."""
        events, incidents = self.belonging.events(row, first, last), self.belonging.incidents(row, first, last)
        if of_service is None:
            return events, incidents
        return (
            {event: verdict for event, verdict in events.items() if self._service_of(event) == of_service},
            [incident for incident in incidents if self._service_of_incident(incident) == of_service],
        )

    def services(self, row: TeamRow, first: date, last: date) -> dict[tuple[str, str], set[str]]:
        """What the team's deployments and incidents are of, each with the repositories that it is deployed from."""
        events, incidents = self._of(row, first, last, None)
        found: dict[tuple[str, str], set[str]] = {}
        for event in events:
            if event.status in ("success", "failure"):
                found.setdefault(self._service_of(event), set()).add(event.repository)
        for incident in incidents:
            found.setdefault(self._service_of_incident(incident), set())
        return {service: places - {""} for service, places in found.items()}

    def _service_of(self, event: Event) -> tuple[str, str]:
        return (event.service, "") if event.service else ("", event.repository)

    def _service_of_incident(self, incident: Row) -> tuple[str, str]:
        if incident.get("service"):
            return (incident["service"].strip(), "")
        places = self._places(incident)
        return ("", next(iter(places))) if len(places) == 1 else ("", "")

    def _places(self, incident: Row) -> set[str]:
        """The repositories of an incident, but for those that are only its service's."""
        return self.deployments.repositories_of({**incident, "service": None})

    def _within(self, instant: datetime, first: date, last: date) -> bool:
        return first <= self.world.local_date(instant) <= last

    def _lead(self, unit: Unit) -> Fraction | None:
        known = [unit.stages[stage] for stage in self.enabled]
        days = [value for value in known if value is not None]
        return sum(days, Fraction(0)) if days else None

    def _ratings(self, values: Mapping[str, Fraction | None], per_day: Fraction | None) -> dict[str, Cell]:
        points = [
            band(self.world, "lead_time", values["LTTC_Mean_Days"]),
            band(self.world, "deployment_frequency", per_day),
            band(self.world, "change_failure_rate", values["CFR_Percent"]),
            band(self.world, "time_to_restore", values["MTTR_Mean_Days"]),
        ]
        known = [one for one in points if one is not None]
        overall = half_down(Fraction(sum(known), len(known))) if len(known) > 1 else None
        return {
            name: None if one is None else WORDS[one] for name, one in zip(RATINGS, [*points, overall], strict=True)
        }


def export(world: World, request: Request) -> tuple[list[str], list[list[Cell]]]:
    """Header and rows of an efficiency export; ``Team_Id`` is left empty, since ref ids are given out by leadline."""
    world = replace(world, tables=one_name(world.tables))
    trees, columns = Trees(world, request.today), chosen(request)
    efficiency = Efficiency(world, trees)
    found = trees.teams(request.scope, request.start, request.end)
    if request.level == "service":
        return _of_services(efficiency, found[0], request, columns)
    header = ["Granularity", "Start_Date", "End_Date", "Team", "Team_Id", "Team_Hierarchy"]
    rows: list[list[Cell]] = []
    for label, first, last in periods(request.start, request.end, request.granularity):
        for row in found:
            days = (days_counted(first, last, request.today), days_of_unit(first, request.granularity))
            by_statistic = {how: efficiency.values(row, first, last, how, days) for how in {how for _, how in columns}}
            place: list[Cell] = [safe(row.node.name), None, safe(row.node.path)]
            rows.append(
                [
                    label,
                    first.isoformat(),
                    last.isoformat(),
                    *place,
                    *(by_statistic[how][column] for column, how in columns),
                ]
            )
    return [*header, *(renamed(column, how) for column, how in columns)], rows


def _of_services(
    efficiency: Efficiency, row: TeamRow, request: Request, columns: list[tuple[str, str]]
) -> tuple[list[str], list[list[Cell]]]:
    """Header and rows of the services of one team, by name; what has none comes last."""
    columns = [(column, how) for column, how in columns if column in OF_SERVICES]
    services = efficiency.services(row, request.start, request.end)
    rows: list[list[Cell]] = []
    for label, first, last in periods(request.start, request.end, request.granularity):
        days = (days_counted(first, last, request.today), days_of_unit(first, request.granularity))
        for service in sorted(services, key=lambda one: (not any(one), max(one).casefold(), max(one))):
            name, repository = service
            place = [safe(name), safe(repository or ";".join(sorted(services[service])))]
            by_statistic = {
                how: efficiency.values(row, first, last, how, days, service) for how in {how for _, how in columns}
            }
            cells = [by_statistic[how][column] for column, how in columns]
            rows.append([label, first.isoformat(), last.isoformat(), *place, *cells])
    header = ["Granularity", "Start_Date", "End_Date", "Service", "Repository"]
    return [*header, *(renamed(column, how) for column, how in columns)], rows
