"""Linear through the frame into the lake: whole, resumed, incremental, moved, renamed, deleted, and what goes wrong on the way."""

from __future__ import annotations

import time
from typing import Any

import pytest

from leadline.sources.linear import issues as linear_issues
from stubs.linear import ENG, MOST_COMPLEX, OAUTH, WEB, Linear
from stubs.linear_data import DOING, DONE, START, Node, cycle, entry, issue, moved, team, user, when
from stubs.server import SERVER_ERROR, Request

from .harness import Syncer, after_pages
from .scenarios import LINEAR

SCENARIO = LINEAR
DAY = 24 * 60
LATER = 30 * DAY
"""Minutes after the beginning of the data at which the tests change something."""


def items(sync: Syncer) -> dict[str, dict[str, Any]]:
    """The work items by their keys."""
    return {row["key"]: row for row in sync.rows("work_items")}


def touch(tool: Linear, key: str, *history: Node, at: float = LATER, **changes: Any) -> Node:
    """Change an issue at a time later than all there was, and just now by the tool's clock."""
    node = tool.found(key)
    node.update(updatedAt=when(at), history=[*node["history"], *history], **changes)
    return node


@pytest.fixture
def tool(tool: Linear) -> Linear:
    """The tool, whose clock is a month after its data."""
    tool.clock = START.timestamp() + (LATER - 10) * 60 - time.time()
    return tool


def pass_by(tool: Linear, minutes: float) -> None:
    tool.clock += minutes * 60


def test_everything_there_is(sync: Syncer, tool: Linear) -> None:
    done = sync.good()
    rows = sync.tables()
    assert {name: len(found) for name, found in rows.items()} == {
        "work_items": 10,
        "work_item_changes": 10 * 4,
        "sprints": 2,
        "tool_accounts": 2,
    }
    # Teams, both teams' issues, what changed meanwhile, users, cycles.
    assert done.result.call_stats.calls == 1 + 2 + 1 + 1 + 1
    assert (rows["work_items"][1]["key"], rows["work_items"][1]["parent_key"]) == ("ENG-2", "ENG-1")  # archived
    assert rows["work_items"][2]["sprints"] == "[cycle-team-1-1]"
    assert {(row["board"], row["state"]) for row in rows["sprints"]} == {("ENG", "closed"), ("WEB", "active")}
    assert max(tool.costs) < MOST_COMPLEX


def test_calls_per_issue(sync: Syncer, tool: Linear) -> None:
    tool.issues = [issue(ENG, number, number) for number in range(1, 1_001)]
    assert sync.good("ENG").result.call_stats.calls == 20 + 4  # teams, users, cycles, what changed meanwhile
    assert len(items(sync)) == 1_000
    assert max(tool.costs) <= 8_411  # of 10,000


def test_tokens_of_apps(sync: Syncer) -> None:
    sync.good(token=OAUTH)
    assert len(items(sync)) == 10


def test_only_what_is_new_is_read(sync: Syncer, tool: Linear) -> None:
    sync.good()
    tool.issues.append(issue(ENG, 8, LATER - 30))
    touch(tool, "WEB-1", moved("back", LATER, DONE, DOING), state=DOING, completedAt=None)
    pass_by(tool, 20)
    requests = sync.requests()
    assert len(requests) == 2
    rows = items(sync)
    assert rows["WEB-1"]["status"] == "In Progress"
    assert rows["WEB-1"]["completed_at"] is None
    assert len(rows) == 11
    assert len([row for row in sync.rows("work_item_changes") if row["key"] == "WEB-1"]) == 5
    pass_by(tool, 60)
    again = sync.good()
    assert (again.result.records, again.result.tables) == (0, {})


def test_a_run_that_is_killed_goes_on(sync: Syncer, tool: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_issues, "ISSUES", 2)
    with pytest.raises(KeyboardInterrupt):
        sync(progress=after_pages(3), rows_at_a_time=1)
    assert 0 < len(items(sync)) < 10
    before = len(tool.requests)
    sync.good()
    assert len(items(sync)) == 10
    firsts = [request for request in tool.requests[before:] if "updatedAt" in request.query]
    assert firsts[0].variables["after"] is not None


def test_what_changes_while_all_is_read_is_met(sync: Syncer, tool: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_issues, "ISSUES", 2)

    def change(request: Request) -> None:
        if request.variables.get("after") and request.variables.get("teams") == [ENG["id"]]:
            touch(tool, "ENG-1", title="Changed", at=LATER - 9)

    tool.faults = change
    sync.good()
    assert items(sync)["ENG-1"]["title"] == "Changed"


def test_an_issue_that_moves_to_another_team(sync: Syncer, tool: Linear) -> None:
    sync.good()
    here = entry("moved", LATER, fromTeamId=WEB["id"], toTeamId=ENG["id"])
    touch(tool, "WEB-3", here, identifier="ENG-8", previousIdentifiers=["WEB-3"], team=ENG)
    pass_by(tool, 20)
    sync.good()
    rows = items(sync)
    assert "WEB-3" not in rows
    assert rows["ENG-8"]["former_keys"] == "[WEB-3]"
    assert {row["key"] for row in sync.rows("work_item_changes")} == rows.keys()


def test_the_trash_and_what_is_deleted_for_good(sync: Syncer, tool: Linear) -> None:
    sync.good()
    touch(tool, "ENG-3", trashed=True, archivedAt=when(LATER))
    tool.issues.remove(tool.found("WEB-2"))
    pass_by(tool, 20)
    sync.good()
    assert "ENG-3" not in items(sync)
    assert "WEB-2" in items(sync)
    pass_by(tool, DAY)
    sync.good()
    assert items(sync).keys() == {"ENG-1", "ENG-2", "ENG-4", "ENG-5", "ENG-6", "ENG-7", "WEB-1", "WEB-3"}
    assert {row["key"] for row in sync.rows("work_item_changes")} == items(sync).keys()


def test_a_team_that_gets_another_key(sync: Syncer, tool: Linear) -> None:
    sync.good()
    renamed = {**WEB, "key": "SHOP"}
    tool.teams[1] = renamed
    for node in tool.issues:
        if node["team"] is WEB:
            node.update(team=renamed, identifier=node["identifier"].replace("WEB", "SHOP"))
    sync.good()
    assert {row["project"] for row in items(sync).values()} == {"ENG", "SHOP"}
    assert {row["board"] for row in sync.rows("sprints")} == {"ENG", "SHOP"}


def test_a_team_that_is_new(sync: Syncer, tool: Linear) -> None:
    sync.good("ENG")
    assert {row["project"] for row in items(sync).values()} == {"ENG"}
    ops = team(3, "OPS")
    tool.teams.append(ops)
    tool.issues.append(issue(ops, 1))
    sync.good("ENG", "OPS")
    assert items(sync).keys() >= {"OPS-1", "ENG-1"}
    pass_by(tool, 20)
    touch(tool, "OPS-1", title="Newer", at=LATER)
    pass_by(tool, 20)
    sync.good("ENG", "OPS")
    assert items(sync)["OPS-1"]["title"] == "Newer"


def test_users_and_cycles_are_read_once_a_day(sync: Syncer, tool: Linear) -> None:
    sync.good()
    tool.users.append(user("zoe"))
    tool.cycles.pop(0)
    tool.cycles.append(cycle(3, WEB, 21))
    sync.good()
    assert len(sync.rows("tool_accounts")) == 2
    pass_by(tool, DAY)
    sync.good()
    assert len(sync.rows("tool_accounts")) == 3
    assert {row["sprint_id"] for row in sync.rows("sprints")} == {"cycle-team-2-2", "cycle-team-2-3"}


def test_long_histories_are_read_to_their_ends(sync: Syncer, tool: Linear) -> None:
    node = tool.found("ENG-1")
    node["history"] = [entry(f"e{number:03}", number, toTitle=f"T{number}") for number in range(150)]
    done = sync.good()
    assert len([row for row in sync.rows("work_item_changes") if row["key"] == "ENG-1"]) == 150
    assert done.result.call_stats.calls == 6 + 2


def test_a_page_that_is_too_much_is_asked_for_in_parts(
    sync: Syncer, tool: Linear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_issues, "ISSUES", 250)
    sync.good()
    assert max(tool.costs) > MOST_COMPLEX
    assert len(items(sync)) == 10


def test_a_history_that_is_refused_is_told_and_the_rest_is_there(
    sync: Syncer, tool: Linear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_issues, "ISSUES", 4)
    tool.refused = lambda name, node: (name, node["identifier"]) == ("history", "ENG-4")
    done = sync()
    assert done.error is None
    assert done.document()["state"] == "incomplete"
    (skipped,) = {skipped.what for skipped in done.result.skipped}
    assert skipped == "history of ENG-4"
    assert len(items(sync)) == 10
    assert len(sync.rows("work_item_changes")) == 9 * 4


def test_a_team_that_cannot_be_read_is_in_nobodys_way(sync: Syncer, tool: Linear) -> None:
    tool.faults = lambda request: SERVER_ERROR if request.variables.get("teams") == [ENG["id"]] else None
    done = sync()
    assert done.document()["state"] == "incomplete"
    assert {failed.what for failed in done.result.failed} == {"issues of ENG"}
    assert {row["project"] for row in items(sync).values()} == {"WEB"}
    tool.faults = lambda _: None
    sync.good()
    assert len(items(sync)) == 10


def test_an_issue_of_another_shape_is_left_out(sync: Syncer, tool: Linear) -> None:
    tool.found("ENG-5")["identifier"] = "ENG5"
    done = sync()
    assert [(skipped.what, skipped.gap) for skipped in done.result.skipped] == [("issue ENG5", False)]
    assert len(items(sync)) == 9
