"""API keys: which one the headers carry, whether it is good, and what it may do. ``leadline.api.caller`` makes routes ask. Keys
that were good a moment ago are remembered for ``REMEMBER_SECONDS``, so that polling costs no look-up; a revoked key therefore works
for at most that long. When a key was last used is noted beside the request, never within it."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from leadline.db import Database, keys
from leadline.db.keys import ApiKey
from leadline.db.outage import lost
from leadline.errors import Detail, Forbidden, InvalidRequest, Unauthenticated

log = structlog.get_logger("leadline.api")

REMEMBER_SECONDS = 2.0
"""How long a key found good is not asked for again: the longest that a revoked key still works."""

_REMEMBERED = 4096
_TOUCH_SECONDS = 60.0

READ = frozenset({"admin", "viewer"})
"""Roles that may read and export."""

WRITE = frozenset({"admin", "ingestion"})
"""Roles that may push data."""

ADMIN = frozenset({"admin"})
"""Roles that may change who is in which team, and settings."""


def presented_key(headers: Mapping[str, Sequence[str]]) -> str:
    """The one key that ``headers`` (lower-case name → values) carry in any of the four documented spellings. Raises
    ``Unauthenticated`` if there is none, or if there are several that differ: guessing which one was meant could serve the wrong
    tenant."""
    texts = [value.strip() for name in ("sei_api_key", "x-api-key") for value in headers.get(name, ())]
    for value in headers.get("authorization", ()):
        scheme, _, credentials = value.strip().partition(" ")
        if scheme.lower() in ("apikey", "bearer"):
            texts.append(credentials.strip())
    if not texts or not all(hmac.compare_digest(texts[0].encode(), other.encode()) for other in texts):
        raise unauthenticated()
    return texts[0]


def unauthenticated() -> Unauthenticated:
    """The one refusal of a key, whatever is wrong with it."""
    return Unauthenticated("Missing or invalid API key")


def require_role(key: ApiKey, roles: frozenset[str]) -> None:
    """Raise ``Forbidden`` unless the key's role is one of ``roles``."""
    if key.role not in roles:
        allowed = " or ".join(sorted(roles))
        raise Forbidden(
            "Insufficient permissions", details=[Detail("role", f"this key is {key.role}; it takes {allowed}")]
        )


IDENTIFIERS = (("projectIdentifier", "project"), ("orgIdentifier", "organization"))
"""Query parameters that name the key's tenant, each with the attribute of the key that it must equal."""


def check_tenant(key: ApiKey, query: Mapping[str, Sequence[str]], *, required: bool) -> None:
    """Compare the query's identifiers with the key's project and organization. Raises ``InvalidRequest`` if one is missing though
    ``required``, ``Forbidden`` if one names another tenant. An identifier left empty counts as missing; one given twice must be
    right both times."""
    identifiers = {name: [value for value in query.get(name, ()) if value] for name, _ in IDENTIFIERS}
    missing = [name for name, values in identifiers.items() if not values]
    if required and missing:
        raise InvalidRequest(
            f"Missing query parameter {' and '.join(missing)}",
            code="missing_identifier",
            details=[Detail(name, "required: the identifier that the API key belongs to") for name in missing],
        )
    wrong = [name for name, attribute in IDENTIFIERS if any(v != getattr(key, attribute) for v in identifiers[name])]
    if wrong:
        raise Forbidden(
            "Insufficient permissions",
            details=[Detail(name, "is not the one that this API key belongs to") for name in wrong],
        )


class Keyring:
    """Finds keys by their text. Shared by all threads of a server; ``close`` it at the end. ``clock`` gives seconds that only grow
    (for remembering), ``now`` the time of day (for expiry)."""

    def __init__(
        self,
        db: Database,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = db
        self._clock = clock
        self._now = now
        self._known: OrderedDict[bytes, tuple[float, ApiKey]] = OrderedDict()
        self._touched: dict[str, float] = {}
        self._guard = threading.Lock()
        self._notes = ThreadPoolExecutor(max_workers=1, thread_name_prefix="key-use")

    def find(self, text: str) -> ApiKey:
        """The valid key whose text this is. Raises ``Unauthenticated``."""
        key = self.remembered(text)
        if key is None:
            key = keys.find(self._db, text, self._now())
            if key is None:
                raise unauthenticated()
            with self._guard:
                self._known[_digest(text)] = (self._clock() + REMEMBER_SECONDS, key)
                self._known.move_to_end(_digest(text))
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            self._note_use(key)
        return key

    def remembered(self, text: str) -> ApiKey | None:
        """The key if it was found good within the last ``REMEMBER_SECONDS`` and has not expired since."""
        with self._guard:
            until, key = self._known.get(_digest(text), (0.0, None))
        if key is None or self._clock() >= until or not key.is_valid(self._now()):
            return None
        self._note_use(key)
        return key

    def close(self) -> None:
        """End the note-taking thread, once it has noted what it is at."""
        self._notes.shutdown(wait=False, cancel_futures=True)

    def _note_use(self, key: ApiKey) -> None:
        with self._guard:
            if self._clock() < self._touched.get(key.id, float("-inf")) + _TOUCH_SECONDS:
                return
            self._touched[key.id] = self._clock()
        self._notes.submit(self._touch, key.id, self._now())

    def _touch(self, key_id: str, at: datetime) -> None:
        try:
            keys.touch(self._db, key_id, at)
        except SQLAlchemyError as error:
            if not lost(error):
                log.warning("use of a key could not be noted", key_id=key_id, error=str(error.__cause__))


def _digest(text: str) -> bytes:
    # The table of remembered keys holds no key either.
    return hashlib.sha256(text.encode()).digest()
