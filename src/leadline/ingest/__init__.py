"""Takes rows into the lake: validates them, resolves duplicates by natural key and version, commits them whole.

Typed record batches (``ingest``), files in the documented tables (``import_paths``) or keys to take away (``remove``)
come in; atomic commits of the lake's tables and a receipt go out.
"""

from leadline.ingest.delivery import LockFactory, Receipt, ingest
from leadline.ingest.importing import import_paths
from leadline.ingest.removal import remove
from leadline.ingest.report import FileReport, ImportReport

__all__ = ["FileReport", "ImportReport", "LockFactory", "Receipt", "import_paths", "ingest", "remove"]
