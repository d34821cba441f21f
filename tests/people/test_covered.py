"""Who may be covered by other nodes than before is found once for two versions of a tree, whichever nodes are asked for."""

from __future__ import annotations

from leadline.people.tree import Covered


def test_who_moved_between_two_versions() -> None:
    stays, left, came = (1,), (2,), (3,)
    before = {"a@example.com": stays, "b@example.com": left, "gone@example.com": left}
    now = {"a@example.com": stays, "b@example.com": came, "new@example.com": came}
    kept: dict[object, object] = {}
    for of_teams in ({stays: (7,), came: (8,)}, {left: (9,)}):
        moved = Covered(now, of_teams, kept).moved_since(Covered(before, of_teams))
        assert moved == ["b@example.com", "new@example.com", "gone@example.com"]
        moved.clear()  # what is given away is the asker's
    assert len(kept) == 1
    other = Covered(dict(now), {stays: (7,)}, kept).moved_since(Covered(before, {stays: (5,)}))
    assert other == ["a@example.com"]
