"""One served home for the whole contract: what is printed must work against it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from api.serving import Served, fill, serving
from leadline.api.log import configure
from leadline.home import Home


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the small organization and one export worker."""
    configure("json", io.StringIO())
    folder = tmp_path_factory.mktemp("contract")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        with serving(home) as running:
            yield running
