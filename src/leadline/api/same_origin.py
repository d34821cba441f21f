"""Whether a browser asks on behalf of a page of another site: forged posts, and names that were made to lead to this machine."""

from __future__ import annotations

from starlette.requests import Request


def from_here(request: Request) -> bool:
    """Whether a page of this server posts, as far as the browser tells. What tells nothing is no browser of today, and has no
    session that it would use unknowingly."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or origin == f"{request.url.scheme}://{request.headers.get('host', '')}"
