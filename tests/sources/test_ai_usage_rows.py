"""Reports of the use of AI tools in their documented shapes, and the rows that become of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.schema import TABLES
from leadline.sources.claude_code import rows as claude_code_rows
from leadline.sources.copilot import rows as copilot_rows
from leadline.sources.cursor import rows as cursor_rows
from leadline.sources.cursor.api import Spend
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.text import Misshapen
from leadline.sources.kit.usage import Usage
from stubs import claude_code, copilot, cursor

DAY = date(2026, 1, 20)
Row = dict[str, Any]


def by_key(usage: Usage) -> dict[tuple[str, str | None], Row]:
    assert all(set(row) <= set(TABLES["ai_usage"].column) for row in usage.rows)
    keyed = {(row["account"], row["model"]): row for row in usage.rows}
    assert len(keyed) == len(usage.rows)
    return keyed


# -- Claude Code -------------------------------------------------------------------------------------------------------

ADA = claude_code.user("ada@example.com")


def test_what_a_user_did_with_claude_code() -> None:
    record = claude_code.record("2026-01-20", ADA, 2, claude_code.model("claude-opus-4", 800, 125.5))
    usage = claude_code_rows.usage_of(DAY, [record])
    who = {"tool": "claude-code", "source": "claude-code", "day": "2026-01-20"}
    who |= {"account": "ada@example.com", "email": "ada@example.com"}
    assert usage.rows == [
        {
            **who,
            "model": None,
            "sessions": 2,
            # 10 + 2 + 0 + 2 accepted, 2 + 0 + 0 + 2 rejected.
            "suggestions": 18,
            "acceptances": 14,
            "lines_accepted": 200,
            "commits": 2,
            "pull_requests": 1,
        },
        {
            **who,
            "model": "claude-opus-4",
            # What was read from the cache and into it is read, too: 400 + 200 + 200.
            "input_tokens": 800,
            "output_tokens": 400,
            "cost": 1.255,
            "currency": "USD",
        },
    ]
    assert (usage.records, usage.skipped) == (1, ())


def test_records_of_one_user_are_one() -> None:
    """Of several terminals, and as the customer of several kinds."""
    opus, haiku = claude_code.model("opus", 800, 100), claude_code.model("haiku", 80, 2)
    records = [
        claude_code.record("2026-01-20", ADA, 2, opus),
        claude_code.record("2026-01-20", ADA, 1, opus, haiku, terminal="tmux", customer_type="subscription"),
    ]
    rows = by_key(claude_code_rows.usage_of(DAY, records))
    assert rows["ada@example.com", None]["sessions"] == 3
    assert rows["ada@example.com", "opus"].items() >= {"input_tokens": 1600, "cost": 2.0}.items()
    assert rows["ada@example.com", "haiku"]["cost"] == 0.02


def test_an_api_key_is_nobody_even_if_it_is_called_so() -> None:
    usage = claude_code_rows.usage_of(DAY, [claude_code.record("2026-01-20", claude_code.api_key("ben"), 1)])
    ((key, row),) = by_key(usage).items()
    assert (key, row["email"]) == (("api-key:ben", None), None)


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": None},
        {"actor": {"type": "user_actor"}},
        {"actor": "ada"},
        {"core_metrics": {"num_sessions": -1}},
        {"core_metrics": {"num_sessions": "many"}},
        {"core_metrics": {"num_sessions": True}},
        {"model_breakdown": [{"model": None}]},
        {"model_breakdown": [{"model": "opus", "estimated_cost": {"amount": "much"}}]},
        {"model_breakdown": "opus"},
    ],
)
def test_a_record_that_cannot_be_is_named_and_the_others_count(changes: Row) -> None:
    good = claude_code.record("2026-01-20", claude_code.user("ben@example.com"))
    usage = claude_code_rows.usage_of(DAY, [{**claude_code.record("2026-01-20", ADA), **changes}, good])
    assert {account for account, _ in by_key(usage)} == {"ben@example.com"}
    ((what, why),) = [(skipped.what, skipped.why) for skipped in usage.skipped]
    assert what == "a record of 2026-01-20"
    assert why


def test_what_a_record_lacks_is_unknown() -> None:
    record = {"actor": ADA, "core_metrics": {"num_sessions": 1}, "model_breakdown": [{"model": "opus"}]}
    rows = by_key(claude_code_rows.usage_of(DAY, [record]))
    assert rows["ada@example.com", None]["commits"] is None
    assert rows["ada@example.com", None]["suggestions"] is None
    assert "cost" not in rows["ada@example.com", "opus"]


# -- Cursor ------------------------------------------------------------------------------------------------------------


def test_what_a_member_did_with_cursor() -> None:
    (row,) = cursor_rows.usage_of([cursor.use("2026-01-20", "ada", 6)]).rows
    assert row == {
        "tool": "cursor",
        "source": "cursor",
        "day": "2026-01-20",
        "account": "ada@example.com",
        "email": "ada@example.com",
        "model": None,
        "active": True,
        "interactions": 6,
        # 60 completions and 12 changes; 24 and 6 of them.
        "suggestions": 72,
        "acceptances": 30,
        "lines_accepted": 180,
    }


def test_a_day_may_be_an_instant_alone() -> None:
    (row,) = cursor_rows.usage_of([{**cursor.use("2026-01-20", "ada"), "day": None}]).rows
    assert row["day"] == "2026-01-20"


def test_seats_and_spend() -> None:
    """Ben did nothing and has a seat; Cleo left, and spent before."""
    members = [cursor.member("ada"), cursor.member("ben"), cursor.member("cleo", isRemoved=True)]
    spend = Spend(date(2026, 1, 5), [cursor.spent("ada", 1234.5), cursor.spent("cleo", 50)])
    use = [cursor.use(day, "ada") for day in ("2026-01-05", "2026-01-20")]
    rows = {
        (row["account"].partition("@")[0], row["day"]): row
        for row in cursor_rows.usage_of(use, members, [DAY], spend).rows
    }
    assert set(rows) == {("ada", "2026-01-05"), ("ada", "2026-01-20"), ("ben", "2026-01-20"), ("cleo", "2026-01-05")}
    assert rows["ada", "2026-01-05"].items() >= {"interactions": 6, "cost": 12.345, "currency": "USD"}.items()
    assert "licensed" not in rows["ada", "2026-01-05"]
    assert rows["ada", "2026-01-20"].items() >= {"interactions": 6, "licensed": True}.items()
    assert rows["ben", "2026-01-20"]["licensed"] is True
    assert "active" not in rows["ben", "2026-01-20"]
    assert rows["cleo", "2026-01-05"]["cost"] == 0.5


@pytest.mark.parametrize("changes", [{"email": None}, {"totalTabsShown": "x"}, {"day": None, "date": "soon"}])
def test_use_that_cannot_be(changes: Row) -> None:
    with pytest.raises(Misshapen):
        cursor_rows.usage_row({**cursor.use("2026-01-20", "ada"), **changes})


def test_spend_that_cannot_be_is_named() -> None:
    usage = cursor_rows.usage_of([], spend=Spend(DAY, [cursor.spent("ada", -1), cursor.spent("ben", 1)]))
    assert [row["account"] for row in usage.rows] == ["ben@example.com"]
    assert [skipped.what for skipped in usage.skipped] == ["spend of ada@example.com"]


# -- Copilot -----------------------------------------------------------------------------------------------------------


def test_what_a_user_did_with_copilot() -> None:
    usage = copilot_rows.usage_of(DAY, {"ada": copilot.user("2026-01-20", "ada", 4, 3)}, [])
    assert usage.rows == [
        {
            "tool": "copilot",
            # Its users' accounts are GitHub's.
            "source": "github",
            "day": "2026-01-20",
            "account": "ada",
            "model": None,
            "active": True,
            "interactions": 3,
            # What agents wrote into files was no suggestion.
            "suggestions": 4,
            "acceptances": 2,
            "lines_suggested": 40,
            "lines_accepted": 32 + 150,
        }
    ]


def test_seats_of_copilot() -> None:
    """From the day on which they were given; used on a day of which nothing is reported yet."""
    nodes = [
        copilot.seat("Ada", "2026-01-20"),
        copilot.seat("ben", "2026-01-21", "2026-01-20"),
        copilot.seat("cleo", "2026-01-21"),
        copilot.seat("idle", "2025-01-01", "2026-01-19"),
        {**copilot.seat("gone"), "assignee": None},
    ]
    seats, skipped = copilot_rows.seats_of(nodes)
    assert skipped == ()
    rows = {
        row["account"]: row
        for row in copilot_rows.usage_of(DAY, {"ada": copilot.user("2026-01-20", "ada")}, seats).rows
    }
    told = {account: (row.get("active"), row.get("licensed")) for account, row in rows.items()}
    assert told == {"ada": (True, True), "ben": (True, True), "idle": (None, True)}


def test_records_of_copilot_that_cannot_be_are_named() -> None:
    seats, skipped = copilot_rows.seats_of([{**copilot.seat("ada"), "created_at": "then"}, copilot.seat("ben")])
    assert [seat.account for seat in seats] == ["ben"]
    assert [(one.what, one.why) for one in skipped] == [("a seat", "'then' is no time")]
    usage = copilot_rows.usage_of(DAY, {"None": {"loc_added_sum": 3}}, [])
    assert (usage.rows, len(usage.skipped)) == ([], 1)


# -- settings ----------------------------------------------------------------------------------------------------------


def test_names_and_what_cannot_be() -> None:
    def names(kind: str, *targets: str, **options: Any) -> list[str]:
        return [one.name for one in checked(SourceSettings(kind, targets=targets, **options))]

    assert names("copilot", "Acme", "enterprises/acme") == ["copilot:acme", "copilot:enterprises/acme"]
    assert names("copilot", "acme", url="https://acme.ghe.com") == ["copilot:acme@acme.ghe.com"]
    assert names("cursor") == ["cursor"]
    assert names("claude-code", url="http://127.0.0.1:1") == ["claude-code:127.0.0.1:1"]
    for kind, targets, options, says in (
        ("copilot", ("acme/shop",), {}, "write ORG, or enterprises/NAME"),
        ("copilot", ("acme",), {"options": {"since": ("soon",)}}, "write a day, as 2026-01-31"),
        ("cursor", (), {"options": {"since": ("2026-02-30",)}}, "write a day"),
        ("cursor", ("acme",), {}, "Cursor has nothing to name"),
        ("claude-code", (), {"url": "http://tool.example.com"}, "--url"),
    ):
        with pytest.raises(InvalidRequest, match=says):
            names(kind, *targets, **options)
