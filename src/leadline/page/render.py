"""Templates to pages. Everything that a template writes is escaped, whatever it is and wherever it came from; a name that is
missing is a fault, not an empty text. Pages are sent compressed and kept by no cache."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from leadline.api.negotiation import takes_gzip
from leadline.page import behind, figures, words
from leadline.page.choices import AGGREGATIONS, GRANULARITIES, PERIODS
from leadline.page.static_files import static_url

_WORTH_COMPRESSING = 1024


def render(
    request: Request, template: str, status: int = 200, context: Mapping[str, Any] | None = None
) -> HTMLResponse:
    """The page that ``template`` makes of ``context``, for somebody of whom nothing is known unless it says so."""
    nobody: dict[str, Any] = {
        "visit": None,
        "navigation": [],
        "weak": [],
        "form_token": "",
        "provider": _provider(request),
    }
    text = environment().get_template(template).render({**nobody, **(context or {})})
    return _page(request, text.encode(), status)


def _provider(request: Request) -> str:
    """What the company's sign-in is called; nothing where there is none."""
    provider = request.app.state.provider
    return "" if provider is None else str(provider.name)


@cache
def environment() -> Environment:
    """The templates, each read once."""
    made = Environment(
        loader=PackageLoader("leadline.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["static"] = static_url
    made.globals.update(periods=PERIODS, granularities=GRANULARITIES, aggregations=AGGREGATIONS)
    made.filters.update(words.FILTERS)
    made.filters.update(figures.FILTERS)
    made.filters.update(behind.FILTERS)
    return made


def _page(request: Request, body: bytes, status: int) -> HTMLResponse:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    accepted = request.headers.get("accept-encoding", "")
    if len(body) >= _WORTH_COMPRESSING and takes_gzip(accepted):
        return HTMLResponse(gzip.compress(body, 5), status, {**headers, "Content-Encoding": "gzip"})
    return HTMLResponse(body, status, headers)
