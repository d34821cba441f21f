"""Reports: the metrics of teams, or of developers, over a range of days as a whole, as one CSV text.

The numbers are those of exports over the same range; what is a rate is divided by the units of time in it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from leadline.access import UNLIMITED, Access
from leadline.errors import Detail, InvalidRequest, LeadlineError
from leadline.exports.files import display_period
from leadline.exports.models import ReportRequest
from leadline.exports.requests import check_length, check_order, trees_between
from leadline.exports.service import pin_newest
from leadline.exports.validation import missing, together, unknown_fields, validated
from leadline.home import Project
from leadline.ingest.pushed import deliver_pushed
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import DEVELOPER, TEAM
from leadline.metrics.periods import RANGE, units_of
from leadline.metrics.report_metrics import PEOPLE, SECTIONS, ReportMetric, Section, chosen
from leadline.metrics.request import HIDDEN, SHOWN, Control, MetricsRequest, Pins

if TYPE_CHECKING:
    from leadline.metrics.run import Runner
    from leadline.people.access import VisibleTrees

COLLECTION = "Collection Name"
"""The first column: the team's name, or the developer's."""
EMAIL = "Email"
"""The second column where rows are developers, whose names need not differ."""

_SHARES = 10_000
"""Numbers have four decimals (http-api, "CSV")."""
_DAYS = ("dateStart", "dateEnd", "dateStart to dateEnd")


Cell = str | int | float | None


@dataclass(frozen=True)
class Chosen:
    """A section with the metrics asked for, in the order of their columns, and the statistic they are taken with."""

    section: Section
    metrics: tuple[ReportMetric, ...]
    aggregation: str = "mean"


@dataclass(frozen=True)
class Report:
    """A normalized request. ``scopes`` are trees, each with the team's ref id or None for the whole; both dates are
    inclusive; ``unit`` is `daily`, `weekly` or `monthly`; ``names`` says how people are named, as in a ``MetricsRequest``."""

    scopes: tuple[tuple[str, int | None], ...]
    start: date
    end: date
    unit: str
    sections: tuple[Chosen, ...]
    ratings: bool
    names: str = SHOWN

    @property
    def filename(self) -> str:
        """What to call the file: ``efficiency-report-2024.csv``."""
        names = {"productivityContributors": "contributors"}
        fields = [chosen_section.section.field for chosen_section in self.sections]
        subject = names.get(fields[0], fields[0]) if len(fields) == 1 else "team"
        return f"{subject}-report-{display_period(self.start, self.end)}.csv"

    @property
    def exports(self) -> tuple[str, ...]:
        """The kinds of exports that have the same numbers."""
        return tuple(dict.fromkeys(chosen_section.section.export for chosen_section in self.sections))


def parse_report(
    project: Project, body: Mapping[str, Any], access: Access = UNLIMITED
) -> tuple[Report, tuple[str, ...]]:
    """The report that ``body`` asks for, within ``access``, and the warnings about it. Raises ``InvalidRequest``, or ``Forbidden``
    for what ``access`` does not show."""
    from leadline.people.access import VisibleTrees

    model = validated(ReportRequest, body)
    start, end = model.date_start, model.date_end
    scopes, sections, _ = together(
        lambda: _scopes(VisibleTrees(project, access), model),
        lambda: _sections(model),
        lambda: check_order(start, end, _DAYS),
    )
    for tree, _team in scopes:
        check_length(project, start, end, tree, _DAYS[2])
    if any(chosen_section.section.level == DEVELOPER for chosen_section in sections):
        access.check_developers("productivityContributors", "efficiency or productivity")
    unit, names = model.granularity or "weekly", SHOWN if access.names else HIDDEN
    report = Report(scopes, start, end, unit, sections, model.include_ratings or False, names)
    return report, unknown_fields(ReportRequest, body)


def _scopes(visible: VisibleTrees, model: ReportRequest) -> tuple[tuple[str, int | None], ...]:
    identifiers = {"teamRefId": model.team_ref_id, "collectionId": model.collection_id}
    fields = [name for name, value in identifiers.items() if value is not None]
    if len({identifiers[name] for name in fields}) > 1:
        message = (
            f"teamRefId ({model.team_ref_id}) and collectionId ({model.collection_id}) are two names of one identifier "
            "and must not differ"
        )
        raise InvalidRequest(message, code="conflicting_scope", details=[Detail("collectionId", message)])
    try:
        if not fields:
            only = visible.scope(None)
            return (
                tuple((tree.name, None) for tree in visible.listed()) if only is None else ((only[0], only[1].ref_id),)
            )
        among = trees_between(visible.project, None, lambda _tree: (model.date_start, model.date_end))
        tree, node = visible.find_team(str(identifiers[fields[0]]), among=among)
    except LeadlineError as error:
        error.details = tuple(Detail((*fields, "teamRefId")[0], detail.message) for detail in error.details)
        raise
    return ((tree.name, node.ref_id),)


def _sections(model: ReportRequest) -> tuple[Chosen, ...]:
    declared = {
        "efficiency": model.efficiency,
        "productivity": model.productivity,
        "productivityContributors": model.productivity_contributors,
    }
    asked = {field: section for field, section in declared.items() if section is not None}
    if not asked:
        refused = missing("efficiency")
        refused.message = "One of efficiency, productivity and productivityContributors is required"
        raise refused
    if len({SECTIONS[field].level for field in asked}) > 1:
        others = " and ".join(field for field in asked if SECTIONS[field].level == TEAM)
        message = f"productivityContributors has a row per developer and cannot be combined with {others}"
        raise InvalidRequest(
            message, code="conflicting_sections", details=[Detail("productivityContributors", message)]
        )
    metrics = together(
        *(lambda field=field, part=part: chosen(SECTIONS[field], part.metrics) for field, part in asked.items())
    )
    return tuple(
        Chosen(SECTIONS[field], section_metrics, getattr(part, "calculation_type", None) or "mean")
        for (field, part), section_metrics in zip(asked.items(), metrics, strict=True)
    )


@dataclass(frozen=True)
class Computed:
    """A finished report: the CSV (UTF-8, RFC 4180, CR LF) and its data rows."""

    text: bytes
    rows: int


def run_report(runner: Runner, project: Project, report: Report, control: Control) -> Computed:
    """Compute ``report`` on what is newest. Raises ``Cancelled`` if ``control`` says so."""
    rows: dict[object, list[Cell]] = {}
    deliver_pushed(project)
    for done, (tree, team) in enumerate(report.scopes):
        control.check()
        scope = _PinnedScope(tree, team, pin_newest(project, tree))
        with control.part(done, len(report.scopes)):
            for key, row in _rows(runner, project, report, scope, control):
                rows.setdefault(key, row)  # a developer of several trees is shown once, by the first
    return Computed(_csv(_header(report), rows.values()), len(rows))


@dataclass(frozen=True)
class _PinnedScope:
    """A tree, or one team of it, and the versions of all that a run over it reads."""

    tree: str
    team: int | None
    pins: Pins


def _header(report: Report) -> list[str]:
    names = [COLLECTION, *([EMAIL] if report.sections[0].section.level == DEVELOPER else [])]
    for chosen_section in report.sections:
        for metric in chosen_section.metrics:
            names += [metric.name, *([f"{metric.name}_RATING"] if report.ratings and metric.rating else [])]
    return names


def _rows(
    runner: Runner, project: Project, report: Report, scope: _PinnedScope, control: Control
) -> Iterator[tuple[object, list[Cell]]]:
    """Every row of a place, each after what identifies it: the developer, or the tree and the team."""
    last = report.end if scope.pins.today is None else min(report.end, scope.pins.today)
    units = units_of(report.start, last, report.unit)
    keys: list[object] = []
    columns: list[Sequence[Cell]] = []
    for done, asked in enumerate(report.sections):
        lead_time = scope.pins.settings["reports.lead_time"]
        chosen_section = replace(asked, metrics=tuple(metric.under(lead_time) for metric in asked.metrics))
        request = _request(report, chosen_section, scope)
        with control.part(done, len(report.sections)):
            data = runner.table(project, request, scope.pins, control).to_pydict()
        column = partial(_column, data, chosen_section.aggregation)
        people = _people(project, scope, request, data)
        if not columns:
            leading = ["Developer", "Email"] if chosen_section.section.level == DEVELOPER else ["Team"]
            columns = [data[name] for name in leading]
            keys = data.get("Email") or [(scope.tree, team) for team in data.get("Team_Id", ())]
        for metric in chosen_section.metrics:
            columns.append(_cells(metric, column, people, units))
            if report.ratings and metric.rating:
                columns.append(column(metric.rating))
    for key, *row in zip(keys, *columns, strict=True):
        yield key, row


def _request(report: Report, chosen_section: Chosen, scope: _PinnedScope) -> MetricsRequest:
    return MetricsRequest(
        tree=scope.tree,
        team=scope.team,
        start=report.start,
        end=report.end,
        metrics=tuple(dict.fromkeys(metric_id for metric in chosen_section.metrics for metric_id in metric.ids)),
        level=chosen_section.section.level,
        granularity=RANGE,
        aggregation=chosen_section.aggregation,
        # Texts as they are: what a spreadsheet would run is neutralized when the CSV is written.
        format="jsonl",
        names=report.names,
    )


def _people(
    project: Project, scope: _PinnedScope, request: MetricsRequest, data: Mapping[str, Sequence[Any]]
) -> list[int]:
    if request.level == DEVELOPER:
        return [1] * len(data["Email"])
    from leadline.metrics.binder import heads_in, membership_of
    from leadline.metrics.run import timeline_of

    stretches = timeline_of(project, request, scope.pins, request.start)
    heads = heads_in(membership_of(stretches, request, request.start), request, scope.pins.today)
    return [heads[int(team)] for team in data["Team_Id"]]


def _column(data: Mapping[str, Sequence[Any]], aggregation: str, metric_id: str) -> Sequence[Any]:
    (column,) = by_ids((metric_id,))
    return data[column.name(aggregation)]


def _cells(
    metric: ReportMetric, column: Callable[[str], Sequence[Any]], people: Sequence[int], units: Fraction
) -> Sequence[Cell]:
    values = column(metric.value)
    if metric.over is None and not metric.per_unit:
        return values
    if metric.over is None:
        divisors: Sequence[int] = [1] * len(values)
    else:
        divisors = people if metric.over == PEOPLE else column(metric.over)
    return [
        _rate(Fraction(value), Fraction(divisor) * (units if metric.per_unit else 1), zero=metric.zero)
        for value, divisor in zip(values, divisors, strict=True)
    ]


def _rate(total: Fraction, over: Fraction, *, zero: bool) -> float | None:
    """``total`` divided by ``over``, to four decimals; over nothing empty or 0."""
    if not over:
        return 0.0 if zero else None
    return float(Fraction(math.floor(total / over * _SHARES + Fraction(1, 2)), _SHARES))


def _csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    from leadline.engine.output import neutralized

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([neutralized(cell) if isinstance(cell, str) else _number(cell) for cell in row])
    return text.getvalue().encode()


def _number(value: float | int | None) -> str:
    """Without an exponent; empty for nothing."""
    return "" if value is None else format(Decimal(repr(value)), "f")
