"""A tool's HTTP API asked patiently: rate limits obeyed, by the tool's own clock, passing troubles waited out, lasting ones named.

No header that holds a secret ever gets into an error. Why not a library: ``docs/decisions/http-client.md``.
"""

from __future__ import annotations

import functools
import json
import os
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from leadline.errors import Forbidden, StoreError, Unusable
from leadline.instants import rfc3339
from leadline.sources.kit import reach
from leadline.sources.kit.limits import date_of, of_limit, reset_of, seconds_of
from leadline.sources.kit.page import CallStats

if TYPE_CHECKING:
    import ssl

    import httpx

ATTEMPTS = 6
"""How often one request is made when the tool is in trouble, before it is given up."""
NO_JSON_ATTEMPTS, NO_NAME_SERVER_ATTEMPTS = 3, 2
"""The same for answers that are no JSON at all (mostly the address is wrong, sometimes a proxy stumbled), and where no name server
answers. A host whose name nobody knows is asked once."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the second attempt, doubled for each further one up to the longest."""
LIMIT_WAITS = 20
"""How often one request waits for a rate limit before it is given up."""
LONGEST_UNSTATED = 900.0
"""Seconds waited at most for a limit that does not say for how long."""
LONGEST_LIMIT = 3700.0
"""Seconds waited for a limit at most at once: limits are by the hour."""
TIMEOUT = 60.0
BODY_BYTES = 256 << 20
"""More than this is no page of an API."""
SAME_ASKED = 50
"""How often the same request is answered, among the last ``LAST_ASKED`` different ones, before it is given up."""
LAST_ASKED = 2000
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Unavailable(StoreError):
    """The tool was in trouble, or could not be reached, at every attempt."""


class Lasting(Unavailable):
    """The same, for a reason that asking for less, or for something else, would not change."""


class Refused(Forbidden):
    """The tool refuses this for good (permissions, blocked content); asking again would not help."""


class _NoJson(str):
    __slots__ = ()


class _Later(str):
    """A trouble that the tool says will be over in so many ``seconds``."""

    __slots__ = ("seconds",)
    seconds: float


@dataclass(frozen=True)
class Answer:
    """One answer: its status, headers (by names in lower case) and JSON. ``body`` is None for 304 and 204."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class RateLimited:
    """A limit that an answer tells of: seconds to wait, None where it does not say for how long."""

    seconds: float | None


Sent = TypeVar("Sent")
_Whole = tuple["httpx.Response", bytes]

Classify = Callable[[Answer], "RateLimited | str | None"]
"""What a tool says beside HTTP's own ways: a ``RateLimited``, a trouble that may pass (as text), or None for neither."""


class Client:
    """Asks one tool. ``headers`` go with every request; ``wait`` sleeps; ``chance`` gives numbers in [0, 1).

    ``auth`` signs every attempt, where a fixed header would not do; it may ask this client itself, with ``bare`` requests.
    ``waiting`` is told the seconds and the reason before every wait.
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, str],
        tool: str,
        wait: Callable[[float], object] | None = None,
        chance: Callable[[], float] = random.random,
        waiting: Callable[[float, str], None] | None = None,
        auth: httpx.Auth | None = None,
    ) -> None:
        import httpx

        self.tool = tool
        self.calls = 0
        self.answers = 0
        """Whole answers below 500 that were given: what shows that the tool is there."""
        self.waited = 0.0
        self.tool_time: datetime | None = None
        self._closed = threading.Event()
        self._wait = self._closed.wait if wait is None else wait
        self._chance, self._waiting = chance, waiting
        self._blocked: dict[str, float] = {}
        self._asked: OrderedDict[int, int] = OrderedDict()
        self._secrets = reach.secrets_in(headers)
        self._own: httpx.URL | None = None
        """The first address that was asked: the source's."""
        trust = _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        try:
            self._http = httpx.Client(
                headers=dict(headers),
                timeout=TIMEOUT,
                follow_redirects=True,
                auth=auth,
                verify=trust,
                event_hooks={"request": [self._require_own_or_public]},
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            named = ", ".join(name for name in os.environ if name.upper() in _PROXIES)
            raise Unusable(
                f"{named} cannot be the address of a proxy; write it as http://proxy.example.com:3128"
            ) from error

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections; whoever waits wakes up and is told."""
        self._closed.set()
        self._http.close()

    def hide(self, secret: str) -> None:
        """Let ``secret`` appear in nothing that is said of an answer."""
        if len(secret) >= reach.SHORTEST_SECRET:
            self._secrets.add(secret)

    def _require_own_or_public(self, request: httpx.Request) -> None:
        """Raises ``Refused`` for a redirect into a private network or out of TLS. To another server none takes a secret along."""
        own = self._own = self._own or request.url
        if why := reach.why_not(request.url.scheme, request.url.host, own.scheme, own.host):
            raise Refused(f"{self.tool} redirects {why}")
        reach.keep_secrets(request, own)

    def call_stats(self) -> CallStats:
        """What asking has cost so far."""
        return CallStats(self.calls, self.waited, None if self.tool_time is None else rfc3339(self.tool_time))

    def request(
        self,
        method: str,
        url: str,
        *,
        budget: str = "",
        params: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        classify: Classify | None = None,
        attempts: int = ATTEMPTS,
        bare: bool = False,
    ) -> Answer:
        """One answer below 500 that is whole; 4xx (but limits) are for the caller to look at.

        ``budget`` names the rate limit that the request counts to; a ``bare`` request goes without ``auth``.
        Raises ``Unavailable`` when every attempt failed, and ``Refused`` for an answer that is no JSON, and when the same is
        asked again and again.
        """
        import httpx

        auth = None if bare else httpx.USE_CLIENT_DEFAULT

        def send() -> _Whole:
            with self._http.stream(method, url, params=params, json=body, headers=headers, auth=auth) as response:
                return response, self._page(response)

        answer = self._with_retries(lambda: self._attempt(send, classify), budget, attempts)
        if not bare:
            self.answers += 1
            if answer.status == 200:
                self._require_progress([method, url, params, body])
        return answer

    def _require_progress(self, request: list[Any]) -> None:
        """Raises ``Refused`` when the same is asked again and again: pages lead back to themselves, and would for ever."""
        key = hash(json.dumps(request, default=str))
        self._asked[key] = self._asked.pop(key, 0) + 1
        if self._asked[key] > SAME_ASKED:
            raise Refused(f"{self.tool} gives the same page again and again")
        if len(self._asked) > LAST_ASKED:
            self._asked.popitem(last=False)

    def stream(
        self,
        url: str,
        take: Callable[[Answer, Iterator[bytes]], None],
        *,
        headers: Mapping[str, str] | None = None,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """The answer to GET of a file. ``take`` is given every answer of status 200, and its bytes as they come: again from
        the first where an attempt broke off. Redirects are not followed. Raises ``Unavailable``."""

        def download() -> Answer | str:
            with self._http.stream("GET", url, headers=headers, follow_redirects=False) as response:
                self.tool_time = date_of(response.headers.get("date")) or self.tool_time
                if response.status_code >= 500:
                    return self._server_error(response)
                answer = Answer(response.status_code, response.headers, None)
                if answer.status == 200:
                    take(answer, response.iter_bytes())
                return answer

        def attempt() -> Answer | RateLimited | str:
            answer = self._sent(download)
            return answer if isinstance(answer, str) else self._limit(answer) or answer

        answer = self._with_retries(attempt, "", attempts)
        self.answers += 1
        return answer

    def _with_retries(self, attempt: Callable[[], Answer | RateLimited | str], budget: str, attempts: int) -> Answer:
        """What ``attempt`` gives in the end: it returns an answer, a limit to wait for, or the trouble it met."""
        troubles: list[str] = []
        limits = 0
        while True:
            self._wait_for_budget(budget)
            outcome = attempt()
            if isinstance(outcome, Answer):
                self._note_budget(budget, outcome)
                return outcome
            if isinstance(outcome, RateLimited):
                limits += 1
                if limits > LIMIT_WAITS:
                    raise Lasting(f"{self.tool} kept refusing requests for its rate limit; try again later")
                # Without a time, a limit of GitHub and its like lasts a minute at least, and longer each time.
                seconds = outcome.seconds
                if seconds is None:
                    seconds = self._backoff(limits, LONGEST_WAIT, LONGEST_UNSTATED)
                self._pause(min(seconds, LONGEST_LIMIT), "rate limit")
                continue
            troubles.append(outcome)
            if isinstance(outcome, _NoJson) and len(troubles) >= NO_JSON_ATTEMPTS:
                raise Refused(outcome)
            if isinstance(outcome, reach.NoNameServer) and len(troubles) >= NO_NAME_SERVER_ATTEMPTS:
                raise Lasting(f"{self.tool} could not be read: {outcome}")
            if len(troubles) >= attempts:
                raise Unavailable(f"{self.tool} could not be read in {attempts} attempts: {troubles[-1]}")
            stated = min(outcome.seconds, LONGEST_WAIT) if isinstance(outcome, _Later) else 0.0
            self._pause(max(stated, self._backoff(len(troubles), FIRST_WAIT, LONGEST_WAIT)), troubles[-1])

    def _page(self, response: httpx.Response) -> bytes:
        """The content of an answer. Raises ``Refused`` as soon as it is more than a page can be, also if it came compressed."""
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > BODY_BYTES:
                raise Refused(f"{self.tool} sent more than {BODY_BYTES:,} bytes at once, which is no page of its API")
        return bytes(content)

    def _attempt(self, send: Callable[[], _Whole], classify: Classify | None) -> Answer | RateLimited | str:
        """One attempt: an answer, a limit to wait for, or the trouble it met."""
        if isinstance(sent := self._sent(send), str):
            return sent
        self.tool_time = date_of(sent[0].headers.get("date")) or self.tool_time
        if (response := sent[0]).status_code >= 500:
            return self._server_error(response)
        if not isinstance(answer := self._parsed(*sent), Answer):
            return answer
        return self._limit(answer) or (classify(answer) if classify is not None else None) or answer

    def _sent(self, exchange: Callable[[], Sent]) -> Sent | str:
        """What ``exchange`` gives, or the trouble on the way that may pass."""
        import httpx

        self.calls += 1
        try:
            return exchange()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise Refused(f"{self.tool} cannot be asked: {error}") from error
        except RuntimeError as error:  # the client was closed while it was asked
            raise Unavailable(f"{self.tool} was not asked any further") from error
        except httpx.TransportError as error:
            why = reach.trouble(error, TIMEOUT)
            if reach.is_lasting(error):
                raise Lasting(f"{self.tool} could not be read: {why}") from error
            return why
        except httpx.DecodingError:
            return "its answer was not compressed as it said"

    def _server_error(self, response: httpx.Response) -> str:
        """What an answer from 500 on says."""
        said = _Later(f"it answered {response.status_code}: the server, or a proxy before it, is in trouble")
        said.seconds = self._retry_after(Answer(response.status_code, response.headers, None)) or 0.0
        return said

    def _parsed(self, response: httpx.Response, content: bytes) -> Answer | str:
        headers = response.headers
        if response.status_code in (204, 304) or not content:
            return Answer(response.status_code, headers, None)
        for secret in self._secrets:  # whoever sends it back wants it shown
            content = content.replace(secret.encode(), b"***")
        try:
            return Answer(response.status_code, headers, json.loads(content))
        except (ValueError, RecursionError):  # also text that is not UTF-8
            kind = headers.get("content-type", "").partition(";")[0] or "something"
            if "json" in kind:
                return "its answer was cut off"
            if response.status_code >= 400 or response.status_code == 203:  # which is how some tools ask to sign in
                return Answer(response.status_code, headers, None)
            return _NoJson(
                f"{self.tool} answered {kind} instead of JSON at {response.url.host}{response.url.path}; "
                "is that the address of its API, and is nothing (a proxy, a login page) before it?"
            )

    def _limit(self, answer: Answer) -> RateLimited | None:
        """HTTP's own way to say that it was too much: 429, or 403 with a header that says when to come back."""
        if answer.status == 429:
            return RateLimited(self.stated_wait(answer))
        # 0 seconds beside a refusal: there is no limit to wait for.
        is_limit = of_limit(answer.headers, "remaining") == "0" or bool(self._retry_after(answer))
        return RateLimited(self.stated_wait(answer)) if answer.status == 403 and is_limit else None

    def stated_wait(self, answer: Answer) -> float | None:
        """The seconds after which an answer that tells of a limit says to come back, at least one; None if it does not say."""
        if seconds := self._retry_after(answer):
            return max(1.0, seconds)
        if of_limit(answer.headers, "remaining") == "0":
            return self.until(of_limit(answer.headers, "reset"))
        return None if seconds is None else 1.0

    def _retry_after(self, answer: Answer) -> float | None:
        return seconds_of(answer.headers.get("retry-after"), self.tool_time)

    def until(self, reset: str | None) -> float | None:
        """Seconds until ``reset`` (ISO 8601 or since 1970, by the tool's clock; below a billion: from now), at least one; None
        if it is not known."""
        at = reset_of(reset)
        if at is None or self.tool_time is None:
            return None
        return max(1.0, at if at < 1_000_000_000 else at - self.tool_time.timestamp() + 1.0)

    def _note_budget(self, budget: str, answer: Answer) -> None:
        """Remember a limit that is used up, or that a good answer asks to wait, so that the next need not be refused first."""
        used_up = of_limit(answer.headers, "remaining") == "0"
        if seconds := (self.until(of_limit(answer.headers, "reset")) if used_up else self._retry_after(answer)):
            self._blocked[budget] = time.monotonic() + min(seconds, LONGEST_LIMIT)

    def _wait_for_budget(self, budget: str) -> None:
        until = self._blocked.pop(budget, None)
        if until is not None and (seconds := until - time.monotonic()) > 0:
            self._pause(seconds, "rate limit")

    def _backoff(self, attempt: int, first: float, longest: float) -> float:
        """Between half of and the whole of a doubling wait, so that several clients do not come back at once."""
        return float(min(longest, first * 2 ** (attempt - 1))) * (0.5 + self._chance() / 2)

    def _pause(self, seconds: float, why: str) -> None:
        if self._waiting is not None:
            host = self._own.host if self._own is not None else self.tool
            self._waiting(seconds, why if host in why else f"{host}: {why}")
        self._wait(seconds)
        if self._closed.is_set():
            raise Unavailable(f"{self.tool} was not asked any further")
        self.waited += seconds


@functools.cache
def _trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Whom TLS trusts, by the variables ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` if set: read once, not for every client. Raises
    ``Unusable`` if they name what cannot be read."""
    import httpx

    try:
        return httpx.create_ssl_context()
    except OSError as error:  # also of ssl
        reason = error.strerror or error.args[-1]
        raise Unusable(f"SSL_CERT_FILE or SSL_CERT_DIR names no certificates that can be read: {reason}") from error
