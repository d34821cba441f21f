"""A served home per module: most tests only look, and a server with data takes a second to make."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from api.serving import Served, fill, serving
from leadline.api.log import configure
from leadline.home import Home


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the small organization and one export worker."""
    folder = tmp_path_factory.mktemp("served")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        with serving(home) as running:
            yield running


@pytest.fixture
def empty(home: Home) -> Iterator[Served]:
    """A server of an empty home without workers."""
    with serving(home, workers=0) as running:
        yield running


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    """Request lines are for the tests that read them."""
    configure("json", io.StringIO())
