"""The charts of what work was for: the shares of categories, and the people who worked on them."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.chart import Categories, Chart

ALLOCATION_CHARTS = (
    Chart(
        "work-allocation",
        "What work was for",
        "Of every hundred work items completed in each period, how many were of each category.",
        Categories(("CATEGORY_PERCENT", "UNCATEGORIZED_PERCENT"), "percent"),
        forms.by_category(),
    ),
    Chart(
        "work-allocation-people",
        "How many worked on it",
        "How many developers worked on each category, in full days of Monday to Friday; what no work item tells is unlinked.",
        Categories(("CATEGORY_FTE", "UNLINKED_FTE", "UNCATEGORIZED_FTE"), "fte"),
        forms.by_category(),
    ),
)
