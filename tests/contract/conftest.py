"""One home served by ``leadline serve`` for the whole contract: what is printed must work against it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from api.serving import Served, fill, make_keys
from leadline.home import Home


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The small organization, served by the program as users start it."""
    folder = tmp_path_factory.mktemp("contract")
    command = [sys.executable, "-m", "leadline.cli.main", "--home", str(folder / "home"), "serve", "--port", "0"]
    with Home.open(folder / "home") as home, (folder / "log").open("w") as log:
        fill(home.project(), folder)
        keys = make_keys(home.project())
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert server.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert address is not None, (folder / "log").read_text()
            yield Served(home, address.group(), keys)
        finally:
            server.terminate()
            server.communicate(timeout=120)
