"""The user and password of a git address: in no command line of git and of what it starts, in no message, and in no file; and the
server they are of gets them, and no other."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from leadline.home import Project
from leadline.sources.git.credentials import handed
from leadline.sync.repositories import sync_repositories
from leadline.sync.run import SyncRun
from stubs.server import Fault, Request, serving

from .test_every_refusal import Folder, git_history

SECRET = "m4rked-s3cret/$`'\"%&é"


def command_lines() -> list[str]:
    lines = []
    for child in psutil.Process().children(recursive=True):
        try:
            lines.append(" ".join(child.cmdline()))
        except psutil.Error:
            continue
    return lines


@pytest.mark.parametrize("userinfo", ["ada:{}", "{}:x-oauth-basic", ":{}", "{}"])
def test_what_an_address_holds_is_in_no_command_line_and_no_file(
    project: Project, tmp_path: Path, caplog: pytest.LogCaptureFixture, userinfo: str
) -> None:
    seen: list[str] = []
    tool = Folder(folder=git_history(tmp_path))

    def look(request: Request) -> Fault | None:
        seen.extend(command_lines())
        if "authorization" not in request.headers:
            return Fault(401, (("WWW-Authenticate", 'Basic realm="git"'),), b"")
        return None

    tool.faults = look
    written = userinfo.format(quote(SECRET, safe=""))
    with serving(tool) as url, caplog.at_level(logging.DEBUG):
        address = url.replace("://", f"://{written}@") + "/acme/shop.git"
        results = [*sync_repositories(SyncRun(project), [address]), *sync_repositories(SyncRun(project), [address])]
        tool.faults = lambda _: Fault(403, (), SECRET.encode())
        (refused,) = sync_repositories(SyncRun(project), [address])
    assert any("remote-http" in line for line in seen)
    forms = (SECRET, quote(SECRET, safe=""))
    told = [*seen, str(results), str(refused), caplog.text]
    assert not [text for text in told if any(form in text for form in forms)]
    for path in project.home.path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(form.encode() in content for form in forms), path
    assert refused.error is not None
    if written.count(":"):  # who gives a user alone has git ask a helper for the password
        user, _, password = userinfo.format(SECRET).partition(":")
        user = user or "git"
        sent = {request.headers.get("authorization") for request in tool.requests} - {None}
        assert sent == {"Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
        assert [result.error for result in results] == [None, None]
        assert results[0].commits_added == 1


def test_the_servers_own_redirect_takes_them_along(project: Project, tmp_path: Path) -> None:
    tool = Folder(folder=git_history(tmp_path), password="asks")

    def move(request: Request) -> Fault | None:
        if request.path.startswith("/old") and "authorization" in request.headers:
            return Fault(301, (("Location", request.url.replace("/old", "", 1)),))
        return (
            None
            if "authorization" in request.headers
            else Fault(401, (("WWW-Authenticate", 'Basic realm="git"'),), b"")
        )

    tool.faults = move
    with serving(tool) as url:
        (result,) = sync_repositories(SyncRun(project), [url.replace("://", "://ada:pw@") + "/old/acme/shop.git"])
    assert result.error is None, result.error
    assert result.commits_added == 1


@pytest.mark.parametrize(
    ("url", "own", "given", "user"),
    [
        ("https://a:b@h/x.git", "", "https://h/x.git", "a"),
        ("https://a:b%20c@h:8/x@y.git", "", "https://h:8/x@y.git", "a"),
        ("https://h/x.git", "https://a:b@h/x.git", "https://h/x.git", "a"),
        ("https://h/x@y.git", "", "https://h/x@y.git", None),
        ("ssh://git@h/x.git", "", "ssh://git@h/x.git", None),
        ("git@h:x.git", "", "git@h:x.git", None),
        ("https://a:b%0Ac@h/x.git", "", "https://h/x.git", None),
    ],
)
def test_an_address_is_handed_over_without_them(url: str, own: str, given: str, user: str | None) -> None:
    address = handed(url, own or url)
    assert address.url == given
    assert address.variables.get("GIT_ADDRESS_USER") == user
