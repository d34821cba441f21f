"""What earlier releases stored as cursors is read as it was meant, so that an update makes nobody read a tool anew."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.sources.git.plan import HistoryCursor
from leadline.sources.jenkins.streams import BuildsCursor, mark
from leadline.sources.jira.boards import BoardsCursor
from leadline.sources.jira.reading import Place
from leadline.sources.jira.streams import DeliveredCursor, ProjectCursor
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.lists import Backfill
from leadline.sources.pagerduty.streams import Again, IncidentsCursor, ServicesCursor, Window
from leadline.sources.remote_files.streams import Begun, FileCursor

BEGAN = 1_767_225_600_000
OPEN = {"6": BEGAN - 60_000}


@pytest.mark.parametrize(
    ("stored", "cursor"),
    [
        (
            {
                "format": 1,
                "heads": ["a" * 40, "b" * 40],
                "since": 1_767_225_600,
                "mailmap": "c" * 40,
                "boundary": [],
                "url": "https://code.example.com/acme/shop",
                "default_branch": "main",
                "location": "/srv/shop",
                "pending": True,
            },
            # Files were not asked whether they are excluded: all are read once more.
            HistoryCursor(
                heads=("a" * 40, "b" * 40),
                since=1_767_225_600,
                mailmap="unsettled",
                url="https://code.example.com/acme/shop",
                default_branch="main",
                location="/srv/shop",
                pending=True,
            ),
        ),
        (
            {"as": "builds", "mark": [7, BEGAN], "open": OPEN},
            BuildsCursor(rule="builds", watermark=mark(7, BEGAN), open=OPEN),
        ),
        (
            {
                "as": "deployments=prod",
                "mark": None,
                "open": {},
                "was": ["old/name"],
                "descent": {"read": 100, "lowest": 351, "floor": None, "top": [450, BEGAN]},
            },
            BuildsCursor(
                rule="deployments=prod",
                was=("old/name",),
                backfill=Backfill("100 351", None, mark(450, BEGAN), [mark(450, BEGAN)]),
            ),
        ),
        (
            {"key": "SHOP", "since": BEGAN, "walk": {"from": BEGAN, "seen": 3, "last": "10007"}},
            ProjectCursor("SHOP", BEGAN, Place(BEGAN, seen=3, last="10007")),
        ),
        (
            {"key": "SHOP", "since": BEGAN, "walk": {"token": "next", "at": BEGAN}},
            ProjectCursor("SHOP", BEGAN, Place(token="next", at=BEGAN)),
        ),
        (
            {"key": "SHOP", "at": BEGAN, "listed": "2026-01-01"},
            ProjectCursor("SHOP", until=BEGAN, keys_listed="2026-01-01"),
        ),
        ({"10007": "2026-01-01T00:00:00.000Z"}, DeliveredCursor({"10007": "2026-01-01T00:00:00.000Z"})),
        ({"day": "2026-01-01", "labels": {"1": "Shop"}}, BoardsCursor("2026-01-01", {"1": "Shop"})),
        (
            {"as": ["incidents", ""], "etag": '"7"', "modified": None, "digest": "d1"},
            FileCursor(("incidents", ""), '"7"', None, "d1"),
        ),
        (
            {"begun": {"as": ["incidents", "csv"], "digest": "d2", "line": 1001}},
            FileCursor(begun=Begun(("incidents", "csv"), "d2", 1001)),
        ),
        ({"S1": "Shop Cart", "S2": "Shop Web"}, ServicesCursor({"S1": "Shop Cart", "S2": "Shop Web"})),
        (
            {"watermark": "2026-01-01T00:00:00Z", "resolved": "2026-01-01T00:00:00Z", "open": ["P7"], "again": None},
            IncidentsCursor("2026-01-01T00:00:00Z", None, "2026-01-01T00:00:00Z", ("P7",)),
        ),
        (
            {
                "created": {"since": "2025-01-01T00:00:00Z", "offset": 100, "begun": "2026-01-01T00:00:00Z"},
                "again": {"ids": ["S1"], "at": {"since": "2025-06-01T00:00:00Z", "offset": 0}},
            },
            IncidentsCursor(
                created=Window("2025-01-01T00:00:00Z", 100, "2026-01-01T00:00:00Z"),
                again=Again(("S1",), Window("2025-06-01T00:00:00Z")),
            ),
        ),
    ],
)
def test_what_an_earlier_release_stored(stored: dict[str, Any], cursor: Cursor) -> None:
    assert type(cursor).restored(stored) == cursor
    assert type(cursor).restored(cursor.stored()) == cursor
