"""The charts of AI tools: who uses them, what they had part in, what became of what they offered."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.chart import Chart, Periods, Series
from leadline.charts.single import bar_chart, line_chart

_PULLS = Series("PR_AI_PERCENT", "Pull requests AI-assisted")
_CODE = (
    Series("COMMITS_AI_PERCENT", "Commits AI-assisted", "first"),
    Series("CODE_AI_PERCENT", "Added lines by AI", "second"),
)
_LINES = (
    Series("AI_LINES_SUGGESTED", "Lines offered", "second"),
    Series("AI_LINES_ACCEPTED", "Lines accepted", "first"),
)

AI_CHARTS = (
    line_chart(
        "ai-adoption",
        "Adoption of AI tools",
        "Of every hundred developers of the team, how many used an AI tool on at least one day of the period.",
        "AI_ADOPTION_PERCENT",
    ),
    Chart(
        "ai-pull-requests",
        "Pull requests with AI",
        "Of every hundred merged pull requests, in how many AI tools had part; at each point how many of how many.",
        Periods((_PULLS,)),
        forms.share(_PULLS),
    ),
    Chart(
        "ai-code",
        "Commits and code with AI",
        "Of every hundred commits in how many AI tools had part, and of every hundred added lines how many are theirs. Where "
        "nobody counts lines, all lines of such a commit count: an upper bound.",
        Periods(_CODE),
        forms.lines(_CODE),
    ),
    Chart(
        "ai-lines",
        "Lines offered and accepted",
        "Lines that AI tools offered in each period, and those that were accepted.",
        Periods(_LINES),
        forms.lines(_LINES),
    ),
    line_chart(
        "ai-acceptance",
        "Suggestions accepted",
        "Of every hundred suggestions of AI tools, how many were accepted.",
        "AI_ACCEPTANCE_PERCENT",
    ),
    bar_chart(
        "ai-cost",
        "Cost of AI tools",
        "What the use of AI tools cost in each period, in the currency of the setting ai.currency.",
        "AI_COST",
    ),
)
