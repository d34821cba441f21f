"""Descriptions that tools publish as packages of npm or PyPI: fetched once by npm or pip, checked by their hash, kept in the user's
cache.

Nothing of them is in this repository. Without npm, pip or network the tests that need one are skipped and say so; a package whose
bytes are others than those pinned here fails them.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs
import pytest


@dataclass(frozen=True)
class Package:
    """A package of npm: ``integrity`` is npm's own hash of its archive, ``files`` are what is used of it, ``what`` it is."""

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]
    what: str

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    def bring(self) -> list[str] | str:
        """The command that puts the archive into the folder where it runs, or why there is none."""
        npm = shutil.which("npm")
        options = ["--ignore-scripts", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
        return "npm is not installed" if npm is None else [npm, "pack", self.label, *options]

    def unpack(self, archive: Path, folder: Path) -> None:
        """Write the files that are used to ``folder``."""
        with tarfile.open(archive) as opened:
            for name in self.files:
                member = opened.extractfile(f"package/{name}")
                assert member is not None, f"{self.label} has no file {name}"
                _written(member, folder / name)


class Wheel(Package):
    """A package of PyPI, as a wheel; ``integrity`` is of the same form."""

    def bring(self) -> list[str] | str:
        """As of any."""
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--disable-pip-version-check",
        ]
        return [*command, "--quiet", "--retries=1", f"{self.name}=={self.version}"]

    def unpack(self, archive: Path, folder: Path) -> None:
        """As of any."""
        with zipfile.ZipFile(archive) as opened:
            for name in self.files:
                with opened.open(name) as member:
                    _written(member, folder / name)


def _written(member: IO[bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(member, file)


GRAPHQL = Package(
    "@octokit/graphql-schema",
    "15.26.1",
    "sha512-RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA==",
    ("schema.graphql",),
    "GitHub's GraphQL schema",
)
OPENAPI = Package(
    "@octokit/openapi",
    "23.0.2",
    "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
    ("generated/api.github.com.json", "generated/ghes-3.17.json"),
    "GitHub's REST APIs, of github.com and of the oldest Enterprise Server that is still supported",
)
WEBHOOKS = Package(
    "@octokit/webhooks-examples",
    "7.6.1",
    "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
    ("api.github.com/index.json", "ghes-35/index.json"),
    "payloads of GitHub's webhooks as they were received",
)
VEGA_LITE = Package(
    "vega-lite",
    "6.4.3",
    "sha512-d/7hPjfz560UERaQuTmGgIVfXAe3g2hJWeC+igDeaGohUdEoNrHLXgR/yTOBT8vV/lIuuKnw+0/xWWblkDwkMQ==",
    ("build/vega-lite-schema.json",),
    "the schema of Vega-Lite's specifications",
)
KUBERNETES_VERSIONS = ("1.30.0", "1.37.0")
KUBERNETES = Wheel(
    "kubernetes-validate",
    "1.37.0",
    "sha512-3kbNsV0Oemsa4k+Q3mGiQUlk6brhaZDQllWWwVMuWClhBHppIn7h1ucvB7FCtN3dqas28UdTdxaflYDm6xhe/g==",
    tuple(
        f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict/_definitions.json"
        for version in KUBERNETES_VERSIONS
    ),
    "the schemas of Kubernetes' resources",
)
PACKAGES = (GRAPHQL, OPENAPI, WEBHOOKS, VEGA_LITE, KUBERNETES)

_SECONDS = 240


def published(package: Package, file: str) -> Path:
    """A file of a package. Skips the test if the package cannot be had."""
    assert file in package.files, f"{file} is not among the files that are used of {package.label}"
    folder = _cached(package, platformdirs.user_cache_path("leadline-tests"))
    if isinstance(folder, str):
        pytest.skip(f"{package.what} ({package.label}) cannot be had: {folder}")
    return folder / file


@functools.cache
def _cached(package: Package, cache: Path) -> Path | str:
    """The folder of the package's files below ``cache``, or why there is none. Several processes may ask at once."""
    digest = hashlib.sha256(repr(package).encode()).hexdigest()[:12]
    folder = cache / f"{package.name.replace('/', '+')}-{package.version}-{digest}"
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"no cache can be made: {error}"
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetching-") as work:
        archive = _packed(package, Path(work))
        if isinstance(archive, str):
            return archive
        check(package, archive)
        unpacked = Path(work) / "files"
        package.unpack(archive, unpacked)
        try:
            unpacked.rename(folder)
        except OSError:
            assert folder.is_dir()  # another process was faster
    return folder


def _packed(package: Package, work: Path) -> Path | str:
    """The package's archive in ``work``, or why it was not brought."""
    command = package.bring()
    if isinstance(command, str):
        return command
    who = "pip" if isinstance(package, Wheel) else "npm"
    try:
        done = subprocess.run(
            command, cwd=work, env=dict(os.environ), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{who} did not bring it in {_SECONDS} seconds"
    archives = [*work.glob("*.tgz"), *work.glob("*.whl")]
    if done.returncode != 0 or len(archives) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip() and "complete log" not in line]
        return f"{who} did not bring it ({lines[0] if lines else f'exit {done.returncode}'})"
    return archives[0]


def check(package: Package, archive: Path) -> None:
    """Fails unless the archive has the bytes that are pinned."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    integrity = f"sha512-{b64encode(digest).decode()}"
    assert integrity == package.integrity, f"{package.label} has other bytes than those pinned: {integrity}"
