"""Jira's boards and their sprints, once a day.

An API and the projects wanted come in; pages of ``sprints`` go out, board by board. A sprint that is shown on several boards
is a row of the one it was made on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from leadline.errors import NotFound
from leadline.sources.jira.api import Api, Node
from leadline.sources.jira.rows import sprint_row
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.page import Page, Row, Skipped, State
from leadline.sources.kit.text import Misshapen

BOARDS = 50
"""Boards and sprints of one page: Jira gives no more."""
WITHOUT_SPRINTS = "kanban"


@dataclass(frozen=True)
class Boards:
    """Boards of one site: those of ``projects`` (keys), or all that are seen if it is None. ``cursor`` is the cursor's name."""

    api: Api
    cursor: str
    projects: Sequence[str] | None

    def pages(self, state: State) -> Iterator[Page]:
        """All sprints, unless they were read today already (by Jira's clock)."""
        today = self.api.now().date().isoformat()
        if state.get("day") == today:
            return
        try:
            boards = self._boards()
        except (Refused, NotFound) as error:
            yield Page(
                "boards", cursors={self.cursor: {**state, "day": today}}, skipped=(Skipped("boards", error.message),)
            )
            return
        labels = _labels(boards)
        refused = False
        for identity, label in labels.items():
            try:
                rows = self._sprints(identity, label, labels)
            except (Refused, NotFound, Misshapen, Unavailable) as error:
                refused = True
                why = error.message
                yield Page(label, skipped=(Skipped(f"sprints of the board {label}", why),))
                continue
            yield Page(label, {"sprints": rows}, complete_parents={"sprints": [{"board": label}]}, records=len(rows))
        former: Mapping[str, str] = state.get("labels") or {}
        gone = [] if refused else sorted(set(former.values()) - set(labels.values()))
        yield Page(
            "boards",
            complete_parents={"sprints": [{"board": label} for label in gone]},
            cursors={self.cursor: {"day": today, "labels": labels}},
        )

    def check(self) -> list[Skipped]:
        """Whether boards may be seen."""
        try:
            self.api.object("/rest/agile/1.0/board", {"maxResults": "1"}, what="boards")
        except (Refused, NotFound) as error:
            return [Skipped("boards and sprints", error.message)]
        return []

    def _boards(self) -> list[Node]:
        asked = [{}] if self.projects is None else [{"projectKeyOrId": each} for each in self.projects]
        found: dict[str, Node] = {}
        for params in asked:
            for each in self.api.values("/rest/agile/1.0/board", params, size=BOARDS, what="boards"):
                if each.get("id") is not None and each.get("type") != WITHOUT_SPRINTS:
                    found[str(each["id"])] = each
        return list(found.values())

    def _sprints(self, identity: str, label: str, labels: Mapping[str, str]) -> list[Row]:
        rows = []
        try:
            for each in self.api.values(f"/rest/agile/1.0/board/{identity}/sprint", size=BOARDS, what=f"board {label}"):
                origin = each.get("originBoardId")
                if origin is None or str(origin) == identity or str(origin) not in labels:
                    rows.append(sprint_row(label, each))
        except Refused as error:
            if "support sprints" not in error.message:
                raise
        return rows


def _labels(boards: Sequence[Node]) -> dict[str, str]:
    """What boards are called, by id; those of the same name have their ids beside it."""
    names = {
        str(each["id"]): " ".join(str(each.get("name") or each["id"]).replace("\x00", "").split()) for each in boards
    }
    often = Counter(names.values())
    return {identity: name if often[name] == 1 else f"{name} ({identity})" for identity, name in names.items()}
