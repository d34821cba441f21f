"""Keeps Python's collector from holding up whoever asks: looking through all objects of a server takes 100 to 200 ms, in which
nothing is answered; and while libraries are loaded it looks through them again and again, and finds nothing."""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 25, 40)
"""Objects that are new until the youngest are looked through, and how often these and the next are until the older ones are. Almost
all that requests make is given back without it."""


def load_undisturbed() -> None:
    """From now on what comes is looked through rarely, such as what libraries bring as they are loaded."""
    gc.set_threshold(*THRESHOLDS)


def collect_rarely() -> None:
    """From now on what is there by now is looked through no more, and all that comes rarely."""
    gc.collect()
    gc.freeze()
    load_undisturbed()
