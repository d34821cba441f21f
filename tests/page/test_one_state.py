"""A page that is looked at is of one state: settings and the list of org trees are read once for all of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leadline.db import settings, trees
from leadline.home import Home
from leadline.page.screens import SCREENS
from leadline.people import load_org
from people.files import ACME, write

from .browsing import Browsing

LOOKS = 10
"""The server does other work meanwhile, which reads, too; not at each look."""


def test_a_settled_project_stays_as_it_was_first_read_and_has_the_same_lake(home: Home, tmp_path: Path) -> None:
    project = home.project()
    settled = project.settled()
    before = settled.profile()
    settings.put(home.db, project.id, {"timezone": "Asia/Tokyo"})
    assert settled.profile() is before
    assert settled.settled() is settled
    assert settled.lake is project.lake
    assert str(project.profile().zone) == str(project.settled().profile().zone) == "Asia/Tokyo"
    assert not settled.org_trees()
    load_org(project, write(tmp_path, ACME), "Acme", now=datetime.now(UTC))
    assert not settled.org_trees()
    assert [row.name for row in project.settled().org_trees()] == ["Acme"]


@pytest.mark.parametrize("path", [screen.path for screen in SCREENS if screen.path not in ("/settings", "/people")])
def test_a_screen_reads_the_settings_and_org_trees_once(
    admin: Browsing, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    read: Counter[tuple[str, str]] = Counter()
    guard = threading.Lock()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(db: object, project_id: int, *rest: str) -> Any:
            with guard:
                read[name, rest[0] if rest else ""] += 1
            return function(db, project_id, *rest)

        return call

    admin.get(path)
    monkeypatch.setattr(settings, "stored", counted("settings", settings.stored))
    monkeypatch.setattr(trees, "listed", counted("trees", trees.listed))
    for _ in range(LOOKS):
        read.clear()
        assert admin.get(path).status_code == 200
        # A tree's own profile reads the project's settings below it, once more than the project's.
        if max(read.values(), default=0) <= 2:
            return
    pytest.fail(f"{path} reads again and again: {read}")
