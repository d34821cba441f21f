"""Saved views as rows, on both databases: who may save under which name, how many there are, who sees them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadline.db import Database, saved_views
from leadline.db.saved_views import SavedView
from leadline.errors import Conflict, NotFound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = ("key_ada", "Ada")


def save(db: Database, project_id: int, name: str, who: tuple[str, str] = ADA, team: int = 1) -> SavedView:
    address = f"/explore?team={team}"
    return saved_views.save(db, project_id, name=name, address=address, team=team, who=who, now=NOW)


def test_a_view_comes_back_as_it_was(database: Database, project_id: int) -> None:
    view = save(database, project_id, "Ünïcode & <b>")
    assert saved_views.find(database, project_id, view.id) == view
    assert not view.pinned
    with pytest.raises(NotFound):
        saved_views.find(database, project_id + 1, view.id)


def test_saved_again_it_is_replaced_and_by_somebody_else_it_is_not(database: Database, project_id: int) -> None:
    first = save(database, project_id, "Weekly")
    saved_views.pin(database, first, pinned=True)
    again = save(database, project_id, "Weekly", team=7)
    assert (again.id, again.address, again.team, again.pinned) == (first.id, "/explore?team=7", 7, True)
    assert saved_views.listed(database, project_id) == [again]
    with pytest.raises(Conflict, match="Somebody else has saved a view as 'Weekly'"):
        save(database, project_id, "Weekly", ("key_ben", "Ben"))


def test_they_are_listed_by_name_and_by_team(database: Database, project_id: int) -> None:
    for name, team in (("b", 2), ("A", 1), ("c", 1)):
        save(database, project_id, name, team=team)
    assert [view.name for view in saved_views.listed(database, project_id)] == ["A", "b", "c"]
    assert [view.name for view in saved_views.listed(database, project_id, {1, 9})] == ["A", "c"]
    assert saved_views.listed(database, project_id, frozenset()) == []


def test_a_deleted_one_is_gone_and_there_are_not_too_many(
    database: Database, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    first = save(database, project_id, "one")
    save(database, project_id, "two")
    with pytest.raises(Conflict, match="There are 2 saved views"):
        save(database, project_id, "three")
    save(database, project_id, "two")
    saved_views.delete(database, first)
    save(database, project_id, "three")
    assert [view.name for view in saved_views.listed(database, project_id)] == ["three", "two"]
