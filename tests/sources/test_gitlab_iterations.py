"""What GitLab's iterations and the events of issues mean."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.sources.gitlab.api import Api, server
from leadline.sources.gitlab.iterations import Iterations, change_rows, sprint_row, sprints_of
from leadline.sources.kit.records import utc
from leadline.sources.kit.text import Misshapen
from stubs.gitlab_data import event, iteration

ONE, TWO = iteration(1), iteration(2)
KEY = {"project": "acme/shop", "key": "#1"}


def put(number: int, minutes: float, of: dict[str, Any] | None, action: str = "add") -> dict[str, Any]:
    return event(number, minutes, iteration=of, action=action)


@pytest.mark.parametrize(
    ("now", "events", "sprints", "moves"),
    [
        (None, [], [], []),
        (ONE, [], ["g:51"], []),
        (TWO, [put(1, 0, ONE), put(2, 9, TWO)], ["g:51", "g:52"], [(None, "g:51"), ("g:51", "g:52")]),
        (None, [put(2, 9, TWO, "remove"), put(1, 0, TWO)], ["g:52"], [(None, "g:52"), ("g:52", None)]),
        # Put in before events were kept.
        (None, [put(1, 0, ONE, "remove")], ["g:51"], [("g:51", None)]),
        # Taken out of one and put into another at once, told in either order.
        (
            TWO,
            [put(1, 0, ONE), put(2, 5, ONE, "remove"), put(3, 5, TWO)],
            ["g:51", "g:52"],
            [(None, "g:51"), ("g:51", None), (None, "g:52")],
        ),
        (
            TWO,
            [put(1, 0, ONE), put(2, 5, TWO), put(3, 5, ONE, "remove")],
            ["g:51", "g:52"],
            [(None, "g:51"), ("g:51", "g:52")],
        ),
        # Put in again what is there; of an iteration that is gone.
        (ONE, [put(1, 0, ONE), put(2, 1, ONE), put(3, 2, None)], ["g:51"], [(None, "g:51")]),
    ],
)
def test_what_an_issue_was_in(now: Any, events: list[Any], sprints: list[str], moves: list[tuple[Any, Any]]) -> None:
    node = {"iteration": now and {"id": f"gid://gitlab/Iteration/{now['id']}"}, "events": {"iterations": events}}
    assert sprints_of(node, "g") == sprints
    assert [(row["from_value"], row["to_value"]) for row in change_rows(KEY, node, "g")] == moves


def test_changes_of_one_instant_are_in_their_order() -> None:
    weights = [event(3, 1, weight=None), event(2, 1, weight=5), event(1, 1, weight=3)]
    rows = change_rows(KEY, {"iteration": None, "events": {"iterations": [], "weights": weights}}, "g")
    assert [(row["to_value"], row["sequence"], row["field"]) for row in rows] == [
        ("3", 0, "story_points"),
        ("5", 1, "story_points"),
        (None, 2, "story_points"),
    ]


FIVE_PAST_MIDNIGHT = 14 * 1440 - 9 * 60 + 5


@pytest.mark.parametrize("order", [1, -1])
def test_what_gitlab_rolls_over_was_moved_when_the_iteration_ended(order: int) -> None:
    rolled = [put(2, FIVE_PAST_MIDNIGHT, ONE, "remove"), put(2 + order, FIVE_PAST_MIDNIGHT, TWO)]
    rows = change_rows(KEY, {"iteration": None, "events": {"iterations": [put(0, 0, ONE), *rolled]}}, "g")
    assert {row["changed_at"] for row in rows[1:]} == {"2026-01-19T00:00:00.000Z"}
    assert (rows[1]["from_value"], rows[-1]["to_value"]) == ("g:51", "g:52")
    assert [row["sequence"] for row in rows[1:]] == [0, 1][: len(rows) - 1]


@pytest.mark.parametrize("moves", [[put(2, FIVE_PAST_MIDNIGHT, TWO)], [put(2, 9, ONE, "remove"), put(3, 9, TWO)]])
def test_what_people_move_was_moved_when_they_did(moves: list[Any]) -> None:
    rows = change_rows(KEY, {"iteration": None, "events": {"iterations": [put(1, 0, ONE), *moves]}}, "g")
    assert rows[-1]["changed_at"] == utc(moves[0]["created_at"])


def test_a_server_that_does_not_tell() -> None:
    assert sprints_of({"iid": "1"}, "g") is None


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ({}, {"board": "acme", "name": "2026-01-05 – 2026-01-18", "state": "active", "end_at": "2026-01-19T00:00:00Z"}),
        ({"title": "A", "state": 1, "description": "b"}, {"name": "A", "state": "future", "goal": "b"}),
        ({"start_date": None, "due_date": None}, {"name": "Iteration 1", "start_at": None, "end_at": None}),
        ({"web_url": None, "state": 9}, {"board": "acme/web", "state": None}),
        ({"web_url": "https://x.example/git/groups/a/b/-/iterations/1"}, {"board": "a/b"}),
    ],
)
def test_an_iteration_is_a_sprint(told: dict[str, Any], row: dict[str, Any]) -> None:
    iterations = Iterations(Api(server(None), None, ""), "acme/web", "g")  # type: ignore[arg-type]
    assert sprint_row(iterations, {**iteration(1), **told}).items() >= {**row, "sprint_id": "g:51"}.items()


@pytest.mark.parametrize("told", [{"id": None}, {"start_date": "soon"}])
def test_what_is_none_is_misshapen(told: dict[str, Any]) -> None:
    iterations = Iterations(Api(server(None), None, ""), "acme", "g")  # type: ignore[arg-type]
    with pytest.raises(Misshapen):
        sprint_row(iterations, {**iteration(1), **told})
