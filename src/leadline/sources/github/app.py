"""Signing in as a GitHub App: its private key becomes tokens of the installation at one owner, renewed before they end.

The key signs a short-lived claim (JWT) by GitHub's clock; a token is valid for an hour and is kept in memory only.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from leadline.errors import LeadlineError, NotFound, Unauthenticated, Unusable
from leadline.sources.github.api import limit_of, message
from leadline.sources.kit.client import Answer, Client, RateLimited, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from leadline.sources.kit.secrets import SecretPlace

CLAIM_SECONDS = 540
"""How long a claim is good for; GitHub takes ten minutes at most."""
BACKDATED = 60
"""A claim is dated this much back, for clocks that drift (GitHub, "Generating a JSON Web Token")."""
AHEAD = 300
"""A token is renewed this many seconds before it ends: a request may wait in between."""
SKEW = 5
"""Clocks that differ by no more than these seconds explain no refusal."""


def private_key(text: str, place: SecretPlace) -> RSAPrivateKey:
    """The key in ``text`` (PEM; line ends may be spelled ``\\n``). Raises ``Unusable``, which does not show it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = text if "\n" in text else text.replace("\\n", "\n")
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise Unusable(
            f"What is in {place.text} is no private key of a GitHub App; put the whole PEM file there that GitHub gave"
        )
    return key


@dataclass
class AppAuth(httpx.Auth):
    """Signs requests with a token of the installation of ``app`` at ``owner``.

    ``rest`` is the address of the server's REST API, ``headers`` what it is asked with; ``key_from`` says where the key came
    from, for errors. ``client`` must be set before the first request.
    """

    app: str
    key: RSAPrivateKey = field(repr=False)
    owner: str
    rest: str
    key_from: str
    headers: Mapping[str, str]
    client: Client = field(init=False, repr=False)
    _ahead: float = 0.0
    """By how many seconds GitHub's clock is ahead of this machine's."""
    _token: str = field(default="", repr=False)
    _ends: float = 0.0
    _installation: str = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Signs ``request``; with another token if GitHub takes this one no longer."""
        if not self._token or time.time() + self._ahead >= self._ends - AHEAD:
            self._renew()
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == 401:
            self._renew()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _renew(self) -> None:
        self._installation = self._installation or self._find()
        answer = self._ask("POST", f"/app/installations/{self._installation}/access_tokens")
        if answer.status == 404:  # taken off and installed again
            self._installation = self._find()
            answer = self._ask("POST", f"/app/installations/{self._installation}/access_tokens")
        if answer.status != 201:
            raise self._problem(answer, f"a token for {self.owner}")
        body = self._object(answer)
        self._token, ends = str(body.get("token") or ""), str(body.get("expires_at") or "")
        self.client.hide(self._token)
        try:
            self._ends = datetime.fromisoformat(ends).timestamp()
        except ValueError as error:
            raise Refused(f"{self.client.tool} gave a token that does not say when it ends") from error

    def _find(self) -> str:
        """The installation's number. An owner is an organization or a user, which are asked for apart."""
        for kind in ("orgs", "users"):
            answer = self._ask("GET", f"/{kind}/{self.owner}/installation")
            if answer.status == 200:
                body = self._object(answer)
                if suspended := body.get("suspended_at"):
                    raise Refused(
                        f"The GitHub App {self.app} is suspended at {self.owner} since {suspended}; "
                        "its settings there let it work again"
                    )
                return str(body.get("id"))
            if answer.status != 404 or "integration" in message(answer).lower():
                raise self._problem(answer, f"the installation at {self.owner}")
        raise NotFound(
            f"The GitHub App {self.app} is not installed at {self.owner}; install it there, for the repositories wanted"
        )

    def _ask(self, method: str, path: str) -> Answer:
        """An answer to the app itself. A claim that was refused is made again by GitHub's clock, if that is another."""
        for _ in range(2):
            claimed = self._ahead
            headers = {**self.headers, "Authorization": f"Bearer {self._claim()}"}
            answer = self.client.request(
                method, f"{self.rest}{path}", budget="app", headers=headers, classify=self._classify, bare=True
            )
            if self.client.tool_time is not None:
                self._ahead = self.client.tool_time.timestamp() - time.time()
            if answer.status != 401 or abs(self._ahead - claimed) <= SKEW:
                break
        return answer

    def _classify(self, answer: Answer) -> RateLimited | None:
        return limit_of(self.client, answer)

    def _claim(self) -> str:
        import jwt

        now = int(time.time() + self._ahead)
        claims = {"iat": now - BACKDATED, "exp": now + CLAIM_SECONDS, "iss": self.app}
        return jwt.encode(claims, self.key, algorithm="RS256")

    def _object(self, answer: Answer) -> dict[str, Any]:
        if not isinstance(answer.body, dict) or not (answer.body.get("id") or answer.body.get("token")):
            raise Refused(f"{self.client.tool} answered something else than the installation at {self.owner}")
        return answer.body

    def _problem(self, answer: Answer, what: str) -> LeadlineError:
        reason = message(answer) or f"status {answer.status}"
        if answer.status == 401 or "integration not found" in reason.lower():
            return Unauthenticated(
                f"{self.client.tool} does not take the private key from {self.key_from} for the app {self.app} ({reason}); "
                "is --app its id, and is the key one of its own that was not deleted?"
            )
        return Refused(f"{self.client.tool} refuses {what} to the app {self.app} ({reason})")
