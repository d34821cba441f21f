"""How Jira's issues are read: in an order that stays, page by page, each with its whole history.

An API and a query come in; raw issues with their histories and the place to go on from come out. Instants are asked for as
milliseconds since 1970, which JQL takes as they are; texts would be in the time zone of the user's profile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leadline.errors import NotFound
from leadline.sources.jira.api import Api, Node, Server
from leadline.sources.jira.rows import instant
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.page import Skipped, State
from leadline.sources.kit.text import Misshapen

ISSUES = 100
"""Issues asked for at once with their fields: cloud gives no more."""
KEYS_CLOUD, KEYS = 5000, 1000
"""Issues asked for at once by their keys alone: what cloud gives at most, and data center unless it was set up otherwise."""
PAGES = 3
"""Pages of issues whose histories are asked for together (cloud)."""
HISTORIES = 5000
"""Entries of histories asked for at once (cloud), which gives 10,000 at most."""
ATTEMPTS_WHILE_LARGE = 2
"""How often a page is asked for that could be asked for in smaller parts."""
MINUTE = 60_000
"""Milliseconds. Bounds are whole minutes: some versions of Jira compare no finer."""
AGAIN = 3
"""How often a minute is read from its beginning because it changed while it was read."""

Known = Callable[[Node], bool]


def millis(text: str | None) -> int | None:
    """An instant as ``instant`` gives it, in milliseconds since 1970."""
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


@dataclass(frozen=True)
class Step:
    """One page: the issues that were ``met``, those of them that are not known with their histories (None: they could not
    be read), and where to go on (None: it was the last)."""

    met: Sequence[Node]
    issues: list[tuple[Node, list[Node] | None]]
    state: State | None


@dataclass
class Issues:
    """Reads issues of one site. ``fields``: ids of those that are read. ``skipped`` collects what could not be."""

    api: Api
    server: Server
    fields: Sequence[str]
    skipped: list[Skipped] = field(default_factory=list)
    _size: int = field(default_factory=lambda: ISSUES)

    def walk(self, scope: str, by: str, state: State, known: Known = lambda _: False) -> Iterator[Step]:
        """Issues of ``scope`` (JQL) in order of ``by`` (``created`` or ``updated``), from where ``state`` says.

        ``state``: ``from``, the instant (ms) that the query begins at, and how far it was read. What comes to lie behind
        the place while it is read is met, what comes to lie before it is not. Histories of ``known`` issues are not read.
        """
        yield from (self._by_token if self.server.is_cloud else self._by_offset)(scope, by, dict(state), known)

    # -- cloud: the server keeps the place ---------------------------------------------------------------------------

    def _by_token(self, scope: str, by: str, state: State, known: Known) -> Iterator[Step]:
        resumed = state.get("token") is not None
        while True:
            met: list[Node] = []
            for _ in range(PAGES):
                try:
                    found, following = self._search(scope, by, state)
                except Refused:
                    if not resumed:
                        raise
                    # The server does not know its token any more: from the last minute that was read.
                    state, resumed = {"from": state.get("at")}, False
                    found, following = self._search(scope, by, state)
                resumed = False
                met += found
                newest = _newest(found[-1:], by)
                at = state.get("at") if newest is None else newest // MINUTE * MINUTE
                state = {**state, "token": following, "at": at}
                if following is None:
                    break
            fresh = [each for each in met if not known(each)]
            histories = self._bulk([str(each.get("id")) for each in fresh])
            issues = [(each, histories.get(str(each.get("id")))) for each in fresh]
            yield Step(met, issues, None if following is None else dict(state))
            if following is None:
                return

    def _search(self, scope: str, by: str, state: State) -> tuple[list[Node], str | None]:
        """One page of issues, and the token of the next."""
        token = state.get("token")
        query = {"jql": _jql(scope, by, state), "maxResults": ISSUES, "fields": list(self.fields)}
        answer = self.api.post("/rest/api/3/search/jql", {**query, **({"nextPageToken": token} if token else {})})
        following = answer.get("nextPageToken")
        if not following or answer.get("isLast") is True:
            return _issues(answer), None
        if following == token:
            raise Refused(f"{self.api.client.tool} gives the same page of issues again and again")
        return _issues(answer), str(following)

    def _bulk(self, ids: Sequence[str]) -> dict[str, list[Node] | None]:
        """Histories of issues by their ids; those that are refused together are asked for one by one."""
        found: dict[str, list[Node] | None] = {each: [] for each in ids}
        if not ids:
            return found
        token: Any = None
        try:
            while True:
                body = {
                    "issueIdsOrKeys": list(ids),
                    "maxResults": HISTORIES,
                    **({"nextPageToken": token} if token else {}),
                }
                answer = self.api.post("/rest/api/3/changelog/bulkfetch", body)
                for each in _objects(answer.get("issueChangeLogs")):
                    if (told := found.get(str(each.get("issueId")))) is not None:
                        told += _objects(each.get("changeHistories"))
                token = answer.get("nextPageToken")
                if not token:
                    return found
        except (Refused, NotFound):
            return {each: self._history(each) for each in ids}

    def _history(self, identity: str) -> list[Node] | None:
        try:
            return list(self.api.values(f"/rest/api/3/issue/{identity}/changelog", size=100))
        except (Refused, NotFound, Unavailable) as error:
            self.skipped.append(Skipped(f"changes of the issue {identity}", error.message))
            return None

    # -- data center: the place is a number of issues from a minute on --------------------------------------------------

    def _by_offset(self, scope: str, by: str, state: State, known: Known) -> Iterator[Step]:
        again = 0
        while True:
            seen = int(state.get("seen") or 0)
            checked = seen > 0 and again < AGAIN
            start = seen - 1 if checked else seen
            raw, total = self._page(_jql(scope, by, state), start, int(checked))
            found = raw
            if checked:
                # The one before the place is asked for, too: if it is another, issues left the minute, and others moved up.
                if not raw or str(raw[0].get("id")) != state.get("last"):
                    again += 1
                    state = {"from": state.get("from")}
                    continue
                found = raw[1:]
            ended = start + len(raw) >= total or not raw
            following = _after(state, found, by)
            again = again if following.get("from") == state.get("from") else 0
            state = following
            issues = [(each, self._embedded(each)) for each in found if not known(each)]
            yield Step(found, issues, None if ended else dict(state))
            if ended:
                return

    def _page(self, jql: str, start: int, extra: int) -> tuple[list[Node], int]:
        """Issues with their histories from the number ``start`` on (``extra`` more than usual), and how many there are.

        What is too heavy for the server is asked for in smaller parts, and an issue that is so by itself without its history.
        """
        body = {"jql": jql, "startAt": start, "fields": list(self.fields), "expand": ["changelog"]}
        while True:
            body["maxResults"] = self._size + extra
            try:
                answer = self.api.post("/rest/api/2/search", body, attempts=ATTEMPTS_WHILE_LARGE)
                break
            except Unavailable:
                if self._size == 1:
                    answer = self.api.post("/rest/api/2/search", {**body, "expand": []})
                    break
                self._size = max(1, self._size // 5)
        self._size = min(ISSUES, self._size * 2)
        found, total = _issues(answer), answer.get("total")
        return found, total if isinstance(total, int) else start + len(found) + (len(found) > 0)

    def _embedded(self, issue: Node) -> list[Node] | None:
        """The history that came with an issue; asked for by itself where it came in part."""
        changelog = issue.get("changelog")
        if not isinstance(changelog, dict):
            self.skipped.append(Skipped(f"changes of {issue.get('key')}", "Jira gives no history of it"))
            return None
        found, total = _objects(changelog.get("histories")), changelog.get("total")
        if not isinstance(total, int) or len(found) >= total:
            return found
        key = str(issue.get("key"))
        try:
            alone = self.api.object(
                f"/rest/api/2/issue/{issue.get('id')}", {"expand": "changelog", "fields": "updated"}
            )
            found = _objects((alone.get("changelog") or {}).get("histories"))
            if len(found) >= total:
                return found
            why = f"Jira gives {len(found):,} of {total:,} entries of its history"
        except (Refused, NotFound, Unavailable) as error:
            why = error.message
        self.skipped.append(Skipped(f"changes of {key}", why))
        return None

    # -- keys --------------------------------------------------------------------------------------------------------

    def keys(self, project: str) -> list[str] | None:
        """Keys of all issues of a project (by its id); None if they changed whenever they were listed."""
        jql = f"project = {project} ORDER BY key ASC"
        for _ in range(AGAIN):
            found = self._keys_by_token(jql) if self.server.is_cloud else self._keys_by_offset(jql)
            if found is not None:
                return found
        return None

    def _keys_by_token(self, jql: str) -> list[str]:
        found: list[str] = []
        token: Any = None
        while True:
            body = {
                "jql": jql,
                "maxResults": KEYS_CLOUD,
                "fields": ["key"],
                **({"nextPageToken": token} if token else {}),
            }
            answer = self.api.post("/rest/api/3/search/jql", body)
            found += _keys(_issues(answer))
            token = answer.get("nextPageToken")
            if not token or answer.get("isLast") is True:
                return found

    def _keys_by_offset(self, jql: str) -> list[str] | None:
        """None if issues left the list while it was read: others would be missing."""
        found: list[str] = []
        while True:
            start = max(0, len(found) - 1)
            body = {"jql": jql, "startAt": start, "maxResults": KEYS, "fields": ["key"]}
            answer = self.api.post("/rest/api/2/search", body)
            keys = _keys(_issues(answer))
            if found and (not keys or keys[0] != found[-1]):
                return None
            found += keys[1:] if found else keys
            total = answer.get("total")
            if len(keys) <= 1 or not isinstance(total, int) or len(found) >= total:
                return found


def _after(state: State, found: Sequence[Node], by: str) -> State:
    """Where to go on after ``found``: from the minute of the last one, past those of that minute."""
    if not found:
        return state
    last, newest = str(found[-1].get("id")), _newest(found[-1:], by)
    minute = None if newest is None else newest // MINUTE * MINUTE
    begun = state.get("from")
    if minute is None or (begun is not None and minute <= begun):
        return {"from": begun, "seen": int(state.get("seen") or 0) + len(found), "last": last}
    seen = 0
    for each in reversed(found):
        at = _newest([each], by)
        if at is None or at < minute:
            break
        seen += 1
    return {"from": minute, "seen": seen, "last": last}


def _jql(scope: str, by: str, state: State) -> str:
    begun = state.get("from")
    since = "" if begun is None else f" AND {by} >= {begun}"
    return f"{scope}{since} ORDER BY {by} ASC, key ASC"


def _newest(found: Iterable[Node], by: str) -> int | None:
    """The newest ``by`` of issues; None where none has one."""
    times = []
    for each in found:
        fields = each.get("fields")
        try:
            times.append(millis(instant(fields.get(by) if isinstance(fields, dict) else None)))
        except Misshapen:
            continue
    return max((each for each in times if each is not None), default=None)


def _issues(answer: Node) -> list[Node]:
    found = answer.get("issues")
    if not isinstance(found, list):
        raise Refused(f"Jira answers no list of issues but {sorted(answer)[:5]}")
    return _objects(found)


def _keys(issues: Iterable[Node]) -> list[str]:
    return [key for each in issues if isinstance(key := each.get("key"), str)]


def _objects(found: Any) -> list[Node]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
