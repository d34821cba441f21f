"""A server of a small demo organization, and its home."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from api.serving import Client, Served, serving
from leadline.demo import fill
from leadline.home import Home


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        home = Home.open(tmp_path_factory.mktemp("charts") / "home")
    with home:
        fill(home.project(), developers=30, months=3, seed=1, until=date(2026, 3, 31))
        with serving(home) as running:
            yield running


@pytest.fixture
def viewer(served: Served) -> Client:
    return Client(served.base, served.keys["viewer"])
