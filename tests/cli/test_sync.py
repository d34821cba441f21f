"""``leadline sync git``: what it prints; the mining itself is tested with the source."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import psutil

from leadline.cli.interrupt import EXIT_CODE

from .running import Leadline, environment


def repository(folder: Path, commits: int = 2) -> Path:
    folder.mkdir()
    settings = {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Ben Ito",
        "GIT_AUTHOR_EMAIL": "ben@example.com",
        "GIT_COMMITTER_NAME": "Ben Ito",
        "GIT_COMMITTER_EMAIL": "ben@example.com",
    }

    def git(*arguments: str, day: int = 1) -> None:
        dates = {"GIT_AUTHOR_DATE": f"2026-01-{day:02}T00:00:00Z", "GIT_COMMITTER_DATE": f"2026-01-{day:02}T00:00:00Z"}
        subprocess.run(["git", *arguments], cwd=folder, check=True, env=environment({**settings, **dates}))

    git("init", "-q", "-b", "main")
    for number in range(commits):
        (folder / f"{number}.txt").write_text("a\nb\n")
        git("add", ".")
        git("commit", "-q", "-m", f"commit {number}", day=number + 1)
    return folder


def test_history_once_and_then_only_what_is_new(leadline: Leadline) -> None:
    repository(leadline.cwd / "shop")
    assert "example/shop: 2 commits, 2 files added" in leadline("sync", "git", "shop", "--name", "example/shop").stdout
    (again,) = leadline.json("sync", "git", "shop", "--name", "example/shop")
    assert (again["status"], again["commitsAdded"], again["refs"]) == ("done", 0, 1)
    status = leadline.json("status")
    (cursor,) = status["repositories"]
    assert (cursor["source"], cursor["repository"]) == ("git", "example/shop")


def test_one_that_fails_stops_no_other(leadline: Leadline) -> None:
    repository(leadline.cwd / "shop")
    done = leadline("sync", "git", "nowhere", "shop", code=1)
    assert "nowhere" in done.stderr
    assert "/shop: 2 commits" in done.stdout
    failed, good = leadline.json("sync", "git", "nowhere", "shop", code=1)
    assert (failed["status"], good["status"]) == ("failed", "done")


def test_a_name_is_for_one(leadline: Leadline) -> None:
    done = leadline("sync", "git", "a", "b", "--name", "x/y", code=2)
    assert done.stderr.startswith("error: --name names one repository")


def test_since(leadline: Leadline) -> None:
    repository(leadline.cwd / "shop", commits=3)
    (result,) = leadline.json("sync", "git", "shop", "--since", "2026-01-02")
    assert result["commitsAdded"] == 2


def test_ctrl_c_ends_a_git_that_waits_for_a_server(leadline: Leadline) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/acme/shop.git"
        process = leadline.start("sync", "git", url)
        silent.settimeout(60)
        asked, _ = silent.accept()  # git is there, and waits
        running = psutil.Process(process.pid).children(recursive=True)
        assert running
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == EXIT_CODE
        _, left = psutil.wait_procs(running, timeout=10)
        assert left == []
        asked.close()
