"""What Compare puts side by side: teams, or one team in two ranges of days, each with any metrics, and how the values stand to each
other. Every value is one of an insight; where it stands among the others is its rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from leadline.charts.words import range_text
from leadline.diagnostics.days_of_data import WithoutData
from leadline.errors import InvalidRequest
from leadline.exports.insights.request import range_before
from leadline.metrics.metric import INSIGHTS, PRODUCTIVITY, TEAM, Metric
from leadline.metrics.periods import periods
from leadline.page.boards import NAME, Board, board_of
from leadline.page.figures import Change, Figure
from leadline.page.view import View, day_said
from leadline.page.visit import Visit
from leadline.people import Node

MOST_AT_ONCE = 2000
"""Rows that are asked for where those of some teams alone are shown."""
RANKED_FROM = 3
"""Fewer values are not ranked: one of two is no best of many."""


@dataclass(frozen=True)
class Subject:
    """What is compared: a team in some days. ``figures`` and, period after period, ``lines`` are by the ids of metrics."""

    name: str
    href: str
    key: str
    figures: Mapping[str, Figure]
    lines: Mapping[str, list[Figure]]


@dataclass(frozen=True)
class Standing:
    """Where a value stands: the ``place`` of ``among``, counted from the best (or from the greatest, where neither is better), and
    the ``shade`` that tells it by colour; '' for none."""

    place: int = 0
    among: int = 0
    shade: str = ""

    @property
    def text(self) -> str:
        """In words; '' where nothing is ranked."""
        return f"{self.place} of {self.among}" if self.among else ""


@dataclass(frozen=True)
class Cell:
    """A value where it stands, with its line over time."""

    figure: Figure
    standing: Standing
    line: list[Figure]


@dataclass(frozen=True)
class Comparison:
    """``subjects`` by ``metrics``; the ``whole``, if any, is what they are parts of, and is not ranked. ``without_data`` says so
    where nothing is known of the days of the view, ``other_without_data`` of the other days."""

    metrics: Sequence[Metric]
    subjects: Sequence[Subject]
    whole: Subject | None = None
    without_data: WithoutData | None = None
    other_without_data: WithoutData | None = None

    def cell(self, subject: Subject, metric: Metric) -> Cell:
        """One value."""
        figure = subject.figures[metric.id]
        if subject is self.whole:
            return Cell(figure, Standing(), subject.lines[metric.id])
        return Cell(
            figure, standing(figure, [other.figures[metric.id] for other in self.subjects]), subject.lines[metric.id]
        )

    def change(self, metric: Metric) -> Change | None:
        """How the first of two subjects differs from the second."""
        first, second = (subject.figures[metric.id] for subject in self.subjects)
        return replace(first, before=second.value).change


def standing(figure: Figure, among: Sequence[Figure]) -> Standing:
    """Where ``figure`` stands among those that are known, itself included."""
    values = [other.value for other in among if isinstance(other.value, int | float)]
    if not isinstance(figure.value, int | float) or len(values) < RANKED_FROM:
        return Standing()
    lower_first = figure.better == "lower"
    before = sum(value < figure.value if lower_first else value > figure.value for value in values)
    ties = values.count(figure.value)
    # Those that are the same stand in the middle of the places that they share.
    share = (before + (ties - 1) / 2) / (len(values) - 1)
    return Standing(before + 1, len(values), "" if ties == len(values) else _shade(share, figure.better))


def _shade(share: float, better: str) -> str:
    """By how far it is from the middle, on the way from the best (0) to the last (1)."""
    from_middle = 0.5 - share
    step = 2 if abs(from_middle) >= 0.3 else 1 if abs(from_middle) > 0.1 else 0
    sides = ("better", "worse") if better else ("size", "")
    side = sides[from_middle < 0]
    return f"{side}-{step}" if side and step else ""


# -- what is compared --------------------------------------------------------------------------------------------------


async def teams_below(visit: Visit, view: View, metrics: Sequence[Metric]) -> Comparison:
    """The team of ``view`` and those directly below it, in the order that the address asks for."""
    boards = await _boards(visit, view, metrics, depth=1)
    first = next(iter(boards.values()))
    keys = [line.key for line in first.below]
    subjects = [_subject(boards, view, view.tree.by_ref[int(key)]) for key in keys if int(key) in view.tree.by_ref]
    return Comparison(metrics, in_order(subjects, view), _subject(boards, view, view.team), _without_data(boards))


async def teams_side_by_side(visit: Visit, view: View, metrics: Sequence[Metric], teams: Sequence[Node]) -> Comparison:
    """``teams``, wherever in the tree they are: of one answer about a team above them all, unless that would be of very many."""
    above = _above(view, teams)
    if above is not None:
        deep = max(team.depth for team in teams) - above.depth
        boards = await _boards(visit, replace(view, team=above), metrics, depth=deep)
        subjects = [_subject(boards, view, team) for team in teams]
    else:
        of_each = [(team, await _boards(visit, replace(view, team=team), metrics, depth=0)) for team in teams]
        subjects = [_subject(of_team, view, team) for team, of_team in of_each]
        boards = {f"{team.ref_id} {kind}": board for team, of_team in of_each for kind, board in of_team.items()}
    return Comparison(metrics, in_order(subjects, view), without_data=_without_data(boards))


def _above(view: View, teams: Sequence[Node]) -> Node | None:
    """The lowest team that has all of ``teams``, if the rows down to them are few enough to be asked for at once."""
    paths = [view.path_of(team) for team in teams]
    common = [steps[0] for steps in zip(*paths, strict=False) if all(step.ref_id == steps[0].ref_id for step in steps)]
    if not common:
        return None
    lowest = max(team.depth for team in teams)
    rows = sum(node.depth <= lowest for node in view.tree.subtree(common[-1]))
    return common[-1] if rows * len(periods(view.start, view.end, view.granularity)) <= MOST_AT_ONCE else None


async def two_ranges(visit: Visit, view: View, metrics: Sequence[Metric], other: tuple[date, date]) -> Comparison:
    """The team of ``view`` in its days and in the ``other`` ones."""
    subjects, nothing = [], []
    for start, end in ((view.start, view.end), other):
        of_days = replace(view, start=start, end=end)
        boards = await _boards(visit, of_days, metrics, depth=0)
        subject = _subject(boards, view, view.team)
        href = view.bare.link("/delivery", period=None, from_=start, to=end)
        subjects.append(replace(subject, name=range_text(start, end), href=href, key=start.isoformat()))
        nothing.append(_without_data(boards))
    return Comparison(metrics, subjects, None, *nothing)


async def _boards(visit: Visit, view: View, metrics: Sequence[Metric], depth: int) -> dict[str, Board]:
    """The answers that have ``metrics``, by their kinds."""
    boards = {}
    for kind in INSIGHTS:
        if ids := [metric.id for metric in metrics if metric.insight == kind]:
            more = {"level": TEAM} if kind == PRODUCTIVITY else {}
            boards[kind] = await board_of(
                visit, view.bare, kind, totals=ids, series=ids, compare=None, depth=depth, **more
            )
    return boards


def _without_data(boards: Mapping[str, Board]) -> WithoutData | None:
    """What is to be said of the days of ``boards``, if none of them shows anything."""
    found = [board.without_data for board in boards.values()]
    return found[0] if found and all(found) else None


def _subject(boards: Mapping[str, Board], view: View, team: Node) -> Subject:
    """``team`` with what ``boards`` have of it; where it was not there in these days, nothing is known."""
    key = str(team.ref_id)
    figures: dict[str, Figure] = {}
    lines: dict[str, list[Figure]] = {}
    for board in boards.values():
        figures |= board.figures_of(key)
        lines |= {metric.id: board.over_time(metric.id, key) for metric in board.totals.metrics}
    return Subject(team.name, view.team_link(team), str(team.ref_id), figures, lines)


def in_order(subjects: Sequence[Subject], view: View) -> list[Subject]:
    """By the metric that the address sorts by (`-` before it: downwards), else as they are; what is unknown is last."""
    sort = view.query.get("sort", "")
    column = sort.removeprefix("-").upper()
    if column == NAME.upper():
        return sorted(subjects, key=lambda subject: subject.name.casefold(), reverse=sort.startswith("-"))
    values = {subject.key: subject.figures[column].value for subject in subjects if column in subject.figures}
    known = [subject for subject in subjects if isinstance(values.get(subject.key), int | float)]
    known.sort(key=lambda subject: float(values[subject.key] or 0), reverse=sort.startswith("-"))
    return [*known, *(subject for subject in subjects if subject not in known)]


def other_range(view: View, than: str) -> tuple[date, date]:
    """The days to compare those of ``view`` with: as many before (`previous`), those of a `year` before, or the `own` ones that the
    address says. Raises ``InvalidRequest``."""
    if than == "year":
        return _year_before(view.start), _year_before(view.end)
    if than != "own":
        return range_before(view.start, view.end)
    start, end = (day_said(name, view.query) for name in ("than_from", "than_to"))
    if start > end:
        raise InvalidRequest(f"The days to compare with begin ({start}) after they end ({end})")
    return start, end


def _year_before(day: date) -> date:
    # There is not always a 29 February.
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
