"""What holds of every kind of source: added, tried, read, read again, refused, and its secret kept nowhere."""

from __future__ import annotations

import pytest

from leadline.sources.kit.kinds import KINDS
from stubs.every_tool import EVERY, Reached

from .running import Leadline

WRONG = "wr0ng-s3cret-0123456789"


def nowhere(leadline: Leadline, *secrets: str) -> None:
    for path in leadline.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], path


def test_every_kind_has_a_stub() -> None:
    assert set(EVERY) == KINDS.keys() - {"git"}  # git needs no tool that answers


@pytest.mark.parametrize("kind", EVERY)
def test_from_its_adding_to_its_removal(leadline: Leadline, kind: str) -> None:
    with EVERY[kind]() as tool:
        reached: Reached = tool
        good, bad = {reached.variable: reached.secret}, {reached.variable: WRONG}
        leadline("sources", "add", kind, *reached.targets, *reached.options, "--name", "it")
        tried = leadline("sources", "test", "it", env=good).stdout
        assert "answers; 1 " in tried
        assert leadline.rows() == {}
        said = [leadline("sync", env=good).stdout]
        assert leadline.rows()[reached.table] == reached.rows
        said.append(leadline("sync", "--source", "it", env=good).stdout)
        assert said[-1].startswith("it: nothing new"), said
        (status,) = leadline.json("status")["sources"]
        assert (status["state"], status["error"], status["kind"]) == ("done", None, kind)
        assert status["nextRunAt"] > status["startedAt"]
        before = leadline.rows()

        for words in (("sync",), ("sources", "test", "it")):
            done = leadline(*words, code=1, env=bad)
            assert f"the variable {reached.variable}" in done.stderr
            said += [done.stdout, done.stderr]
        (status,) = leadline.json("status")["sources"]
        assert status["state"] == "failed"
        assert reached.variable in status["error"]
        assert status["succeededAt"] is not None
        assert leadline.rows() == before
        said += [leadline("status").stdout, leadline("sources", "list").stdout]
        assert not [text for text in said if reached.secret in text or WRONG in text]
        nowhere(leadline, reached.secret, WRONG)

        (leadline.cwd / "secret").write_text(reached.secret + "\n")
        once = ("sync", kind, *reached.targets, *reached.options, "--token-file", "secret")
        assert "nothing new" in leadline(*once).stdout
        leadline("sources", "remove", "it", "--yes")
        assert leadline.rows() == before
        nowhere(leadline, reached.secret)


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.secret_needed])
def test_without_a_secret_nothing_is_asked(leadline: Leadline, kind: str) -> None:
    with EVERY[kind]() as reached:
        done = leadline("sync", kind, *reached.targets, *reached.options, code=1, env={reached.variable: ""})
        assert f"in the variable {reached.variable}" in done.stderr
        assert "--token-file" in done.stderr


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.url])
@pytest.mark.parametrize(
    "url", ["http://tool.example.com", "https://ada:s3cret@tool.example.com", "ftp://x", "https://"]
)
def test_a_secret_goes_through_tls_only(leadline: Leadline, kind: str, url: str) -> None:
    targets = ("x",) if KINDS[kind].targets else ()
    done = leadline("sources", "add", kind, *targets, "--url", url, code=2)
    assert "s3cret" not in done.stderr
    assert leadline.json("sources", "list") == []
