"""Packages of descriptions: brought once, refused with other bytes, and a skip that says why where they cannot be had."""

from __future__ import annotations

import io
import tarfile
from base64 import b64encode
from dataclasses import replace
from hashlib import sha512
from pathlib import Path

import pytest

from published import packages
from published.packages import PACKAGES, Package, published

NPM = """#!/bin/sh
echo "$@" >> {log}
[ -f {archive} ] || {{ echo "npm error code ENOTFOUND" >&2; exit 1; }}
cp {archive} ./the-package.tgz
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package that a stand-in for npm brings."""
    archive, log = tmp_path / "archive.tgz", tmp_path / "log"
    with tarfile.open(archive, "w:gz") as opened:
        content = b"type Query { a: Int }"
        entry = tarfile.TarInfo("package/schema.graphql")
        entry.size = len(content)
        opened.addfile(entry, io.BytesIO(content))
    (tmp_path / "bin").mkdir()
    npm = tmp_path / "bin" / "npm"
    npm.write_text(NPM.format(log=log, archive=archive))
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(packages.platformdirs, "user_cache_path", lambda _name: tmp_path / "cache")
    digest = b64encode(sha512(archive.read_bytes()).digest()).decode()
    return Package("@acme/schema", "1.0.0", f"sha512-{digest}", ("schema.graphql",), "Acme's schema")


def test_a_package_is_fetched_once(package: Package, tmp_path: Path) -> None:
    assert published(package, "schema.graphql").read_text() == "type Query { a: Int }"
    packages._cached.cache_clear()
    assert published(package, "schema.graphql").is_file()
    (asked,) = (tmp_path / "log").read_text().splitlines()
    assert asked.startswith("pack @acme/schema@1.0.0 --ignore-scripts")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_other_bytes_are_refused(package: Package, tmp_path: Path) -> None:
    changed = replace(package, integrity="sha512-AAAA")
    with pytest.raises(AssertionError, match=r"@acme/schema@1\.0\.0 has other bytes than those pinned"):
        published(changed, "schema.graphql")
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_network_the_test_says_why_it_is_skipped(package: Package, tmp_path: Path) -> None:
    (tmp_path / "archive.tgz").unlink()
    with pytest.raises(pytest.skip.Exception) as skipped:
        published(package, "schema.graphql")
    assert "Acme's schema (@acme/schema@1.0.0) cannot be had: npm did not bring it (npm error code ENOTFOUND)" in str(
        skipped.value
    )


def test_without_npm_the_test_says_why_it_is_skipped(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="npm is not installed"):
        published(package, "schema.graphql")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_every_pinned_package_can_be_had(package: Package) -> None:
    for file in package.files:
        assert published(package, file).stat().st_size > 100_000
