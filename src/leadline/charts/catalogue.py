"""Every chart there is, in the order in which they are listed."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.ai import AI_CHARTS
from leadline.charts.allocation import ALLOCATION_CHARTS
from leadline.charts.chart import Chart, Teams
from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.flow import FLOW_CHARTS
from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.charts.sprints import SPRINT_CHARTS
from leadline.errors import NotFound
from leadline.metrics.metric import CatalogueEntry, MetricColumn

_ALL = (*DELIVERY_CHARTS, *PRODUCTIVITY_CHARTS, *FLOW_CHARTS, *AI_CHARTS, *SPRINT_CHARTS, *ALLOCATION_CHARTS)
CHARTS = {chart.name: chart for chart in _ALL}
SPARKLINE = forms.sparkline()
"""The small line beside a number, of any metric over time."""


def metric_chart(column: MetricColumn) -> Chart:
    """The chart of one metric of several teams, whichever it is. It is not among ``CHARTS``, which are of one team each."""
    return column_chart(column.metric, column.id)


def column_chart(entry: CatalogueEntry, column_id: str = "") -> Chart:
    """The same of any column of teams, whichever catalogue it is of."""
    data = Teams(column_id or entry.id, entry)
    return Chart(data.metric.lower(), entry.title, entry.definition, data, forms.team_lines())


def chart_named(name: str) -> Chart:
    """The chart called ``name`` (in any letter case). Raises ``NotFound`` (``unknown_chart``) with the names there are."""
    chart = CHARTS.get(name.strip().lower())
    if chart is None:
        raise NotFound(f"There is no chart {name[:80]!r}; charts are {', '.join(CHARTS)}", code="unknown_chart")
    return chart
