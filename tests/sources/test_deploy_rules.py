"""Which runs are deployments: patterns, in their order, with or without an environment."""

from __future__ import annotations

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.kit.deploy_rules import DeployRules


@pytest.mark.parametrize(
    ("names", "environment"),
    [
        (("Deploy shop",), "production"),
        (("deploy SHOP",), "production"),
        (("build", "release/shop"), None),
        ((None, "release/"), None),
    ],
)
def test_the_first_rule_that_fits_any_name(names: tuple[str | None, ...], environment: str | None) -> None:
    rules = DeployRules.parsed(["deploy*=production", "release/*", "*=nowhere else"])
    found = rules.of(*names)
    assert found is not None
    assert found.environment == environment


def test_what_fits_no_rule_is_a_build() -> None:
    rules = DeployRules.parsed(["deploy*=production"])
    assert rules.of("test", None) is None
    assert rules.of(None) is None
    assert DeployRules().of("deploy") is None


@pytest.mark.parametrize("text", ["", "=production", "deploy=", " = "])
def test_half_a_rule_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="Deploy"):
        DeployRules.parsed([text])
