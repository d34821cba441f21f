"""Lays sections out on pages of A4, as SVG: a page after the other from the top, nothing divided that belongs together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from leadline.charts.render import Renderer
from leadline.page.paper import PaperTable, Section
from leadline.page.render import environment

WIDTH, HEIGHT, MARGIN = 595, 842, 40
"""Of a page, in points."""
_INNER = WIDTH - 2 * MARGIN
_BOTTOM = HEIGHT - MARGIN - 16
CHART_WIDTH = 390
"""Of a drawn chart, in pixels: two of them stand side by side, smaller."""
_GAP = 16
_HALF = (_INNER - _GAP) / 2
_SCALE = _HALF / CHART_WIDTH
_LETTER = 0.49
"""How wide a letter is on the whole, as a part of its size."""


@dataclass(frozen=True)
class Block:
    """What is not divided: ``kind`` names the macro that draws ``data``. ``keeps`` says how high what follows must have room, too;
    ``head`` is drawn again over it where it begins a page."""

    kind: str
    height: float
    data: Any
    keeps: float = 0
    head: Block | None = None


def pages_of(sections: Sequence[Section], renderer: Renderer) -> list[str]:
    """The pages of ``sections``, each of which begins one. Raises what ``Renderer.picture`` raises."""
    pages = [page for section in sections for page in _paginated([*_blocks(section, renderer)])]
    template = environment().get_template("paper.svg")
    size = {"width": WIDTH, "height": HEIGHT, "margin": MARGIN, "inner": _INNER, "half": _HALF, "gap": _GAP}
    return [
        template.render(blocks=blocks, number=number, total=len(pages), scale=_SCALE, **FITTING, **size)
        for number, blocks in enumerate(pages, start=1)
    ]


def _blocks(section: Section, renderer: Renderer) -> Iterator[Block]:
    yield Block("title", 62, section)
    for heading, cards in section.groups.items():
        rows = [cards[first : first + 4] for first in range(0, len(cards), 4)]
        if heading:
            yield Block("heading", 24, heading, keeps=84)
        yield from (Block("cards", 84, row) for row in rows)
    if section.pictures:
        yield Block("heading", 24, "Over time", keeps=180)
    drawn = [(picture, _drawn(renderer, picture, place)) for place, picture in enumerate(section.pictures)]
    for first in range(0, len(drawn), 2):
        pair = drawn[first : first + 2]
        height = max(picture.chart.spec["height"] for picture, _ in pair) * _SCALE + 40
        yield Block("charts", height, pair)
    if section.table is not None:
        yield from _rows(section.table)


def _rows(table: PaperTable) -> Iterator[Block]:
    yield Block("heading", 24, table.title, keeps=52)
    head = Block("head", 31, table)
    yield head
    for row in table.rows:
        yield Block("row", 17, (table, row), head=head)
    if table.left_out:
        yield Block("note", 17, f"and {table.left_out} more")


def _drawn(renderer: Renderer, picture: Any, place: int) -> Markup:
    """The chart as SVG, whose names are told from those of the others on a page. Texts in it are escaped by who drew it."""
    svg = renderer.picture(picture.spec("light", CHART_WIDTH, titled=False), "svg").decode()
    named = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>c{place}-", svg)
    return Markup(named)  # noqa: S704 -- made by the renderer, of data that it escapes


def _paginated(blocks: Sequence[Block]) -> list[list[tuple[float, Block]]]:
    """The blocks of each page, with how far from the top each is."""
    pages: list[list[tuple[float, Block]]] = [[]]
    y: float = MARGIN
    for block in blocks:
        if y + block.height + block.keeps > _BOTTOM and pages[-1]:
            pages.append([])
            y = MARGIN
            if block.head is not None:
                pages[-1].append((y, block.head))
                y += block.head.height
        pages[-1].append((y, block))
        y += block.height
    return pages


def fitted(text: str, width: float, size: float) -> str:
    """``text``, cut where it would be wider than ``width`` in letters of ``size``."""
    most = max(int(width / (size * _LETTER)), 1)
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def wrapped(text: str, width: float, size: float) -> list[str]:
    """``text`` in at most two lines, the last of which is cut where it is still too wide."""
    first, *others = text.split() or [""]
    while others and fitted(f"{first} {others[0]}", width, size) == f"{first} {others[0]}":
        first = f"{first} {others.pop(0)}"
    return [fitted(line, width, size) for line in (first, " ".join(others)) if line]


FITTING = {"fitted": fitted, "wrapped": wrapped}
"""What the template fits texts with."""
