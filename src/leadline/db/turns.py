"""Whose turn it is: projects take turns at the workers, however much one of them asks for."""

from __future__ import annotations

import sqlalchemy as sa

from leadline.db.models import exports, projects


def turns(queued: sa.ColumnElement[bool], processing: str) -> sa.Select[int]:
    """The projects that have exports which are ``queued``, the one whose turn it is first: of which the fewest exports are
    ``processing``, and then whose last one was begun longest ago."""
    of_project, others = exports.c.project_id == projects.c.id, exports.alias("others")
    theirs = others.c.project_id == projects.c.id
    running = sa.select(sa.func.count()).where(theirs, others.c.state == processing).scalar_subquery()
    begun = sa.select(sa.func.max(others.c.started_at)).where(theirs).scalar_subquery()
    return (
        sa.select(projects.c.id)
        .where(sa.exists().where(of_project, queued))
        .order_by(running, begun.nulls_first(), projects.c.id)
    )
