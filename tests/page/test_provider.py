"""Signing in with a company's provider, a real one over a socket: who gets which role, and what is not believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser

from api.serving import Served, fill, serving
from leadline.errors import InvalidRequest
from leadline.home import Home
from leadline.page.install import install
from leadline.people import load_org, tree
from leadline.settings.server import ServerSettings
from leadline.settings.sign_in_roles import RoleRule, role_rules

from .browsing import Browsing, fields
from .identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider
from .windows import window

ROLES = "groups:admins=admin; groups:platform=viewer@2 no-developers; groups:gone=viewer@999; groups:leads=viewer; "
ROLES += "groups:acme=viewer in acme/main; groups:lost=viewer in acme/none"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def served(home: Home, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    named = {"ISSUER": provider.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "ROLES": ROLES}
    for name, value in named.items():
        monkeypatch.setenv(f"LEADLINE_OIDC_{name}", value)
    with Home.open(home.path) as opened:
        fill(opened.project(), opened.temp)
        with serving(opened, workers=0, faces=[install]) as running:
            yield running


def go(browsing: Browsing, back: str = "/teams?tree=Engineering") -> httpx.Response:
    """To the provider and back: the answer to coming back."""
    leave = browsing.http.get("/sign-in/provider", params={"next": back})
    assert leave.status_code == 303, leave.text
    let_in = httpx.get(leave.headers["location"])
    assert let_in.status_code == 302, let_in.text
    return browsing.get(let_in.headers["location"].removeprefix(browsing.base))


def test_whoever_the_provider_knows_signs_in_and_is_where_they_were(served: Served) -> None:
    browsing = Browsing(served.base)
    answer = go(browsing)
    assert (answer.status_code, answer.headers["location"]) == (303, "/teams?tree=Engineering")
    page = browsing.get("/teams?tree=Engineering").text
    assert "Ada Arnold" in page
    assert "viewer" in page


@pytest.mark.parametrize(
    ("groups", "role"), [(["admins", "leads"], "admin"), (["leads"], "viewer"), (["platform", "leads"], "viewer")]
)
def test_the_first_rule_that_fits_gives_the_role(
    served: Served, provider: IdentityProvider, groups: list[str], role: str
) -> None:
    provider.user = {"sub": "u2", "email": "b@example.com"}
    provider.beside = {"groups": groups}  # of the person, told beside the token
    browsing = Browsing(served.base)
    assert go(browsing).status_code == 303
    page = browsing.get("/teams?tree=Engineering").text
    assert "b@example.com" in page
    assert f"{role} ·" in page
    assert ("Engineering/Platform" in page) or role == "viewer"


def test_limits_of_a_rule_hold(served: Served, provider: IdentityProvider) -> None:
    platform = next(node for node in tree(served.home.project(), "Engineering").nodes if node.name == "Platform")
    assert platform.ref_id == 2
    provider.user = {"sub": "u3", "name": "Cy", "groups": ["platform"]}
    browsing = Browsing(served.base)
    assert go(browsing).status_code == 303
    assert browsing.get("/start").status_code == 403
    found = browsing.get("/teams?tree=Engineering").text
    assert "Platform" in found
    assert "team=1" not in found


def test_a_rule_lets_in_to_the_project_that_it_names(
    served: Served, provider: IdentityProvider, tmp_path: Path
) -> None:
    other = served.home.project("acme", "main", create=True)
    people = tmp_path / "people.csv"
    people.write_text(
        "email,full_name,manager_email,team\neve@acme.example,Eve,,\ndi@acme.example,Di,eve@acme.example,Elsewhere\n",
        "utf-8",
    )
    load_org(other, people, "Acme", now=datetime.now(UTC))
    provider.user = {"sub": "u5", "name": "Di", "groups": ["acme"]}
    browsing = Browsing(served.base)
    assert go(browsing).status_code == 303
    assert ">Acme<" in browsing.get("/teams?tree=Acme").text
    assert "Platform" not in browsing.get("/teams?tree=Engineering").text


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (["nobody"], "gives a role"),
        ([], "gives a role"),
        (["gone"], "a team that there is not"),
        (["lost"], "a project that there is not"),
    ],
)
def test_who_gets_no_role_stays_outside(
    served: Served, provider: IdentityProvider, groups: list[str], said: str
) -> None:
    provider.user = {"sub": "u4", "groups": groups}
    browsing = Browsing(served.base)
    answer = go(browsing)
    assert answer.status_code == 403
    assert said in answer.text
    assert browsing.get("/start").status_code == 303


def test_the_way_there_has_state_nonce_and_pkce(served: Served) -> None:
    address = Browsing(served.base).get("/sign-in/provider").headers["location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{served.base}/sign-in/provider/back"
    assert {"openid", "profile", "email"} == set(query["scope"].split())
    assert all(len(query[name]) >= 43 for name in ("state", "nonce", "code_challenge"))


def test_an_answer_of_another_browser_signs_in_nobody(served: Served) -> None:
    """Neither a forged state nor the answer to somebody else's attempt."""
    first, second = Browsing(served.base), Browsing(served.base)
    leave = first.get("/sign-in/provider")
    back = httpx.get(leave.headers["location"]).headers["location"].removeprefix(served.base)
    assert second.get(back).status_code == 401
    second.get("/sign-in/provider")
    assert second.get(back).status_code == 401
    assert first.get(back.replace("state=", "state=x")).status_code == 401
    assert first.get(back).status_code == 303


def test_a_code_works_once(served: Served) -> None:
    browsing = Browsing(served.base)
    leave = browsing.get("/sign-in/provider")
    kept = dict(browsing.http.cookies)
    back = httpx.get(leave.headers["location"]).headers["location"].removeprefix(served.base)
    assert browsing.get(back).status_code == 303
    replay = Browsing(served.base)
    replay.http.cookies.update(kept)
    assert replay.get(back).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": ["another"]},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"at_hash": "wrong"},
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    served: Served, provider: IdentityProvider, claims: dict[str, object]
) -> None:
    provider.claims = claims
    answer = go(Browsing(served.base))
    assert answer.status_code == 401
    assert "did not confirm" in answer.text


def test_a_token_that_another_signed_is_refused(served: Served, provider: IdentityProvider) -> None:
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "k1"}, auto_kid=False)
    assert go(Browsing(served.base)).status_code == 401


def test_a_provider_may_change_its_keys(served: Served, provider: IdentityProvider) -> None:
    assert go(Browsing(served.base)).status_code == 303
    provider.key = RSAKey.generate_key(2048, {"kid": "k2"}, auto_kid=False)
    assert go(Browsing(served.base)).status_code == 303


def test_what_the_provider_refuses_is_told(served: Served, provider: IdentityProvider) -> None:
    provider.refuses = "access_denied"
    answer = go(Browsing(served.base), back="/start")
    assert answer.status_code == 401
    assert "access_denied" in answer.text
    assert fields(answer.text, "/sign-in")["next"] == "/start"


def test_nobody_is_sent_elsewhere_afterwards(served: Served) -> None:
    assert go(Browsing(served.base), back="https://evil.example").headers["location"] == "/"


def test_a_provider_that_is_away_leaves_keys(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with identity_provider() as provider:
        issuer = provider.issuer
    for name, value in {"ISSUER": issuer, "CLIENT_ID": CLIENT, "ROLES": "*=viewer"}.items():
        monkeypatch.setenv(f"LEADLINE_OIDC_{name}", value)
    with Home.open(home.path) as opened, serving(opened, workers=0, faces=[install]) as running:
        browsing = Browsing(running.base)
        answer = browsing.get("/sign-in/provider")
        assert answer.status_code == 503
        assert "sign in with a key" in answer.text
        assert browsing.sign_in(running.keys["viewer"]).status_code == 303


def test_in_a_browser_from_the_button_to_the_page(chromium: Browser, served: Served) -> None:
    with window(chromium, served, role=None) as page:
        page.goto("/start")
        page.get_by_role("link", name="Sign in with 127.0.0.1").click()
        page.get_by_role("heading", name="Start here").wait_for()


def test_a_form_waits_while_one_signs_in_with_the_provider(served: Served) -> None:
    browsing = Browsing(served.base)
    go(browsing)
    typed = {"form_token": browsing.form_token(), "note": "kept"}
    browsing.post("/sign-out", {"form_token": browsing.form_token(), "everywhere": "yes"})
    asked = browsing.post("/sign-out", typed)
    assert asked.status_code == 401
    go(browsing)  # in another tab
    answer = browsing.post("/sign-in", {**fields(asked.text, "/sign-in"), "already": "yes"})
    assert fields(answer.text, "/sign-out")["note"] == "kept"


def test_rules_as_they_are_written() -> None:
    assert role_rules("groups:a b=admin;; groups:b=viewer in acme/main; *=viewer@4,payments no-developers") == (
        RoleRule("groups", "a b", "admin"),
        RoleRule("groups", "b", "viewer", project=("acme", "main")),
        RoleRule("*", "", "viewer", ("4", "payments"), developers=False),
    )


@pytest.mark.parametrize(
    "text", ["groups=admin", "groups:x=owner", "groups:x=ingestion", "x", "groups:x=admin@4", "*=viewer in acme"]
)
def test_rules_that_cannot_be(text: str) -> None:
    given = {
        "LEADLINE_OIDC_ISSUER": "https://id.example.com",
        "LEADLINE_OIDC_CLIENT_ID": "x",
        "LEADLINE_OIDC_ROLES": text,
    }
    with pytest.raises(InvalidRequest, match="LEADLINE_OIDC_ROLES cannot be"):
        ServerSettings.from_environment(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ISSUER": "http://id.example.com"}, "https address"),
        ({"ISSUER": "https://id.example.com"}, "CLIENT_ID must be"),
        ({"ISSUER": "https://id.example.com", "CLIENT_ID": "x"}, "ROLES must be"),
    ],
)
def test_settings_that_are_not_enough(given: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        ServerSettings.from_environment({f"LEADLINE_OIDC_{name}": value for name, value in given.items()})
