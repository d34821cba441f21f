"""GitLab's lists where their order is no help, and the cursors that earlier releases stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from leadline.sources.gitlab.api import Api
from leadline.sources.gitlab.iterations import Iterations
from leadline.sources.gitlab.overview import Project
from leadline.sources.gitlab.pipelines import DeploymentsCursor, DeploymentStream
from leadline.sources.gitlab.source import RunCursor
from leadline.sources.gitlab.streams import CountedCursor, ProjectCursor, Reading, Tally
from leadline.sources.kit.client import Answer
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.lists import Backfill


class Listing:
    """An API with nothing but deployments, a page at a time, by when they were updated."""

    now = datetime(2026, 2, 1, tzinfo=UTC)

    def __init__(self, updated: list[str]) -> None:
        self.nodes = [{"id": number, "updated_at": at, "deployable": {}} for number, at in enumerate(updated)]
        self.calls = 0

    def rest(self, _path: str, params: dict[str, str]) -> Answer:
        self.calls += 1
        assert self.calls < 100, "it goes round in circles"
        found = [node for node in self.nodes if str(node["updated_at"]) >= params.get("updated_after", "")]
        page = int(params["page"])
        return Answer(200, {}, found[(page - 1) * 100 : page * 100])


def test_deployments_of_full_seconds_side_by_side() -> None:
    api = cast("Api", Listing([f"2026-01-01T00:00:{at // 150:02}.{at % 150:03}Z" for at in range(600)]))
    project = Project({"id": "gid://gitlab/Project/1"}, "gitlab.com#1", "acme/shop")
    stream = DeploymentStream(
        Reading(api, "gitlab", DeployRules(), "", bounded=False, iterations=Iterations(api, "", "gitlab.com")), project
    )
    pages = list(stream.read(DeploymentsCursor()))
    met = {row["deployment_id"] for page in pages for row in page.rows["deployments"]}
    assert len(met) == 600
    assert pages[-1].cursors == {
        "gitlab.com#1:stream deployments": DeploymentsCursor(
            watermark="2026-02-01T00:00:00.000Z", asked="2026-02-01T00:00:00.000Z", outside=True
        )
    }


SINCE, BEGUN = "2026-01-05T09:58:00.000Z", "2026-01-05T10:00:00.000Z"
STORED: list[tuple[type[Cursor], dict[str, Any], Cursor]] = [
    (CountedCursor, {"since": SINCE, "count": 0}, CountedCursor(BEGUN)),
    (CountedCursor, {"since": SINCE, "count": 17, "top": 19}, CountedCursor(BEGUN, count=17, highest=19)),
    (CountedCursor, {"since": SINCE, "count": None, "top": 19}, CountedCursor(BEGUN, count=None, highest=19)),
    (
        CountedCursor,
        {"descent": {"after": "eyJpZCI6IjIwIn0", "begun": BEGUN}, "tally": {"fresh": 40, "top": 59}},
        CountedCursor(backfill=Backfill("eyJpZCI6IjIwIn0", None, BEGUN), tally=Tally(40, 59)),
    ),
    (
        CountedCursor,
        {
            "since": SINCE,
            "count": 2,
            "top": "2026-01-01T00:00:00.000Z",
            "descent": {"after": "x", "begun": "2026-01-06T10:00:00.000Z"},
            "tally": {"fresh": 0},
        },
        CountedCursor(
            BEGUN,
            Backfill("x", SINCE, "2026-01-06T10:00:00.000Z"),
            count=2,
            highest="2026-01-01T00:00:00.000Z",
        ),
    ),
    (
        DeploymentsCursor,
        {"since": SINCE, "asked": BEGUN, "outside": True},
        DeploymentsCursor(BEGUN, asked=BEGUN, outside=True),
    ),
    (
        DeploymentsCursor,
        {"outside": True, "descent": {"from": "2025-12-01T00:00:00.000Z", "page": 3, "begun": BEGUN}},
        DeploymentsCursor(backfill=Backfill("2025-12-01T00:00:00.000Z 3", None, BEGUN), outside=True),
    ),
    (
        DeploymentsCursor,
        {"descent": {"from": None, "page": 2, "begun": BEGUN}},
        DeploymentsCursor(backfill=Backfill(" 2", None, BEGUN)),
    ),
    (DeploymentsCursor, {"asked": BEGUN}, DeploymentsCursor(asked=BEGUN)),
    (ProjectCursor, {"since": SINCE}, ProjectCursor(BEGUN)),
    (RunCursor, {"since": SINCE}, RunCursor(SINCE)),
]


@pytest.mark.parametrize(("of", "stored", "cursor"), STORED)
def test_cursors_of_earlier_releases_are_read(of: type[Cursor], stored: dict[str, Any], cursor: Cursor) -> None:
    assert of.restored(stored) == cursor
    assert of.restored(cursor.stored()) == cursor
