"""The lake: the event tables of one project as Delta tables that always hold resolved rows, one per natural key.

Parquet files already written come in, with what they replace; atomic commits and pinned snapshots go out.
"""

from leadline.lake.lake import Lake
from leadline.lake.snapshot import DataFile, Snapshot

__all__ = ["DataFile", "Lake", "Snapshot"]
