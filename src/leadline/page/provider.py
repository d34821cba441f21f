"""The OpenID Connect provider of a company: where it sends people to sign in, and who came back. By the authorization code flow
with PKCE, state and nonce (OpenID Connect Core 3.1, RFC 7636); what it says is believed only as far as it is signed."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from leadline.errors import StoreError, Unauthenticated, first_line
from leadline.settings.server import ServerSettings

SCOPE = "openid profile email"
SECONDS = 10.0
"""How long the provider may take for an answer."""
KEPT_SECONDS = 3600.0
"""How long what the provider publishes of itself is not asked for again."""
LEEWAY_SECONDS = 60
"""How far its clock may be from ours."""
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that only the provider can make."""

log = structlog.get_logger("leadline.page")


@dataclass(frozen=True)
class Attempt:
    """One signing in, between leaving for the provider and coming back: the browser keeps it."""

    state: str
    nonce: str
    verifier: str
    back: str

    @classmethod
    def to(cls, back: str) -> Attempt:
        """A new one, of somebody who then goes to ``back``."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), back)


class _Wire:
    """What Authlib's client posts with."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth
    ) -> httpx.Response:
        """Send a form, with what says who we are."""
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._http.post(url, content=body, headers=sent)


class Provider:
    """The provider that ``settings`` name. Use it from any thread; ``clock`` gives seconds that only grow."""

    def __init__(self, settings: ServerSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = settings.oidc_issuer or ""
        self._settings = settings
        self._clock = clock
        self._guard = threading.Lock()
        self._published: dict[str, tuple[float, Any]] = {}

    @property
    def name(self) -> str:
        """What it is called on the page."""
        return urlsplit(self.issuer).hostname or self.issuer

    def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where to send somebody. Raises ``StoreError`` if the provider cannot be reached."""
        with self._http() as http:
            metadata = self._metadata(http)
            address, _ = self._client(http, metadata, redirect_uri).create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                code_verifier=attempt.verifier,
                nonce=attempt.nonce,
            )
        return str(address)

    def claims(self, attempt: Attempt, code: str, redirect_uri: str) -> dict[str, Any]:
        """What the provider says of who came back with ``code``. Raises ``Unauthenticated`` if it does not stand by it,
        ``StoreError`` if it cannot be reached."""
        try:
            with self._http() as http:
                metadata = self._metadata(http)
                client = self._client(http, metadata, redirect_uri)
                token = client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=attempt.verifier)
                claims = self._checked(http, metadata, token, attempt.nonce)
                return {**self._userinfo(http, metadata, token, claims), **claims}
        except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
            log.warning("a provider's answer was refused", provider=self.name, error=first_line(error))
            raise Unauthenticated(f"{self.name} did not confirm who you are; try again") from error
        except httpx.HTTPError as error:
            raise self._away(error) from error

    def _client(self, http: httpx.Client, metadata: Mapping[str, Any], redirect_uri: str) -> OAuth2Client:
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return OAuth2Client(
            _Wire(http),
            client_id=self._settings.oidc_client_id,
            client_secret=self._settings.oidc_client_secret or None,
            token_endpoint_auth_method=basic if self._settings.oidc_client_secret else "none",
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )

    def _checked(
        self, http: httpx.Client, metadata: Mapping[str, Any], token: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        text = str(token["id_token"])
        try:
            decoded = jwt.decode(text, self._keys(http, metadata), algorithms=ALGORITHMS)
        except (JoseError, ValueError):  # signed with a key that is newer than what we have
            decoded = jwt.decode(text, self._keys(http, metadata, anew=True), algorithms=ALGORITHMS)
        audience = {"essential": True, "value": self._settings.oidc_client_id}
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={"iss": {"essential": True, "value": metadata["issuer"]}, "aud": audience},
            params={
                "nonce": nonce,
                "client_id": self._settings.oidc_client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_SECONDS)
        return dict(claims)

    def _userinfo(
        self, http: httpx.Client, metadata: Mapping[str, Any], token: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What it says beside the ID token, such as groups; of the same person."""
        if not (address := metadata.get("userinfo_endpoint")) or "access_token" not in token:
            return {}
        answer = http.get(address, headers={"Authorization": f"Bearer {token['access_token']}"})
        said = answer.raise_for_status().json()
        return said if isinstance(said, dict) and said.get("sub") == claims["sub"] else {}

    def _metadata(self, http: httpx.Client) -> Mapping[str, Any]:
        metadata: Mapping[str, Any] = self._get(http, f"{self.issuer}/.well-known/openid-configuration")
        if str(metadata.get("issuer", "")).rstrip("/") != self.issuer:
            raise StoreError(
                f"{self.name} says that it is {str(metadata.get('issuer'))[:80]!r}: LEADLINE_OIDC_ISSUER names another"
            )
        return metadata

    def _keys(self, http: httpx.Client, metadata: Mapping[str, Any], *, anew: bool = False) -> KeySet:
        return KeySet.import_key_set(self._get(http, metadata["jwks_uri"], anew=anew))

    def _get(self, http: httpx.Client, address: str, *, anew: bool = False) -> Any:
        with self._guard:
            until, known = self._published.get(address, (0.0, None))
        if not anew and known is not None and self._clock() < until:
            return known
        try:
            known = http.get(address).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._away(error) from error
        with self._guard:
            self._published[address] = (self._clock() + KEPT_SECONDS, known)
        return known

    def _away(self, error: Exception) -> StoreError:
        log.warning("the provider cannot be asked", provider=self.name, error=first_line(error))
        return StoreError(f"{self.name} cannot be reached now; try again, or sign in with a key")

    def _http(self) -> httpx.Client:
        return httpx.Client(timeout=SECONDS, follow_redirects=False)
