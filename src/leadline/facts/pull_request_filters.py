"""Which pull requests are left out by the branch that they were for or by a label (metrics, ground rules, "Left out of pull
requests"): as the primary team of whose it is has it set, so that a pull request counts in all rows alike or in none.

Every distinct value that a team has is a number, 0 is what the tree or project has. A pull request's ``left_out`` lists by which
it is left out: ``2 × number`` of the branches, ``2 × number + 1`` of the labels; null where by none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ibis
from ibis.expr.types import BooleanValue, Table, Value

from leadline.derive.expressions import fits
from leadline.engine import BoundTable
from leadline.facts.phases import over_time
from leadline.people.team_rules import by_developer
from leadline.people.timeline import Stretch, Timeline
from leadline.settings.profile import TEAM_SETTINGS, Profile

if TYPE_CHECKING:
    from leadline.engine import Backend

BRANCHES, LABELS = "pull_requests.base_branches", "pull_requests.exclude_labels"
LEFT_OUT = "array<int64>"
DEVELOPER_FILTERS = BoundTable(
    "developer_filters",
    {
        "filter_developer": "string",
        **dict.fromkeys(("by_branches", "by_labels", "filter_from_us", "filter_until_us"), "int64"),
    },
)
"""What of ``left_out`` counts for each developer, and when; for those not listed it is 0 and 1."""


def left_out(pulls: Table, profile: Profile) -> Value:
    """``left_out`` of pull requests (base_branch, labels). One whose branch is unknown is not left out by that."""
    ways: list[tuple[int, BooleanValue]] = []
    for number, branches in enumerate(_values(profile, BRANCHES)):
        if branches:
            ways.append((2 * number, (pulls.base_branch.notnull() & ~fits(pulls.base_branch, branches))))
    for number, labels in enumerate(_values(profile, LABELS)):
        if labels:
            ways.append((2 * number + 1, (_named(pulls, labels).length() > 0).fill_null(False)))
    if not ways:
        return ibis.null(LEFT_OUT)
    listed = ibis.array([ibis.cases((applies, ibis.literal(code, "int64"))) for code, applies in ways])
    listed = listed.filter(lambda code: code.notnull())
    return ibis.cases((listed.length() > 0, listed))


def has_team_values(profile: Profile) -> bool:
    """Whether a team has any value of its own."""
    return any(len(profile.variants(name)) > 1 for name in (BRANCHES, LABELS))


def counted(pulls: Table) -> Table:
    """The rows of ``pulls`` (developer, happened_us, left_out) that count for their developer."""
    judged = _judged(pulls, pulls.happened_us)
    return judged.filter(~(judged.by_branch | judged.by_label)).drop(
        "by_branch", "by_label", "by_branches", "by_labels"
    )


def in_words(pulls: Table, profile: Profile, instant: Value) -> Table:
    """``pulls`` (developer, base_branch, labels, left_out) with ``left_out_why``: in words why each does not count at its
    ``instant`` (microseconds), else null."""
    judged = _judged(pulls, instant)
    of_labels = [
        (judged.by_labels == 2 * number + 1, _named(judged, labels).join(", "))
        for number, labels in enumerate(_values(profile, LABELS))
    ]
    why = ibis.cases(
        (judged.by_branch, ibis.literal("left out: it was for the branch ") + judged.base_branch),
        (judged.by_label, ibis.literal("left out: it is labelled ") + ibis.cases(*of_labels)),
    )
    return judged.mutate(left_out_why=why)


def bind_filters(engine: Backend, stretches: Timeline, profile: Profile) -> None:
    """Bind ``DEVELOPER_FILTERS``; in several trees the first one with a value decides."""

    def numbers(stretch: Stretch) -> dict[str, tuple[int, int]]:
        branches, labels = (
            {email: profile.variants(name).index(text) for email, text in texts.items()}
            for name in (BRANCHES, LABELS)
            for texts in [by_developer(stretch.trees, profile, name)]
        )
        return {email: (2 * branches.get(email, 0), 2 * labels.get(email, 0) + 1) for email in {**branches, **labels}}

    in_time = over_time(stretches, numbers, profile.zone)
    DEVELOPER_FILTERS.bind(engine, ((email, *codes, *times) for email, codes, *times in in_time))


def _judged(pulls: Table, instant: Value) -> Table:
    filters = DEVELOPER_FILTERS.table()
    own = [pulls.developer == filters.filter_developer]
    own += [instant >= filters.filter_from_us, instant < filters.filter_until_us]
    joined = pulls.left_join(filters, own).drop("filter_developer", "filter_from_us", "filter_until_us")
    joined = joined.mutate(by_branches=joined.by_branches.fill_null(0), by_labels=joined.by_labels.fill_null(1))
    return joined.mutate(
        by_branch=joined.left_out.contains(joined.by_branches).fill_null(False),
        by_label=joined.left_out.contains(joined.by_labels).fill_null(False),
    )


def _values(profile: Profile, name: str) -> list[Any]:
    """The values of a setting by their numbers."""
    return [profile[name], *(TEAM_SETTINGS[name].parse(text) for text in profile.variants(name) if text is not None)]


def _named(pulls: Table, labels: Sequence[str]) -> Value:
    return pulls.labels.filter(lambda label: label.strip().lower().isin(labels))
