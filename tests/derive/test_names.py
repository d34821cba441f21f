"""Which names mean one repository: any letter case, and the names that it had before."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.derive.names import repositories

NAMES = st.sampled_from(["o/a", "O/A", "o/b", "O/b", "o/c", "o/d", "O/D"])


def shown(written: list[str], former: dict[str, list[str]] | None = None, **first: str) -> dict[str, str]:
    seen = {name.replace("__", "/"): instant for name, instant in first.items()}
    return repositories(written, former or {}, lambda several: {name: seen[name] for name in several if name in seen})


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ({"o__a": "2026-01-02", "O__A": "2026-01-01"}, "O/A"),
        ({"o__a": "2026-01-01", "O__A": "2026-01-02"}, "o/a"),
        ({"o__a": "2026-01-01"}, "o/a"),
        ({}, "O/A"),
    ],
)
def test_the_row_of_the_first_event_says_how_a_name_is_shown(first: dict[str, str], expected: str) -> None:
    assert shown(["o/a", "O/A"], **first) == dict.fromkeys(["o/a", "O/A"], expected)


def test_the_list_of_repositories_says_it_before_any_event() -> None:
    assert shown(["o/a", "O/A"], {"O/a": []}, o__a="2026-01-01") == dict.fromkeys(["o/a", "O/A", "O/a"], "O/a")


def test_names_of_before_are_followed_to_the_present_one() -> None:
    former = {"o/c": ["O/B"], "o/b": ["o/a", " "], "o/d": []}
    assert shown(["O/A"], former) == {
        "O/A": "o/c",
        "o/a": "o/c",
        "O/B": "o/c",
        "o/b": "o/c",
        "o/c": "o/c",
        "o/d": "o/d",
    }


def test_a_name_that_two_repositories_claim_is_the_first_ones() -> None:
    assert shown([], {"o/b": ["o/x"], "o/c": ["o/x"]})["o/x"] == "o/b"


def test_repositories_that_were_called_like_each_other_are_one() -> None:
    assert shown([], {"o/b": ["o/a"], "o/a": ["O/B"]}) == {"o/a": "o/a", "o/b": "o/a", "O/B": "o/a"}


@given(st.lists(NAMES), st.dictionaries(NAMES, st.lists(NAMES, max_size=2), max_size=4), st.randoms())
def test_each_name_is_shown_in_one_way_whatever_the_order(
    written: list[str], former: dict[str, list[str]], random: Random
) -> None:
    by_name = shown(written, former)
    assert all(by_name[now] == now for now in by_name.values())
    assert all(
        len({now for name, now in by_name.items() if name.lower() == low}) == 1 for low in map(str.lower, by_name)
    )
    random.shuffle(written)
    shuffled = dict(random.sample(sorted(former.items()), len(former)))
    assert shown(written, {name: olds[::-1] for name, olds in shuffled.items()}) == by_name
