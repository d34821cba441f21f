"""The lake: the event tables of one project as Delta tables that always hold resolved rows, one per natural key."""

from leadline.lake.lake import Lake
from leadline.lake.snapshot import DataFile, Snapshot
from leadline.lake.writer import TableWriter

__all__ = ["DataFile", "Lake", "Snapshot", "TableWriter"]
