"""What the pickers of periods, granularities and aggregations offer, with the words that readers see."""

from __future__ import annotations

from leadline.page.parameters import Parameter

PERIODS = {
    "last-4-weeks": "Last 4 weeks",
    "last-3-months": "Last 3 months",
    "this-quarter": "This quarter",
    "last-quarter": "Last quarter",
    "last-12-months": "Last 12 months",
}
DEFAULT_PERIOD = "last-3-months"
GRANULARITIES = {"weekly": "Weeks", "monthly": "Months", "quarterly": "Quarters"}
AGGREGATIONS = {"mean": "Mean", "median": "Median", "p90": "90th percentile", "p95": "95th percentile"}

OF_A_VIEW = ("tree", "team", "collectionId", "period", "from", "to", "granularity", "aggregation")
"""What of an address stays when another screen is opened."""

TREND = Parameter("trend", ("yes",))
"""Whether charts over time have a line of their trend."""
NAMES = Parameter("names", ("shown",))
"""Whether developers are named."""
