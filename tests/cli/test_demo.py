"""``leadline demo``: what it says and refuses; what it makes up is tested with the demo."""

from __future__ import annotations

from .running import Leadline


def test_a_demo_says_what_to_try_next_and_is_there_once(leadline: Leadline) -> None:
    options = ("--developers", "12", "--months", "1", "--until", "2026-06-30")
    out = leadline("demo", *options, env={"COLUMNS": "80"}).stdout
    assert out.startswith("12 made-up developers from ")
    assert "leadline export productivity --org-tree Engineering" in out
    assert max(map(len, out.splitlines())) <= 80
    again = leadline.json("demo", *options)
    assert again["changed"] is False
    assert again["rows"] == leadline.rows()


def test_it_does_not_mix_with_real_data(company: Leadline) -> None:
    before = company.rows()
    assert company("demo", "--developers", "12", "--months", "1", code=1).stderr.startswith("error: ")
    assert company.rows() == before
