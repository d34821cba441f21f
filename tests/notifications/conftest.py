"""An endpoint that a project tells of everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from leadline.administration import settings, webhooks
from leadline.administration.webhooks import WebhookAdded
from leadline.db.outbox import EVENTS
from leadline.home import Project
from stubs.endpoint import Endpoint, listening

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


@dataclass
class Told:
    """A project, and who is told by it."""

    project: Project
    endpoint: Endpoint
    webhook: WebhookAdded


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as served:
        yield served


@pytest.fixture
def told(database_project: Project, endpoint: Endpoint) -> Told:
    """On each database."""
    settings.change(database_project, {"webhooks.private": "true"}, on_machine=True)
    added = webhooks.add(database_project, endpoint.url, list(EVENTS), created_by="test", now=NOW)
    return Told(database_project, endpoint, added)
