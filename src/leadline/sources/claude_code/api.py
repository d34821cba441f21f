"""Anthropic's Admin API behind one key: the organization that it is of, the reports on Claude Code, and what refusals mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.sources.kit.client import Answer, Client, Refused
from leadline.sources.kit.records import Node
from leadline.sources.kit.server_url import Server
from leadline.sources.kit.text import Misshapen

ADDRESS = "https://api.anthropic.com"
VERSION = "2023-06-01"
SIZE = 1000
"""Records of a page: the most there can be."""
_REPORT = "/v1/organizations/usage_report/claude_code"


def headers(key: str) -> dict[str, str]:
    """What every request carries."""
    return {"x-api-key": key, "anthropic-version": VERSION, "Accept": "application/json", "User-Agent": "leadline"}


@dataclass(frozen=True)
class Api:
    """Asks one server through ``client``. ``token_from`` says where the key came from, for errors."""

    server: Server
    client: Client
    token_from: str

    def organization(self) -> Node:
        """The organization that the key is of. Raises what ``problem`` makes of a refusal, ``Unavailable``, ``Misshapen``."""
        organization = self._get("/v1/organizations/me", {}, "organization")
        if not isinstance(organization.get("id"), str):
            raise Misshapen(f"{self.client.tool} sent no organization; is {self.server.base} the address of its API?")
        return organization

    def reported(self, day: date) -> Iterator[Node]:
        """The records of a day, in UTC: each of one user or API key. Raises as ``organization``."""
        params = {"starting_at": day.isoformat(), "limit": str(SIZE)}
        while True:
            body = self._get(_REPORT, params, f"report on Claude Code of {day}")
            records = body.get("data")
            if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                raise Misshapen(f"{self.client.tool} sent no list of records")
            yield from records
            following = body.get("next_page")
            if body.get("has_more") is not True or not isinstance(following, str) or not following:
                return
            params = {**params, "page": following}

    def _get(self, path: str, params: Mapping[str, str], what: str) -> Node:
        answer = self.client.request("GET", f"{self.server.base}{path}", params=params or None)
        if answer.status != 200:
            raise self.problem(answer, what)
        if not isinstance(answer.body, dict):
            raise Misshapen(f"{self.client.tool} sent no object; is {self.server.base} the address of its API?")
        return answer.body

    def problem(self, answer: Answer, what: str) -> LeadlineError:
        """The error for an answer of 300 to 499."""
        error = answer.body.get("error") if isinstance(answer.body, dict) else None
        said = str(error.get("message") or "")[:300] if isinstance(error, dict) else ""
        reason = said or f"status {answer.status}"
        tool, place = self.client.tool, self.token_from
        if answer.status == 401:
            return Unauthenticated(
                f"{tool} refuses the token from {place} ({reason}); it must be an Admin API key, which an admin of the "
                "organization makes in the Console, and may have been revoked"
            )
        if answer.status == 404:
            return NotFound(f"{tool} has no {what}, or the token from {place} may not see it ({reason})")
        return Refused(f"{tool} refuses {what} ({reason})")
