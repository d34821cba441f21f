"""Jira's boards and their sprints, once a day, board by board. A sprint that is shown on several boards is a row of the one it was
made on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from leadline.errors import NotFound
from leadline.sources.jira.api import Api
from leadline.sources.jira.rows import sprint_row
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.page import Page, Row, Skipped
from leadline.sources.kit.records import Node
from leadline.sources.kit.streams import Stream, StreamReader, left_out
from leadline.sources.kit.text import Misshapen

BOARDS = 50
"""Boards and sprints of one page: Jira gives no more."""
WITHOUT_SPRINTS = "kanban"


@dataclass(frozen=True)
class BoardsCursor(Cursor):
    """The ``day`` (by Jira's clock) on which boards were read last, their ``labels`` then, by id, and why some were ``refused``."""

    day: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    refused: str = ""


class SprintStream(Stream[BoardsCursor]):
    """The sprints of all boards."""

    cursor = BoardsCursor

    def __init__(self, boards: Boards, cursor_name: str, reader: StreamReader) -> None:
        super().__init__("boards", "sprints", cursor_name)
        self.boards, self._reader = boards, reader

    @property
    def _today(self) -> str:
        return self.boards.api.now().date().isoformat()

    def due(self, cursor: BoardsCursor) -> bool:
        """Whether they were not read today."""
        return cursor.day != self._today

    def refused(self, cursor: BoardsCursor) -> str:
        """Why boards could not be read today."""
        return cursor.refused

    def read(self, cursor: BoardsCursor) -> Iterator[Page]:
        """The sprints board by board; those of boards that are gone are taken away if all others could be read. If the server was
        in trouble with one, all are read again by the next run."""
        today = self._today
        try:
            labels = _labels(self.boards.listed())
        except (Refused, NotFound) as error:
            skipped = left_out("boards", error)
            refused = skipped.why if skipped.gap else ""
            yield self.page({}, BoardsCursor(today, cursor.labels, refused), skipped=[skipped])
            return
        left, failed = False, False
        refused = ""
        for board, label in labels.items():
            what = f"sprints of the board {label}"
            try:
                rows = self.boards.sprints(board, label, labels)
            except (Refused, NotFound, Misshapen) as error:
                left, skipped = True, left_out(what, error)
                refused = refused or f"{what}: {skipped.why}" if skipped.gap else refused
                yield Page(label, skipped=(skipped,))
            except Unavailable as error:
                failed = True
                yield Page(label, failed=(self._reader.note_failure(what, error),))
                if self._reader.gives_up:
                    raise
            else:
                parents: dict[str, list[Row]] = {"sprints": [{"board": label}]}
                yield Page(label, {"sprints": rows}, complete_parents=parents, records=len(rows))
        if failed:
            return
        gone = [] if left else sorted(set(cursor.labels.values()) - set(labels.values()))
        yield self.page(
            {}, BoardsCursor(today, labels, refused), complete_parents={"sprints": [{"board": label} for label in gone]}
        )


@dataclass(frozen=True)
class Boards:
    """Boards of one site: those of ``projects`` (keys), or all that are seen if it is None."""

    api: Api
    projects: Sequence[str] | None

    def check(self) -> list[Skipped]:
        """Whether boards may be seen."""
        try:
            self.api.object("/rest/agile/1.0/board", {"maxResults": "1"}, what="boards")
        except (Refused, NotFound) as error:
            return [left_out("boards and sprints", error)]
        return []

    def listed(self) -> list[Node]:
        """The boards that may have sprints."""
        queries = [{}] if self.projects is None else [{"projectKeyOrId": key} for key in self.projects]
        boards: dict[str, Node] = {}
        for params in queries:
            for board in self.api.values("/rest/agile/1.0/board", params, size=BOARDS, what="boards"):
                if board.get("id") is not None and board.get("type") != WITHOUT_SPRINTS:
                    boards[str(board["id"])] = board
        return list(boards.values())

    def sprints(self, board: str, label: str, labels: Mapping[str, str]) -> list[Row]:
        """The sprints made on a board (by its id), or on none of those of ``labels``."""
        rows = []
        try:
            for sprint in self.api.values(f"/rest/agile/1.0/board/{board}/sprint", size=BOARDS, what=f"board {label}"):
                origin = sprint.get("originBoardId")
                if origin is None or str(origin) == board or str(origin) not in labels:
                    rows.append(sprint_row(label, sprint))
        except Refused as error:
            if "support sprints" not in error.message:
                raise
        return rows


def _labels(boards: Sequence[Node]) -> dict[str, str]:
    """What boards are called, by id; those of the same name have their ids beside it."""
    texts = {str(board["id"]): str(board.get("name") or board["id"]) for board in boards}
    names = {identity: " ".join(text.replace("\x00", "").split()) for identity, text in texts.items()}
    often = Counter(names.values())
    return {identity: name if often[name] == 1 else f"{name} ({identity})" for identity, name in names.items()}
