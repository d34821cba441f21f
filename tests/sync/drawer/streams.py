"""Drawer's folders and their lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

from leadline.errors import NotFound, Unauthenticated
from leadline.sources.kit.client import Client, Refused
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.forge import Forge, Overview, RepositoryStream
from leadline.sources.kit.lists import ListCursor, Listed, before, walk
from leadline.sources.kit.page import Page, Row, RunContext
from leadline.sources.kit.records import Node, Rows, merged, objects, rows_of

from . import queries, rows

LAG = timedelta(minutes=1)


@dataclass(frozen=True)
class Folder:
    """A repository as Drawer's overview shows it."""

    node: Node
    key: str

    @property
    def name(self) -> str:
        """What it is called now."""
        return str(self.node["path"])

    def row(self) -> Row:
        """Its row of ``repositories``."""
        return {"repository": self.name}


@dataclass(frozen=True)
class FolderCursor(ListCursor):
    """How far a list was read. ``touched``: when the overview said that anything in it was touched last."""

    touched: str = ""


class FolderStream(RepositoryStream[FolderCursor]):
    """A list of a folder, shown the last touched first."""

    cursor = FolderCursor
    path: ClassVar[str]
    rows: ClassVar[Callable[[str, Node], Rows]]

    def __init__(self, drawer: Drawer, folder: Folder) -> None:
        super().__init__(folder)
        self.drawer, self.touched = drawer, str(folder.node.get(self.list_name) or "")

    def due(self, cursor: FolderCursor) -> bool:
        """Whether anything was touched."""
        return cursor.touched != self.touched or cursor.backfill is not None

    def read(self, cursor: FolderCursor) -> Iterator[Page]:
        """What was touched."""
        for step in walk(cursor, self._ask, until=before(LAG), instant=lambda node: node.get("touched")):
            cursor = step.moved(cursor)
            if step.ended:
                cursor = replace(cursor, touched=self.touched)
            make = type(self).rows
            made, skipped = rows_of(step.nodes, lambda node: make(self.subject, node), str)  # noqa: B023
            yield self.page(merged(made for _, made in made), cursor, records=len(step.nodes), skipped=skipped)

    def _ask(self, place: str | None, _until: str | None) -> Listed[Node]:
        owner, _, name = self.subject.partition("/")
        return self.drawer.page(self.path.format(owner=owner, name=name), place)


class ChangeStream(FolderStream):
    """Changes."""

    list_name, path, rows = "changes", queries.CHANGES, rows.change_rows


class ReleaseStream(FolderStream):
    """Releases."""

    list_name, path, rows = "releases", queries.RELEASES, rows.release_rows


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
        return Overview([Folder(node, f"{self.host}#{node['id']}") for node in nodes], [])

    def streams(
        self, overview: Overview[Folder], _cursors: Cursors, _context: RunContext
    ) -> Iterator[RepositoryStream[Any]]:
        """Both lists of every folder."""
        for folder in overview.repositories:
            yield ChangeStream(self, folder)
            yield ReleaseStream(self, folder)

    def page(self, path: str, place: str | None) -> Listed[Node]:
        """One page of a list."""
        params: Mapping[str, str] = {"size": str(queries.SIZE), **({"place": place} if place else {})}
        answer = self.client.request("GET", f"{self.base}{path}", params=params)
        if answer.status == 401:
            raise Unauthenticated("Drawer refuses the token")
        if answer.status == 404:
            raise NotFound(f"Drawer has no {path}")
        if answer.status != 200:
            raise Refused(f"Drawer refuses {path}")
        return objects(answer.body.get("items"), "items"), answer.body.get("next")
