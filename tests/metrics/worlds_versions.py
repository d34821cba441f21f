"""Made-up versions of a tracker for property tests: work items come to name them, and some of them are released."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

Rows = list[dict[str, Any]]
NAMES = ("1.0", "v2", "2026-02", "Spring; ahead")


def versions(random: Random, items: Rows, instant: Callable[[], datetime]) -> Rows:
    """Rows of versions. ``items`` get theirs."""
    for row in items:
        row["fix_versions"] = random.choice(
            (None, ["1.0"], ["v2"], ["1.0", "2026-02"], ["v2", "gone"], ["Spring; ahead"])
        )
    return [
        {"project": project, "name": name, "released_at": random.choice((None, instant(), instant(), instant()))}
        for project in ("P", "OPS")
        for name in NAMES
        if random.randrange(5)
    ]
