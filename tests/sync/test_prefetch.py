"""Pages read ahead: the same ones in order, errors where they were, and no thread left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from leadline.errors import StoreError
from leadline.sources.kit.page import Page
from leadline.sync.prefetch import PAGES_AHEAD, Prefetch


def threads() -> int:
    return sum(thread.name == "source-pages" for thread in threading.enumerate())


def wait_until_none() -> None:
    deadline = time.monotonic() + 30
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads() == 0


def test_the_same_pages_in_order() -> None:
    pages = [Page(str(number)) for number in range(100)]
    with Prefetch(pages) as read:
        assert list(read) == pages
    wait_until_none()


def test_an_error_comes_where_it_was() -> None:
    def pages() -> Iterator[Page]:
        yield Page("first")
        raise StoreError("no more")

    with Prefetch(pages()) as read:
        assert next(read).subject == "first"
        with pytest.raises(StoreError, match="no more"):
            next(read)
    wait_until_none()


def test_who_stops_early_is_read_for_no_longer() -> None:
    read_so_far = 0

    def pages() -> Iterator[Page]:
        nonlocal read_so_far
        while True:
            read_so_far += 1
            yield Page("x")

    with Prefetch(pages()) as read:
        next(read)
    wait_until_none()
    assert read_so_far <= PAGES_AHEAD + 3
