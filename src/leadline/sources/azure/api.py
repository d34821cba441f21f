"""Azure DevOps' REST APIs behind one token: of an organization at dev.azure.com, or of a collection of a server of one's own."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.instants import rfc3339
from leadline.sources.kit import server_url
from leadline.sources.kit.client import ATTEMPTS, Answer, Client, Refused, Unavailable
from leadline.sources.kit.lists import Listed
from leadline.sources.kit.records import Node, objects
from leadline.sources.kit.text import Misshapen

CLOUD = "dev.azure.com"
RELEASES = "vsrm.dev.azure.com"
"""The host that classic releases of the cloud are at."""
_FORMER = ".visualstudio.com"
"""Hosts of organizations ended so before they moved to ``dev.azure.com``."""
_BEARER = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
"""An access token of Microsoft Entra (a JWT); a personal access token has no dots."""


@dataclass(frozen=True)
class Scope:
    """What a token must be allowed, in the words of its form."""

    text: str


CODE, BUILD, RELEASE, ENVIRONMENT = map(
    Scope, ("Code (Read)", "Build (Read)", "Release (Read)", "Environment (Read & manage)")
)


@dataclass(frozen=True)
class Server:
    """Where an Azure DevOps is: ``host`` (with its path, if it has one) names it in cursors and ids; below ``base`` are its
    organizations or collections, and below ``releases`` what their classic releases are asked at."""

    host: str
    base: str
    releases: str

    @property
    def is_cloud(self) -> bool:
        """Whether it is the one of Microsoft."""
        return self.host == CLOUD

    @property
    def version(self) -> str:
        """The version of the API: servers that are still supported know the older one."""
        return "7.1" if self.is_cloud else "6.0"

    @property
    def preview(self) -> str:
        """The version of what was never released beyond a preview: environments."""
        return f"{self.version}-preview.1"


def server(url: str | None, organization: str) -> Server:
    """The server at ``url`` (None: dev.azure.com), which may be the address of one of its collections.

    Raises ``InvalidRequest`` for what is no such address; a token is only sent through TLS, or to this machine.
    """
    where = server_url.server(url or CLOUD, example="https://azure.example.com/tfs", pages=("_apis", "_git"))
    host = where.place.partition("/")[0]
    if host in (CLOUD, RELEASES) or host.endswith(_FORMER):
        return Server(CLOUD, f"https://{CLOUD}", f"https://{RELEASES}")
    above, _, collection = where.place.rpartition("/")
    if above and collection.lower() == organization.lower():
        base = where.base[: -len(collection) - 1]
        return Server(above, base, base)
    return Server(where.place, where.base, where.base)


def headers(token: str) -> dict[str, str]:
    """What every request carries. Without the last a wrong token would be led to a page for people."""
    basic = base64.b64encode(f":{token}".encode()).decode()
    return {
        "Authorization": f"Bearer {token}" if _BEARER.fullmatch(token) else f"Basic {basic}",
        "Accept": "application/json",
        "User-Agent": "leadline",
        "X-TFS-FedAuthRedirect": "Suppress",
    }


@dataclass
class Api:
    """Asks one organization through ``client``. ``token_from`` says where the token came from, for errors."""

    server: Server
    organization: str
    client: Client
    token_from: str
    _known: bool = field(default=False, init=False)
    """Whether the token was good for anything yet."""

    @property
    def now(self) -> str:
        """The tool's time, as far as it is known."""
        return rfc3339(self.client.tool_time or datetime.now(UTC), milliseconds=True)

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        what: str,
        scope: Scope = CODE,
        version: str = "",
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """The answer to GET ``path`` of the organization; ``what`` is asked for, in words, and needs ``scope``.

        Raises ``Unauthenticated``, ``NotFound``, ``Refused``, ``Unavailable``, and ``Misshapen`` for what is no object.
        """
        base = self.server.releases if scope == RELEASE else self.server.base
        query = urlencode({**(params or {}), "api-version": version or self.server.version})
        address = f"{base}/{quote(self.organization, safe='')}{path}?{query}"
        answer = self.client.request("GET", address, attempts=attempts)
        if answer.status != 200:
            raise self._problem(answer, what, scope)
        if answer.body is None:  # it would pass for a list of nothing
            raise Unavailable(f"{self.client.tool} answered nothing at all to {what}")
        if not isinstance(answer.body, dict):
            raise Misshapen(f"{self.client.tool} sent no object; is {self.server.base} its address?")
        self._known = True
        return answer

    def listed(self, path: str, params: Mapping[str, Any] | None = None, **asked: Any) -> Listed[Node]:
        """One page of a list, and the token of the next. Raises as ``get`` does."""
        answer = self.get(path, params, **asked)
        if not isinstance(answer.body.get("value"), list):
            raise Misshapen(f"{self.client.tool} sent no list of {asked['what']}; is {self.server.base} its address?")
        return objects(answer.body["value"], "value"), answer.headers.get("x-ms-continuationtoken") or None

    def _problem(self, answer: Answer, what: str, scope: Scope) -> LeadlineError:
        """The error for an answer that is no 200."""
        tool, reason = self.client.tool, _message(answer) or f"status {answer.status}"
        sign_in = answer.status in (203, 302, 401)  # 203 comes with the page that asks people to sign in
        if sign_in and not self._known:
            return Unauthenticated(
                f"{tool} refuses the token from {self.token_from} ({reason}); it may be wrong, have expired, be of another "
                f"organization than {self.organization}, or lack the scope {scope.text}"
            )
        if sign_in or answer.status == 403:
            return Refused(
                f"{tool} refuses {what} ({reason}): the token from {self.token_from} needs the scope {scope.text}, and its user "
                "the permission to see it"
            )
        if answer.status == 404:
            return NotFound(f"{tool} has no {what}, or the token from {self.token_from} may not see it ({reason})")
        return Refused(f"{tool} refuses {what} ({reason})")


def _message(answer: Answer) -> str:
    """What Azure DevOps says, in one line."""
    if answer.status == 203:
        return "its answer is the page to sign in"
    text = answer.body.get("message") if isinstance(answer.body, dict) else None
    return " ".join(str(text or "").split())[:300]
