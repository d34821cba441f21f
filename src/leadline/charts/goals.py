"""The goals that are in force for whom an answer is of, so that charts and figures can show them."""

from __future__ import annotations

from leadline.exports.insights.models import InsightBody
from leadline.home import Project
from leadline.metrics.goals import Goals, goals_of
from leadline.people import lookup


def goals_of_answer(project: Project, body: InsightBody) -> Goals:
    """The goals of the team of ``body``, or of its whole tree, as it is today."""
    tree = lookup.tree(project, body.request.org_tree_name)
    team = body.request.team.ref_id if body.request.team else None
    return goals_of(project.profile(tree.name), tree, int(team or tree.root.ref_id))
