"""Run as a process of its own by the tests: ``HOME FOLDER HOW PIECE``, a worker called ``second`` that takes no export itself and
helps with those of others, tables of more than PIECE rows in pieces. It notes in FOLDER which table, or piece, it begins
(``began.TABLE.N``), then ``helps``, ``fails``, or ``hangs`` until it is told that it is not wanted any more (``cancelled``)."""

from __future__ import annotations

import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from leadline.errors import StoreError
from leadline.exports.worker import Worker
from leadline.home import Home
from leadline.materialize import ranges, sharing
from leadline.materialize.store import MaterializationStore
from leadline.metrics.request import Cancelled


class Helper(Worker):
    def _is_waiting(self) -> bool:
        return False


def main(home: Path, folder: Path, how: str, piece: int) -> None:
    compute = MaterializationStore._compute

    def one(store: MaterializationStore, model: Any, place: Path) -> None:
        (folder / f"began.{model.name}.{len(list(folder.glob(f'began.{model.name}.*')))}").touch()
        if how == "fails":
            raise StoreError("Reading or writing failed: the disk")
        try:
            while how == "hangs":
                time.sleep(0.05)
                store._before_each(model.name)
        except Cancelled:
            (folder / "cancelled").touch()
            raise
        compute(store, model, place)

    sharing.LEAST_ROWS = 1
    ranges.PIECE_ROWS = piece
    MaterializationStore._compute = one  # type: ignore[method-assign]
    with Home.open(home) as opened:
        Helper(opened, name="second", lease=timedelta(seconds=6)).run(threading.Event())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
