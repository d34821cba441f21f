"""What the teams of trees have set otherwise, bound for queries: each developer has what is in force for the primary team."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadline.facts.ownership import bind_classes
from leadline.facts.pull_request_filters import bind_filters
from leadline.facts.work_types import bind_work_types
from leadline.people.timeline import Timeline
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.engine import Backend


def bind_team_settings(engine: Backend, stretches: Timeline, profile: Profile) -> None:
    """Bind classes of production, work types and filters of pull requests."""
    for bind in (bind_classes, bind_work_types, bind_filters):
        bind(engine, stretches, profile)
