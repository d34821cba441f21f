"""The charts of sprints: what became of what was committed to, what was delivered, how steady that is."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.chart import Chart, Periods, Series
from leadline.charts.single import bar_chart

_COMMITTED = (
    Series("DELIVERED_COMMIT", "Delivered", "success"),
    Series("MISSED_COMMIT", "Missed", "failure"),
    Series("REMOVED_COMMIT", "Taken out", "planning"),
)
_DELIVERED = (
    Series("DELIVERED_COMMIT", "Committed to", "first"),
    Series("DELIVERED_CREEP", "Added meanwhile", "second"),
)
_SHARES = (
    Series("COMMITTED_WORK_DELIVERED_PERCENT", "Commitment delivered", "first"),
    Series("SCOPE_CREEP_PERCENT", "Scope creep", "second"),
    Series("CHURN_RATE", "Churn", "third"),
)

SPRINT_CHARTS = (
    Chart(
        "sprint-commitments",
        "What became of commitments",
        "What sprints that ended in the period had committed to: what of it was delivered, what was not done at the end, and what "
        "was taken out or made smaller.",
        Periods(_COMMITTED),
        forms.stacked(_COMMITTED),
    ),
    Chart(
        "sprint-delivery",
        "Work delivered in sprints",
        "What was done at the ends of sprints: of what they had committed to, and of what was added while they ran.",
        Periods(_DELIVERED),
        forms.stacked(_DELIVERED),
    ),
    bar_chart(
        "sprint-velocity",
        "Velocity of sprints",
        "What was delivered for each sprint that ended in the period.",
        "SPRINT_VELOCITY",
    ),
    Chart(
        "sprint-scope",
        "Commitment and scope",
        "Of what was committed to, how much was delivered; and in percent of it, what was added while sprints ran, and what was "
        "added, taken out or made smaller together (churn).",
        Periods(_SHARES),
        forms.lines(_SHARES),
    ),
)
