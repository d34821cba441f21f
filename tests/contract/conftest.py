"""One home served by ``leadline serve`` for the whole contract: what is printed must work against it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.serving import Served, fill, fill_delivery, make_keys
from leadline.home import Home, Project
from leadline.people import load_org

KEYED_TREE = """{"name": "Product", "members": [{"email": "pia@example.org", "full_name": "Pia Penn"}],
 "children": [{"name": "Payments", "key": "team_abc123",
               "members": [{"email": "cyd@example.org", "full_name": "Cyd Crane"}]}]}"""


def load_keyed_tree(project: Project, folder: Path) -> None:
    """A second tree, whose team has the key that the documentation prints."""
    path = folder / "product.json"
    path.write_text(KEYED_TREE)
    load_org(project, path, "Product", now=datetime.now(UTC))


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The small organization, served by the program as users start it."""
    folder = tmp_path_factory.mktemp("contract")
    command = [sys.executable, "-m", "leadline.cli.main", "--home", str(folder / "home"), "serve", "--port", "0"]
    with Home.open(folder / "home") as home, (folder / "log").open("w") as log:
        fill(home.project(), folder)
        fill_delivery(home.project())
        other = home.project("default", "myproject", create=True)
        for project in (home.project(), other):
            load_keyed_tree(project, folder)
        keys = {**make_keys(home.project()), "myproject": make_keys(other)["viewer"]}
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert server.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert address is not None, (folder / "log").read_text()
            yield Served(home, address.group(), keys)
        finally:
            server.terminate()
            server.communicate(timeout=120)
