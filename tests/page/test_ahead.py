"""What everybody opens first is made ready before anybody asks, as soon as what it follows from is there."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api.serving import Served, eventually, serving
from leadline.api.app_state import AppState
from leadline.demo import fill
from leadline.home import Home
from leadline.page import ahead
from leadline.page.ahead import begin_with, make_ready
from leadline.page.install import install

from .browsing import Browsing

FIRST_LOOKS = ("/delivery", "/productivity", "/delivery?period=last-12-months", "/productivity?period=last-12-months")


@contextmanager
def another_server(home: Home, *more: Any) -> Iterator[tuple[Browsing, AppState]]:
    """Another server of ``home``, which has what the one before left, and somebody who is signed in there."""
    apps: list[FastAPI] = []
    with serving(home, workers=0, faces=[install, *more, apps.append]) as running:
        yield Browsing(running.base).signed_in(running.keys["viewer"]), apps[0].state.leadline


def forget_answers(home: Home) -> None:
    shutil.rmtree(home.project().computed.with_name("answers"), ignore_errors=True)


async def refused(*_: object, **__: object) -> None:
    raise AssertionError("it was not made ready")


def test_the_first_screens_are_ready_before_anybody_asks(
    page_server: Served, admin: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in FIRST_LOOKS:  # which have the facts computed
        assert admin.get(path).status_code == 200
    forget_answers(page_server.home)
    with another_server(page_server.home) as (visitor, state):
        asyncio.run(make_ready(state))
        monkeypatch.setattr(state.reports, "run", refused)
        assert [visitor.get(path).status_code for path in FIRST_LOOKS] == [200] * len(FIRST_LOOKS)


def test_a_server_makes_them_ready_by_itself(
    page_server: Served, admin: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "START_SECONDS", 0)
    for path in FIRST_LOOKS:
        assert admin.get(path).status_code == 200
    forget_answers(page_server.home)
    with another_server(page_server.home, begin_with):
        folder = page_server.home.project().computed.with_name("answers")
        # Two screens over two ranges, each with its totals and its series.
        eventually(lambda: folder.is_dir() and len(list(folder.glob("*.json"))) == 2 * len(FIRST_LOOKS))


def test_facts_are_computed_for_who_asks_alone(tmp_path: Path) -> None:
    with Home.open(tmp_path / "home") as home:
        fill(home.project(), developers=8, months=2, until=date(2026, 3, 31))
        with another_server(home) as (_, state):
            asyncio.run(make_ready(state))
        computed = home.project().computed
        # Of the tables that both screens need; how complete the data are is found by every page.
        assert not [*computed.glob("lead-*"), *computed.glob("merge_spans-*"), *computed.glob("associations-*")]
        assert not computed.with_name("answers").exists()
