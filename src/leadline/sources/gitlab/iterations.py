"""GitLab's iterations as sprints: which there are, read once a day, and of an issue in which it was when, with its weights. They
are part of GitLab's tiers Premium and Ultimate: a server that has none refuses them in one of several ways, which is no trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from leadline.errors import NotFound
from leadline.sources.gitlab.api import Api, RoleOrFeature
from leadline.sources.gitlab.queries import LIST
from leadline.sources.gitlab.rows import SOURCE, account, number
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.forge import STREAM
from leadline.sources.kit.lists import Listed, read_all
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node, Rows, cleaned, inner, objects, rows_of, utc
from leadline.sources.kit.streams import Stream
from leadline.sources.kit.text import Misshapen

STATES = {1: "future", 2: "active", 3: "closed"}
"""By the numbers that REST has for them."""
NONE_THERE = (
    "GitLab tells of no iterations there, so no sprints are read: they are part of its tiers Premium and Ultimate, and the token "
    "must be allowed to see them"
)
_OF_GROUP = "/groups/"
_DAY = timedelta(days=1)


@dataclass
class Iterations:
    """The iterations of the group, or of the project alone, at ``path`` ('': a user's, who can have none). ``since``: when the
    first of them was made, so that issues that nobody touched since were in none; '' while none are known."""

    api: Api
    path: str
    prefix: str
    since: str = ""

    def listed(self) -> list[Node]:
        """All iterations, also those of the groups above and below. Raises ``NotFound`` or ``RoleOrFeature`` where there are
        none."""
        owner = quote(self.path, safe="")
        try:
            return self._all(f"{_OF_GROUP}{owner}/iterations", {"include_descendants": "true"})
        except NotFound:
            return self._all(f"/projects/{owner}/iterations")

    def events(self, identity: str, iid: str) -> dict[str, list[Node]]:
        """What became of the issue ``iid`` of the project with the number ``identity``: its iterations and, if it was in any, its
        weights. Raises as ``listed``, and ``Refused``."""
        issue = f"/projects/{quote(identity, safe='')}/issues/{quote(iid, safe='')}"
        iterations = self._all(f"{issue}/resource_iteration_events")
        weights = self._all(f"{issue}/resource_weight_events") if iterations else []
        return {"iterations": iterations, "weights": weights}

    def _all(self, path: str, params: Mapping[str, str] | None = None) -> list[Node]:
        def ask(position: str | None) -> Listed[Node]:
            page = int(position or 1)
            body = self.api.rest(path, {**(params or {}), "per_page": str(LIST), "page": str(page)}).body
            nodes = objects(body, path.rpartition("/")[2])
            return nodes, str(page + 1) if len(nodes) == LIST else None

        return read_all(ask)


# -- the list ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IterationsCursor(Cursor):
    """The ``day`` (by GitLab's clock) on which iterations were read last, when the first of them was made (``since``), and the
    ``boards`` that they were of."""

    day: str = ""
    since: str = ""
    boards: tuple[str, ...] = ()


class IterationStream(Stream[IterationsCursor]):
    """The iterations, once a day. Those that are not there any more are taken away."""

    cursor = IterationsCursor

    def __init__(self, iterations: Iterations, today: Callable[[], str]) -> None:
        super().__init__(iterations.path, f"iterations of {iterations.path}", self.called(iterations))
        self.iterations, self._today = iterations, today

    @classmethod
    def called(cls, iterations: Iterations) -> str:
        """The name that its cursor is stored under."""
        return f"{iterations.api.server.host}/{iterations.path}{STREAM}iterations"

    def due(self, cursor: IterationsCursor) -> bool:
        """Whether they were not read today."""
        return cursor.day != self._today()

    def read(self, cursor: IterationsCursor) -> Iterator[Page]:
        """All of them; where there are none to see, it is said, and is no gap."""
        try:
            nodes = self.iterations.listed()
        except (NotFound, RoleOrFeature):
            yield self.page({}, IterationsCursor(self._today()), skipped=[Skipped(self.name, NONE_THERE)])
            return
        made, skipped = rows_of(nodes, self._rows, lambda node: f"iteration {str(node.get('id'))[:40]}")
        rows = [row for _, each in made for row in each["sprints"]]
        boards = tuple(sorted({str(row["board"]) for row in rows}))
        since = min((str(utc(node.get("created_at"))) for node in nodes), default="")
        self.iterations.since = since
        yield self.page(
            {"sprints": rows},
            IterationsCursor(self._today(), since, boards),
            records=len(nodes),
            complete_parents={"sprints": [{"board": board} for board in sorted({*boards, *cursor.boards})]},
            skipped=skipped,
        )

    def _rows(self, node: Node) -> Rows:
        return {"sprints": [sprint_row(self.iterations, node)]}


def sprint_row(iterations: Iterations, node: Node) -> Row:
    """An iteration as a sprint of its group, from the midnight (UTC) of its first day to that after its last. Raises ``Misshapen``
    for one without id."""
    if (identity := number(node.get("id"))) is None:
        raise Misshapen("an iteration has no id")
    start, due = _day(node.get("start_date")), _day(node.get("due_date"))
    state = node.get("state")
    return cleaned(
        board=_group(node) or iterations.path,
        sprint_id=sprint_id(iterations.prefix, identity),
        name=node.get("title") or (f"{start} – {due}" if start and due else f"Iteration {node.get('iid') or identity}"),
        state=STATES.get(state) if isinstance(state, int) else state,
        start_at=None if start is None else f"{start}T00:00:00Z",
        end_at=None if due is None else f"{due + _DAY}T00:00:00Z",
        goal=node.get("description") or None,
    )


def sprint_id(prefix: str, identity: str) -> str:
    """The id of an iteration, which other tools' sprints do not have."""
    return f"{prefix}:{identity}"


def _group(node: Node) -> str | None:
    """The path of the group that an iteration is of, as its address tells it."""
    address = node.get("web_url")
    between = address.partition("/groups/")[2].rpartition("/-/")[0] if isinstance(address, str) else ""
    return between or None


def _day(value: Any) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise Misshapen(f"a day of an iteration is {str(value)[:40]!r}") from None


# -- of an issue -------------------------------------------------------------------------------------------------------


def sprints_of(node: Node, prefix: str) -> list[str] | None:
    """The iterations that an issue is or was in, the latest last; None if GitLab does not tell."""
    if "iteration" not in node:
        return None
    past = [sprint_id(prefix, identity) for _, identity, _ in _moves(node)]
    now = number((inner(node, "iteration") or {}).get("id"))
    if now is not None:
        past.append(sprint_id(prefix, now))
    return list(dict.fromkeys(reversed(past)))[::-1]


def change_rows(key: Row, node: Node, prefix: str) -> list[Row]:
    """The changes of an issue's iteration and weight that its ``events`` tell of. An issue is in one iteration at most, and where
    it goes from one to another, GitLab tells of the other alone."""
    changes: list[tuple[Node, str, str | None, str | None]] = []
    now: str | None = None
    moves = _moves(node)
    for event, identity, is_added in moves:
        known = sprint_id(prefix, identity)
        before = now if is_added or now is not None else known
        after = known if is_added else None if before == known else before
        changes.append((event, "sprint", before, after))
        now = after
    weight: str | None = None
    for event in _in_order(_events(node, "weights")):
        told = event.get("weight")
        after = None if told is None else str(told)
        changes.append((event, "story_points", weight, after))
        weight = after
    return list(_rows(key, changes, _rolled_over(moves)))


def _rolled_over(moves: Iterable[tuple[Node, str, bool]]) -> Mapping[str, str]:
    """When an iteration had ended that GitLab itself took an issue out of, by the instant at which it did so: it moves open issues
    on to the next one some minutes after midnight, and tells of both at once."""
    ends: dict[str, str] = {}
    of_instant: dict[str, set[bool]] = {}
    for event, _, is_added in moves:
        moved_at = str(utc(event.get("created_at")))
        of_instant.setdefault(moved_at, set()).add(is_added)
        due = _day((inner(event, "iteration") or {}).get("due_date"))
        if not is_added and due and f"{due + _DAY}" <= moved_at < f"{due + 2 * _DAY}":
            ends[moved_at] = f"{due + _DAY}T00:00:00.000Z"
    return {moved_at: end for moved_at, end in ends.items() if len(of_instant[moved_at]) == 2}


def _rows(
    key: Row, changes: Iterable[tuple[Node, str, str | None, str | None]], rolled_over: Mapping[str, str]
) -> Iterator[Row]:
    often: dict[tuple[str, Any], int] = {}
    for event, field, before, after in changes:
        if before == after:
            continue
        changed_at = utc(event.get("created_at"))
        if field == "sprint":
            changed_at = rolled_over.get(str(changed_at), changed_at)
        sequence = often[field, changed_at] = often.get((field, changed_at), -1) + 1
        yield cleaned(
            **key,
            changed_at=changed_at,
            field=field,
            from_value=before,
            to_value=after,
            sequence=sequence,
            author=account(inner(event, "user")),
            source=SOURCE,
        )


def _moves(node: Node) -> list[tuple[Node, str, bool]]:
    """The events of an issue's iterations in order, each with the iteration and whether it was put in; those of iterations that are
    gone tell nothing."""
    return [
        (event, identity, event.get("action") == "add")
        for event in _in_order(_events(node, "iterations"))
        if (identity := number((inner(event, "iteration") or {}).get("id"))) is not None
    ]


def _events(node: Node, name: str) -> Sequence[Node]:
    return (inner(node, "events") or {}).get(name) or []


def _in_order(events: Iterable[Node]) -> list[Node]:
    return sorted(events, key=lambda event: (str(utc(event.get("created_at"))), int(number(event.get("id")) or 0)))
