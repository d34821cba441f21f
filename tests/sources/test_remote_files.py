"""Addresses, tables, formats and headers of files over HTTPS: what they become, and those that cannot be."""

from __future__ import annotations

import pytest

from leadline.errors import LeadlineError
from leadline.sources.kit.settings import SourceSettings, checked


def settings(*targets: str, **options: str) -> SourceSettings:
    return SourceSettings("files", targets=targets, options={name: (value,) for name, value in options.items()})


@pytest.mark.parametrize(
    ("url", "name", "stored"),
    [
        (
            "https://data.example.com/x/Incidents-2026.CSV.gz",
            "files:data.example.com/x/incidents-2026.csv.gz",
            "https://data.example.com/x/Incidents-2026.CSV.gz",
        ),
        (
            "data.example.com/builds.json?team=web#top",
            "files:data.example.com/builds.json",
            "https://data.example.com/builds.json?team=web",
        ),
        ("http://127.0.0.1:8080/builds.csv", "files:127.0.0.1:8080/builds.csv", "http://127.0.0.1:8080/builds.csv"),
    ],
)
def test_addresses(url: str, name: str, stored: str) -> None:
    (found,) = checked(settings(url))
    assert (found.name, found.targets) == (name, (stored,))


def test_one_source_for_each_address() -> None:
    found = checked(settings("https://a.example.com/builds.csv", "https://a.example.com/incidents.csv"))
    assert [one.name for one in found] == ["files:a.example.com/builds.csv", "files:a.example.com/incidents.csv"]


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("http://data.example.com/builds.csv", {}, "The address cannot be"),
        ("ftp://data.example.com/builds.csv", {}, "The address cannot be"),
        ("https://ada:secret@data.example.com/builds.csv", {}, "must not hold a user or a password"),
        ("https://data.example.com/builds.csv?api_key=secret", {}, "has a secret in it (api_key)"),
        ("https://data.example.com/builds.csv?X-Amz-Signature=secret", {}, "has a secret in it (X-Amz-Signature)"),
        ("https://data.example.com/latest", {}, "is not named after a table"),
        ("https://data.example.com/latest", {"table": "incident"}, "incident"),
        ("https://data.example.com/builds.csv", {"format": "xlsx"}, "--format cannot be 'xlsx'"),
        ("https://data.example.com/builds.csv", {"header": "X: y"}, "--header cannot be"),
    ],
)
def test_settings_that_cannot_be(url: str, options: dict[str, str], says: str) -> None:
    with pytest.raises(LeadlineError) as caught:
        checked(settings(url, **options))
    assert says in caught.value.message
    assert "secret@" not in caught.value.message
    assert "=secret" not in caught.value.message
