"""The headings that settings stand under where people look for them."""

from __future__ import annotations

from leadline.settings.categories import OF_CATEGORY, OF_TEAM
from leadline.settings.profile import SETTINGS, split_key

_BY_PREFIX = {
    "People and time": ("timezone", "people", "developers", "bots", "ai"),
    "Pull requests and code": ("pull_requests", "code", "pr_size", "rework"),
    "Work items": ("work_items", "sprints", "flow"),
    "Delivery": ("lead_time", "deployments", "releases", "incidents", "cfr"),
    "Ratings and goals": ("ratings", "goals"),
    "Business alignment": ("business",),
    "Reports and exports": ("reports", "exports", "webhooks"),
}
_OF_SCOPES = {
    "team": "Single teams",
    "service": "Single services",
    "repository": "Single repositories",
    OF_CATEGORY: "Business alignment",
    OF_TEAM: "Single teams",
}
GROUPS = tuple(dict.fromkeys((*_BY_PREFIX, *_OF_SCOPES.values())))
"""All headings, in their order."""
PROFILES: dict[str, tuple[str, ...]] = {
    "efficiency": ("timezone", "lead_time", "deployments", "releases", "incidents", "cfr", "ratings"),
    "productivity": ("timezone", "pull_requests", "code", "pr_size", "rework", "work_items"),
    "business": ("business",),
}
"""What begins the settings that say how metrics of a kind are computed, by kind."""


def group_of(key: str) -> str:
    """The heading of a setting. Raises ``InvalidRequest`` if ``key`` is none."""
    if key not in SETTINGS:
        return _OF_SCOPES[split_key(key)[0]]
    prefix = key.partition(".")[0]
    return next(title for title, prefixes in _BY_PREFIX.items() if prefix in prefixes)
