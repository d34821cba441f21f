"""The whole demo organization, made once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from leadline.demo import fill
from leadline.home import Home, Project


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The demo as `leadline demo --until 2026-03-31` makes it."""
    with Home.open(tmp_path_factory.mktemp("demo") / "home") as home:
        fill(home.project(), developers=120, months=9, until=date(2026, 3, 31))
        yield home.project()
