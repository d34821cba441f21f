"""Names of sources that nobody named: each its own, whatever was added before, and the same for the same source."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadline.db import sources
from leadline.errors import Conflict
from leadline.home import Home, Project
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.configured import add, configured
from leadline.sync.source_names import own_names

NOW = datetime(2026, 3, 2, tzinfo=UTC)
GHE = "https://ghe.example.com"
CI = "https://ci.example.com"

CASES = [
    ("git", None, ["https://a.example.com/o/r.git"], "git:o/r"),
    ("git", None, ["https://b.example.com/o/r.git"], "git:b.example.com/o/r"),
    ("git", None, ["git@c.example.com:o/r.git"], "git:c.example.com/o/r"),
    ("git", None, ["https://b.example.com/o/other.git"], "git:o/other"),
    ("github", None, ["acme/a"], "github:acme"),
    ("github", None, ["acme/b"], "github:acme/b"),
    ("github", None, ["Acme/web-*", "acme/c"], "github:acme/c+acme/web-*"),
    ("github", None, ["acme"], "github:acme/*"),
    ("github", None, ["other"], "github:other"),
    ("github", GHE, ["acme/a"], "github:acme@ghe.example.com"),
    ("github", GHE, ["acme"], "github:acme/*@ghe.example.com"),
    ("gitlab", None, ["acme"], "gitlab:acme"),
    ("gitlab", None, ["acme/web-*"], "gitlab:acme/web-*"),
    ("bitbucket", None, ["ws"], "bitbucket:ws"),
    ("bitbucket", None, ["ws/repo"], "bitbucket:ws/repo"),
    ("azure", None, ["org/proj"], "azure:org"),
    ("azure", None, ["org"], "azure:org/*/*"),
    ("jenkins", CI, ["shop/*"], "jenkins:ci.example.com"),
    ("jenkins", CI, [], "jenkins:ci.example.com:*"),
    ("pagerduty", None, [], "pagerduty"),
    ("pagerduty", None, ["svc"], "pagerduty:svc"),
    ("files", None, ["https://d.example.com/builds.csv?a=1"], "files:d.example.com/builds.csv"),
    ("files", None, ["https://d.example.com/builds.csv?a=2"], "files:d.example.com/builds.csv?a=2"),
    ("files", None, [f"https://d.example.com/builds.csv?a={'3' * 300}"], "files:d.example.com/builds.csv 2"),
    ("linear", None, ["ENG"], "linear:eng"),
    ("linear", None, [], "linear"),
]
"""Kind, address, targets, and the name if they are added in this order."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with Home.open(tmp_path_factory.mktemp("names") / "home") as home:
        yield home.project(create=True)


def made(kind: str, url: str | None, targets: list[str]) -> list[SourceSettings]:
    return checked(SourceSettings(kind, targets=tuple(targets), url=url))


def added(project: Project, sources_made: list[SourceSettings]) -> list[str]:
    return [one.name for one in add(project, sources_made, name=None, every="1h", now=NOW)]


def test_names_tell_sources_apart_and_the_same_one_is_there_already(project: Project) -> None:
    assert [added(project, made(*case[:3])) for case in CASES] == [[name] for *_, name in CASES]
    for *case, name in CASES:
        with pytest.raises(Conflict, match="There is a source") as refused:
            added(project, made(*case))
        assert repr(name) in str(refused.value)
    stored = {one.row.name: one.settings for one in configured(project)}
    assert stored["git:b.example.com/o/r"].options == {"repository": ("b.example.com/o/r",)}
    assert stored["git:o/r"].options == {}


def test_it_is_known_under_its_long_name_when_the_short_one_is_free_again(project: Project) -> None:
    targets = ["https://x.example.com/free/r.git", "https://y.example.com/free/r.git"]
    assert added(project, made("git", None, targets)) == ["git:free/r", "git:y.example.com/free/r"]
    sources.remove(project.db, project.id, "git:free/r")
    assert [one.name for one in own_names(project, made("git", None, targets))] == [
        "git:free/r",
        "git:y.example.com/free/r",
    ]


def test_folders_are_told_apart_and_one_named_twice_is_one(project: Project, tmp_path: Path) -> None:
    folders = [tmp_path / name / "o" / "folder" for name in ("x", "y")]
    for folder in folders:
        folder.mkdir(parents=True)
    texts = [str(folders[0]), str(folders[0]), str(folders[1])]
    assert added(project, made("git", None, texts)) == ["git:o/folder", f"git:{folders[1]}"]
    folders[0].rmdir()
    folders[0].with_name("mirror").mkdir()
    assert [one.name for one in own_names(project, made("git", None, texts[2:]))] == [f"git:{folders[1]}"]


def test_a_name_that_somebody_gave_is_nobody_elses(project: Project) -> None:
    add(project, made("github", None, ["zed"]), name="pagerduty:taken", every="1h", now=NOW)
    add(project, made("github", None, ["zed/x"]), name="github:yes", every="1h", now=NOW)
    assert added(project, made("github", None, ["yes"])) == ["github:yes/*"]
    assert added(project, made("pagerduty", None, ["taken"])) == ["pagerduty 2"]
