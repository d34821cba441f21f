"""What is told of exports that failed."""

from __future__ import annotations

import errno

from leadline.errors import LeadlineError, StoreError


def failure(error: Exception, export_id: str) -> dict[str, object]:
    """The error body of an export that ended with ``error``. Says nothing of the inside; the log does."""
    if isinstance(error, LeadlineError):
        return error.body()
    if is_of_memory(error):
        code, sentence = (
            "out_of_memory",
            "needs more memory than there is; ask for fewer days or metrics or one team, or raise LEADLINE_MEMORY",
        )
    elif getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error):
        code, sentence = "disk_full", "found the disk full; free some space and create it again"
    else:
        code = "internal_error"
        sentence = "failed because of an internal error; the server's log says more under this id"
    return StoreError(f"Export {export_id} {sentence}", code=code).body()


def is_of_memory(error: Exception) -> bool:
    """Whether there was not enough memory."""
    # DuckDB is not imported for the sake of its exceptions' names.
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException"
