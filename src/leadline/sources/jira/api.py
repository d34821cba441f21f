"""Jira's REST API behind one credential: which kind of Jira it is, its answers, and what its refusals mean. Works with Jira cloud
(REST 3) and data center or server (REST 2)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.sources.kit import server_url
from leadline.sources.kit.client import ATTEMPTS, Answer, Client, Refused, Unavailable
from leadline.sources.kit.records import Node

CLOUD_SUFFIXES = (".atlassian.net", ".jira.com", ".atlassian-us-gov-mod.net")
"""Hosts of cloud sites end so; what else is cloud (a gateway, an own domain) says so itself."""
_PAGES_OF_SITE = ("rest", "browse", "secure", "projects", "login.jsp", "issues", "plugins")


@dataclass(frozen=True)
class Site:
    """Where a Jira is: ``host`` (with its path, if it has one) names it in cursors; ``base`` is its address."""

    host: str
    base: str

    @property
    def is_known_cloud(self) -> bool:
        """Whether its name alone says that it is a cloud site."""
        return self.host.endswith(CLOUD_SUFFIXES)


def site(url: str | None) -> Site:
    """The Jira at ``url``, which may be the address of any of its pages. Raises ``InvalidRequest`` for what is no such address; a
    credential is only sent through TLS, or to this machine."""
    where = server_url.server(url or "", example="https://example.atlassian.net", pages=_PAGES_OF_SITE)
    host, _, path = where.place.partition("/")
    if path and host.endswith(CLOUD_SUFFIXES):
        return Site(host, where.base.removesuffix(f"/{path}"))
    return Site(where.place, where.base)


def headers(user: str | None, secret: str) -> dict[str, str]:
    """What every request carries: a user with a token or password, or a personal access token alone."""
    basic = base64.b64encode(f"{user}:{secret}".encode()).decode()
    return {
        "Authorization": f"Basic {basic}" if user else f"Bearer {secret}",
        "Accept": "application/json",
        "User-Agent": "leadline",
    }


@dataclass(frozen=True)
class Server:
    """What a Jira says of itself: ``web`` is the address its pages are at; ``me`` whom it takes the credential for."""

    is_cloud: bool
    version: str
    web: str
    me: str

    @property
    def api(self) -> str:
        """Path of the API to read it by."""
        return "/rest/api/3" if self.is_cloud else "/rest/api/2"


@dataclass(frozen=True)
class Api:
    """Asks one site through ``client``. ``secret_from`` says where the secret came from, for errors."""

    site: Site
    client: Client
    secret_from: str
    user: str | None = None

    def server(self) -> Server:
        """What Jira it is. Raises ``Unauthenticated`` if it does not know the credential."""
        info = self.object("/rest/api/2/serverInfo")
        is_cloud = str(info.get("deploymentType", "")).lower() == "cloud"
        # A cloud site answers much to a wrong token as it does to nobody; this it does not.
        me = self.object(f"/rest/api/{3 if is_cloud else 2}/myself")
        web = str(info.get("baseUrl") or self.site.base).rstrip("/")
        name = me.get("displayName") or me.get("name") or me.get("accountId") or me.get("key")
        if not name:
            raise Refused(f"{self.client.tool} answers as no Jira does; is {self.site.base} its address?")
        return Server(is_cloud, str(info.get("version", "")), web, str(name))

    def now(self) -> datetime:
        """The time by Jira's clock, as of its last answer; this machine's where it does not tell."""
        return self.client.tool_time or datetime.now(UTC)

    def get(self, path: str, params: Mapping[str, str] | None = None, *, what: str = "") -> Any:
        """JSON of GET ``path``. Raises what ``problem`` makes of a refusal, ``Refused``, ``Unavailable``."""
        return self._answered(self.client.request("GET", f"{self.site.base}{path}", params=params), what or path)

    def post(self, path: str, body: Any, *, attempts: int = ATTEMPTS) -> Node:
        """The object that POST ``path`` answers. Raises as ``get`` does."""
        answer = self.client.request("POST", f"{self.site.base}{path}", body=body, attempts=attempts)
        return self._object(self._answered(answer, path), path)

    def object(self, path: str, params: Mapping[str, str] | None = None, *, what: str = "") -> Node:
        """As ``get``, for what must be an object."""
        return self._object(self.get(path, params, what=what), path)

    def values(
        self, path: str, params: Mapping[str, str] | None = None, *, size: int = 50, what: str = ""
    ) -> Iterator[Node]:
        """The elements of a list that comes in pages of ``startAt``."""
        at = 0
        while True:
            page = self.object(path, {**(params or {}), "startAt": str(at), "maxResults": str(size)}, what=what)
            values = page.get("values")
            if not isinstance(values, list):
                raise Refused(f"{self.client.tool} answers no list at {path}")
            yield from (value for value in values if isinstance(value, dict))
            at += len(values)
            last, total = page.get("isLast"), page.get("total")
            if not values or last is True or (last is None and isinstance(total, int) and at >= total):
                return

    def _answered(self, answer: Answer, what: str) -> Any:
        if answer.status != 200:
            raise self.problem(answer, what)
        if answer.body is None:
            raise Unavailable(f"{self.client.tool} answered nothing at all to {what}")
        return answer.body

    def _object(self, body: Any, path: str) -> Node:
        if not isinstance(body, dict):
            raise Refused(f"{self.client.tool} answers no object at {path}; is {self.site.base} its address?")
        return body

    def problem(self, answer: Answer, what: str) -> LeadlineError:
        """The error for an answer of 400 to 499."""
        tool, reason_given = self.client.tool, message(answer.body)
        reason = answer.headers.get("x-seraph-loginreason", "").upper()
        denied = answer.headers.get("x-authentication-denied-reason", "")
        if "CAPTCHA" in denied.upper() or (answer.status in (401, 403) and "AUTHENTICATION_DENIED" in reason):
            return Unauthenticated(
                f"{tool} asks {self.user or 'the user'} to solve a CAPTCHA after failed logins: log in once in a browser, "
                "then try again"
            )
        if answer.status == 401:
            hint = f" ({reason_given or reason.split(',')[0] or 'not authenticated'})"
            of, advice = (f" of {self.user}", "") if self.user else ("", ", or say whose API token it is with --user")
            return Unauthenticated(
                f"{tool} refuses the token from {self.secret_from}{of}{hint}; it may have expired or been revoked: make a new "
                f"one{advice}"
            )
        if answer.status == 403:
            return Refused(
                f"{tool} refuses {what} ({reason_given or 'status 403'}): the user of the token from {self.secret_from} needs the "
                "permission to see it ('Browse projects'), or its scope read:jira-work"
            )
        if answer.status == 404:
            return NotFound(f"{tool} has no {what}, or the token from {self.secret_from} may not see it")
        return Refused(f"{tool} refuses {what} ({reason_given or f'status {answer.status}'})")


def message(body: Any) -> str:
    """What Jira says of a refusal, in one line."""
    if not isinstance(body, dict):
        return ""
    texts = [str(text) for text in body.get("errorMessages") or ()]
    errors = body.get("errors")
    texts += [str(text) for text in errors.values()] if isinstance(errors, dict) else []
    texts += [str(body[name]) for name in ("message", "errorMessage", "error") if isinstance(body.get(name), str)]
    return " ".join("; ".join(texts).split())[:300]
