"""Which environments are production, by name and by rule."""

from __future__ import annotations

import pytest

from leadline.derive.production import ClassNumbers, classes, is_production, is_production_name
from leadline.settings.profile import Profile


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (None, True),
        ("", True),
        ("  ", True),
        ("prod", True),
        ("Production", True),
        ("LIVE", True),
        ("eu-prod1", True),
        ("prod_eu", True),
        ("live2.eu", True),
        ("eu/production/blue", True),
        ("prd", True),
        ("PRD2", True),
        ("prod-no", True),
        ("no-1-prod", True),
        ("no prod", False),
        ("eu/no_prd1", False),
        ("prod-like", False),
        ("live.test", False),
        ("prod-staging", False),
        ("qa live", False),
        ("preprod", False),
        ("pre-prod", False),
        ("pre production", False),
        ("non-prod", False),
        ("not live", False),
        ("no-live", False),
        ("product", False),
        ("delivery", False),
        ("prodeu", False),
        ("staging", False),
        ("---", False),
    ],
)
def test_the_default_rule(environment: str | None, expected: bool) -> None:
    assert is_production_name(environment) is expected
    assert is_production(environment, None) is expected


def test_every_distinct_rule_is_a_class() -> None:
    profile = Profile.of(
        {
            "team.a.environment": "equals canary",
            "team.b.environment": "contains blue",
            "team.c.environment": "equals canary",
            "team.c.service": "equals web",
        }
    )
    assert [one.environment for one in classes(profile)] == [None, "contains blue", "equals canary"]
    assert ClassNumbers(profile).of("equals canary") == 2
    assert is_production("Canary", "equals canary")
    assert not is_production("prod", "equals canary")
    assert not is_production(None, "equals canary")
    assert is_production(None, "not equals canary")
