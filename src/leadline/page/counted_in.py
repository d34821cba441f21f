"""What the figures of some screens are counted in, as their address says: the work of sprints, and what shares of work are of. The
rows behind such a figure are of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadline.metrics.business_columns import EFFORT_UNITS
from leadline.metrics.sprint_columns import MODES
from leadline.page.parameters import Parameter


@dataclass(frozen=True)
class CountedIn:
    """What an address says of ``name``: one of the words of ``titles``, the first where it says none of them. ``meant`` has what
    each stands for in a request, whose parameter is called ``asked_as``."""

    name: str
    asked_as: str
    titles: Mapping[str, str]
    meant: Mapping[str, str]

    @property
    def parameter(self) -> Parameter:
        """What of the address it is."""
        return Parameter(self.name, self.titles)

    def of(self, query: Mapping[str, str]) -> str:
        """The word that an address with ``query`` says."""
        return self.parameter.meant_by(query.get(self.name, "")) or next(iter(self.titles))

    def saying(self, meant: str) -> dict[str, str]:
        """What an address says that stands for ``meant``, in any letter case."""
        words = (word for word, stands_for in self.meant.items() if stands_for.lower() == meant.lower())
        return {self.name: next(words)}

    def meant_by(self, query: Mapping[str, str]) -> str:
        """What that stands for."""
        return self.meant[self.of(query)]


def _counted_in(name: str, asked_as: str, titles: Mapping[str, str], meant: tuple[str, ...]) -> CountedIn:
    return CountedIn(name, asked_as, titles, dict(zip(titles, meant, strict=True)))


WORK = _counted_in("work", "computationMode", {"points": "Story points", "tickets": "Tickets"}, MODES)
"""What work of sprints is counted in."""
SHARE = _counted_in(
    "share",
    "effortUnit",
    {"tickets": "Tickets", "points": "Story points", "hours": "Hours logged", "people": "Days of people"},
    EFFORT_UNITS,
)
"""What shares of categories are of."""
COUNTED_IN = (WORK, SHARE)
OF_FIGURES = tuple(counted.name for counted in COUNTED_IN)
"""What of the address of a screen is said by that of the rows behind its figures, too."""
