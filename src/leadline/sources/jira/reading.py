"""How Jira's issues are read: in an order that stays, page by page, each with its whole history. Instants are asked for as
milliseconds since 1970, which JQL takes as they are; texts would be in the time zone of the user's profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from leadline.errors import NotFound
from leadline.sources.jira.api import Api, Server
from leadline.sources.jira.rows import instant
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.cursor import Part
from leadline.sources.kit.lists import PageSize
from leadline.sources.kit.page import Skipped
from leadline.sources.kit.records import Node
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen

ISSUES = 100
"""Issues asked for at once with their fields: cloud gives no more."""
KEYS_CLOUD, KEYS = 5000, 1000
"""Issues asked for at once by their keys alone: what cloud gives at most, and data center unless it was set up otherwise."""
PAGES = 3
"""Pages of issues whose histories are asked for together (cloud)."""
HISTORIES = 5000
"""Entries of histories asked for at once (cloud), which gives 10,000 at most."""
MINUTE = 60_000
"""Milliseconds. Bounds are whole minutes: some versions of Jira compare no finer."""
AGAIN = 3
"""How often a minute is read from its beginning because it changed while it was read."""

Known = Callable[[Node], bool]


@dataclass(frozen=True)
class Place(Part):
    """Where to go on in a list of issues. ``begin``: the instant (ms) that the query begins at; None: at the first issue.

    Cloud keeps the place itself, as a ``token``; ``at`` is the minute of the last issue. Data center is asked from the number
    ``seen`` of issues on, the last of which had the id ``last``.
    """

    begin: int | None = None
    token: str | None = None
    at: int | None = None
    seen: int = 0
    last: str | None = None


def millis(text: str | None) -> int | None:
    """An instant as ``instant`` gives it, in milliseconds since 1970."""
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


@dataclass(frozen=True)
class Step:
    """One page: the issues that were ``met``, those of them that are not known with their histories (None: they could not
    be read), and the place to go on from (None: it was the last)."""

    met: Sequence[Node]
    issues: list[tuple[Node, list[Node] | None]]
    place: Place | None


@dataclass
class Issues:
    """Reads issues of one site. ``fields``: ids of those that are read. ``skipped`` collects what could not be."""

    api: Api
    server: Server
    fields: Sequence[str]
    skipped: list[Skipped] = field(default_factory=list)
    _size: PageSize = field(default_factory=lambda: PageSize(ISSUES))

    def walk(self, scope: str, by: str, place: Place, known: Known = lambda _: False) -> Iterator[Step]:
        """Issues of ``scope`` (JQL) in order of ``by`` (``created`` or ``updated``), from ``place`` on. What comes to lie behind
        the place while it is read is met, what comes to lie before it is not. Histories of ``known`` issues are not read."""
        yield from (self._by_token if self.server.is_cloud else self._by_offset)(scope, by, place, known)

    def _issues(self, answer: Node) -> list[Node]:
        issues = answer.get("issues")
        if not isinstance(issues, list):
            raise Refused(f"{self.api.client.tool} answers no list of issues but {sorted(answer)[:5]}")
        return json_objects(issues)

    # -- cloud: the server keeps the place ---------------------------------------------------------------------------

    def _by_token(self, scope: str, by: str, place: Place, known: Known) -> Iterator[Step]:
        resumed = place.token is not None
        while True:
            met: list[Node] = []
            for _ in range(PAGES):
                try:
                    issues, token = self._search(_jql(scope, by, place), ISSUES, self.fields, place.token)
                except Refused:
                    if not resumed:
                        raise
                    # The server does not know its token any more: from the last minute that was read.
                    place = Place(place.at)
                    issues, token = self._search(_jql(scope, by, place), ISSUES, self.fields, None)
                resumed = False
                met += issues
                newest = _newest(issues[-1:], by)
                at = place.at if newest is None else newest // MINUTE * MINUTE
                place = replace(place, token=token, at=at)
                if token is None:
                    break
            fresh = [issue for issue in met if not known(issue)]
            histories = self._bulk([str(issue.get("id")) for issue in fresh])
            with_histories = [(issue, histories.get(str(issue.get("id")))) for issue in fresh]
            yield Step(met, with_histories, None if token is None else place)
            if token is None:
                return

    def _search(self, jql: str, size: int, fields: Sequence[str], token: str | None) -> tuple[list[Node], str | None]:
        """One page of issues, and the token of the next."""
        query = {"jql": jql, "maxResults": size, "fields": list(fields)}
        answer = self.api.post("/rest/api/3/search/jql", {**query, **({"nextPageToken": token} if token else {})})
        following = answer.get("nextPageToken")
        if not following or answer.get("isLast") is True:
            return self._issues(answer), None
        if following == token:
            raise Refused(f"{self.api.client.tool} gives the same page of issues again and again")
        return self._issues(answer), str(following)

    def _bulk(self, ids: Sequence[str]) -> dict[str, list[Node] | None]:
        """Histories of issues by their ids; those that are refused together are asked for one by one."""
        by_id: dict[str, list[Node] | None] = {identity: [] for identity in ids}
        body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "maxResults": HISTORIES}
        try:
            while ids:
                answer = self.api.post("/rest/api/3/changelog/bulkfetch", body)
                for changelog in json_objects(answer.get("issueChangeLogs")):
                    if (histories := by_id.get(str(changelog.get("issueId")))) is not None:
                        histories += json_objects(changelog.get("changeHistories"))
                if not (token := answer.get("nextPageToken")):
                    break
                body["nextPageToken"] = token
            return by_id
        except (Refused, NotFound):
            return {identity: self._history(identity) for identity in ids}

    def _history(self, identity: str) -> list[Node] | None:
        try:
            return list(self.api.values(f"/rest/api/3/issue/{identity}/changelog", size=100))
        except (Refused, NotFound, Unavailable) as error:
            self.skipped.append(left_out(f"changes of the issue {identity}", error))
            return None

    # -- data center: the place is a number of issues from a minute on --------------------------------------------------

    def _by_offset(self, scope: str, by: str, place: Place, known: Known) -> Iterator[Step]:
        again = 0
        while True:
            checked = place.seen > 0 and again < AGAIN
            start = place.seen - 1 if checked else place.seen
            raw, total = self._page(_jql(scope, by, place), start, int(checked))
            issues = raw
            if checked:
                # The one before the place is asked for, too: if it is another, issues left the minute, and others moved up.
                if not raw or str(raw[0].get("id")) != place.last:
                    again += 1
                    place = Place(place.begin)
                    continue
                issues = raw[1:]
            ended = start + len(raw) >= total or not raw
            following = _after(place, issues, by)
            again = again if following.begin == place.begin else 0
            place = following
            with_histories = [(issue, self._embedded(issue)) for issue in issues if not known(issue)]
            yield Step(issues, with_histories, None if ended else place)
            if ended:
                return

    def _page(self, jql: str, start: int, extra: int) -> tuple[list[Node], int]:
        """Issues with their histories from the number ``start`` on (``extra`` more than usual), and how many there are. What is too
        heavy for the server is asked for in smaller parts, and an issue that is so by itself without its history."""
        body = {"jql": jql, "startAt": start, "fields": list(self.fields)}

        def ask(size: int, attempts: int) -> Node:
            whole = {**body, "maxResults": size + extra, "expand": ["changelog"]}
            return self.api.post("/rest/api/2/search", whole, attempts=attempts)

        def without_history() -> Node:
            return self.api.post("/rest/api/2/search", {**body, "maxResults": 1 + extra, "expand": []})

        answer = self._size.read(ask, without_history)
        issues, total = self._issues(answer), answer.get("total")
        return issues, total if isinstance(total, int) else start + len(issues) + (len(issues) > 0)

    def _embedded(self, issue: Node) -> list[Node] | None:
        """The history that came with an issue; asked for by itself where it came in part."""
        changelog = issue.get("changelog")
        if not isinstance(changelog, dict):
            self.skipped.append(Skipped(f"changes of {issue.get('key')}", "Jira gives no history of it"))
            return None
        histories, total = json_objects(changelog.get("histories")), changelog.get("total")
        if not isinstance(total, int) or len(histories) >= total:
            return histories
        key = str(issue.get("key"))
        try:
            alone = self.api.object(
                f"/rest/api/2/issue/{issue.get('id')}", {"expand": "changelog", "fields": "updated"}
            )
            histories = json_objects((alone.get("changelog") or {}).get("histories"))
            if len(histories) >= total:
                return histories
            why = f"Jira gives {len(histories):,} of {total:,} entries of its history"
            self.skipped.append(Skipped(f"changes of {key}", why))
        except (Refused, NotFound, Unavailable) as error:
            self.skipped.append(left_out(f"changes of {key}", error))
        return None

    # -- keys --------------------------------------------------------------------------------------------------------

    def keys(self, project: str) -> list[str] | None:
        """Keys of all issues of a project (by its id); None if they changed whenever they were listed."""
        jql = f"project = {project} ORDER BY key ASC"
        for _ in range(AGAIN):
            keys = self._keys_by_token(jql) if self.server.is_cloud else self._keys_by_offset(jql)
            if keys is not None:
                return keys
        return None

    def _keys_by_token(self, jql: str) -> list[str]:
        issues, token = self._search(jql, KEYS_CLOUD, ["key"], None)
        keys = _keys(issues)
        while token is not None:
            issues, token = self._search(jql, KEYS_CLOUD, ["key"], token)
            keys += _keys(issues)
        return keys

    def _keys_by_offset(self, jql: str) -> list[str] | None:
        """None if issues left the list while it was read: others would be missing."""
        keys: list[str] = []
        while True:
            start = max(0, len(keys) - 1)
            body = {"jql": jql, "startAt": start, "maxResults": KEYS, "fields": ["key"]}
            answer = self.api.post("/rest/api/2/search", body)
            page = _keys(self._issues(answer))
            if keys and (not page or page[0] != keys[-1]):
                return None
            keys += page[1:] if keys else page
            total = answer.get("total")
            if len(page) <= 1 or not isinstance(total, int) or len(keys) >= total:
                return keys


def _after(place: Place, issues: Sequence[Node], by: str) -> Place:
    """Where to go on after ``issues``: from the minute of the last one, past those of that minute."""
    if not issues:
        return place
    last, newest = str(issues[-1].get("id")), _newest(issues[-1:], by)
    minute = None if newest is None else newest // MINUTE * MINUTE
    if minute is None or (place.begin is not None and minute <= place.begin):
        return Place(place.begin, seen=place.seen + len(issues), last=last)
    seen = 0
    for issue in reversed(issues):
        at = _newest([issue], by)
        if at is None or at < minute:
            break
        seen += 1
    return Place(minute, seen=seen, last=last)


def _jql(scope: str, by: str, place: Place) -> str:
    since = "" if place.begin is None else f" AND {by} >= {place.begin}"
    return f"{scope}{since} ORDER BY {by} ASC, key ASC"


def _newest(issues: Iterable[Node], by: str) -> int | None:
    """The newest ``by`` of issues; None where none has one."""
    times = (millis(time_of(issue, by)) for issue in issues)
    return max((time for time in times if time is not None), default=None)


def time_of(issue: Node, by: str) -> str | None:
    """The time in an issue's field ``by``, as ``instant`` writes it; None if there is none."""
    fields = issue.get("fields")
    try:
        return instant(fields.get(by) if isinstance(fields, dict) else None)
    except Misshapen:
        return None


def _keys(issues: Iterable[Node]) -> list[str]:
    return [key for issue in issues if isinstance(key := issue.get("key"), str)]


def json_objects(values: Any) -> list[Node]:
    """The objects in a list; whatever else there is, is nothing."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
