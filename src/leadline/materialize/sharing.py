"""Several workers compute the missing tables of one run: each takes one, or a piece of a large one, whose inputs are there and that
nobody has taken, so that each is computed once. Who waits for the run goes on with the rest meanwhile, and takes over what
somebody left unfinished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from leadline.materialize.model import Model
from leadline.materialize.ranges import Piece, Work

LEAST_ROWS = 100_000
"""Rows to be read for one table from which on others are asked to help, or whether they have it: with fewer it is computed before
they have answered."""
REST_SECONDS = 0.1
"""How often who waits for a table of others looks whether it is there."""


def is_much(rows: int) -> bool:
    """Whether so many rows to be read are worth asking others."""
    return rows >= LEAST_ROWS


class Sharing(Protocol):
    """How workers share out a run."""

    @property
    def worker(self) -> str:
        """What this one is called."""

    @property
    def helps(self) -> bool:
        """Whether the run is another's."""

    def ask_for_help(self, tables: Sequence[str]) -> None:
        """Let idle workers know which folders of stored tables are missing, in an order in which they can be computed."""

    def turn(self, name: str) -> AbstractContextManager[bool]:
        """Take the work called ``name`` unless somebody has it who is alive: whether it is ours meanwhile."""

    def rest(self, seconds: float) -> None:
        """Wait for others. Raises if the run is over."""


@dataclass(frozen=True)
class Tables:
    """What is asked and done about stored tables: what they follow from, how many rows of the lake they read, and, where all they
    follow from is there, in which pieces they are best computed (none: as a whole); whether they or their pieces are there, the
    folders that they are in then, and how they are computed where they are not there yet."""

    depends_on: Callable[[Model], Sequence[Model]]
    rows: Callable[[Model], int]
    pieces: Callable[[Model], Sequence[Piece]]
    there: Callable[[Work], bool]
    folder: Callable[[Work], Path]
    compute: Callable[[Work], None]


def missing(models: Sequence[Model], tables: Tables) -> list[Model]:
    """Those of ``models`` that are not there with what they follow from that is not there either, in an order in which they can
    be computed."""
    found: dict[Model, None] = {}

    def look(model: Model) -> None:
        if model not in found and not tables.there(model):
            for above in tables.depends_on(model):
                look(above)
            found[model] = None

    for model in models:
        look(model)
    return list(found)


def compute_shared(models: Sequence[Model], tables: Tables, sharing: Sharing) -> None:
    """Have all of ``models`` computed, by this worker and whoever helps; nothing, where it is not much that is missing."""
    left = missing(models, tables)
    if not sharing.helps:
        if not left or not is_much(max(map(tables.rows, left))) or (len(left) == 1 and not tables.pieces(left[0])):
            return
        sharing.ask_for_help([tables.folder(model).name for model in left])
    while left:
        if not _compute_one(left, tables, sharing):
            sharing.rest(REST_SECONDS)
        left = [model for model in left if not tables.there(model)]


def _compute_one(left: Sequence[Model], tables: Tables, sharing: Sharing) -> bool:
    """Compute one of those ``left``, or a piece of it; False if others have all that can be computed by now."""
    ready = _ready(left, tables, helps=sharing.helps)
    # Who helps begins at the other end, out of the way.
    for work in reversed(ready) if sharing.helps else ready:
        with sharing.turn(f"facts:{tables.folder(work).name}") as ours:
            if ours:
                tables.compute(work)
                return True
    return False


def _ready(left: Sequence[Model], tables: Tables, *, helps: bool) -> list[Work]:
    """What of those ``left`` can be computed by now. A table is put together of its pieces by whose run it is."""
    found: list[Work] = []
    for model in left:
        if all(map(tables.there, tables.depends_on(model))):
            pieces = tables.pieces(model)
            lacking = [piece for piece in pieces if not tables.there(piece)]
            found += lacking or ([] if pieces and helps else [model])
    return found
