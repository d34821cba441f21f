"""What an insight is asked for: the parameters of a create, one by one, made the request of the kind that has the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from leadline.access import UNLIMITED, Access
from leadline.errors import Detail, Forbidden, InvalidRequest
from leadline.exports.export_kind import ExportKind
from leadline.field_types import shown
from leadline.field_words import reword, reworded
from leadline.home import Project
from leadline.metrics.metric import DEVELOPER, SERVICE
from leadline.metrics.periods import RANGE, YEARLY, first_of_month
from leadline.metrics.request import SPLIT, MetricsRequest, PeriodRows, RowsRequest, with_changes
from leadline.metrics.tools import names_of
from leadline.settings.profile import Profile

TOTAL = "total"
"""The granularity of which the whole range is one period."""
ONLY_ANSWERED: Mapping[str, str] = {"daily": "daily", YEARLY: YEARLY, TOTAL: RANGE}
"""Granularities that files of some kinds do not have, by the word that asks for them."""
MOST_ROWS = 10_000
"""Rows of an answer."""
PREVIOUS = "previous"
PARAMETERS: Mapping[str, str] = {
    "orgTreeName": "scope.orgTreeName",
    "teamId": "scope.teamId",
    "dateFrom": "dateRange.start",
    "dateTo": "dateRange.end",
    "period": "dateRange.period",
    "groups": "metricGroups",
    "metrics": "metrics",
    "aggregationLevel": "options.aggregationLevel",
    "level": "options.metricLevel",
    "granularity": "options.granularity",
    "aggregation": "options.aggregation",
    "computationMode": "options.computationMode",
    "effortUnit": "options.effortUnit",
    "statuses": "issueStatuses",
    "ends": "options.terminalDateColumn",
    "calendar": "options.calendar",
    "splitBy": "options.splitBy",
}
"""The parameters that say what a create's body says, each with where it stands in that."""
_PLACES = {**{place: name for name, place in PARAMETERS.items()}, "dateRange": "dateFrom to dateTo", "scope": "teamId"}


@dataclass(frozen=True)
class InsightRequest:
    """A normalized request. ``kind`` has the ``rows``; ``previous`` are those of the range before, if it is compared with. At most
    ``limit`` rows are shown, in the order of the column ``sort`` (None: their own), downwards if ``descending``."""

    kind: ExportKind
    rows: RowsRequest
    previous: RowsRequest | None = None
    limit: int | None = None
    sort: str | None = None
    descending: bool = False
    warnings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As a JSON object. Equal requests have equal documents."""
        return {
            "kind": self.kind.name,
            "rows": self.rows.document(),
            "previous": self.previous and self.previous.document(),
            "limit": self.limit,
            "sort": self.sort,
            "descending": self.descending,
        }


def parse_insight(
    project: Project, kind: ExportKind, asked: Mapping[str, Any], access: Access = UNLIMITED
) -> InsightRequest:
    """The request of parameters by name, within ``access``: those of ``PARAMETERS`` (`groups` and `metrics` are lists), `limit`
    and `depth` (numbers), `sort`, `compare` and `tools` (a list). Raises ``InvalidRequest``, or ``Forbidden`` for what
    ``access`` does not show, in the words of the parameters."""
    granularity = str(asked.get("granularity") or "monthly")
    only_answered = ONLY_ANSWERED.get(granularity.strip().lower())
    try:
        # As numbers in JSON Lines, and texts as they are: what a spreadsheet would run is no danger here.
        body = body_of(_of_level({**asked, "granularity": "monthly" if only_answered else granularity}, kind), "jsonl")
        parsed = kind.parse(project, body, access)
    except (InvalidRequest, Forbidden) as error:
        more = _further_granularities(error) if error.code == "unsupported_granularity" else ""
        raise in_words(error, _PLACES, more) from None
    rows = parsed.request
    if only_answered and isinstance(rows, PeriodRows):
        rows = with_changes(rows, granularity=only_answered)
    rows = _of_tools(_as_deep(rows, asked.get("depth")), asked.get("tools"))
    column, descending = _sorted_by(kind, rows, asked.get("sort"), project.profile(rows.tree))
    warnings = tuple(reworded(warning, _PLACES) for warning in parsed.warnings)
    return InsightRequest(
        kind, rows, _compared(rows, asked.get("compare")), asked.get("limit"), column, descending, warnings
    )


def _as_deep(rows: RowsRequest, depth: int | None) -> RowsRequest:
    """``rows`` down to ``depth`` levels below the scope. Raises ``InvalidRequest`` where rows are not teams."""
    if depth is None:
        return rows
    if not isinstance(rows, PeriodRows) or rows.level in (DEVELOPER, SERVICE):
        message = "depth says to how many levels below the scope there are rows of teams; these rows are not teams"
        raise InvalidRequest(message, details=[Detail("depth", "only at level team")])
    return with_changes(rows, depth=depth)


def _of_tools(rows: RowsRequest, tools: Sequence[str] | None) -> RowsRequest:
    """``rows`` with the use of AI ``tools`` alone, if any are named. Raises ``InvalidRequest`` where rows tell of none."""
    if not tools:
        return rows
    if not isinstance(rows, MetricsRequest):
        message = "tools says of which AI tools the use is counted; these rows tell of none"
        raise InvalidRequest(message, details=[Detail("tools", "only with metrics")])
    return with_changes(rows, tools=names_of(tools))


def body_of(asked: Mapping[str, Any], form: str | None = None) -> dict[str, Any]:
    """The body of a create that asks for the same as the parameters ``asked``, for a file of the format ``form``."""
    body: dict[str, Any] = {"scope": {}, "dateRange": {}, "options": {} if form is None else {"format": form}}
    for name, place in PARAMETERS.items():
        if (value := asked.get(name)) not in (None, "", []):
            *parts, member = place.split(".")
            (body[parts[0]] if parts else body)[member] = value
    return body


def _of_level(asked: Mapping[str, Any], kind: ExportKind) -> Mapping[str, Any]:
    """``asked`` without a level where the kind has one alone; another is refused."""
    if len(kind.leading) > 1:
        return asked
    for name in ("level", "aggregationLevel"):
        if (value := asked.get(name)) and str(value).strip().lower() not in kind.leading:
            levels = ", ".join(kind.leading)
            raise InvalidRequest(
                f"Unsupported {name}: {shown(value)}; supported: {levels}",
                code="unsupported_level",
                details=[Detail(name, levels)],
            )
    return {name: value for name, value in asked.items() if name not in ("level", "aggregationLevel")}


def _further_granularities(error: InvalidRequest | Forbidden) -> str:
    """Those that would do beside the ones that the refusal of another names."""
    return "".join(f", {word}" for word in ONLY_ANSWERED if word not in error.message)


def in_words(error: InvalidRequest | Forbidden, words: Mapping[str, str], more: str = "") -> InvalidRequest | Forbidden:
    """``error`` with the places that it names called by the ``words`` of whoever asked; ``more`` follows what would do of a
    granularity."""
    worded = reword(error, words)
    worded.message += more
    worded.details = tuple(
        Detail(detail.field, detail.message + (more if detail.field == "granularity" else ""))
        for detail in worded.details
    )
    return worded


def columns_of(kind: ExportKind, rows: RowsRequest, profile: Profile) -> tuple[str, ...]:
    """The columns of an answer that are no description of the row, under the settings ``profile``."""
    if isinstance(rows, MetricsRequest):
        from leadline.metrics.catalogue import by_ids

        return tuple(column.name(rows.aggregation) for column in by_ids(rows.metrics))
    return tuple(entry.column for entry in kind.columns_of(profile, rows))


def leading_of(kind: ExportKind, rows: RowsRequest) -> tuple[str, ...]:
    """The columns that describe the row."""
    level = getattr(rows, "level", next(iter(kind.leading)))
    return (*kind.describing(level), *(SPLIT if getattr(rows, "split", None) else ()))


def _sorted_by(kind: ExportKind, rows: RowsRequest, sort: str | None, profile: Profile) -> tuple[str | None, bool]:
    """The column to sort by, and whether downwards. Raises ``InvalidRequest``."""
    if not sort:
        return None, False
    known = {name.lower(): name for name in (*leading_of(kind, rows), *columns_of(kind, rows, profile))}
    column = known.get(sort.strip().removeprefix("-").lower())
    if column is None and kind.told_of is not None and kind.told_of([sort.strip().removeprefix("-")]):
        column = sort.strip().removeprefix("-")  # whether there is such a column the answer tells
    if column is None:
        message = f"sort must be a column of the answer, with - before it for downwards, not {shown(sort)}"
        hint = f"one of {', '.join(known.values())}"
        raise InvalidRequest(f"{message}; {hint}", code="unknown_column", details=[Detail("sort", hint)])
    return column, sort.strip().startswith("-")


def _compared(rows: RowsRequest, compare: str | None) -> RowsRequest | None:
    """The request of the range before, if that is asked for. Raises ``InvalidRequest``."""
    if not compare:
        return None
    if compare.strip().lower() != PREVIOUS:
        message = f"Unsupported compare: {shown(compare)}; supported: {PREVIOUS}"
        raise InvalidRequest(message, code="unsupported_compare", details=[Detail("compare", PREVIOUS)])
    if not isinstance(rows, PeriodRows) or not rows.of_periods:
        message = "compare: these rows have no range before; rows of teams or developers by periods have one"
        raise InvalidRequest(message, code="unsupported_compare", details=[Detail("compare", "not with this kind")])
    start, end = range_before(rows.start, rows.end)
    return with_changes(rows, start=start, end=end)


def range_before(start: date, end: date) -> tuple[date, date]:
    """The range before that of ``start`` to ``end`` (both inclusive): as many days, or for whole months as many months."""
    day = timedelta(days=1)
    if start.day == 1 and (end + day).day == 1:
        months = (end.year - start.year) * 12 + end.month - start.month + 1
        return first_of_month(start.year, start.month - months), start - day
    return start - (end - start) - day, start - day
