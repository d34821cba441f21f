"""The lock files are current: every requirement that is declared is pinned in a version that it allows, by hash alone."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = DECLARED["project"]
GROUPS = DECLARED["dependency-groups"]
INSTALLED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["postgresql"], *GROUPS["build"]]


def pins(name: str) -> dict[str, str]:
    """Version by package of a lock file. Fails for a package without hash, and for an address."""
    text = (ROOT / name).read_text("utf-8")
    assert "://" not in text
    entries = re.split(r"(?<!\\)\n", text.strip())
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [("requirements.txt", INSTALLED), ("requirements-dev.txt", [*INSTALLED, *GROUPS["dev"]])],
    ids=["run", "test"],
)
def test_all_that_is_declared_is_pinned(lock: str, requirements: Iterable[str]) -> None:
    pinned = pins(lock)
    for text in requirements:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{lock} lacks {text}; make lock"
        assert requirement.specifier.contains(version, prereleases=True), f"{lock} has {version} for {text}; make lock"


def test_tests_run_with_what_is_installed() -> None:
    run, test = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {package: test.get(package) for package in run} == run
