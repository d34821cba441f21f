"""Values that rows are shown behind, by kinds: of metrics, of sprints and of categories of work. Each is asked for, stands in rows
and is told in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from leadline.charts.columns import BUSINESS
from leadline.charts.words import value_text
from leadline.errors import InvalidRequest
from leadline.exports.insights.cells import Place
from leadline.exports.insights.models import CellRow
from leadline.metrics.business_columns import ANY, COUNTED, FTE, GROUPS, PERCENT, TICKETS, chosen, described
from leadline.metrics.catalogue import catalogue_of, named
from leadline.metrics.measures import Measure, PullRequests
from leadline.metrics.metric import (
    INSIGHTS,
    PRODUCTIVITY,
    SERVICE,
    TEAM,
    CatalogueEntry,
    ExportColumn,
    Metric,
    MetricColumn,
    Overall,
    Ratio,
    Statistic,
    Value,
    values_of,
)
from leadline.metrics.sprint_columns import SPRINT, SPRINT_COLUMNS, SPRINTS, CountOf, SprintColumn, in_work_unit
from leadline.metrics.sprint_columns import TICKETS as IN_TICKETS
from leadline.page.behind import CYCLE
from leadline.page.counted_in import SHARE, WORK
from leadline.page.looked_behind import Behind, plain
from leadline.page.offers import by_groups, metrics_at
from leadline.page.view import View
from leadline.page.visit import Visit
from leadline.page.words import capitalize_first
from leadline.settings.categories import CATEGORIES

DEFAULT = "PR_Merged"
"""The value whose rows are shown where the address names none."""


@dataclass(frozen=True)
class BehindMetric(Behind):
    """A value of a metric, as it is asked for."""

    column: MetricColumn

    @property
    def kind(self) -> str:
        """The insight that has the metric."""
        return self.entry.insight

    @property
    def entry(self) -> Metric:
        """The metric."""
        return self.column.metric

    @cached_property
    def name(self) -> str:
        """What the column is called in files."""
        return self.column.name(self.view.aggregation)

    @property
    def title(self) -> str:
        """With the statistic that is not the usual one."""
        return self.column.title(self.view.aggregation)

    @property
    def has_statistics(self) -> bool:
        """Durations have."""
        return self.entry.kind == "statistic"

    @property
    def service(self) -> str | None:
        """The service that the address names."""
        return self.view.query.get("of_service")

    @property
    def asked(self) -> dict[str, Any]:
        """With the level, where the insight has several."""
        asked = {**super().asked, "metrics": [self.column.id]}
        if self.level == SERVICE or self.kind == PRODUCTIVITY:
            asked["level"] = self.level
        return asked

    @property
    def has_people(self) -> bool:
        """Metrics of productivity have a formula of developers."""
        return self.kind == PRODUCTIVITY and self.entry.developer is not None

    @property
    def choices(self) -> Sequence[tuple[str, Sequence[CatalogueEntry]]]:
        """Metrics that are no mean of ratings."""
        return by_groups(metric for metric in metrics_at(self.level) if metric.kind != "overall")

    @property
    def value(self) -> Value | None:
        """What the metric is computed of; None where nothing is traced."""
        formula = self.entry.formula(self.level)
        return None if formula is None or isinstance(formula, Overall) else values_of(formula)[0]

    @property
    def says_rows_alone(self) -> bool:
        """Counts of what has a mark."""
        return self.value is not None and not isinstance(self.value, Ratio) and self.value.measure.flag

    @property
    def stages(self) -> tuple[str, ...] | None:
        """What pull requests are measured by tells how time passed until the merge; lead time tells it until the deployment."""
        return CYCLE if self.value is not None and self.value.measure.fact is PullRequests.FACT else None

    def _text_of(self, row: CellRow) -> str:
        value = self.value
        if isinstance(value, Ratio) and value.measure.flag:
            return "yes" if row.value else "no"
        if isinstance(value, Ratio) and isinstance(value.over, Measure):
            return f"{plain(row.value)} of {plain(row.over)}"
        if isinstance(value, Statistic) and isinstance(row.value, int | float):
            return value_text(row.value, self.entry)
        return plain(row.value)

    def value_title(self, fact: str | None, told: str) -> str:
        """Of marks, what has them."""
        if self.value is None or not self.value.measure.flag:
            return told
        return capitalize_first(self.value.measure.things("pull_requests" if fact == "pull-requests" else "work_items"))


@dataclass(frozen=True)
class BehindSprints(Behind):
    """A value of a team's sprints, or of the one that the address names as ``of_sprint``."""

    column: SprintColumn
    sprint_name: str = ""

    kind = SPRINT

    @property
    def developer(self) -> None:
        """Sprints have no values of developers."""

    @property
    def entry(self) -> SprintColumn:
        """The column in points or tickets."""
        return in_work_unit(self.column, self.mode)

    @property
    def mode(self) -> str:
        """What work is counted in."""
        return WORK.meant_by(self.view.query)

    @property
    def sprint(self) -> str | None:
        """The id of the sprint."""
        return self.view.query.get("of_sprint")

    @property
    def level(self) -> str:
        """At which level the cell is."""
        return SPRINT if self.sprint else TEAM

    @property
    def asked(self) -> dict[str, Any]:
        """With the level and the mode."""
        return {**super().asked, "level": self.level, "computationMode": self.mode, "depth": 0}

    @property
    def place(self) -> Place:
        """That of the team's row of the sprint."""
        return replace(super().place, sprint=self.sprint)

    @property
    def who(self) -> str:
        """The team, and of which sprint."""
        if not self.sprint:
            return self.view.team.name
        return f"{self.view.team.name}, {self.sprint_name or f'sprint {self.sprint}'}"

    def with_names(self, rows: Iterable[Mapping[str, Any]]) -> Self:
        """The sprint by its name."""
        names = (str(row["sprint"]) for row in rows if row.get("sprint_id") == self.sprint)
        return replace(self, sprint_name=next(names, ""))

    @property
    def choices(self) -> Sequence[tuple[str, Sequence[CatalogueEntry]]]:
        """The columns of sprints at this level."""
        return by_groups(column for column in SPRINT_COLUMNS if self.level in column.levels)

    @property
    def says_rows_alone(self) -> bool:
        """Counts of items, and work in tickets."""
        if isinstance(self.column.formula, CountOf):
            return self.column.formula.what != SPRINTS
        return self.column.kind == "sum" and self.mode == IN_TICKETS


@dataclass(frozen=True)
class BehindCategories(Behind):
    """A value of a category of work, one of ``columns``: those that there are under the settings in force."""

    columns: tuple[ExportColumn, ...]
    column: ExportColumn

    kind = BUSINESS

    @property
    def entry(self) -> ExportColumn:
        """The column."""
        return self.column

    @property
    def measure(self) -> str:
        """What of the category it is."""
        return next(one for one in (*COUNTED, PERCENT, FTE) if self.column.column.endswith(f"_{one}"))

    @property
    def hint(self) -> str:
        """The catalogue has each measure once, of any category."""
        return f"{ANY}_{self.measure}".upper()

    @property
    def asked(self) -> dict[str, Any]:
        """With the level and what shares are of."""
        return {**super().asked, "level": self.level, "effortUnit": SHARE.meant_by(self.view.query)}

    @property
    def has_people(self) -> bool:
        """Every column is one of developers, too."""
        return True

    @property
    def choices(self) -> Sequence[tuple[str, Sequence[CatalogueEntry]]]:
        """All columns of the categories."""
        return by_groups(self.columns)

    @property
    def says_rows_alone(self) -> bool:
        """Counts of items."""
        return self.measure == TICKETS


def behind_of(visit: Visit, view: View) -> Behind:
    """What the address of ``visit`` asks for; of a column that there is not it says so, and shows another."""
    asked, kind = view.query.get("column", ""), view.query.get("kind")
    try:
        if kind not in (None, SPRINT, BUSINESS, *INSIGHTS):
            kinds = ", ".join((*INSIGHTS, SPRINT, BUSINESS))
            raise InvalidRequest(f"There is no kind {kind[:40]!r} whose rows are shown; there are {kinds}")
        if kind == SPRINT:
            return BehindSprints(view, named(asked or SPRINT_COLUMNS[0].column, SPRINT_COLUMNS))
        if kind == BUSINESS:
            columns = _categories(visit, view)
            return BehindCategories(view, columns, named(asked or columns[0].column, columns))
        return _metric(view, asked or DEFAULT)
    except InvalidRequest as error:
        return _metric(view.without(error.message, "kind", "column"), DEFAULT)


def _metric(view: View, asked: str) -> BehindMetric:
    metric = named(asked, [metric for insight in INSIGHTS for metric in catalogue_of(insight)])
    return BehindMetric(view, MetricColumn.named(metric, asked, view.aggregation))


def _categories(visit: Visit, view: View) -> tuple[ExportColumn, ...]:
    categories = visit.project.profile(view.tree.name)[CATEGORIES]
    unit = SHARE.meant_by(view.query)
    return described(categories, unit, chosen(categories, unit, GROUPS, ()))
