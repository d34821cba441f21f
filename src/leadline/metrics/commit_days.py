"""What is measured of commits by their days alone."""

from __future__ import annotations

from leadline.metrics.measures import Commits, Measure, MeasuredFact, column, one, stored


class CommitDays:
    """Days with credited commits."""

    FACT = MeasuredFact(
        "commit_days", Commits.FACT.shown, stored("commits", "COMMIT_DAYS"), single=Commits.FACT, many="commits"
    )
    coding_days = Measure(FACT, column("day"), "distinct")
    active_developers = Measure(FACT, one, "any", flag=True, things="developers with a credited commit")
