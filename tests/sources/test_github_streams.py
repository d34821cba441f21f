"""The cursors that earlier releases stored for GitHub are read: nobody reads everything again after an upgrade."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.sources.github.commits import CommitsCursor, Walk
from leadline.sources.github.people import PeopleCursor
from leadline.sources.github.streams import DeploymentsCursor, PullRequestsCursor, TokenCursor
from leadline.sources.github.workflow_runs import RunsCursor
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.forge import NameCursor
from leadline.sources.kit.lists import Backfill

AT, BEFORE = "2026-01-05T10:00:00Z", "2026-01-05T09:58:00Z"
STORED: list[tuple[type[Cursor], dict[str, Any], Cursor]] = [
    (NameCursor, {"repository": "acme/shop"}, NameCursor("acme/shop")),
    (PullRequestsCursor, {"sign": [0]}, PullRequestsCursor(change_token=[0])),
    (
        PullRequestsCursor,
        {"watermark": AT, "sign": [7, 7, AT], "commits": []},
        PullRequestsCursor(AT, change_token=[7, 7, AT]),
    ),
    (
        PullRequestsCursor,
        {"descent": {"top": AT, "after": "Y3Vyc29y", "floor": None, "sign": [61, 7, AT]}, "commits": ["C_1", "C_2"]},
        PullRequestsCursor(backfill=Backfill("Y3Vyc29y", None, AT, [61, 7, AT]), commits=("C_1", "C_2")),
    ),
    (
        TokenCursor,
        {
            "watermark": AT,
            "sign": [1, 2, AT],
            "descent": {"top": "2026-01-06T10:00:00Z", "after": "x", "floor": BEFORE, "sign": [2, 3, AT]},
        },
        TokenCursor(AT, Backfill("x", BEFORE, "2026-01-06T10:00:00Z", [2, 3, AT]), [1, 2, AT]),
    ),
    (TokenCursor, {"watermark": None}, TokenCursor()),
    (
        DeploymentsCursor,
        {"watermark": AT, "sign": [3, 9, AT], "open": {"DE_1": AT}},
        DeploymentsCursor(AT, change_token=[3, 9, AT], open={"DE_1": AT}),
    ),
    (DeploymentsCursor, {"sign": [0]}, DeploymentsCursor(change_token=[0])),
    (CommitsCursor, {"head": "a" * 40}, CommitsCursor("a" * 40)),
    (
        CommitsCursor,
        {
            "head": "a" * 40,
            "walk": {"head": "b" * 40, "after": "x 99", "known": ["a" * 40], "open": ["c" * 40], "bounded": True},
        },
        CommitsCursor("a" * 40, Walk("b" * 40, "x 99", ("a" * 40,), ("c" * 40,), bounded=True)),
    ),
    (
        RunsCursor,
        {"watermark": AT, "open": None, "asked": AT, "etag": 'W/"1"', "sign": [AT, [7, 7, AT]]},
        RunsCursor(AT, change_token=[AT, [7, 7, AT]], asked=AT, etag='W/"1"'),
    ),
    (
        RunsCursor,
        {
            "rules": [["deploy*", "production"], ["ship", None]],
            "anew": True,
            "etag": None,
            "descent": {"until": AT, "page": 2, "floor": BEFORE, "top": AT, "open": BEFORE, "sign": [AT, None]},
        },
        RunsCursor(
            backfill=Backfill(f"{AT} 2", BEFORE, AT, [AT, None]),
            open_met=BEFORE,
            rules=(("deploy*", "production"), ("ship", None)),
            anew=True,
        ),
    ),
    (RunsCursor, {"sign": [None, None], "asked": AT}, RunsCursor(change_token=[None, None], asked=AT)),
    (PeopleCursor, {"asked": AT, "teams": ["acme/web"]}, PeopleCursor(AT, ("acme/web",))),
]


@pytest.mark.parametrize(("of", "stored", "cursor"), STORED)
def test_cursors_of_earlier_releases_are_read(of: type[Cursor], stored: dict[str, Any], cursor: Cursor) -> None:
    assert of.restored(stored) == cursor
    assert of.restored(cursor.stored()) == cursor
