"""Keeps Python's collector from holding up whoever asks: looking through all objects of a server takes 100 to 200 ms, in which
nothing is answered; while libraries are loaded it looks through them again and again, and finds nothing; and so it does when the
process ends."""

from __future__ import annotations

import gc
import sys

THRESHOLDS = (20_000, 25, 40)
"""Objects that are new until the youngest are looked through, and how often these and the next are until the older ones are. Almost
all that requests make is given back without it."""

_LOADED = 100_000
"""As many new objects as some libraries bring, before the youngest are looked through."""


def load_undisturbed() -> None:
    """From now on what comes is looked through rarely, such as what libraries bring as they are loaded."""
    gc.set_threshold(_LOADED, *THRESHOLDS[1:])


def collect_rarely() -> None:
    """From now on what is there by now is looked through no more, and all that comes rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def end_undisturbed() -> None:
    """What is there by now is looked through no more, as the process does several times when it ends. What must be closed was.
    Where DuckDB was used it is, since DuckDB tells on stderr of each thing of its own that is still there in the end."""
    if "_duckdb" not in sys.modules:
        gc.freeze()
