"""What the routes share: the open home, the keyring, the monitor, the desk for reports, the time; and who a request comes from.

One ``AppState`` is made per server and hangs on the application. A request comes in, its key and project go out, or the
refusal that the contract names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request

from leadline.api.auth import Keyring, check_tenant, presented_key, require_role
from leadline.api.body import is_storable
from leadline.api.operations.monitoring import Monitor
from leadline.api.push_batcher import PushBatcher
from leadline.api.rate_limit import RateLimit
from leadline.api.report_pool import ReportPool
from leadline.db.keys import ApiKey
from leadline.errors import Detail, InvalidRequest
from leadline.home import Home, Project

_KEY_HEADERS = ("sei_api_key", "x-api-key", "authorization")


@dataclass
class AppState:
    """Everything that outlives a request."""

    home: Home
    keyring: Keyring
    monitor: Monitor
    desk: ReportPool
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _projects: dict[int, Project] = field(default_factory=dict)
    receiver: PushBatcher = field(init=False)
    limit: RateLimit = field(init=False)

    def __post_init__(self) -> None:
        self.receiver = PushBatcher(self.home.db, self.home.temp, self.now)
        self.limit = RateLimit(self.home.settings.rate_limit)

    def known(self, request: Request) -> bool:
        """Whether ``caller`` will find the request's key without asking the database."""
        return self.keyring.remembered(self._presented(request)) is not None

    def caller(self, request: Request, roles: frozenset[str], *, tenant_required: bool = False) -> ApiKey:
        """The key of the request, within its rate and good for its project and its role; in this order: 401, 429, 400 or
        403, 403."""
        key = self.keyring.find(self._presented(request))
        request.state.key_id = key.id
        self.limit.take(key.id)
        check_tenant(key, query_of(request), required=tenant_required)
        require_role(key, roles)
        return key

    def _presented(self, request: Request) -> str:
        return presented_key({name: request.headers.getlist(name) for name in _KEY_HEADERS})

    def project(self, key: ApiKey) -> Project:
        """The project that the key belongs to; one object per project, as it remembers what it read of its lake."""
        return self._projects.setdefault(
            key.project_id, Project(self.home, key.project_id, key.organization, key.project)
        )


def services_of(request: Request) -> AppState:
    """The services of the application that answers ``request``."""
    services: AppState = request.app.state.services
    return services


def query_of(request: Request) -> dict[str, list[str]]:
    """The query as name → values. Raises ``InvalidRequest`` for text that no database takes."""
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if not is_storable(name + value):
            shown = name if is_storable(name) else "query"
            raise InvalidRequest(
                "Invalid query parameter: it has a NUL in it",
                code="invalid_parameter",
                details=[Detail(shown, "text without NUL")],
            )
        query.setdefault(name, []).append(value)
    return query
