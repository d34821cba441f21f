"""Charts of one metric over time: as a line or as bars."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.chart import Chart, Periods, Series


def line_chart(name: str, title: str, reading: str, metric: str) -> Chart:
    """A line through the values of ``metric``."""
    series = Series(metric, title)
    return Chart(name, title, reading, Periods((series,)), forms.lines((series,)))


def bar_chart(name: str, title: str, reading: str, metric: str) -> Chart:
    """A bar for each value of ``metric``."""
    series = Series(metric, title)
    return Chart(name, title, reading, Periods((series,)), forms.bars(series))
