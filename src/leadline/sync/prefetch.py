"""Reads some pages ahead in a thread, so that a tool answers while the lake is written; still one call at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator

from leadline.sources.kit.page import Page

PAGES_AHEAD = 16
"""Pages that may be read while a batch is delivered."""
BYTES_AHEAD = 8 << 20
"""Typed rows and texts that may be read meanwhile: some pages are large."""


class Prefetch:
    """``with Prefetch(pages) as read: for page in read: …``; what ``pages`` raises is raised where it ends. When the block ends
    before the pages do, the thread ends with the call it is making."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self._pages = pages
        self._read: deque[Page] = deque()
        self._bytes_ahead = 0
        self._ended = self._stopped = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def __enter__(self) -> Iterator[Page]:
        threading.Thread(target=self._work, name="source-pages", daemon=True).start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _taken(self) -> Iterator[Page]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._read or self._ended)
                if not self._read:
                    break
                page = self._read.popleft()
                self._bytes_ahead -= _bytes(page)
                self._changed.notify_all()
            yield page
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            for page in self._pages:
                if not self._put(page):
                    break
        except BaseException as error:  # raised again by whoever takes the pages
            self._error = error
        finally:
            if isinstance(self._pages, Generator):
                self._pages.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, page: Page) -> bool:
        """Whether somebody still takes pages."""
        with self._changed:
            self._read.append(page)
            self._bytes_ahead += _bytes(page)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._stopped or (len(self._read) < PAGES_AHEAD and self._bytes_ahead < BYTES_AHEAD)
            )
            return not self._stopped


def _bytes(page: Page) -> int:
    return page.text + sum(int(rows.batch.nbytes) for rows in page.typed_rows)
