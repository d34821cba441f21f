"""The charts of how teams deliver: lead time, deployments, failures, time to restore."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.chart import Chart, Events, Periods, Series

_STAGES = tuple(
    Series(f"{stage}_MEAN_DAYS".upper(), stage, stage.lower())
    for stage in ("Planning", "Coding", "Review", "Build", "Deploy")
)
_LEAD = Series("LTTC_MEAN_DAYS", "Lead time", "ink")
_GOOD = Series("TOTAL_SUCCESS", "Went well", "success")
_BAD = Series("TOTAL_FAILURES", "Failed", "failure")
_RATE = Series("CFR_PERCENT", "Change failure rate", "failure")

DELIVERY_CHARTS = (
    Chart(
        "lead-time",
        "Lead time by stage",
        "Each bar is the mean time that work of the period spent in each stage, the tick its whole lead time; the number above is "
        "of how many things. A stage is taken over the work that has it, so that a bar need not end at the tick.",
        Periods(_STAGES, _LEAD, Series("LTTC_ITEMS", "Items")),
        forms.stacked(_STAGES, _LEAD, counted=True),
    ),
    Chart(
        "deployments",
        "Deployments",
        "Production deployments of each period; those that failed, were rolled back or caused an incident are at the foot, with "
        "their number.",
        Periods((_BAD, _GOOD)),
        forms.outcomes(_GOOD, _BAD),
    ),
    Chart(
        "failure-rate",
        "Change failure rate",
        "Of every hundred production deployments how many failed; at each point how many of how many.",
        Periods((_RATE,)),
        forms.share(_RATE),
    ),
    Chart(
        "restore-times",
        "Time to restore",
        "Each dot is an incident (of very many the newest), at the time of its resolution; the higher, the longer it took. "
        "The dashed line is the time to restore. Twice as long is everywhere as far up.",
        Events("MTTR_MEAN_DAYS"),
        forms.dots(),
    ),
)
