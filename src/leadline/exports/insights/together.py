"""Insights that are asked for together, as a screen does: the whole of a range, and the periods of the same range. What they are
computed from is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from leadline.exports.insights.answer import TooManyRows, answer, answer_of, table_of
from leadline.exports.insights.models import InsightBody
from leadline.exports.insights.request import InsightRequest
from leadline.home import Project
from leadline.metrics.catalogue import by_ids
from leadline.metrics.metric import SERVICE
from leadline.metrics.periods import RANGE
from leadline.metrics.request import Control, MetricsRequest, Pins

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import Runner


def answers(
    runner: Runner, project: Project, insights: Sequence[InsightRequest], pins: Pins, as_of: datetime, control: Control
) -> list[InsightBody]:
    """The ``answer`` to each of ``insights``. Where one asks for the whole of a range of which another asks for the periods, what
    they are computed from is read once."""
    tables = _of_one_reading(runner, project, insights, pins, control)
    if tables is None:
        return [answer(runner, project, insight, pins, as_of, control) for insight in insights]
    return [
        answer_of(runner, project, insight, pins, as_of, control, table)
        for insight, table in zip(insights, tables, strict=True)
    ]


def _of_one_reading(
    runner: Runner, project: Project, insights: Sequence[InsightRequest], pins: Pins, control: Control
) -> list[pa.Table] | None:
    """The rows of each of ``insights``; None where they cannot be had together."""
    joint = joint_rows(insights)
    if joint is None:
        return None
    try:
        table = table_of(runner, project, replace(insights[0], limit=None), joint, pins, control)
    except TooManyRows:  # which may be so of one alone
        return None
    from leadline.metrics.binder import periods_of

    units = table.num_rows // len(periods_of(joint))
    of_range = table.num_rows - units
    return [table.slice(of_range) if _is_of_range(insight) else table.slice(0, of_range) for insight in insights]


def joint_rows(insights: Sequence[InsightRequest]) -> MetricsRequest | None:
    """One request that has the rows of all ``insights``, some of which are of the whole of a range and the others of its periods;
    None if they are not, or are not alike in all else."""
    rows = [insight.rows for insight in insights if isinstance(insight.rows, MetricsRequest)]
    if len(rows) < len(insights) or {insight.kind.name for insight in insights} != {insights[0].kind.name}:
        return None
    metrics = tuple(dict.fromkeys(name for one in rows for name in one.metrics))
    alike = {replace(one, metrics=metrics, granularity=RANGE) for one in rows}
    granularities = {one.granularity for one in rows} - {RANGE}
    if len(alike) != 1 or len(granularities) != 1 or not any(map(_is_of_range, insights)):
        return None
    joint = replace(rows[0], metrics=metrics, granularity=granularities.pop(), with_range=True)
    return joint if joint.level != SERVICE and joint.split is None and not _of_spans(joint) else None


def _of_spans(rows: MetricsRequest) -> bool:
    """Whether anything is measured by the ends of periods, which those of a part are not."""
    from leadline.metrics.query import facts_of

    return any(fact.of_spans for fact in facts_of(by_ids(rows.metrics), rows.level))


def _is_of_range(insight: InsightRequest) -> bool:
    return getattr(insight.rows, "granularity", None) == RANGE
