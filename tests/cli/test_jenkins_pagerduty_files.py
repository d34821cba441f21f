"""``leadline sources`` and ``leadline sync`` of Jenkins, PagerDuty and files, as a user runs them: whole, killed, and printed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stubs import files, jenkins, pagerduty
from stubs.server import Tool, serving

from .running import Leadline

SECRETS = {
    "JENKINS_TOKEN": jenkins.TOKEN,
    "PAGERDUTY_TOKEN": pagerduty.TOKEN,
    "FILES_TOKEN": files.TOKEN,
}
CSV = b"incident_id,service,created_at\nX-1,cart,2026-01-05T10:00:00Z\nX-2,cart,never\n"


@pytest.fixture
def tools() -> dict[str, Any]:
    cart = pagerduty.service(1, "Shop Cart")
    shop = jenkins.folder("shop", jenkins.job("build", 3), jenkins.job("deploy", 2))
    return {
        "jenkins": jenkins.Jenkins(jobs=[shop]),
        "pagerduty": pagerduty.PagerDuty(
            services=[cart], incidents=[pagerduty.incident(at, cart, at * 60) for at in range(1, 4)]
        ),
        "files": files.Files(files={"/incidents.csv": CSV}, token=f"Bearer {files.TOKEN}"),
    }


@pytest.fixture
def urls(tools: dict[str, Tool]) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(serving(tool)) for name, tool in tools.items()}


def commands(urls: dict[str, str]) -> dict[str, list[str]]:
    return {
        "jenkins": ["jenkins", "--url", urls["jenkins"], "--user", jenkins.USER, "--deploys", "*deploy=prod"],
        "pagerduty": ["pagerduty", "Shop*", "--url", urls["pagerduty"]],
        "files": ["files", f"{urls['files']}/incidents.csv"],
    }


def test_sources_from_their_adding_to_their_status(leadline: Leadline, urls: dict[str, str]) -> None:
    for name, arguments in commands(urls).items():
        assert f"Added {name}" in leadline("sources", "add", *arguments, "--name", name).stdout
        assert "answers; 1 " in leadline("sources", "test", name, env=SECRETS).stdout or name == "jenkins"
    assert "answers; 2 jobs" in leadline("sources", "test", "jenkins", env=SECRETS).stdout
    done = leadline("sync", code=3, env=SECRETS).stdout
    assert "3 builds added" in done
    assert "2 deployments added" in done
    assert "3 incidents added" in done
    assert "left out: incidents.csv, line 3: created_at: not an instant" in done
    rows = leadline.rows()
    assert (rows["builds"], rows["deployments"], rows["incidents"]) == (3, 2, 4)
    states = {source["kind"]: source["state"] for source in leadline.json("status")["sources"]}
    assert states == {"jenkins": "done", "pagerduty": "done", "files": "incomplete"}
    for path in leadline.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in SECRETS.values())


@pytest.mark.parametrize("name", ["jenkins", "pagerduty", "files"])
def test_a_secret_that_is_refused(leadline: Leadline, urls: dict[str, str], name: str) -> None:
    wrong = dict.fromkeys(SECRETS, "wrong-secret")
    leadline("sources", "add", *commands(urls)[name])
    done = leadline("sync", code=1, env=wrong)
    assert "refuses the token" in done.stderr
    assert f"from the variable {name.upper()}_TOKEN" in done.stderr
    assert "wrong-secret" not in done.stderr + done.stdout
    (status,) = leadline.json("status")["sources"]
    assert status["state"] == "failed"


def test_killed_again_and_again(
    leadline: Leadline, tools: dict[str, Any], urls: dict[str, str], tmp_path: Path
) -> None:
    tools["jenkins"].jobs = [jenkins.job(f"j{at}", 150) for at in range(6)]
    straight = Leadline(tmp_path / "straight", leadline.cwd)
    straight("sync", *commands(urls)["jenkins"], env=SECRETS)
    (leadline.cwd / "token").write_text(jenkins.TOKEN)
    arguments = ["sync", *commands(urls)["jenkins"], "--token-file", "token"]
    for answered in (2, 6):
        tools["jenkins"].requests.clear()
        tools["jenkins"].latency = 0.05
        process = leadline.start(*arguments)
        deadline = time.monotonic() + 60
        while len(tools["jenkins"].requests) < answered and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait(30)
    tools["jenkins"].latency = 0.0
    leadline(*arguments)
    assert leadline.rows() == straight.rows()
    assert leadline.rows()["builds"] == 900
