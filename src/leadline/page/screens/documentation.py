"""The whole documentation, with its contents and a search."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from leadline.page import markdown
from leadline.page.library import library
from leadline.page.screen import Screen, new_router
from leadline.page.visit import LimitedReader

router = new_router()


@router.get("/docs")
def first_page(visit: LimitedReader, q: Annotated[str, Query()] = "") -> Response:
    """The first page; with ``q``, the sections that have its words."""
    if not q.strip():
        return _page(visit, "index")
    found = library().search(q)
    return visit.html(
        "documentation_search.html", title="Documentation", contents=library().contents, here=None, q=q, found=found
    )


@router.get("/docs/{name:path}")
def page(visit: LimitedReader, name: str) -> Response:
    """A page, by its path."""
    plain = name.removesuffix(".md").removesuffix(".html")
    if plain != name:
        return RedirectResponse(f"/docs/{plain}", 308)
    return _page(visit, name)


def _page(visit: LimitedReader, name: str) -> Response:
    document = library().document(name)
    return visit.html(
        "documentation.html",
        title=document.title,
        contents=library().contents,
        here=document,
        q="",
        sections=[section for section in document.sections if section.level == 2],
        body=markdown.html(document.text, document.name),
    )


SCREEN = Screen("/docs", "Documentation", "Reference", "docs", router)
