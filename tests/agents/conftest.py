"""A server of a small demo organization for whoever asks as agents do, and what is known of its teams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest

from api.people import send
from api.serving import Answer, Client, Served, serving
from leadline.agents.http import install as install_mcp
from leadline.demo import fill
from leadline.home import Home
from leadline.page.install import install

FIRST, LAST = "2026-01-01", "2026-03-31"


@dataclass(frozen=True)
class Agent:
    """Asks as an agent does: with the documented prefix and its own key; and as everybody does."""

    client: Client

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        return send(self.client, "POST", path, body)

    def get(self, path: str, **query: Any) -> Answer:
        return self.client.get(f"{path}?{urlencode(query, doseq=True)}")

    def insight(self, kind: str, **asked: Any) -> dict[str, Any]:
        """The answer of `GET /v2/insights/{kind}` for the quarter of the demo."""
        answer = self.get(f"/v2/insights/{kind}", **{"dateFrom": FIRST, "dateTo": LAST, **asked})
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def teams(self) -> dict[str, dict[str, Any]]:
        """All teams by name; of several of a name the first."""
        listed = self.get("/v2/teams/list", pageSize=100).json["content"]
        return {team["name"]: team for team in reversed(listed)}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demo with the whole service, page and all."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        home = Home.open(tmp_path_factory.mktemp("agents") / "home")
    with home:
        fill(home.project(), developers=30, months=3, seed=1, until=date.fromisoformat(LAST))
        with serving(home, faces=[install, install_mcp]) as running:
            yield running


@pytest.fixture
def agent(served: Served) -> Agent:
    """Whoever has a viewer's key."""
    return Agent(Client(served.base + "/gateway/sei/api", served.keys["viewer"]))
