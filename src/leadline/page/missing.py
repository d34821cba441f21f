"""What a screen needs that a project has nothing of: it says what brings it, in the place of figures that would all be empty."""

from __future__ import annotations

from dataclasses import dataclass

from leadline.home import Project


@dataclass(frozen=True)
class Missing:
    """What is said where none of ``tables`` has a row; ``guide`` is where the documentation tells how they are filled."""

    title: str
    text: str
    guide: str
    tables: tuple[str, ...]

    def of(self, project: Project) -> Missing | None:
        """Itself if it is missing in ``project``. Raises ``StoreError``."""
        rows = project.lake.newest(self.tables).row_counts()
        return None if any(rows.values()) else self


WORK_ITEMS = Missing(
    "No work items known",
    "These figures are of work items and the statuses that they went through: connect Jira, Linear, GitHub or GitLab, or "
    "import them.",
    "/docs/guide/sources",
    ("work_items",),
)
SPRINTS = Missing(
    "No sprints known",
    "These figures are of sprints and of the items that were in them: connect Jira with its boards, Linear or GitLab, or import "
    "the tables sprints and work_items.",
    "/docs/guide/sprints",
    ("sprints",),
)
ACTIVITY = Missing(
    "No work known",
    "What AI tools had part in is told of commits and pull requests, and their use by the tools' own reports: connect git, "
    "GitHub or GitLab, and Copilot, Cursor or Claude Code.",
    "/docs/guide/ai",
    ("commits", "pull_requests", "ai_usage"),
)
