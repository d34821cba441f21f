"""Bitbucket's lists where their order is no help: pull requests of one instant, and deployments in the order asked for, in another,
or in none."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from leadline.sources.bitbucket.api import Api, NotUnderstood
from leadline.sources.bitbucket.overview import Repository
from leadline.sources.bitbucket.pipelines import DeploymentStream, RunsCursor
from leadline.sources.bitbucket.pull_requests import PullRequests
from leadline.sources.bitbucket.streams import Reading
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.lists import Backfill, Listed
from leadline.sources.kit.page import Page
from stubs.bitbucket_data import deployment, uid, when

Node = dict[str, Any]
PIPELINES = RunsCursor(latest="2026-01-07T00:00:00.000Z")


class Listing:
    """An API with nothing but the pull requests updated at these instants, which may grow while it is read."""

    def __init__(self, updated: list[str], grows: list[str] | None = None) -> None:
        self.nodes = [{"id": number, "updated_on": text, "links": {}} for number, text in enumerate(updated, 1)]
        self.grows = grows or []
        self.pages = 0

    def page(self, path: str, _what: str) -> Listed[Node]:
        assert self.pages < 100, "it goes round in circles"
        self.pages += 1
        params = parse_qs(urlsplit(path).query)
        bounds = dict(
            part.split(" ")[1:] for part in params.get("q", [""])[0].split(" AND ") if part.startswith("updated_on")
        )
        found = [
            node for node in self.nodes if bounds.get(">=", "") <= str(node["updated_on"]) <= bounds.get("<=", "9999")
        ]
        found.sort(key=lambda node: str(node["updated_on"]), reverse=True)
        number, size = int(params["page"][0]), int(params["pagelen"][0])
        if self.grows:  # one that was not read yet is updated, and is the first of all now
            self.nodes[0]["updated_on"] = self.grows.pop()
        return found[(number - 1) * size : number * size], "more" if number * size < len(found) else None


def read(api: Listing, since: str | None = None) -> list[int]:
    """The numbers of the pull requests met, page by page. Their own lists are not read."""
    reader, met = PullRequests(cast("Api", api), "acme/shop"), list[int]()
    position: str | None = None
    while True:
        nodes, position = reader._page(position, since)
        met += [int(node["id"]) for node in nodes]
        if position is None:
            return met


def test_no_pull_request_is_read_twice_or_lost_where_pages_end_within_an_instant() -> None:
    updated = [when(number // 7) for number in range(200)]
    assert sorted(read(Listing(updated))) == list(range(1, 201))


def test_more_pull_requests_of_one_instant_than_a_page_has() -> None:
    updated = [when(0)] * 10 + [when(1)] * 60 + [when(2)] * 10
    assert sorted(read(Listing(updated))) == list(range(1, 81))


def test_what_is_updated_while_the_list_is_read_shifts_nothing_out_of_it_and_is_met_by_the_next_reading() -> None:
    api = Listing([when(number) for number in range(100)], [when(1000), when(900)])
    assert read(api) == list(range(100, 1, -1))
    assert read(api, when(500)) == [1]


# -- deployments -------------------------------------------------------------------------------------------------------


class Deployed:
    """An API with nothing but deployments. ``order``: what it makes of the order asked for."""

    now = "2026-02-01T00:00:00.000Z"

    def __init__(self, numbers: list[int], order: str) -> None:
        self.nodes = [deployment("acme/shop", number) for number in numbers]
        self.order = order
        self.asked: list[str] = []

    def all(self, _path: str, _what: str) -> list[Node]:
        return []

    def page(self, path: str, _what: str) -> Listed[Node]:
        params = parse_qs(urlsplit(path).query)
        self.asked.append(params.get("sort", [""])[0])
        if self.order == "refused" and "sort" in params:
            raise NotUnderstood("Bad Request")
        nodes = sorted(self.nodes, key=lambda node: str(node["uuid"]))
        if self.order == "taken":
            nodes = sorted(nodes, key=lambda node: str(node["state"]["started_on"]), reverse=True)
        number = int(params.get("page", ["1"])[0])
        sort = "&sort=-state.started_on" if "sort" in params else ""
        following = f"/deployments?page={number + 1}{sort}" if number * 100 < len(nodes) else None
        return nodes[(number - 1) * 100 : number * 100], following


def stream(api: Deployed) -> DeploymentStream:
    repository = Repository({"uuid": uid("repository", 1)}, "bitbucket.org#1", "acme/shop")
    return DeploymentStream(Reading(cast("Api", api), "bitbucket", DeployRules()), repository, PIPELINES)


def through(of: DeploymentStream, cursor: RunsCursor) -> tuple[list[Page], RunsCursor]:
    pages = list(of.read(cursor))
    last = pages[-1].cursors["bitbucket.org#1:stream deployments"]
    assert isinstance(last, RunsCursor)
    return pages, last


@pytest.mark.parametrize("order", ["taken", "ignored", "refused"])
def test_deployments_in_any_order(order: str) -> None:
    api = Deployed(list(range(1, 251)), order)
    pages, cursor = through(stream(api), RunsCursor())
    assert len({row["deployment_id"] for page in pages for row in page.rows.get("deployments", [])}) == 250
    assert (cursor.watermark is not None) is (order == "taken")
    assert cursor.seen == PIPELINES.latest
    assert not stream(api).due(cursor)
    api.nodes.append(deployment("acme/shop", 251))
    api.asked.clear()
    pages, _ = through(stream(api), cursor)
    met = {row["deployment_id"] for page in pages for row in page.rows.get("deployments", [])}
    assert f"bitbucket:{uid('acme/shop', 'deployment', 251, 'Production').strip('{}')}" in met
    # In their order only those of the last day are read again; in any other all of them.
    assert (len(met), len(api.asked)) == ((26, 1) if order == "taken" else (251, 4 if order == "refused" else 3))


def test_a_scope_that_is_missing_is_not_asked_for_in_another_order() -> None:
    api = Deployed([1], "taken")
    api.page = lambda _path, _what: (_ for _ in ()).throw(Refused("needs the scope"))  # type: ignore[method-assign]
    with pytest.raises(Refused):
        list(stream(api).read(RunsCursor()))


@pytest.mark.parametrize(
    "cursor",
    [
        RunsCursor(),
        RunsCursor(
            "2026-01-05T10:00:00.000Z",
            Backfill("/deployments?page=2", None, None, [""]),
            asked="2026-01-05T10:00:00.000Z",
            open="2026-01-05T09:00:00.000Z",
            seen="2026-01-05T09:00:00.000Z",
        ),
    ],
)
def test_cursors_are_stored_and_read(cursor: Cursor) -> None:
    assert type(cursor).restored(cursor.stored()) == cursor
