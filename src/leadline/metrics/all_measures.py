"""The measures of all facts that metrics are taken of."""

from __future__ import annotations

from leadline.metrics.commit_days import CommitDays
from leadline.metrics.flow_measures import Arrivals, Completions, Progress, Reopenings, Stock
from leadline.metrics.measures import (
    AiCommits,
    AiPullRequests,
    AiUsage,
    Associations,
    Commits,
    Deployments,
    Failures,
    Incidents,
    Lead,
    PullRequests,
    WorkItems,
)

FACT_MEASURES = (
    *(Commits, CommitDays, PullRequests, WorkItems, Associations, Lead, Deployments, Failures, Incidents),
    *(AiCommits, AiPullRequests, AiUsage),
    *(Arrivals, Completions, Reopenings, Progress, Stock),
)
"""Every fact with its measures."""
