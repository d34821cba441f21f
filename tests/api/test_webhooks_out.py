"""Endpoints that are told of events over HTTP, by the bodies that are printed; and a server that tells them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.serving import BODY, HERE, Client, Served, eventually, make_keys, serving
from leadline.administration import settings
from leadline.home import Home
from leadline.service.notifier import Notifier
from stubs.endpoint import Endpoint, listening

PRINTED = {
    "url": "https://example.com/hooks/leadline?token=abc",
    "events": [
        "export.completed",
        "export.failed",
        "export.cancelled",
        "source.failed",
        "source.recovered",
        "org_tree.changed",
        "data.late",
    ],
}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with listening() as served:
        yield served


def test_the_printed_body_and_its_life(empty: Served) -> None:
    admin, viewer = empty.as_("admin"), empty.as_("viewer")
    added = admin.send("POST", f"/v2/webhooks?{HERE}", body=PRINTED)
    assert added.status == 201
    assert set(added.json) == {"id", "url", "events", "secret", "createdBy", "createdAt"}
    assert added.json["secret"].startswith("whsec_")
    assert added.json["id"].startswith("wh_")
    assert added.headers["cache-control"] == "no-store"
    (listed,) = admin.get("/v2/webhooks").json["webhooks"]
    assert (listed["url"], listed["events"]) == (PRINTED["url"], PRINTED["events"])
    assert (listed["state"], listed["waiting"]) == ("active", 0)
    assert added.json["secret"].encode() not in admin.get("/v2/webhooks").body
    (seen,) = viewer.get("/v2/webhooks").json["webhooks"]
    assert seen["url"] == "https://example.com/…"
    assert admin.get(f"/v2/webhooks/{added.json['id']}").json == listed
    assert admin.send("DELETE", f"/v2/webhooks/{added.json['id']}").status == 204
    assert admin.get(f"/v2/webhooks/{added.json['id']}").status == 404
    assert admin.get("/v2/webhooks").json == {"webhooks": []}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"events": ["export.failed"]}, "missing_field", "url"),
        ({"url": "https://example.com/"}, "missing_field", "events"),
        ({"url": "http://127.0.0.1/", "events": ["export.failed"]}, "invalid_url", "url"),
        ({"url": "https://user:pw@example.com/", "events": ["export.failed"]}, "invalid_url", "url"),
        ({"url": "https://example.com/", "events": ["export.done"]}, "unsupported_event", "events"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(empty: Served, body: dict[str, object], code: str, field: str) -> None:
    answer = empty.as_("admin").send("POST", "/v2/webhooks", body=body)
    assert (answer.status, answer.json["code"], answer.json["details"][0]["field"]) == (400, code, field)


def test_fields_that_there_are_not_are_told(empty: Served) -> None:
    body = {"url": "https://example.com/", "events": ["EXPORT.Failed"], "event": "x"}
    added = empty.as_("admin").send("POST", "/v2/webhooks", body=body).json
    assert added["events"] == ["export.failed"]
    assert added["warnings"] == ["event: unknown field, ignored; did you mean events?"]


def test_what_the_server_may_reach_is_not_set_over_http(empty: Served) -> None:
    admin = empty.as_("admin")
    for key, value in (("webhooks.private", "true"), ("exports.folders", "/srv")):
        refused = admin.send("PUT", f"/v2/settings/{key}", body={"value": value})
        assert (refused.status, refused.json["code"]) == (403, "set_on_machine")
        assert admin.send("PATCH", "/v2/settings", body={"values": {key: value}}).status == 403
        assert admin.send("DELETE", f"/v2/settings/{key}").status == 403
        assert admin.get(f"/v2/settings/{key}").json["set"] == ""


def test_a_test_message_says_how_it_went(empty: Served, endpoint: Endpoint) -> None:
    admin = empty.as_("admin")
    settings.change(empty.home.project(), {"webhooks.private": "true"}, on_machine=True)
    added = admin.send("POST", "/v2/webhooks", body={"url": endpoint.url, "events": ["data.late"]}).json
    tried = admin.send("POST", f"/v2/webhooks/{added['id']}/test")
    (message,) = endpoint.received
    assert tried.json == {"delivered": True, "status": 204, "error": None, "messageId": message.id}
    assert message.signed_with(added["secret"])
    assert message.json["type"] == "webhook.test"
    endpoint.answer = lambda _message: (500, {})
    again = admin.send("POST", f"/v2/webhooks/{added['id']}/test").json
    assert (again["delivered"], again["status"]) == (False, 500)
    assert again["error"].endswith("answered 500")


def test_another_projects_webhooks_are_not_there(empty: Served) -> None:
    other = Client(empty.base, make_keys(empty.home.project("other", "secret", create=True))["admin"])
    ours = empty.as_("admin").send("POST", "/v2/webhooks", body=PRINTED).json["id"]
    assert other.get("/v2/webhooks").json == {"webhooks": []}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
        assert other.send(method, f"/v2/webhooks/{ours}{path}").json["code"] == "unknown_webhook"


def test_exports_of_a_server_are_told_as_they_end(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    from api.serving import fill

    fill(home.project(), tmp_path_factory.mktemp("filled"))
    settings.change(home.project(), {"webhooks.private": "true"}, on_machine=True)
    notifier = Notifier(home, look_seconds=0.05)
    with listening() as endpoint, serving(home) as served:
        notifier.start()
        added = served.as_("admin").send(
            "POST", "/v2/webhooks", body={"url": endpoint.url, "events": ["export.completed"]}
        )
        export_id = served.client.completed(BODY)
        polled = served.client.get(f"{served.client.exports}/{export_id}").json
        message = eventually(lambda: endpoint.received and endpoint.received[0])
        assert message.signed_with(added.json["secret"])
        assert message.json["data"] == polled
        figures = served.client.get("/metrics").body.decode()
        assert 'leadline_webhooks{state="active"} 1.0' in figures
        assert eventually(lambda: "leadline_webhook_messages 0.0" in served.client.get("/metrics").body.decode())
        notifier.stop(60)
