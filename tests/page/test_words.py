"""Values in a reader's words: numbers and spans read on pages as they do in charts."""

from __future__ import annotations

import pytest

from leadline.charts import words as of_charts
from leadline.charts.words import NOTHING, counted, percent
from leadline.metrics.catalogue import by_ids
from leadline.page.figures import Change, Figure
from leadline.page.words import number, span


@pytest.mark.parametrize("value", [0, 1, 1.5, 2.25, 9.999, 12.34, 99.96, 100, 1234.5, -3.14159])
def test_numbers_read_as_in_charts(value: float) -> None:
    assert number(value) == of_charts.number(value)


@pytest.mark.parametrize("seconds", [60, 90, 5400, 86_400, 200_000, 10**8])
def test_spans_read_as_in_charts_from_a_minute_on(seconds: float) -> None:
    assert span(seconds) == of_charts.span_text(seconds)


def test_what_is_not_known_is_a_dash_and_shorter_spans_are_seconds() -> None:
    assert (number(None), span(None), percent(None)) == (NOTHING, NOTHING, NOTHING)
    assert (span(0), span(20.4), span(59)) == ("0 s", "20 s", "59 s")
    assert (number(1234.567, 1), percent(12.5), percent(1.25)) == ("1,234.6", "12 %", "1.2 %")
    assert (counted(0, "team"), counted(1, "team"), counted(2, "team")) == ("no teams", "1 team", "2 teams")


@pytest.mark.parametrize(
    ("metric_id", "value", "before", "change"),
    [
        ("LTTC_MEAN_DAYS", 13.72, 13.70, Change("about as before")),
        ("LTTC_MEAN_DAYS", 13.7, 13.7, Change("as before")),
        ("LTTC_MEAN_DAYS", 13.8, 13.7, Change("1 % longer", "up", "worse")),
        ("CFR_PERCENT", 8.42, 8.45, Change("about as before")),
        ("CFR_PERCENT", 8.4, 9.4, Change("1 point lower", "down", "better")),
        ("PR_MERGED", 3, 0, Change("more; it was 0", "up", "better")),
        ("PR_MERGED", 30, 10, Change("3 times as many", "up", "better")),
        ("PR_MERGED", 3, None, Change("nothing known before")),
    ],
)
def test_a_change_is_told_by_as_much_as_can_be_seen(
    metric_id: str, value: float, before: float | None, change: Change
) -> None:
    metric = by_ids((metric_id,))[0].metric
    assert Figure(metric, metric.column, metric.title, value, before=before, better=metric.better).change == change
