"""Charts as files: a picture, a page of its own with the picture and its table, or the specification with its data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING

from leadline.charts.render import FORMS as PICTURES
from leadline.charts.render import NoChartLibrary
from leadline.charts.theme import THEMES

if TYPE_CHECKING:
    from jinja2 import Environment

    from leadline.charts.draw import Picture
    from leadline.charts.render import Renderer

CONTENT_TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
}
"""The forms of a file, by its ending, with what each is sent as."""
WIDTH = 760
"""Of a picture that is not said to have another, in pixels."""
WIDTHS = (200, 3000)


def file_of(picture: Picture, form: str, renderer: Renderer, *, theme: str = "light", width: int = WIDTH) -> bytes:
    """``picture`` in one of the forms of ``CONTENT_TYPES``. Raises what ``Renderer.picture`` raises."""
    if form == "html":
        return _page(picture, renderer, theme, width)
    spec = picture.spec(theme, width)
    if form in PICTURES:
        return renderer.picture(spec, form)
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":")).encode()


def bound_pages(pages: Sequence[bytes], title: str) -> bytes:
    """One PDF of ``pages``, each a PDF of its own. Raises ``NoChartLibrary``."""
    if find_spec("pypdf") is None:
        raise NoChartLibrary(
            "A PDF of several pages needs pypdf, which is not installed: pip install 'leadline[charts]'"
        )
    from pypdf import PdfWriter

    written = PdfWriter()
    for page in pages:
        written.append(BytesIO(page))
    # Every page comes with the fonts.
    written.compress_identical_objects()
    written.add_metadata({"/Title": title})
    document = BytesIO()
    written.write(document)
    return document.getvalue()


def _page(picture: Picture, renderer: Renderer, theme: str, width: int) -> bytes:
    from markupsafe import Markup

    # The picture escapes the texts in it; the title is the page's.
    svg = renderer.picture(picture.spec(theme, width, titled=False), "svg").decode()
    context = {"picture": picture, "svg": Markup(svg), "theme": theme, "colours": THEMES[theme]}  # noqa: S704
    return _templates().get_template("chart.html").render(context).encode()


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("leadline.charts"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
