"""Jenkins: the builds of jobs in folders and of multibranch projects, or deployments where a rule says that a job deploys.

Settings come in; pages of rows with their cursors go out (``leadline.sources.kit.page``). One call tells of whole folders which
jobs have new builds; only those are read, newest first, down to what is known. A job that vanishes keeps its rows, but if
it is there under another name: then its builds are read anew, and those under the old name are taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from leadline.errors import InvalidRequest, LeadlineError, NotFound
from leadline.sources.jenkins.api import PAGES_OF_SERVER, Api, Node, build_tree, headers
from leadline.sources.jenkins.jobs import Listing, Wanted
from leadline.sources.jenkins.rows import (
    BUILDS,
    DEPLOYMENTS,
    KEYS,
    SOURCE,
    Job,
    identity,
    is_running,
    place_of,
    rows_of,
)
from leadline.sources.kit.client import ATTEMPTS, Refused, Unavailable
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, Row, RunContext, Skipped, State, left_out
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import server
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.kit.text import Misshapen

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client

SIZE = 100
"""Builds asked for at once: each is a file that Jenkins has to read."""
SMALL_SIZE = 10
"""The same where a hundred are too much for the server."""
LAG = 60_000
"""Milliseconds: builds that began so shortly before the newest one known are read again."""
OPEN_FOR = 35 * 86_400_000
"""Milliseconds after which a build that has not ended is not asked for any more."""
MAX_FAILED_STREAMS = 3
"""Jobs that fail one after the other before the whole run is given up."""

_EXAMPLE = "https://ci.example.com"


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One source. Raises ``InvalidRequest`` for an address, a job's name or a rule that cannot be."""
    place = server(settings.url or "", example=_EXAMPLE, pages=PAGES_OF_SERVER).place
    DeployRules.parsed(settings.options.get("deploys", ()))
    targets = []
    for target in settings.targets:
        name = target.strip().strip("/")
        if not name or not all(name.split("/")) or "://" in name:
            raise InvalidRequest(f"{target[:80]!r} names no job; write its full name, as shop/api, or 'shop/*'")
        targets.append(name)
    return [named(settings, f"jenkins:{place}", dict.fromkeys(targets))]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Jenkins:
    """The connector. Raises ``InvalidRequest`` if there is a user without a token, or a token without a user."""
    where = server(settings.url or "", example=_EXAMPLE, pages=PAGES_OF_SERVER)
    user, place = settings.option("user"), settings.secret_place
    if user and not secret:
        raise InvalidRequest(f"No token of {user!r} in {place.text}; put an API token there (made on the user's page)")
    if secret and not user:
        raise InvalidRequest(f"There is a token in {place.text}, but not whose it is: give --user")
    http = client(tool=f"Jenkins at {where.place}", headers=headers(user, one_line(secret, place) if secret else None))
    rules = DeployRules.parsed(settings.options.get("deploys", ()))
    return Jenkins(Api(where, http, place.text, user), Wanted(settings.targets), rules)


@dataclass
class Jenkins:
    """One server, the jobs wanted of it, and which of them deploy."""

    api: Api
    wanted: Wanted
    rules: DeployRules
    kind: str = SOURCE
    _size: int = SIZE
    _vanished: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    @property
    def lock(self) -> str:
        """One run at a time reads a server."""
        return f"source:jenkins:{self.place}"

    @property
    def place(self) -> str:
        """What names the server in cursors and ids."""
        return self.api.server.place

    def figures(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.figures()

    def _listed(self) -> tuple[list[Job], Listing]:
        listing = Listing(self.api, self.wanted, self.rules)
        jobs = listing.jobs()
        if not jobs and not listing.skipped:
            who = self.api.user or "who has no token"
            names = " or ".join(self.wanted.targets)
            raise InvalidRequest(
                f"{self.api.client.tool} has no job called {names}, or {who} may not see it"
                if names
                else f"{self.api.client.tool} shows no jobs at all to {who}; the permission Job/Read may be missing"
            )
        return jobs, listing

    def check(self) -> ConnectionReport:
        """The jobs that may be seen. Raises ``LeadlineError`` as ``pages`` does."""
        jobs, listing = self._listed()
        return ConnectionReport(self.place, "", "jobs", tuple(job.name for job in jobs), tuple(listing.skipped))

    def pages(self, context: RunContext) -> Iterator[Page]:
        """The new builds, job by job. Raises ``LeadlineError`` when Jenkins cannot be read any further."""
        jobs, listing = self._listed()
        if listing.skipped:
            yield Page(self.place, skipped=tuple(listing.skipped))
        gone = self._gone(context.cursors, jobs, listing.unread)
        self._vanished = {}
        for name, state in gone.items():
            if newest := state.get("mark") or (state.get("descent") or {}).get("top"):
                self._vanished.setdefault(tuple(newest), []).append(name)
        troubles = 0
        settled = not listing.unread
        for job in jobs:
            try:
                for page in self._builds(job, context.cursors.get(self._cursor(job.name), {})):
                    yield page
                    troubles = 0
            except (Refused, NotFound, Misshapen) as error:
                settled = False
                yield _left_out(job, error)
            except Unavailable as error:
                settled = False
                troubles += 1
                if troubles == MAX_FAILED_STREAMS:
                    raise
                yield _left_out(job, error)
        if gone and settled:  # else one of them may be there under another name, in what could not be read
            yield Page(self.place, cursors={self._cursor(name): None for name in gone})

    def _cursor(self, name: str) -> str:
        return f"{self.place}:job {name}"

    def _gone(
        self, cursors: Mapping[str, State], jobs: Sequence[Job], unread: Sequence[tuple[str, ...]]
    ) -> dict[str, State]:
        """Jobs that were there, by name: of those wanted, and not in a folder that could not be listed."""
        prefix, now = self._cursor(""), {job.name for job in jobs}
        hidden = tuple("/".join((*names, "")) for names in unread)
        names = (name.removeprefix(prefix) for name in cursors if name.startswith(prefix))
        return {
            name: cursors[prefix + name]
            for name in names
            if name not in now and self.wanted.has(name) and not name.startswith(hidden)
        }

    # -- one job -------------------------------------------------------------------------------------------------------

    def _builds(self, job: Job, known: State) -> Iterator[Page]:
        """A job's builds, if there may be new ones."""
        rule = f"{job.table}={job.rule.environment or ''}" if job.rule else job.table
        state = dict(known)
        if state and state.get("as") != rule:  # the rules are others now: all is read anew
            state = {"was": [*state.get("was", ()), job.name] if state["as"].partition("=")[0] != job.table else []}
        state["as"] = rule
        if job.last is None:
            return
        waiting: dict[str, int] = state.get("open") or {}
        if (
            state.get("mark") == list(job.last)
            and not state.get("descent")
            and (not waiting or (job.running and set(waiting) == {str(job.last[0])}))
        ):
            return
        resumed = "descent" in state
        for page, after in self._descend(job, state):
            state = after
            yield page
        if resumed:  # what came since a former run began its way down is above its top
            yield from self._builds(job, state)
            return
        yield from self._left_open(job, state, set(waiting))

    def _descend(self, job: Job, state: State) -> Iterator[tuple[Page, State]]:
        """Reads from the newest build down to what is known; goes on where a former run stopped.

        Pages are numbered by Jenkins from the newest build. Each has the last build of the one before, too: so it is seen when
        builds were deleted meanwhile and others moved up unread.
        """
        waiting: dict[str, int] = dict(state.get("open") or {})
        at: State = dict(state.get("descent") or {"read": 0, "lowest": None, "floor": _floor(job, state), "top": None})
        was: list[str] = list(state.get("was") or ())
        skipped: list[Skipped] = []
        self._size, stepped_back = SIZE, False
        while True:
            begin = max(0, at["read"] - 1)
            raw = self._asked(job, begin, at["read"] + self._size)
            numbers = [each["number"] for each in raw if isinstance(each, dict) and isinstance(each.get("number"), int)]
            if begin and at["lowest"] and not stepped_back and (not raw or (numbers and numbers[0] < at["lowest"])):
                at["read"], stepped_back = max(0, at["read"] - self._size), True
                continue
            builds, stepped_back = _placed(raw, job, skipped), False
            ended = len(raw) < at["read"] + self._size - begin or any(
                at["floor"] is not None and when < at["floor"] for (_, when), _ in builds
            )
            fresh = [
                (place, build)
                for place, build in builds
                if (at["floor"] is None or place[1] >= at["floor"]) and (not at["lowest"] or place[0] < at["lowest"])
            ]
            if builds:
                at["top"] = at["top"] or list(builds[0][0])
            at["lowest"] = min([*numbers, *([at["lowest"]] if at["lowest"] else [])], default=None)
            at["read"] = begin + len(raw)
            was += self._former(job, state, fresh, was)
            _keep_open(waiting, fresh, at["top"])
            after: State = {
                "as": state["as"],
                "mark": state.get("mark"),
                "open": dict(waiting),
                "was": was,
                "descent": dict(at),
            }
            if ended:
                after = {"as": state["as"], "mark": at["top"] or state.get("mark"), "open": dict(waiting)}
            yield self._page(job, fresh, skipped, after, was), after
            skipped = []
            if ended:
                return

    def _asked(self, job: Job, begin: int, end: int) -> list[Any]:
        """Builds number ``begin`` to before ``end``, counted from the newest."""
        tree = build_tree(deployments=job.rule is not None)
        while True:
            small = self._size <= SMALL_SIZE
            end = min(end, begin + self._size + 1)
            try:
                node = self.api.get(job.names, f"allBuilds[{tree}]{{{begin},{end}}}", attempts=ATTEMPTS if small else 2)
            except Unavailable:
                if small:
                    raise
                self._size = SMALL_SIZE
                continue
            found = node.get("allBuilds")
            if not isinstance(found, list):
                raise Misshapen("it has no list of builds")
            return found

    def _former(self, job: Job, state: State, fresh: Sequence[Any], was: Sequence[str]) -> list[str]:
        """The name that a job seen for the first time had before: of a job that vanished, whose newest build it has.

        Jobs started by one event may have builds of the same number at the same millisecond; of several only one whose
        last name is the same is taken for it."""
        if state.get("mark") or was:
            return []
        names = list(dict.fromkeys(name for place, _ in fresh for name in self._vanished.get(place, ())))
        if len(names) > 1:
            names = [name for name in names if name.rpartition("/")[2] == job.names[-1]]
        return names if len(names) == 1 else []

    def _left_open(self, job: Job, state: State, before: set[str]) -> Iterator[Page]:
        """What became of the builds that had not ended and are too old to be in what was read."""
        waiting: dict[str, int] = dict(state.get("open") or {})
        asked = [number for number in waiting if number in before and waiting[number] < (_floor(job, state) or 0)]
        for number in asked:
            rows: dict[str, list[Row]] = {}
            skipped: list[Skipped] = []
            try:
                node = self.api.get(job.names, build_tree(deployments=job.rule is not None), build=int(number))
                if is_running(node):
                    continue
                rows = self._rows(job, [(place, build) for place, build in _placed([node], job, skipped)], skipped)
            except NotFound:
                pass  # deleted: it will not end any more
            key = {KEYS[job.table]: identity(self.place, job.name, int(number), waiting.pop(number))}
            yield Page(
                job.name,
                rows,
                complete_parents={job.table: [key]},
                cursors={self._cursor(job.name): {**state, "open": dict(waiting)}},
                records=sum(map(len, rows.values())),
                skipped=tuple(skipped),
            )

    def _page(
        self,
        job: Job,
        fresh: Sequence[tuple[tuple[int, int], Node]],
        skipped: list[Skipped],
        after: State,
        was: Sequence[str],
    ) -> Page:
        rows = self._rows(job, fresh, skipped)
        stale: dict[str, list[Row]] = {}
        for name in was:  # under its own name, it was in the other table
            for table, key in KEYS.items():
                if name != job.name or table != job.table:
                    stale.setdefault(table, []).extend({key: identity(self.place, name, *place)} for place, _ in fresh)
        return Page(
            job.name,
            rows,
            complete_parents=stale,
            cursors={self._cursor(job.name): after},
            records=len(fresh),
            skipped=tuple(skipped),
        )

    def _rows(
        self, job: Job, builds: Sequence[tuple[tuple[int, int], Node]], skipped: list[Skipped]
    ) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for (number, _), build in builds:
            try:
                for table, rows in rows_of(self.place, job, build).items():
                    found.setdefault(table, []).extend(rows)
            except Misshapen as error:
                skipped.append(Skipped(f"{job.name} #{number}", str(error)))
        if "tool_accounts" in found:
            found["tool_accounts"] = list({row["account"]: row for row in found["tool_accounts"]}.values())
        return found


def _floor(job: Job, state: State) -> int | None:
    """Builds that began before this (milliseconds since 1970) are known; None: nothing is."""
    if not state.get("mark"):
        return None
    floor = int(state["mark"][1]) - LAG
    waiting: dict[str, int] = state.get("open") or {}
    if waiting and job.last is not None and job.last[0] - min(map(int, waiting)) < SIZE:
        floor = min(floor, *waiting.values())  # with one page all of them are seen
    return floor


def _placed(raw: Sequence[Any], job: Job, skipped: list[Skipped]) -> list[tuple[tuple[int, int], Node]]:
    """The builds with their numbers and beginnings, in order."""
    found: list[tuple[tuple[int, int], Node]] = []
    for each in raw:
        try:
            if not isinstance(each, dict):
                raise Misshapen("it is no object")
            found.append((place_of(each), each))
        except Misshapen as error:
            number = each.get("number") if isinstance(each, dict) else None
            skipped.append(Skipped(f"{job.name} #{str(number)[:20] if number else '?'}", str(error)))
    return found


def _keep_open(
    waiting: dict[str, int], builds: Sequence[tuple[tuple[int, int], Node]], top: Sequence[int] | None
) -> None:
    """Remember builds that have not ended, unless they are too old ever to end; forget those that have."""
    for (number, when), build in builds:
        if is_running(build) and top is not None and when > top[1] - OPEN_FOR:
            waiting[str(number)] = when
        else:
            waiting.pop(str(number), None)


def _left_out(job: Job, error: LeadlineError) -> Page:
    return left_out(job.name, f"builds of {job.name}", error)


__all__ = ["BUILDS", "DEPLOYMENTS", "Jenkins", "checked", "connect"]
