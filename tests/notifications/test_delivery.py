"""What an endpoint gets, and what becomes of a message and of its endpoint by each answer."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from leadline.administration import settings, webhooks
from leadline.db import jobs, outbox
from leadline.home import Project
from leadline.notifications.delivery import deliver
from notifications.conftest import NOW, Told
from notifications.exporting import claimed, complete, queued


def deliver_next(project: Project) -> None:
    """One attempt at what is next."""
    (message,) = outbox.waiting(project.db, NOW + timedelta(days=2))
    deliver(project, message, lambda: NOW + timedelta(seconds=3))


def test_a_completed_export_is_told_as_polling_it_answers(told: Told) -> None:
    claim = claimed(told.project, NOW)
    complete(told.project, claim, NOW + timedelta(seconds=1))
    deliver_next(told.project)
    (message,) = told.endpoint.received
    assert message.signed_with(told.webhook.secret)
    assert message.timestamp == int((NOW + timedelta(seconds=3)).timestamp())
    body = message.json
    assert {name: body[name] for name in ("type", "timestamp", "project", "organization")} == {
        "type": "export.completed",
        "timestamp": "2026-03-01T06:00:01.000Z",
        "project": "default",
        "organization": "default",
    }
    path = f"/v2/insights/productivity/exports/{claim.export.id}/download"
    assert body["data"]["download"] == {"url": path, "filename": "team-insights.csv", "contentType": "text/csv"}
    assert (body["data"]["exportId"], body["data"]["status"], body["data"]["rowCount"]) == (
        claim.export.id,
        "completed",
        3,
    )
    assert outbox.counts(told.project.db) == {}
    (shown,) = webhooks.listed(told.project)
    assert (shown.succeeded_at, shown.error) == (NOW + timedelta(seconds=3), None)


def test_what_failed_and_what_was_cancelled_is_told_without_addresses_of_people(told: Told) -> None:
    error = {"error": "ada@example.org and <ben.b+x@mail.example.org> are nobody", "code": "invalid", "details": []}
    jobs.fail(told.project.db, claimed(told.project, NOW), error, NOW)
    deliver_next(told.project)
    cancelled = queued(told.project, NOW)
    jobs.cancel(told.project.db, told.project.id, cancelled.id, "productivity", NOW)
    deliver_next(told.project)
    failed, after = (message.json for message in told.endpoint.received)
    assert (failed["type"], failed["data"]["status"], failed["data"]["code"]) == ("export.failed", "failed", "invalid")
    assert failed["data"]["error"] == "… and <…> are nobody"
    assert (after["type"], after["data"]["status"]) == ("export.cancelled", "cancelled")


def test_repeats_are_the_same_bytes_under_the_same_id_and_signed_anew(told: Told) -> None:
    told.endpoint.answer = lambda _message: (500 if len(told.endpoint.received) < 3 else 200, {})
    claim = claimed(told.project, NOW)
    complete(told.project, claim, NOW)
    deliver_next(told.project)
    jobs.expire(told.project.db, told.project.id, NOW + timedelta(days=60))  # polling it answers something else now
    (message,) = outbox.waiting(told.project.db, NOW + timedelta(days=2))
    deliver(told.project, message, lambda: NOW + timedelta(days=1))
    deliver_next(told.project)
    assert len(set(told.endpoint.ids)) == 1
    assert len({message.body for message in told.endpoint.received}) == 1
    assert len({message.signature for message in told.endpoint.received}) == 2
    assert all(message.signed_with(told.webhook.secret) for message in told.endpoint.received)
    assert outbox.counts(told.project.db) == {}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_answers_that_take_a_message(told: Told, status: int) -> None:
    told.endpoint.answer = lambda _message: (status, {})
    complete(told.project, claimed(told.project, NOW), NOW)
    deliver_next(told.project)
    assert outbox.counts(told.project.db) == {}


@pytest.mark.parametrize("status", [300, 302, 304, 400, 401, 404, 429, 500, 503])
def test_answers_that_do_not(told: Told, status: int) -> None:
    told.endpoint.answer = lambda _message: (status, {"Location": "http://127.0.0.1/"})
    complete(told.project, claimed(told.project, NOW), NOW)
    deliver_next(told.project)
    (shown,) = webhooks.listed(told.project)
    assert (shown.waiting, shown.state) == (1, "active")
    assert str(shown.error).endswith(f"answered {status}")


def test_who_is_gone_is_removed(told: Told) -> None:
    told.endpoint.answer = lambda _message: (410, {})
    for _ in range(3):
        complete(told.project, claimed(told.project, NOW), NOW)
    deliver_next(told.project)
    assert webhooks.listed(told.project) == []
    assert outbox.counts(told.project.db) == {}
    assert len(told.endpoint.received) == 1


def test_what_is_not_allowed_any_more_is_not_sent(told: Told) -> None:
    settings.change(told.project, {"webhooks.private": "false"}, on_machine=True)
    complete(told.project, claimed(told.project, NOW), NOW)
    deliver_next(told.project)
    assert told.endpoint.received == []
    (shown,) = webhooks.listed(told.project)
    assert "https" in str(shown.error)


def test_a_test_that_succeeds_ends_a_pause_and_what_waited_is_sent(told: Told) -> None:
    told.endpoint.answer = lambda _message: (500, {})
    complete(told.project, claimed(told.project, NOW), NOW)
    for _ in range(7):
        deliver_next(told.project)
    assert outbox.waiting(told.project.db, NOW + timedelta(days=2)) == []
    assert not webhooks.try_out(told.project, told.webhook.id, NOW).delivered
    assert webhooks.one(told.project, told.webhook.id).state == "paused"
    told.endpoint.answer = lambda _message: (200, {})
    tried = webhooks.try_out(told.project, told.webhook.id, NOW)
    assert (tried.delivered, tried.status, tried.error) == (True, 200, None)
    test = told.endpoint.received[-1]
    assert (test.id, test.json["type"]) == (tried.message_id, "webhook.test")
    assert test.signed_with(told.webhook.secret)
    deliver_next(told.project)
    assert told.endpoint.received[-1].json["type"] == "export.completed"
    assert webhooks.one(told.project, told.webhook.id).state == "active"


def test_nothing_that_is_sent_says_who_people_are(told: Told) -> None:
    """The members of a message are these: none has rows, and none names a developer."""
    complete(told.project, claimed(told.project, NOW), NOW)
    deliver_next(told.project)
    (message,) = told.endpoint.received
    assert set(message.json) == {"type", "timestamp", "project", "organization", "data"}
    assert "@" not in json.dumps(message.json)
