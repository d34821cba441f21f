"""A true OpenID Connect provider for tests, on Authlib's server side, over a socket: it signs, demands PKCE, gives each code
once, and lets in whoever the test says without asking."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.models import AuthorizationCodeMixin
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from leadline.service.server import Server, bound

CLIENT, SECRET = "leadline", "s3cret"


@dataclass
class _Code(AuthorizationCodeMixin):
    code: str
    redirect_uri: str
    scope: str
    nonce: str
    user: dict[str, Any]
    code_challenge: str
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Client(ClientMixin):
    id_token_signed_response_alg = "RS256"

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.startswith("http://127.0.0.1:") and redirect_uri.endswith("/sign-in/provider/back")

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class IdentityProvider:
    """The provider: ``user`` are the claims of whoever signs in next, and ``beside`` those that userinfo alone tells; ``claims``
    and ``signing_key`` are what it does wrong on purpose."""

    issuer: str = ""
    user: dict[str, Any] = field(default_factory=lambda: {"sub": "u1", "name": "Ada Arnold", "groups": ["leads"]})
    beside: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}, auto_kid=False))
    signing_key: RSAKey | None = None
    codes: dict[str, _Code] = field(default_factory=dict)
    refuses: str = ""

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.metadata),
            Route("/keys", self.keys),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/userinfo", self.userinfo),
        ]

    def metadata(self, _request: Request) -> Response:
        paths = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
            "userinfo_endpoint": "userinfo",
        }
        return JSONResponse({"issuer": self.issuer, **{name: f"{self.issuer}/{path}" for name, path in paths.items()}})

    def keys(self, _request: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    def userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"].startswith("Bearer ")
        return JSONResponse({"sub": self.user["sub"], **self.beside})

    async def authorize(self, request: Request) -> Response:
        if self.refuses:
            back = f"{request.query_params['redirect_uri']}?error={self.refuses}&state={request.query_params['state']}"
            return Response(status_code=302, headers={"Location": back})
        asked = _asked(request, dict(request.query_params))
        made: Response = _Authorizing(self).create_authorization_response(asked, grant_user=self.user)
        return made

    async def token(self, request: Request) -> Response:
        asked = _asked(request, dict(await request.form()))
        made: Response = _Authorizing(self).create_token_response(asked)
        return made


def _asked(request: Request, payload: dict[str, Any]) -> OAuth2Request:
    # Authlib speaks TLS alone; the test's wire does not leave the machine.
    asked = _Asked(request.method, str(request.url).replace("http:", "https:", 1), headers=request.headers)
    asked.payload = BasicOAuth2Payload(payload)
    return asked


class _Asked(OAuth2Request):
    @property
    def args(self) -> dict[str, Any]:
        return self.payload.data

    @property
    def form(self) -> dict[str, Any]:
        return self.payload.data


class _Authorizing(AuthorizationServer):
    def __init__(self, provider: IdentityProvider) -> None:
        super().__init__(["openid", "profile", "email"])
        self.register_token_generator("default", BearerTokenGenerator(lambda *_a, **_k: "access-token"))
        grant = type("Grant", (_Grant,), {"provider": provider})
        self.register_grant(grant, [_OpenID(provider), CodeChallenge(required=True)])

    def query_client(self, client_id: str) -> _Client | None:
        return _Client() if client_id == CLIENT else None

    def save_token(self, _token: dict[str, Any], _request: OAuth2Request) -> None:
        """Nothing asks for it again."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def send_signal(self, _name: str, *_args: Any, **_named: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        text = json.dumps(body) if isinstance(body, dict) else body or ""
        return Response(text, status, dict(headers))


class _Grant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)
    provider: IdentityProvider

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        said = request.payload.data
        self.provider.codes[code] = _Code(
            code, said["redirect_uri"], said["scope"], said["nonce"], request.user, said["code_challenge"]
        )

    def query_authorization_code(self, code: str, _client: _Client) -> _Code | None:
        return self.provider.codes.get(code)

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        del self.provider.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: _Code) -> dict[str, Any]:
        return authorization_code.user


class _OpenID(OpenIDCode):
    def __init__(self, provider: IdentityProvider) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, _nonce: str, _request: OAuth2Request) -> bool:
        return False

    def resolve_client_private_key(self, _client: _Client) -> KeySet:
        return KeySet([self.provider.signing_key or self.provider.key])

    def get_client_claims(self, client: _Client) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.provider.issuer, "aud": [client.get_client_id()], "iat": now, "exp": now + 60}

    def generate_user_info(self, user: dict[str, Any], _scope: str) -> UserInfo:
        return UserInfo(**{**user, **self.provider.claims})


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """A provider on a free port."""
    provider = IdentityProvider()
    with bound("127.0.0.1", 0) as listener:
        server = Server(Starlette(routes=provider.routes()))
        ready = threading.Event()

        def started(address: str) -> None:
            provider.issuer = address
            ready.set()

        thread = threading.Thread(target=server.run_on, args=(listener, started))
        thread.start()
        try:
            assert ready.wait(60)
            yield provider
        finally:
            server.should_exit = True
            thread.join(60)
