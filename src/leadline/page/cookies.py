"""Cookies: what a browser keeps of its session, and, for a moment, of a sign-in elsewhere. Servers on other ports of one
machine share cookies, so its name has the port; behind TLS it is bound to the host, and never sent without."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

SESSION = "session"


def name(request: Request, what: str = SESSION) -> str:
    """What the cookie for ``what`` is called on this server."""
    port = request.url.port
    own = f"leadline_{what}" if port is None else f"leadline_{what}_{port}"
    return f"__Host-{own}" if _secure(request) else own


def keep(request: Request, response: Response, text: str, what: str = SESSION, *, seconds: int | None = None) -> None:
    """Have the browser keep ``text`` for ``seconds``, or until it is closed, out of reach of scripts and of other sites'
    requests."""
    secure = _secure(request)
    response.set_cookie(name(request, what), text, seconds, httponly=True, samesite="lax", secure=secure, path="/")


def forget(request: Request, response: Response, what: str = SESSION) -> None:
    """Have the browser forget it."""
    response.delete_cookie(name(request, what), httponly=True, samesite="lax", secure=_secure(request), path="/")


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
