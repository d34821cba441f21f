"""Which versions of the tables were the newest at an instant: by the time that each commit's entry in the log says."""

from __future__ import annotations

import json
from bisect import bisect_right
from datetime import datetime

from leadline.errors import StoreError, VersionsGone, first_line
from leadline.instants import rfc3339
from leadline.lake.lake import Lake, log_of
from leadline.lake.storage import Storage
from leadline.schema import TABLES


def versions_at(lake: Lake, moment: datetime) -> dict[str, int]:
    """The version of each table that was the newest at ``moment``, of those that there were then. Raises ``VersionsGone`` if the
    log does not reach back so far, ``StoreError`` if it cannot be read."""
    versions = {name: _version_at(lake, name, moment) for name in TABLES}
    return {name: version for name, version in versions.items() if version is not None}


def _version_at(lake: Lake, table: str, moment: datetime) -> int | None:
    log = log_of(table)
    try:
        entries = [name for name in lake.storage.names(log) if name.endswith(".json") and name[:-5].isdigit()]
        # Commits follow each other, so few of a long log need to be read.
        later = bisect_right(
            entries, int(moment.timestamp() * 1000), key=lambda name: _committed_ms(lake.storage, f"{log}/{name}")
        )
    except (OSError, ValueError, LookupError) as error:
        raise StoreError(f"Table {table} of the lake in {lake.where} cannot be read: {first_line(error)}") from error
    if later:
        return int(entries[later - 1][:-5])
    if not entries or int(entries[0][:-5]) == 0:
        return None
    raise VersionsGone(f"What table {table} was at {rfc3339(moment)} is gone: its log begins later")


def _committed_ms(storage: Storage, entry: str) -> int:
    """When a version was committed, in milliseconds since 1970."""
    lines = storage.read(entry).splitlines()
    told = next((action["commitInfo"] for line in lines if "commitInfo" in (action := json.loads(line))), None)
    return int(told["timestamp"]) if told else int(storage.stored(entry).modified * 1000)
