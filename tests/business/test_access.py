"""Who may see less sees less of business alignment, with the same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.access import Access
from leadline.errors import Forbidden
from leadline.home import Project
from leadline.people import tree
from leadline.people.pseudonyms import pseudonyms_of

from .running import asked, cells, filled, table_of
from .test_categories import ITEMS, ONE

RULES = {**ONE, "business.A.type": "equals Story"}


def test_keys_for_teams_get_no_rows_of_people(project: Project, tmp_path: Path) -> None:
    filled(project, tmp_path, tables={"work_items": ITEMS}, values=RULES)
    access = Access(developers=False)
    with pytest.raises(Forbidden):
        table_of(project, tmp_path, asked(metricLevel="developer"), access=access)
    assert table_of(project, tmp_path, asked(), access=access) == table_of(project, tmp_path, asked())


def test_where_names_are_hidden_there_are_pseudonyms(project: Project, tmp_path: Path) -> None:
    filled(project, tmp_path, tables={"work_items": ITEMS}, values=RULES)
    body = asked(metricLevel="developer", metricGroups=["categorized", "effort"])
    named = table_of(project, tmp_path, body)
    hidden = table_of(project, tmp_path, body, access=Access(names=False))
    assert "@example.com" not in str(hidden)
    shown = pseudonyms_of(project)
    at = named[0].index("Email")
    assert {row[at]: row[7:] for row in hidden[1:]} == {shown.address(row[at]): row[7:] for row in named[1:]}


def test_a_team_sees_itself_and_what_is_below_it(project: Project, tmp_path: Path) -> None:
    filled(project, tmp_path, tables={"work_items": ITEMS}, values=RULES)
    ops = next(node.ref_id for node in tree(project, "Engineering").nodes if node.name == "Ops")
    access = Access(frozenset([ops]))
    whole = table_of(project, tmp_path, asked())
    own = table_of(project, tmp_path, {**asked(), "scope": {}}, access=access)
    assert cells(own, "Team") == [["Ops"]]
    assert own[1:] == [row for row in whole[1:] if row[1] == "Ops"]
