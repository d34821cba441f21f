"""Pushes of several clients are stored together, and judged each by itself: what is wrong with one is no other's trouble."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from api.serving import Answer, Served, serving
from api.test_push import post, rows
from leadline.api.push_batcher import PushBatcher
from leadline.home import Home
from leadline.ingest import inbox

CLIENTS = 24


def pushed_together(served: Served, monkeypatch: pytest.MonkeyPatch, bodies: list[Any]) -> list[Answer]:
    """The answers to ``bodies``, each sent by a client of its own, all of which come to one group."""
    gathered = PushBatcher._gathered

    def whole(self: PushBatcher, first: Any) -> Any:
        group, ended = gathered(self, first)
        while len(group) < len(bodies) and not ended:
            further, ended = gathered(self, self._queue.get())
            group += further
        sizes.append(len(group))
        return group, ended

    sizes: list[int] = []
    monkeypatch.setattr(PushBatcher, "_gathered", whole)
    answers: list[Answer | None] = [None] * len(bodies)

    def send(at: int) -> None:
        answers[at] = post(served.as_("ingestion"), "/v2/ingest/incidents", bodies[at])

    senders = [threading.Thread(target=send, args=(at,)) for at in range(len(bodies))]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert sizes == [len(bodies)]
    return [answer for answer in answers if answer is not None]


def test_bad_rows_are_their_senders_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[Any] = [[{"incident_id": f"i{at:02}"}] for at in range(CLIENTS)]
    bodies[5] = [{"incident_id": ""}, {"incident_id": "x", "created_at": "when?"}, 7]
    with serving(home, workers=0) as served:
        answers = pushed_together(served, monkeypatch, bodies)
    assert [answer.status for answer in answers] == [400 if at == 5 else 202 for at in range(CLIENTS)]
    assert rows(home.project(), "incidents", "incident_id") == [(f"i{at:02}",) for at in range(CLIENTS) if at != 5]


def test_a_push_that_cannot_be_stored_fails_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As whatever nobody foresaw would."""
    candidate = inbox._candidate

    def fails(push: inbox.Push) -> Any:
        if push.rows[0]["incident_id"] in ("i05", "i11"):
            raise ValueError("nobody foresaw it")
        return candidate(push)

    monkeypatch.setattr(inbox, "_candidate", fails)
    with serving(home, workers=0) as served:
        answers = pushed_together(served, monkeypatch, [[{"incident_id": f"i{at:02}"}] for at in range(CLIENTS)])
    assert [answer.status for answer in answers] == [500 if at in (5, 11) else 202 for at in range(CLIENTS)]
    good = [(f"i{at:02}",) for at in range(CLIENTS) if at not in (5, 11)]
    assert rows(home.project(), "incidents", "incident_id") == good
    with home.db.read() as connection:
        assert not connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar()


def test_a_project_that_is_gone_fails_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    add = inbox.inbox.add

    def refuses(db: Any, deliveries: Any, now: Any) -> None:
        if any('"i05"' in delivery.content for delivery in deliveries):
            deliveries = [*deliveries[:-1], inbox.Delivery(999_999, "incidents", 1, '{"incident_id":"i05"}')]
        add(db, deliveries, now)

    monkeypatch.setattr(inbox.inbox, "add", refuses)
    with serving(home, workers=0) as served:
        answers = pushed_together(served, monkeypatch, [[{"incident_id": f"i{at:02}"}] for at in range(CLIENTS)])
    assert [answer.status for answer in answers if answer.status != 202] == [500]
    good = [(f"i{at:02}",) for at in range(CLIENTS) if at != 5]
    assert rows(home.project(), "incidents", "incident_id") == good
