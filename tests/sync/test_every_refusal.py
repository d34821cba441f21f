"""Every way in which a tool can refuse, over all tools: the state that a run ends in, the exit code, and the sentence that is told,
which names the tool's host and not its secret."""

from __future__ import annotations

import functools
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from leadline.cli.source_runs import exit_of
from leadline.home import Project
from leadline.sources.kit.client import LIMIT_WAITS
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.repositories import sync_repositories
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.git_history import History
from stubs.server import JSON, Fault, Reply, Request, Tool, serving

from .harness import Scenario
from .scenarios import SCENARIOS

HTML = (("Content-Type", "text/html; charset=utf-8"),)
LOGIN = b"<!doctype html><html><body>Please sign in</body></html>"
TOKEN = "s3cr3t-0123456789abcdef"
GIT = Scenario(kind="git", small=Tool, tables=(), token="", targets=("/acme/shop.git",))
TOOLS = {**SCENARIOS, "git": GIT}
FAILED = ("failed", 1)


@dataclass(frozen=True)
class Refusal:
    """How every request is answered, and what becomes of the run. ``says``: what its sentence matches; by kind, where one says it
    in its own way. ``waits``: how often is waited; None: as often as it likes."""

    fault: Fault
    says: str
    of_kind: tuple[tuple[str, str], ...] = ()
    ends: tuple[str, int] = FAILED
    waits: int | None = 0


def echoed(status: int, *headers: tuple[str, str], message: str = "no") -> Fault:
    """A refusal that shows the secret it was sent."""
    body = {"message": f"{message}: {TOKEN}", "errorMessages": [f"{message}: {TOKEN}"], "error": {"message": TOKEN}}
    return Fault(status, (*JSON, *headers), json.dumps(body).encode())


NOT_OF_API = "answered|answers no|answers as no|refuses|sent no|no list|no object|no organization|knows no|no table|sees none|JSON"
REFUSED = r"refuses|wants a token|answers nobody|could not be read|unable to access"
REFUSALS = {
    "400": Refusal(echoed(400), REFUSED),
    "401": Refusal(echoed(401), REFUSED, (("git", "Authentication failed|could not read Username|unable to access"),)),
    "403": Refusal(echoed(403), REFUSED),
    "404": Refusal(echoed(404), "has no|not found|knows no|refuses"),
    "410": Refusal(echoed(410), "refuses|has no|error: 410"),
    "422": Refusal(echoed(422), REFUSED),
    "429 with a time": Refusal(
        echoed(429, ("Retry-After", "5")), "kept refusing requests for its rate limit|error: 429", waits=LIMIT_WAITS
    ),
    "429 without a time": Refusal(
        echoed(429), "kept refusing requests for its rate limit|error: 429", waits=LIMIT_WAITS
    ),
    "500": Refusal(echoed(500), "it answered 500: the server|error: 500", waits=None),
    "502 of a proxy": Refusal(Fault(502, HTML, LOGIN), "it answered 502: the server|error: 502", waits=None),
    "503 with a time": Refusal(
        echoed(503, ("Retry-After", "20")), "it answered 503: the server|error: 503", waits=None
    ),
    "a login page": Refusal(
        Fault(200, HTML, LOGIN),
        "is that the address of its API, and is nothing .a proxy|answered a web page instead",
        (("git", "no git server; is the address right"),),
        waits=None,
    ),
    "a redirect to a login page": Refusal(
        Fault(302, (("Location", "/login"),)), "redirects|refuses|[Rr]edirect", waits=None
    ),
    "half an answer": Refusal(Fault(cut=True), "cut off|Empty reply from server", waits=None),
    "half a JSON": Refusal(Fault(200, JSON, b'{"data": [{"id'), "cut off|JSON|git server", waits=None),
    "nothing": Refusal(Fault(200, JSON), NOT_OF_API + "|nothing at all|git server", waits=None),
    "null": Refusal(Fault(200, JSON, b"null"), NOT_OF_API + "|nothing at all|git server", waits=None),
    "a list": Refusal(Fault(200, JSON, b"[]"), NOT_OF_API + "|git server", waits=None),
    "an object of nothing": Refusal(Fault(200, JSON, b"{}"), NOT_OF_API + "|git server", waits=None),
    "a text": Refusal(Fault(200, JSON, b'"hello"'), NOT_OF_API + "|git server", waits=None),
    "deep": Refusal(Fault(200, JSON, b"[" * 200_000), NOT_OF_API + "|cut off|git server", waits=None),
}
UNDERSTOOD = {
    "files": {"nothing", "null", "a list", "an object of nothing", "a text", "half a JSON", "deep"},
}
"""Answers that are no refusals: a file may hold anything, and what a table cannot be made of is told as of any file
(``test_remote_files``)."""


def settings_of(url: str, scenario: Scenario) -> SourceSettings:
    """The source, at another address."""
    kind = KINDS[scenario.kind]
    options = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in scenario.options.items()}
    settings = SourceSettings(kind.name, targets=scenario.targets, url=url, options=options)
    if not kind.url:
        settings = replace(settings, targets=tuple(url + target for target in scenario.targets), url=None)
    (made,) = checked(settings)
    return made


def run(project: Project, settings: SourceSettings, waits: list[float]) -> SourceResult:
    environ = {KINDS[settings.kind].secret_env: TOKEN} if KINDS[settings.kind].secret_env else {}
    return run_source(SyncRun(project), settings, environ=environ, wait=waits.append, chance=lambda: 0.5)


def assert_ends(what: str, done: SourceResult, url: str, ends: tuple[str, int], says: str) -> None:
    document = done.document()
    assert (document["state"], exit_of([document])) == ends, (what, document)
    told = json.dumps([document.get("error"), document["skipped"], document["failed"]])
    assert TOKEN not in told
    assert done.error is not None
    assert re.search(says, done.error.message), (what, done.error.message)
    assert urlsplit(url).netloc in told, done.error.message
    assert "Traceback" not in told


@pytest.mark.parametrize("name", TOOLS)
def test_every_refusal_ends_in_its_state_with_its_sentence(project: Project, name: str) -> None:
    scenario = TOOLS[name]
    tool: Tool = scenario.small()
    with serving(tool) as url:
        settings = settings_of(url, scenario)
        for what, refusal in REFUSALS.items():
            if what in UNDERSTOOD.get(scenario.kind, ()):
                continue
            tool.faults = lambda _, fault=refusal.fault: fault  # type: ignore[misc]
            waits: list[float] = []
            done = run(project, settings, waits)
            assert_ends(what, done, url, refusal.ends, dict(refusal.of_kind).get(scenario.kind, refusal.says))
            if refusal.waits is not None and scenario.kind != "git":
                assert len(waits) == refusal.waits, what


# -- before anything is answered ---------------------------------------------------------------------------------------


@contextmanager
def nobody(_folder: Path) -> Iterator[str]:
    """Where nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def nowhere(_folder: Path) -> Iterator[str]:
    """A name that nobody has (RFC 6761)."""
    yield "https://tool.invalid"


@contextmanager
def self_signed(folder: Path) -> Iterator[str]:
    """A server whose certificate nobody vouches for. It answers nobody."""
    pem = folder / "server.pem"
    pem.write_bytes(certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with accepting(lambda connection: context.wrap_socket(connection, server_side=True)) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def without_tls(_folder: Path) -> Iterator[str]:
    """A server that does not speak TLS where it should."""
    with serving(Tool()) as url:
        yield url.replace("http:", "https:")


@contextmanager
def accepting(greet: Callable[[socket.socket], object]) -> Iterator[int]:
    """The port of a server that greets who connects, and no more."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    greet(connection)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@functools.cache
def certificate() -> bytes:
    """A key and a certificate of 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + signed.public_bytes(Encoding.PEM)


UNREACHABLE = {
    "refused": (nobody, "Connection refused by 127.0.0.1:.*is it running|Failed to connect|Couldn't connect"),
    "DNS": (nowhere, "(the name tool.invalid cannot be resolved .DNS.|Could not resolve host: ).*is the address right"),
    "self-signed": (
        self_signed,
        "certificate of .* is not trusted .*SSL_CERT_FILE|certificate problem|certificate verif",
    ),
    "no TLS": (without_tls, "does not speak TLS as it should .*is the port right|SSL|TLS|wrong version"),
}


@pytest.mark.parametrize("name", TOOLS)
def test_whoever_cannot_be_reached_is_named_with_what_would_do(
    project: Project, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_NO_VERIFY", "GIT_SSL_CAINFO"):
        monkeypatch.delenv(variable, raising=False)
    for what, (served, says) in UNREACHABLE.items():
        with served(tmp_path) as url:
            waits: list[float] = []
            done = run(project, settings_of(url, TOOLS[name]), waits)
            assert_ends(what, done, url, FAILED, says)
            if what in ("self-signed", "DNS"):
                assert waits == []


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_that_is_off_is_no_trouble(project: Project, name: str, days: int) -> None:
    scenario = SCENARIOS[name]
    tool: Tool = scenario.small()
    tool.clock += days * 86_400
    with serving(tool) as url:
        environ = {KINDS[scenario.kind].secret_env: scenario.token}
        done = run_source(SyncRun(project), settings_of(url, scenario), environ=environ, wait=lambda _: None)
    document = done.document()
    assert (document["state"], exit_of([document]), document["skipped"]) == ("done", 0, [])


# -- redirects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_carries_no_secret_to_another_server(project: Project, name: str, status: int) -> None:
    scenario = SCENARIOS[name]
    tool: Tool = scenario.small()
    other = Tool()
    other.faults = lambda _: Fault(404, JSON, b"{}")
    with serving(tool) as url, serving(other) as elsewhere:
        tool.faults = lambda request: Fault(status, (("Location", elsewhere + request.url),))
        done = run(project, settings_of(url, scenario), [])
    assert done.error is not None
    assert TOKEN in str(tool.requests[0].headers) or "Basic " in str(tool.requests[0].headers)
    assert other.requests
    for request in other.requests:
        assert "authorization" not in request.headers
        assert TOKEN not in str(request)


@dataclass
class Folder(Tool):
    """A git repository as a folder of files, which any server can offer. With ``password``, only to who has it."""

    folder: Path = Path()
    password: str = ""

    def answer(self, request: Request) -> Reply:
        if self.password and "authorization" not in request.headers:
            return 401, {"WWW-Authenticate": 'Basic realm="git"'}, b""
        file = self.folder / request.path.removeprefix("/acme/shop.git/")
        return (200, {}, file.read_bytes()) if file.is_file() else (404, {}, b"")


def git_history(folder: Path) -> Path:
    """A repository of one commit, which servers that know no git can offer."""
    history = History(folder / "shop")
    history.commit("one")
    history.git("update-server-info")
    return folder / "shop" / ".git"


@pytest.mark.parametrize("password", ["", TOKEN])
def test_git_follows_a_redirect_and_takes_no_secret_along(project: Project, tmp_path: Path, password: str) -> None:
    tool, other = Folder(password=password), Folder(folder=git_history(tmp_path))
    with serving(tool) as url, serving(other) as elsewhere:
        tool.faults = lambda request: (
            None
            if password and "authorization" not in request.headers
            else Fault(301, (("Location", elsewhere + request.url),))
        )
        address = url.replace("://", f"://ada:{password}@") if password else url
        (result,) = sync_repositories(SyncRun(project), [f"{address}/acme/shop.git"])
        assert result.error is None
        assert result.commits_added == 1
        other.password = "asks for one"
        (result,) = sync_repositories(SyncRun(project), [f"{address}/acme/shop.git"])
        assert result.error is not None
        assert TOKEN not in str(result)
    assert any("authorization" in request.headers for request in tool.requests) == bool(password)
    assert other.requests
    assert not any("authorization" in request.headers for request in other.requests)


def test_a_login_page_takes_no_commits_away(project: Project, tmp_path: Path) -> None:
    tool = Folder(folder=git_history(tmp_path))
    with serving(tool) as url:
        (result,) = sync_repositories(SyncRun(project), [f"{url}/acme/shop.git"])
        assert result.commits_added == 1
        tool.faults = lambda _: Fault(200, HTML, LOGIN)
        (result,) = sync_repositories(SyncRun(project), [f"{url}/acme/shop.git"])
        assert result.error is not None
        assert (result.vanished, "is no git server" in result.error.message) == (0, True)


INSIDE = (
    "http://localhost:{port}",
    "http://[::1]:{port}",
    "https://169.254.169.254",
    "https://10.1.2.3",
    "https://0.0.0.0",
)


@pytest.mark.parametrize("name", TOOLS)
def test_a_redirect_leads_into_no_private_network(project: Project, name: str) -> None:
    """But for what the source's address itself names."""
    scenario = TOOLS[name]
    tool: Tool = scenario.small()
    inside = Tool()
    inside.faults = lambda _: Fault(404, JSON, b"{}")
    with serving(tool) as url, serving(inside) as elsewhere:
        for place in INSIDE:
            target = place.format(port=urlsplit(elsewhere).port)

            def redirect(request: Request, target: str = target) -> Fault:
                return Fault(302, (("Location", target + request.url),))

            tool.faults = redirect
            waits: list[float] = []
            done = run(project, settings_of(url, scenario), waits)
            assert_ends(target, done, url, FAILED, "redirects to .* which is within a private network")
            assert waits == []
    assert inside.requests == []


# -- what is refused once the tool was looked over ---------------------------------------------------------------------

LEFT_OUT, PARTLY = ("done", 0), ("incomplete", 3)
ONE_LIST = {
    "401": (echoed(401), (FAILED,)),
    "403": (echoed(403), (PARTLY,)),
    "404": (echoed(404), (LEFT_OUT,)),
    "429 for ever": (echoed(429), (PARTLY,)),
    "500": (echoed(500), (PARTLY,)),
    "a login page": (Fault(200, HTML, LOGIN), (PARTLY,)),
    "nothing": (Fault(200, JSON), (PARTLY,)),
}
"""How one list of many is refused, and how the run may end: incomplete, unless there is no such list."""
ONE = {
    "github": lambda request: request.path.endswith("/acme/shop/actions/runs"),
    "gitlab": lambda request: "/projects/" in request.path and request.path.endswith("/1/deployments"),
    "bitbucket": lambda request: request.path.endswith("/acme/shop/pipelines"),
    "jira cloud": lambda request: request.path.endswith("/board"),
    "jira data center": lambda request: request.path.endswith("/board"),
    "jenkins": lambda request: request.path.startswith("/job/tools/"),
}
"""One list, by tool; the others have one alone, without which there is nothing."""


@pytest.mark.parametrize("what", ONE_LIST)
@pytest.mark.parametrize("name", ONE)
def test_a_list_that_is_refused_is_told_and_the_others_are_read(project: Project, name: str, what: str) -> None:
    scenario, is_one, (fault, ends) = SCENARIOS[name], ONE[name], ONE_LIST[what]
    tool: Tool = scenario.small()
    if name == "gitlab":
        tool.role = 10  # type: ignore[attr-defined]  # 403 is also what it answers of a feature that is off
    met: list[Request] = []

    def spoil(asked: Request) -> Fault | None:
        if not is_one(asked):
            return None
        met.append(asked)
        return fault

    tool.faults = spoil
    with serving(tool) as url:
        environ = {KINDS[scenario.kind].secret_env: scenario.token}
        done = run_source(
            SyncRun(project), settings_of(url, scenario), environ=environ, wait=lambda _: None, chance=lambda: 0.5
        )
    document = done.document()
    assert met
    state = (document["state"], exit_of([document]))
    assert state in ends, document
    told = json.dumps([document.get("error"), document["skipped"], document["failed"]])
    assert scenario.token not in told
    assert urlsplit(url).netloc in told or "workflow_runs is no list" in told
    if state != FAILED:
        (left_out,) = document["skipped"]
        assert left_out["gap"] or document["failed"] == ([left_out] if state == PARTLY else [])
        assert sum(table["added"] for table in document["tables"].values()) > 0
