"""A browser without scripts, for tests over a socket: it keeps cookies, follows nothing by itself, and sends what browsers send."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from http.cookiejar import Cookie
from typing import Self

import httpx


class _Forms(HTMLParser):
    """The fields that forms have, by the form's action."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, list[tuple[str, str]]] = {}
        self._action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._action = named.get("action", "")
            self.forms.setdefault(self._action, [])
        if tag == "input" and self._action and "name" in named:
            self.forms[self._action].append((named["name"], named.get("value", "")))


def fields(html: str, action: str) -> dict[str, str]:
    """The fields of the form with ``action`` as they stand in the page."""
    parser = _Forms()
    parser.feed(html)
    return dict(parser.forms[action])


class Browsing:
    """Requests to ``base``; a post says, unless told otherwise, that a page of the server sends it."""

    def __init__(self, base: str) -> None:
        self.base = base
        # Nothing is encrypted here, and reading whom the machine trusts takes longer than most of these requests.
        self.http = httpx.Client(
            base_url=base, follow_redirects=False, timeout=60, headers={"Accept": "text/html"}, verify=False
        )

    def get(self, path: str, params: Mapping[str, str] | None = None, **headers: str) -> httpx.Response:
        """The answer, for which it is asked again while a page says that it is being computed: any may, on a busy machine."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        deadline = time.monotonic() + 120
        while (answer := self.http.get(path, params=params, headers=sent)).status_code == 202:
            assert time.monotonic() < deadline, "it was not computed in time"
            time.sleep(0.05)
        return answer

    def post(
        self, path: str, data: Mapping[str, str], *, origin: str | None = None, site: str | None = "same-origin"
    ) -> httpx.Response:
        sent = {"Origin": origin or self.base, **({} if site is None else {"Sec-Fetch-Site": site})}
        return self.http.post(path, data=dict(data), headers=sent)

    def sign_in(self, key: str, back: str = "/", **more: str) -> httpx.Response:
        return self.post("/sign-in", {"key": key, "next": back, **more})

    def signed_in(self, key: str) -> Self:
        assert self.sign_in(key).status_code == 303
        return self

    @property
    def cookie(self) -> Cookie:
        """The session's cookie."""
        (cookie,) = (cookie for cookie in self.http.cookies.jar if "leadline_session" in cookie.name)
        return cookie

    @property
    def token(self) -> str:
        """The session's text, as the cookie has it."""
        assert self.cookie.value is not None
        return self.cookie.value

    def form_token(self) -> str:
        return fields(self.get("/start").text, "/sign-out")["form_token"]


def static_addresses(html: str) -> list[str]:
    """Addresses of the files that a page loads."""
    return sorted(set(re.findall(r'/static/[^"#\s]+', html)))
