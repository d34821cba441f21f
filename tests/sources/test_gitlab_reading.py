"""GitLab's lists where their order is no help: many things of the same moment."""

from __future__ import annotations

from typing import Any, cast

from leadline.sources.gitlab.api import Api
from leadline.sources.gitlab.reading import Deployments
from leadline.sources.kit.client import Answer


class Listing:
    """An API with nothing but deployments, a page at a time, by when they were updated."""

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
    api = Listing([f"2026-01-01T00:00:{at // 150:02}.{at % 150:03}Z" for at in range(600)])
    met: set[Any] = set()
    for nodes, _ in Deployments(cast("Api", api), "1").read({}, "2026-02-01T00:00:00Z"):
        met.update(node["id"] for node in nodes)
    assert met == set(range(600))
