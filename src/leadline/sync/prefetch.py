"""Reads pages some ahead, so that a tool answers while the lake is written; still one call at a time.

Pages come in, the same pages go out. One thread reads; it ends with the call it is making when whoever takes the pages ends
before their end.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator

from leadline.sources.kit.page import Page

PAGES_AHEAD = 16
"""Pages that may be read while a batch is delivered."""
_LOOK_AGAIN = 0.2
"""Seconds after which a full queue is tried again, or found to be of no use to anybody."""


class Prefetch:
    """``with Ahead(pages) as read: for page in read: …``; what ``pages`` raises is raised where it ends."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = pages
        self._read: queue.Queue[Page | BaseException | None] = queue.Queue(PAGES_AHEAD)
        self._stop = threading.Event()

    def __enter__(self) -> Iterator[Page]:
        threading.Thread(target=self._work, name="source-pages", daemon=True).start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _taken(self) -> Iterator[Page]:
        while (each := self._read.get()) is not None:
            if isinstance(each, BaseException):
                raise each
            yield each

    def _work(self) -> None:
        try:
            for page in self._pages:
                if not self._put(page):
                    return
            self._put(None)
        except BaseException as error:  # raised again by whoever takes the pages
            self._put(error)

    def _put(self, each: Page | BaseException | None) -> bool:
        """Whether somebody still takes pages."""
        while not self._stop.is_set():
            try:
                self._read.put(each, timeout=_LOOK_AGAIN)
            except queue.Full:
                continue
            return True
        return False
