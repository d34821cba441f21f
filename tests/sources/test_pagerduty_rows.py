"""PagerDuty's incidents in their documented shapes, and the rows that become of them."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.text import Misshapen
from leadline.sources.pagerduty.api import headers
from leadline.sources.pagerduty.rows import incident_row
from stubs.pagerduty import incident, service

CART = service(1, "Shop Cart")


def test_an_incident() -> None:
    assert incident_row("pagerduty", incident(1, CART, 10, ends=5)) == {
        "incident_id": "pagerduty:P00001",
        "service": "Shop Cart",
        "title": "[#1] Cart is slow",
        "severity": "P1",
        "status": "resolved",
        "created_at": "2025-03-01T08:10:00Z",
        "resolved_at": "2025-03-01T08:15:00Z",
        "url": "https://acme.pagerduty.com/incidents/P00001",
    }


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"resolved_at": None}, "resolved_at", "2025-03-01T08:15:00Z"),  # the last change of its status resolved it
        ({"status": "acknowledged"}, "resolved_at", None),
        ({"status": "resolved", "resolved_at": 7, "last_status_change_at": None}, "resolved_at", None),
        ({"created_at": "2025-03-01T03:10:00-05:00"}, "created_at", "2025-03-01T08:10:00Z"),
        ({"priority": None}, "severity", "high"),
        ({"priority": {"name": "SEV-1"}}, "severity", "SEV-1"),
        ({"title": None}, "title", "[#1] Cart is slow"),
        ({"service": {"id": "S1"}}, "service", None),
        ({"resolve_reason": {"type": "other"}}, "status", "resolved"),
    ],
)
def test_variants(change: dict[str, Any], column: str, value: str | None) -> None:
    row = incident_row("pagerduty", {**incident(1, CART, 10, ends=5), **change})
    assert row is not None
    assert row[column] == value


def test_one_that_was_merged_is_told_by_another() -> None:
    assert incident_row("pagerduty", incident(1, CART, 10, resolve_reason={"type": "merge_resolve_reason"})) is None


@pytest.mark.parametrize("change", [{"id": None}, {"id": 7}, {"created_at": None}, {"created_at": "soon"}])
def test_what_cannot_be_a_row(change: dict[str, Any]) -> None:
    with pytest.raises(Misshapen):
        incident_row("pagerduty", {**incident(1, CART, 10), **change})


def test_how_tokens_are_sent() -> None:
    assert headers("y_NbAkKc66ryYTWUXYEu")["Authorization"] == "Token token=y_NbAkKc66ryYTWUXYEu"
    assert headers("pdus+_0XBPWQQ_abc")["Authorization"] == "Bearer pdus+_0XBPWQQ_abc"


def test_names_of_sources() -> None:
    (cloud,) = checked(SourceSettings("pagerduty", targets=(" Shop* ", "Shop*")))
    (europe,) = checked(SourceSettings("pagerduty", url="https://api.eu.pagerduty.com/"))
    assert (cloud.name, cloud.targets, europe.name) == ("pagerduty", ("Shop*",), "pagerduty:api.eu.pagerduty.com")
    with pytest.raises(InvalidRequest):
        checked(SourceSettings("pagerduty", url="http://api.eu.pagerduty.com"))
