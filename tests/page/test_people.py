"""People: the tree as it is in force, a list uploaded with and without errors, put in force, gone back in time; accounts mapped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from api.serving import DEVELOPERS, Client, Served, eventually, fill, put, serving
from leadline.db import developer_uploads
from leadline.home import Home
from leadline.page.install import install
from leadline.page.people_accounts import SHOWN
from leadline.page.people_uploads import MOST_WRONG
from leadline.page.screens import people as screen
from leadline.people import history, tree, trees

from .accessibility import faults
from .browsing import Browsing, fields
from .windows import WIDTHS, window

CHANGED = DEVELOPERS.replace("dee@example.org,Dee Doyle,ben@example.org", "eve@example.org,Eve Ekholm,ada@example.org")
AT = datetime(2025, 5, 5, tzinfo=UTC)


@pytest.fixture
def served(home: Home, tmp_path: Path) -> Iterator[Served]:
    """The small organization, with pull requests of somebody who may be Cyd, of a stranger and of a bot."""
    fill(home.project(), tmp_path)
    row = {"repository": "org/app", "created_at": AT, "merged_at": AT, "state": "merged", "source": "github"}
    authors = ("cyd", "stranger", "stranger", "renovate[bot]")
    put(home.project(), pull_requests=[{**row, "number": 50 + n, "author": who} for n, who in enumerate(authors)])
    with serving(home, workers=0, faces=[install]) as running:
        yield running


@pytest.fixture
def signed_in(served: Served) -> Browsing:
    return Browsing(served.base).signed_in(served.keys["admin"])


def token(browsing: Browsing) -> str:
    return fields(browsing.get("/people/upload").text, "/sign-out")["form_token"]


def upload(browsing: Browsing, text: str | bytes, name: str = "people.csv", **said: str) -> httpx.Response:
    data = text.encode() if isinstance(text, str) else text
    sent = {"form_token": token(browsing), "tree": "Engineering", **said}
    files = {"file": (name, data, "text/csv")}
    return browsing.http.post("/people/upload", data=sent, files=files, headers={"Origin": browsing.base})


def draft(browsing: Browsing, text: str, **said: str) -> str:
    """The address of the list that was uploaded."""
    answer = upload(browsing, text, **said)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def seen(browsing: Browsing, address: str) -> str:
    return fields(browsing.get(address).text, address)["seen"]


def post(browsing: Browsing, address: str, **said: str) -> httpx.Response:
    return browsing.post(address, {"form_token": token(browsing), **said})


def activate(browsing: Browsing, address: str, **said: str) -> httpx.Response:
    return post(browsing, address, **{"do": "activate", "seen": seen(browsing, address), **said})


# -- the tree ----------------------------------------------------------------------------------------------------------


def test_the_tree_has_every_team_with_its_ids_and_the_people_below(served: Served, signed_in: Browsing) -> None:
    org = tree(served.home.project(), "Engineering")
    text = signed_in.get("/people").text
    heads = org.head_counts()
    for node in org.nodes:
        row = re.search(rf'<tr data-words="{node.name}[^"]*{node.ref_id}">.*?</tr>', text, re.DOTALL)
        assert row is not None
        assert f'<td class="num">{heads[node.ref_id]}</td>' in row[0]
        assert f"<code>{node.ref_id}</code>" in row[0]
    platform = next(node for node in org.nodes if node.name == "Platform")
    below = signed_in.get(f"/people?team={platform.ref_id}").text
    assert "Dee Doyle" in below
    assert "Ada Arnold</th>" not in below
    assert "Cyd Crane" in signed_in.get("/people?q=crane").text
    assert "Nobody in this team is as you search" in signed_in.get("/people?q=nobody").text


def test_a_list_is_what_the_api_gives(served: Served, signed_in: Browsing) -> None:
    api = Client(served.base, served.keys["admin"])
    assert signed_in.get("/people/developers.csv?tree=Engineering").content == api.get("/v2/developers/download").body


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("team=99", 404, "There is no team"),
        ("tree=Never", 400, "there is no org tree"),
        ("at=yesterday", 400, "a day as yyyy-MM-dd"),
        ("page=99", 200, "Ada Arnold"),
        ("page=x", 200, "Ada Arnold"),
    ],
)
def test_what_the_address_cannot_say(signed_in: Browsing, query: str, status: int, says: str) -> None:
    answer = signed_in.get(f"/people?{query}")
    assert answer.status_code == status
    assert says in answer.text


def test_of_a_large_tree_so_many_levels_are_shown(
    served: Served, signed_in: Browsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ["email,full_name,manager_email"]
    rows += [f"m{n}@example.org,M{n},{'' if n == 1 else f'm{n // 2}@example.org'}" for n in range(1, 64)]
    activate(signed_in, draft(signed_in, "\n".join(rows), tree="Large"), since="")
    assert signed_in.get("/people?tree=Large").text.count("<tr data-words") == 31  # who has reports
    monkeypatch.setattr(screen, "MOST_TEAMS", 10)
    text = signed_in.get("/people?tree=Large").text
    assert text.count("<tr data-words") == 7
    assert text.count("+6 teams") == 4


def test_a_text_is_copied(chromium: Browser, served: Served) -> None:
    with window(chromium, served, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto("/people")
        page.get_by_role("button", name="Copy the ref id of Platform").click()
        ref = next(node.ref_id for node in tree(served.home.project(), "Engineering").nodes if node.name == "Platform")
        assert page.evaluate("navigator.clipboard.readText()") == str(ref)


# -- lists -------------------------------------------------------------------------------------------------------------


def test_an_upload_with_errors_and_one_without(chromium: Browser, served: Served) -> None:
    wrong = DEVELOPERS + "".join(f"bad{n}@example.org,Bad {n},ghost{n}@example.org,X\n" for n in range(300))
    with window(chromium, served) as page:
        page.goto("/people")
        page.get_by_role("link", name="Upload a list").click()
        page.get_by_label("File").set_input_files({"name": "hr.csv", "mimeType": "text/csv", "buffer": wrong.encode()})
        page.get_by_role("button", name="Look at it").click()
        page.get_by_role("heading", name="300 things are wrong").wait_for()
        rows = page.get_by_role("region", name="Managers who are not in the list").locator("tbody tr")
        expect(rows).to_have_count(300)
        expect(rows.nth(299)).to_contain_text("305")
        expect(rows.nth(299)).to_contain_text("Bad 299")
        expect(rows.nth(299)).to_contain_text("ghost299@example.org has no row in this file")
        expect(page.get_by_role("button", name="Put it in force")).to_have_count(0)
        page.get_by_role("link", name="Upload another file").click()
        page.get_by_label("File").set_input_files(
            {"name": "hr.csv", "mimeType": "text/csv", "buffer": CHANGED.encode()}
        )
        page.get_by_role("button", name="Look at it").click()
        page.get_by_text("1 developer is new").click()
        expect(page.locator("#difference")).to_contain_text("Eve Ekholm eve@example.org")
        page.get_by_text("1 developer is gone").click()
        expect(page.locator("#difference")).to_contain_text("Dee Doyle")
        page.get_by_role("button", name="Put it in force").click()
        page.get_by_text("in force", exact=True).wait_for()
        page.get_by_role("link", name="Engineering").first.click()
        expect(page.get_by_role("cell", name="eve@example.org")).to_be_visible()
    assert sorted(tree(served.home.project(), "Engineering").developers) == [
        f"{name}@example.org" for name in ("ada", "ben", "cyd", "eve")
    ]


def test_so_many_violations_are_told_one_by_one(signed_in: Browsing) -> None:
    wrong = DEVELOPERS + "".join(f"bad{n}@example.org,Bad {n},ghost@example.org,X\n" for n in range(MOST_WRONG + 50))
    text = signed_in.get(draft(signed_in, wrong)).text
    assert text.count("ghost@example.org has no row in this file") == MOST_WRONG
    assert "And 50 more." in text
    assert "1,050 things are wrong" in text


def test_the_first_list_of_a_project(home: Home) -> None:
    with serving(home, workers=0, faces=[install]) as running:
        browsing = Browsing(running.base).signed_in(running.keys["admin"])
        assert "No org tree yet" in browsing.get("/people").text
        made = draft(browsing, DEVELOPERS, tree="")
        text = browsing.get(made).text
        assert "From the beginning" in text
        assert "4</strong> developers are new" in text
        assert trees(home.project()) == []
        assert "people.csv" in browsing.get("/people").text  # it waits
        assert activate(browsing, made).status_code == 303
        assert [known.name for known in trees(home.project())] == ["Organization"]
        assert "Platform" in browsing.get("/people").text


def test_columns_are_said_to_be_what_they_are(signed_in: Browsing, served: Served) -> None:
    text = CHANGED.replace("email,full_name,manager_email,team", "Contact,Who,Boss,Squad")
    made = draft(signed_in, text)
    assert "A column is missing" in signed_in.get(made).text
    chosen = {"column.0": "email", "column.1": "full_name", "column.2": "manager_email", "column.3": "team"}
    shown = post(signed_in, made, do="preview", **chosen)
    assert shown.status_code == 200
    assert "1</strong> developer is new" in shown.text
    assert shown.text.count(" selected>") >= 4
    assert "A column is missing" in signed_in.get(made).text  # nothing is kept by looking
    sent = {**fields(shown.text, made), "form_token": token(signed_in), "do": "activate", "since": "", **chosen}
    assert signed_in.post(made, sent).status_code == 303
    assert "eve@example.org" in tree(served.home.project(), "Engineering").developers
    assert "manager_email" in signed_in.get(made).text


def test_columns_that_cannot_be_so_stay_as_they_were_chosen(signed_in: Browsing) -> None:
    made = draft(signed_in, CHANGED)
    shown = post(signed_in, made, do="activate", seen="1", since="day", day="2026-01-01", **{"column.1": "email"})
    assert shown.status_code == 400
    assert "Invalid field mapping" in shown.text
    row = re.search(r'<select name="column.1".*?</select>', shown.text, re.DOTALL)
    assert row is not None
    assert '<option value="email" selected>' in row[0]


@pytest.mark.parametrize(("day", "says"), [("", "a day as yyyy-MM-dd"), ("tomorrow", "a day"), ("0001-01-01", "a day")])
def test_a_day_that_cannot_be(signed_in: Browsing, served: Served, day: str, says: str) -> None:
    made = draft(signed_in, CHANGED)
    shown = activate(signed_in, made, since="day", day=day)
    assert shown.status_code == 400
    assert says in shown.text
    assert 'value="day" checked' in shown.text
    assert len(history(served.home.project(), "Engineering")) == 1


def test_it_is_in_force_from_the_day_that_is_said_and_the_past_can_be_seen(signed_in: Browsing, served: Served) -> None:
    assert activate(signed_in, draft(signed_in, CHANGED), since="day", day="2025-02-01").status_code == 303
    entries = history(served.home.project(), "Engineering")
    assert [str(entry.from_day) for entry in entries] == ["None", "2025-02-01"]
    assert "Eve Ekholm" in signed_in.get("/people").text
    past = signed_in.get("/people?tree=Engineering&at=2025-01-31").text
    assert "Dee Doyle" in past
    assert "Eve Ekholm" not in past
    assert 'href="/people?tree=Engineering&amp;at=beginning"' in signed_in.get("/people").text
    assert activate(signed_in, draft(signed_in, CHANGED), since="beginning").status_code == 303
    assert "Eve Ekholm" in signed_in.get("/people?tree=Engineering&at=2025-01-31").text


def test_what_somebody_else_put_in_force_meanwhile_is_not_overwritten_unseen(
    signed_in: Browsing, served: Served
) -> None:
    mine, other = draft(signed_in, CHANGED), draft(signed_in, DEVELOPERS.replace("Dee Doyle", "Dee Dawson"))
    looked_at = seen(signed_in, mine)
    assert activate(signed_in, other).status_code == 303
    shown = post(signed_in, mine, do="activate", seen=looked_at)
    assert shown.status_code == 409
    assert "were changed after this file was reviewed" in shown.text
    assert "dee@example.org" in tree(served.home.project(), "Engineering").developers
    assert activate(signed_in, mine).status_code == 303
    again = post(signed_in, mine, do="activate", seen=looked_at)
    assert again.status_code == 409
    assert "was put in force before" in html.unescape(again.text)
    assert "The file is kept no longer" in signed_in.get(other).text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "there is nothing in it"),
        (b"email,full_name,manager_email\n", "no developers"),
        ("email\n".encode("utf-16")[:-1], "UTF-16"),
        (b'email,full_name,manager_email\n"a', "quotes"),
        (b"email,full_name,manager_email\na\x00,b,c\n", "NUL"),
    ],
)
def test_a_file_that_cannot_be_read(signed_in: Browsing, served: Served, text: bytes, says: str) -> None:
    answer = upload(signed_in, text, tree="Kept")
    assert answer.status_code == 400
    assert says in answer.text
    assert 'value="Kept"' in answer.text
    assert developer_uploads.drafts(served.home.db, served.home.project().id) == []


def test_no_file_is_said(signed_in: Browsing) -> None:
    answer = post(signed_in, "/people/upload", tree="Kept")
    assert answer.status_code == 400
    assert "No file was chosen" in answer.text
    assert 'value="Kept"' in answer.text
    assert upload(signed_in, DEVELOPERS, tree="x" * 300).status_code == 400


def test_a_list_that_is_not_there(signed_in: Browsing) -> None:
    assert signed_in.get("/people/lists/ver_never").status_code == 404
    assert post(signed_in, "/people/lists/ver_never", do="activate").status_code == 404


def test_a_session_that_ends_while_a_list_is_chosen(chromium: Browser, served: Served) -> None:
    with window(chromium, served) as page:
        page.goto("/people/upload")
        page.get_by_label("Org tree").fill("Another")
        page.get_by_label("File").set_input_files(
            {"name": "hr.csv", "mimeType": "text/csv", "buffer": DEVELOPERS.encode()}
        )
        page.context.clear_cookies()
        page.get_by_role("button", name="Look at it").click()
        page.get_by_text("A file cannot be kept").wait_for()
        page.get_by_label("Key").fill(served.keys["admin"])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Tree")).to_have_value("Another")
        page.get_by_role("button", name="Send it").click()
        page.get_by_text("No file was chosen").wait_for()
        expect(page.get_by_label("Org tree")).to_have_value("Another")


# -- accounts ----------------------------------------------------------------------------------------------------------


def test_an_account_is_somebodys_by_one_click(chromium: Browser, served: Served) -> None:
    with window(chromium, served) as page:
        page.goto("/people/accounts")
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("stranger")  # who lost most
        page.get_by_role("button", name="Confirm: cyd is cyd@example.org").click()
        page.get_by_text("cyd of github is cyd@example.org").wait_for()
        expect(rows).to_have_count(1)
        page.get_by_label("Email of the developer whose stranger is").fill("deee@example.org")
        page.get_by_role("button", name="Map stranger").click()
        expect(rows.first).to_contain_text("near: dee@example.org")
        expect(page.get_by_label("Email of the developer whose stranger is")).to_have_value("deee@example.org")
        page.get_by_label("Email of the developer whose stranger is").fill("dee@example.org")
        page.get_by_role("button", name="Map stranger").click()
        page.get_by_text("Every account is somebody's").wait_for()
        page.get_by_role("link", name="Bots and agents").click()
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("renovate[bot]")
        page.get_by_role("link", name="Of developers").click()
        page.get_by_label("Search accounts").fill("stranger")
        page.get_by_role("button", name="Search").click()
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("dee@example.org")


def test_accounts_come_by_pages(served: Served, signed_in: Browsing) -> None:
    row = {"repository": "org/app", "created_at": AT, "merged_at": AT, "state": "merged", "source": "github"}
    rows = [{**row, "number": 1000 + n, "author": f"guest{n:03}"} for n in range(120)]
    put(served.home.project(), pull_requests=rows)
    pages = [signed_in.get(f"/people/accounts?page={n}&q=guest").text for n in range(3)]
    found = [re.findall(r'class="named">(guest\d+)', page) for page in pages]
    assert list(map(len, found)) == [50, 50, 20]
    assert len({name for page in found for name in page}) == 120
    sent = {
        "source": "github",
        "account": found[1][3],
        "email": "cyd@example.org",
        "show": "nobody",
        "page": "1",
        "q": "guest",
    }
    answer = post(signed_in, "/people/accounts", **sent)
    assert answer.headers["location"] == f"/people/accounts?show=nobody&q=guest&page=1&mapped={found[1][3]}"
    assert post(signed_in, "/people/accounts", source="", account="", email="").status_code == 400


# -- who, and how it looks ---------------------------------------------------------------------------------------------


def test_it_is_for_admins(served: Served, signed_in: Browsing) -> None:
    made = draft(signed_in, CHANGED)
    viewer = Browsing(served.base).signed_in(served.keys["viewer"])
    for path in ("/people", "/people/upload", made, "/people/accounts", "/people/developers.csv"):
        assert viewer.get(path).status_code == 403
    sent = {
        "form_token": viewer.form_token(),
        "do": "activate",
        "source": "github",
        "account": "cyd",
        "email": "cyd@example.org",
    }
    for path in ("/people/upload", made, "/people/accounts"):
        assert viewer.post(path, sent).status_code == 403
        assert signed_in.post(path, {**sent, "form_token": "forged"}).status_code == 403
    assert len(history(served.home.project(), "Engineering")) == 1


def test_start_sends_admins_to_the_screens(served: Served, signed_in: Browsing) -> None:
    viewer = Browsing(served.base).signed_in(served.keys["viewer"])
    pages = [eventually(partial(counted, browsing)) for browsing in (signed_in, viewer)]
    for path in ("/sources", "/people", "/people/accounts"):
        assert [f'<a href="{path}">' in page for page in pages] == [True, False]


def counted(browsing: Browsing) -> str:
    """Start, once the data were counted."""
    text = browsing.get("/start").text
    return "" if "being counted" in text else text


def looks(browsing: Browsing) -> list[str]:
    """A list that can be put in force, and one that cannot."""
    wrong = DEVELOPERS + f"{'x' * 300}@example.org,,nobody@example.org,T\n,{'y' * 300},,\n"
    return [draft(browsing, CHANGED), draft(browsing, wrong)]


def test_its_pages_are_accessible_and_fit_at_every_width(
    chromium: Browser, served: Served, signed_in: Browsing
) -> None:
    accounts = [f"/people/accounts?show={which}" for which in SHOWN]
    paths = [*looks(signed_in), "/people", "/people/upload", *accounts]
    with window(chromium, served) as page:
        for path in paths:
            page.goto(path)
            for summary in page.locator("details.change-list > summary").all():
                summary.click()
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                assert faults(page) == [], (path, width)
