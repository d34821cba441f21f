"""Issues read in pages while others change: none that stays is passed by, wherever the pages are cut."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from leadline.sources.jira import reading as jira_reading
from leadline.sources.jira.api import Api, Server, headers, site
from leadline.sources.jira.reading import Issues, Place
from leadline.sources.kit.client import Client
from stubs.jira import TOKEN, USER, Jira
from stubs.jira_data import issue, when
from stubs.server import Request, serving

SCOPE = "project = 10000"


def reader(url: str, client: Client, *, cloud: bool) -> Issues:
    api = Api(site(url), client, "a test")
    return Issues(api, Server(cloud, "", url, "bot"), ["created", "updated"])


@settings(max_examples=30, deadline=None)
@given(
    cloud=some.booleans(),
    by=some.sampled_from(["created", "updated"]),
    minutes=some.lists(some.sampled_from([0, 0, 0, 1]), min_size=6, max_size=24),
    deleted=some.lists(some.tuples(some.integers(2, 4), some.integers(1, 12)), min_size=1, max_size=6),
    cut=some.integers(1, 5),
)
def test_none_that_stays_is_passed_by(
    cloud: bool, by: str, minutes: list[int], deleted: list[tuple[int, int]], cut: int
) -> None:
    """Pages of 4; issues are deleted before some searches; the reading begins anew from its place after ``cut`` pages."""
    jira = Jira(cloud=cloud, projects={"SHOP": "10000"})
    for number, minute in enumerate(minutes, 1):
        made = issue("SHOP", number, cloud=cloud)
        made["fields"].update(created=when(minute), updated=when(minute))
        jira.issues.append(made)
    searches = 0

    def delete(request: Request) -> None:
        nonlocal searches
        searches += request.path.endswith(("/search", "/search/jql"))
        if cloud:
            return  # which keeps the place itself
        gone = {f"SHOP-{number}" for before, number in deleted if before == searches}
        jira.issues[:] = [each for each in jira.issues if each["key"] not in gone]

    jira.before = delete
    before, jira_reading.ISSUES = jira_reading.ISSUES, 4
    try:
        with (
            serving(jira) as url,
            Client(headers=headers(USER if cloud else None, TOKEN), tool="Jira", wait=lambda _: None) as client,
        ):
            found: dict[str, Any] = {}
            place: Place | None = Place()
            while place is not None:
                issues = reader(url, client, cloud=cloud)
                for number, step in enumerate(issues.walk(SCOPE, by, place), 1):
                    found |= {str(each["key"]): histories for each, histories in step.issues}
                    place = step.place
                    if number == cut:
                        break
                assert searches < 300
    finally:
        jira_reading.ISSUES = before
    assert {each["key"] for each in jira.issues} <= set(found)
    assert all(found[each["key"]] for each in jira.issues)
