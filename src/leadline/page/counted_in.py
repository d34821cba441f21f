"""What the figures of some screens are counted in, as their address says: the work of sprints, and what shares of work are of. The
rows behind such a figure are of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadline.metrics.business_columns import EFFORT_UNITS
from leadline.metrics.sprint_columns import MODES


@dataclass(frozen=True)
class CountedIn:
    """What an address says of ``name``: one of the words of ``titles``, the first where it says none of them. ``meant`` has what
    each stands for in a request."""

    name: str
    titles: Mapping[str, str]
    meant: Mapping[str, str]

    def of(self, query: Mapping[str, str]) -> str:
        """The word that an address with ``query`` says."""
        said = query.get(self.name, "")
        return said if said in self.titles else next(iter(self.titles))

    def meant_by(self, query: Mapping[str, str]) -> str:
        """What that stands for."""
        return self.meant[self.of(query)]


def _counted_in(name: str, titles: Mapping[str, str], meant: tuple[str, ...]) -> CountedIn:
    return CountedIn(name, titles, dict(zip(titles, meant, strict=True)))


WORK = _counted_in("work", {"points": "Story points", "tickets": "Tickets"}, MODES)
"""What work of sprints is counted in."""
SHARE = _counted_in(
    "share",
    {"tickets": "Tickets", "points": "Story points", "hours": "Hours logged", "people": "Days of people"},
    EFFORT_UNITS,
)
"""What shares of categories are of."""
OF_FIGURES = (WORK.name, SHARE.name)
"""What of the address of a screen is said by that of the rows behind its figures, too."""
