"""The screen People: the org trees with head counts and ids, who is in a team, and which version is in force when. Lists are
uploaded and put in force by ``people_uploads``, accounts are mapped by ``people_accounts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from leadline.api.auth import ADMIN
from leadline.api.people.developers import developers_csv
from leadline.errors import NotFound
from leadline.page import people_accounts, people_uploads
from leadline.page.paging import Paged
from leadline.page.people_uploads import SCREEN_PATH
from leadline.page.screen import PageRoute, Screen, new_router
from leadline.page.visit import Admin, Visit
from leadline.people import BEGINNING, Node, OrgTree, history, tree, trees, versions
from leadline.people.history import day_of
from leadline.people.records import Record, Wanted, records, selected

router = new_router()

MOST_TEAMS = 400
"""Teams that are shown at once: of a larger tree so many levels as have no more."""
PER_PAGE = 50
_OF_ADDRESS = ("tree", "at", "team", "q", "page")


@dataclass(frozen=True)
class TeamLine:
    """A team as it is shown: how deep below the first it is, how many people it has with all below it, and how many teams below are
    not shown."""

    node: Node
    depth: int
    people: int
    manager: str
    hidden: int


@dataclass(frozen=True)
class TreeView:
    """A tree as the address asks for it. ``query`` is what the address says."""

    tree: OrgTree
    query: Mapping[str, str]

    @cached_property
    def team(self) -> Node:
        """The team that is looked at; the whole tree, if none is named. Raises ``NotFound``."""
        wanted = self.query.get("team", "")
        if not wanted:
            return self.tree.root
        if (node := self.tree.find(wanted)) is None:
            raise NotFound(f"There is no team {wanted[:80]!r} in {self.tree.name}", code="unknown_team")
        return node

    def link(self, **changes: Any) -> str:
        """The address of another view."""
        said = {**self.query, **{name: str(value) for name, value in changes.items() if value is not None}}
        gone = {name for name, value in changes.items() if value is None}
        return f"/people?{urlencode({name: value for name, value in said.items() if name not in gone})}"

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """From the root to the team."""
        way = [self.team]
        while way[0].parent is not None:
            way.insert(0, self.tree.by_ref[way[0].parent])
        return [(node.name, self.link(team=node.ref_id, page=None)) for node in way]

    @cached_property
    def lines(self) -> list[TeamLine]:
        """The team and those below, in the order of the tree."""
        children = _children(self.tree)
        shown, heads = _shown(children, self.team), self.tree.head_counts()
        lines, pending = [], [self.team]
        while pending:
            node = pending.pop()
            below = children.get(node.ref_id, [])
            open_ = bool(below) and below[0].ref_id in shown
            hidden = 0 if open_ or not below else len(self.tree.subtree(node)) - 1
            depth = node.depth - self.team.depth
            lines.append(TeamLine(node, depth, heads[node.ref_id], self._manager(node), hidden))
            pending += reversed(below if open_ else [])
        return lines

    def _manager(self, node: Node) -> str:
        developer = None if node.manager is None else self.tree.developers.get(node.manager)
        return "" if developer is None else developer.full_name

    @cached_property
    def people(self) -> list[Record]:
        """Who is in the team or below it, as far as they are searched; of the whole tree also those who are in no team."""
        whole = self.team is self.tree.root
        emails = None if whole else {self.tree.developers[email].order for email in self.tree.people(self.team)}
        return selected(records(self.tree), Wanted(emails=emails, search=self.query.get("q", "").strip()))

    @cached_property
    def page(self) -> Paged[Record]:
        """A page of the people."""
        return Paged.of(self.people, PER_PAGE, self.query)


def _children(org_tree: OrgTree) -> dict[int, list[Node]]:
    children: dict[int, list[Node]] = {}
    for node in org_tree.nodes:
        if node.parent is not None:
            children.setdefault(node.parent, []).append(node)
    return children


def _shown(children: Mapping[int, Sequence[Node]], top: Node) -> set[int]:
    """The ref ids of as many levels below ``top`` as have no more than ``MOST_TEAMS`` teams; one at least."""
    shown: set[int] = set()
    level = list(children.get(top.ref_id, ()))
    while level and (not shown or len(shown) + len(level) <= MOST_TEAMS):
        shown.update(node.ref_id for node in level)
        level = [below for node in level for below in children.get(node.ref_id, ())]
    return shown


@router.get(SCREEN_PATH)
def people(visit: Admin) -> Response:
    """A tree, its people and its versions."""
    view = _view(visit)
    waiting = versions.drafts(visit.project)
    if view is None:
        return visit.html("people_empty.html", title="People", drafts=waiting)
    context: dict[str, Any] = {"view": view, "trees": [known.name for known in trees(visit.project)], "drafts": waiting}
    context["versions"] = list(reversed(history(visit.project, view.tree.name)))
    context["beginning"] = BEGINNING
    return visit.html("people.html", title="People", **context)


def download(visit: Admin) -> Response:
    """Everybody of a tree as a list that can be uploaded again."""
    view = _view(visit)
    return developers_csv([] if view is None else records(view.tree))


router.add_api_route(f"{SCREEN_PATH}/developers.csv", download, route_class_override=PageRoute)
router.routes.extend([*people_uploads.router.routes, *people_accounts.router.routes])


def _view(visit: Visit) -> TreeView | None:
    """The tree that the address names, else the first; None if there is none."""
    query = {name: visit.request.query_params.get(name, "") for name in _OF_ADDRESS}
    said = {name: str(value) for name, value in query.items() if value}
    known = trees(visit.project)
    if not known and "tree" not in said:
        return None
    day = day_of(said["at"], "at") if "at" in said else None
    return TreeView(tree(visit.project, said.get("tree") or known[0].name, day=day), said)


SCREEN = Screen(SCREEN_PATH, "People", "Administration", "people", router, ADMIN)
