"""What Open now shows: pull requests that wait, by what they wait for and how long, and incidents that are open. They are rows of
facts, as `GET /v2/facts/{kind}?open=true` answers them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from leadline.exports.fact_pages import MOST_ROWS, facts_request
from leadline.facts.filters import Filters
from leadline.facts.waiting import CHANGES, DEPLOYMENT, DRAFT, MERGE, REVIEW
from leadline.page.behind import FactRow
from leadline.page.view import View
from leadline.page.visit import Visit

WAITS: Mapping[str, tuple[str, str]] = {
    REVIEW: ("Review", "nobody has decided yet, or it was changed since"),
    CHANGES: ("Changes", "a reviewer wants changes, and none came since"),
    MERGE: ("Merge", "approved, and nobody wants changes"),
    DEPLOYMENT: ("Deployment", "merged after the last production deployment of its repository"),
    DRAFT: ("Draft", "not ready for review"),
}
"""What each state is called, and what it means."""
AGES = ("under 1 day", "1 to 3 days", "3 to 7 days", "1 to 4 weeks", "over 4 weeks")
_BOUNDS = [timedelta(days=days) for days in (1, 3, 7, 28)]


@dataclass(frozen=True)
class Waiting:
    """One thing that is open: its row, since when it waits, and since when it is there."""

    row: FactRow
    since: datetime | None
    begun: datetime | None
    now: datetime

    @property
    def waits_for(self) -> str:
        """What a pull request waits for."""
        return str(self.row.row.get("waits_for") or "")

    @property
    def seconds(self) -> float | None:
        """How long it waits."""
        return _seconds(self.since, self.now)

    @property
    def age_seconds(self) -> float | None:
        """How long it is there."""
        return _seconds(self.begun, self.now)

    @property
    def age(self) -> int:
        """Which of ``AGES`` its waiting is of; what waits since nobody knows when is of the last."""
        return len(_BOUNDS) if self.since is None else bisect_right(_BOUNDS, self.now - self.since)


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max((now - since).total_seconds(), 0.0)


@dataclass(frozen=True)
class OpenThings:
    """What is open of one fact, that which waits longest first: at most ``MOST_ROWS`` of ``total``."""

    things: Sequence[Waiting]
    total: int

    @cached_property
    def counts(self) -> Counter[tuple[str, int]]:
        """How many wait for what, by age."""
        return Counter((thing.waits_for, thing.age) for thing in self.things)

    def count(self, waits_for: str) -> int:
        """How many wait for that."""
        return sum(self.counts[waits_for, age] for age in range(len(AGES)))

    def longest(self, waits_for: str) -> Waiting | None:
        """The one that waits longest for that."""
        return next((thing for thing in self.things if thing.waits_for == waits_for and thing.since), None)

    def chosen(self, waits_for: str, age: int | None) -> list[Waiting]:
        """Those that wait for that (empty: for anything), of one age (None: any)."""
        return [
            thing for thing in self.things if waits_for in ("", thing.waits_for) and (age is None or thing.age == age)
        ]


async def open_things(visit: Visit, view: View, fact: str, since: str, begun: str) -> OpenThings:
    """What is open of ``fact`` for the team of ``view``; ``since`` and ``begun`` are the columns of the two instants. Raises what
    ``Insights.facts`` raises."""
    filters = Filters(tree_name=view.tree.name, team=str(view.team.ref_id), open=True)
    asked = facts_request(fact, filters, (), MOST_ROWS, since)
    page = await visit.state.insights.facts(visit.request, visit.project, asked, visit.access)
    things = [Waiting(FactRow(fact, row), _instant(row[since]), _instant(row[begun]), visit.now) for row in page.rows]
    return OpenThings(things, page.total)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
