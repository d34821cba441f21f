"""The search over the teams of a tree."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Query
from starlette.responses import Response

from leadline.page.screen import PageRoute, new_router
from leadline.page.sign_in import local
from leadline.page.visit import LimitedReader
from leadline.people.access import VisibleTrees

router = new_router(PageRoute)

MOST = 50
"""Teams that are shown at most."""


@router.get("/teams")
def teams(
    visit: LimitedReader,
    tree: Annotated[str, Query()],
    q: Annotated[str, Query()] = "",
    back: Annotated[str, Query()] = "/",
) -> Response:
    """The teams whose name or path has the words of ``q``, each with the address ``back`` as it is of that team."""
    org_tree = VisibleTrees(visit.project, visit.access).tree(tree)
    nodes = () if org_tree is None else org_tree.nodes
    words = q.lower().split()
    found = [node for node in nodes if all(word in node.path.lower() for word in words)]
    found.sort(key=lambda node: not all(word in node.name.lower() for word in words))
    listed = [(node, _address(local(back), tree, node.ref_id)) for node in found[:MOST]]
    return visit.html("teams.html", found=listed, more=len(found) - len(listed), q=q, back=back, tree=tree)


def _address(back: str, tree: str, team: int) -> str:
    parts = urlsplit(back)
    query = {**dict(parse_qsl(parts.query)), "tree": tree, "team": str(team)}
    query.pop("collectionId", None)
    return f"{parts.path}?{urlencode(query)}"
