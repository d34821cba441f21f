"""Drawer's folders and their lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from leadline.errors import NotFound, Unauthenticated
from leadline.sources.kit.client import Client, Refused
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.forge import Forge, ListStream, Overview, Repository
from leadline.sources.kit.lists import ListCursor, Listed, Step, before, walk
from leadline.sources.kit.page import Row, RunContext
from leadline.sources.kit.records import Node, Rows, objects

from . import queries, rows

LAG = timedelta(minutes=1)


class Folder(Repository):
    """A folder, which is Drawer's repository."""

    def row(self) -> Row:
        """Its row of ``repositories``."""
        return {"repository": self.name}


@dataclass(frozen=True)
class FolderCursor(ListCursor):
    """How far a list was read. ``touched``: when the overview said that anything in it was touched last."""

    touched: str = ""


class FolderStream(ListStream[FolderCursor]):
    """A list of a folder, shown the last touched first."""

    cursor = FolderCursor
    record = "{number} of {subject}"
    path: ClassVar[str]

    def __init__(self, drawer: Drawer, folder: Folder) -> None:
        super().__init__(folder)
        self.drawer, self.touched = drawer, str(folder.node.get(self.list_name) or "")

    def due(self, cursor: FolderCursor) -> bool:
        """Whether anything was touched."""
        return cursor.touched != self.touched or cursor.backfill is not None

    def steps(self, cursor: FolderCursor) -> Iterator[Step[Node]]:
        """The list, from ``cursor`` on."""
        return walk(cursor, self._ask, until=before(LAG), instant=lambda node: node.get("touched"))

    def moved(self, cursor: FolderCursor, step: Step[Node], made: Sequence[tuple[Node, Rows]]) -> FolderCursor:
        """``cursor`` behind a page."""
        cursor = super().moved(cursor, step, made)
        return replace(cursor, touched=self.touched) if step.ended else cursor

    def number(self, node: Node) -> object:
        """What tells a record from others of its kind."""
        return node.get("number") or node.get("tag")

    def _ask(self, position: str | None, _until: str | None) -> Listed[Node]:
        owner, _, name = self.subject.partition("/")
        return self.drawer.page(self.path.format(owner=owner, name=name), position)


class ChangeStream(FolderStream):
    """Changes."""

    list_name, path, make = "changes", queries.CHANGES, staticmethod(rows.change_rows)


class ReleaseStream(FolderStream):
    """Releases."""

    list_name, path, make = "releases", queries.RELEASES, staticmethod(rows.release_rows)


class Drawer(Forge[Overview[Folder]]):
    """The folders of one owner."""

    kind = rows.SOURCE
    noun, nouns = "folder", "folders"

    def __init__(self, client: Client, host: str, owner: str, patterns: Sequence[str], base: str) -> None:
        super().__init__(client, host, owner, patterns)
        self.base = base

    def overview(self, _cursors: Cursors) -> Overview[Folder]:
        """The owner's folders."""
        nodes, _ = self.page(queries.FOLDERS.format(owner=self.owner), None)
        return Overview([Folder(node, f"{self.host}#{node['id']}", str(node["path"])) for node in nodes], [])

    def streams(self, overview: Overview[Folder], _cursors: Cursors, _context: RunContext) -> Iterator[ListStream[Any]]:
        """Both lists of every folder."""
        for folder in overview.repositories:
            yield ChangeStream(self, folder)
            yield ReleaseStream(self, folder)

    def page(self, path: str, position: str | None) -> Listed[Node]:
        """One page of a list."""
        params: Mapping[str, str] = {"size": str(queries.SIZE), **({"place": position} if position else {})}
        answer = self.client.request("GET", f"{self.base}{path}", params=params)
        if answer.status == 401:
            raise Unauthenticated("Drawer refuses the token")
        if answer.status == 404:
            raise NotFound(f"Drawer has no {path}")
        if answer.status != 200:
            raise Refused(f"Drawer refuses {path}")
        return objects(answer.body.get("items"), "items"), answer.body.get("next")
