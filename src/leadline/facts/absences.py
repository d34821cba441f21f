"""Who is absent on which day, as a stored table."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.expressions import DAY_US
from leadline.engine import schema_table
from leadline.engine.functions import epoch_us
from leadline.materialize.model import Model

SHARE_PARTS = 1000
"""Shares of days are counted in parts."""


def _absences() -> Table:
    rows = schema_table("absences")
    share = ibis.least((rows.share.fill_null(1.0) * SHARE_PARTS).round(), SHARE_PARTS).cast("int64")
    rows = rows.select(person=rows.email.strip().lower(), day=epoch_us(rows.day) // DAY_US, share=share)
    days = rows.group_by("person", "day").agg(share=rows.share.sum().cast("int64"))
    return days.mutate(share=ibis.least(days.share, SHARE_PARTS))


ABSENCES = Model(
    "absences", {"person": "string", "day": "int64", "share": "int64"}, expression=lambda _profile: _absences()
)
"""The absent ``share`` of a person's day (days since 1970), in ``SHARE_PARTS``."""
