"""The screen Settings: what is in force and who set it, a change that is judged while it is typed, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from api.serving import Served, fill, fill_delivery, serving
from leadline.administration import settings
from leadline.db.models import settings as settings_table
from leadline.home import Home
from leadline.page.install import install
from leadline.page.shown_settings import MOST_SINGLE
from leadline.settings.profile import SETTINGS
from leadline.settings.server import VARIABLES

from .accessibility import faults
from .browsing import Browsing, fields
from .test_insight_screens import Figures
from .windows import WIDTHS, look, window

ONE = "/settings/one"


@pytest.fixture
def running(home: Home) -> Iterator[Served]:
    """A server of a small organization, whose settings are changed."""
    fill(home.project(), home.temp)
    with serving(home, workers=0, faces=[install]) as served:
        yield served


def value(served: Served, key: str, tree: str | None = None) -> tuple[str, str]:
    row = settings.one(served.home.project(), key, tree)
    return row.value, row.set_by


def send(browsing: Browsing, key: str, text: str, of: str = "", **more: str) -> tuple[int, str]:
    """Send the form of a setting as it was shown, with ``text`` in its field."""
    shown = fields(browsing.get(ONE, params={"key": key, "of": of}).text, ONE)
    answer = browsing.post(ONE, {**shown, "value": text, "do": "save", **more})
    return answer.status_code, answer.text


def test_every_setting_is_listed_with_what_is_in_force(running: Served) -> None:
    project = running.home.project()
    settings.change(project, {"bots": "robo", "team.1.repository": "equals acme/web"})
    settings.change(project, {"timezone": "Asia/Tokyo"}, tree="Engineering")
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    page = browsing.get("/settings").text
    assert all(f"<code>{key}</code>" in page for key in (*SETTINGS, "team.1.repository"))
    assert page.count("set by the project") == 2
    assert "otherwise in Engineering" in page
    of_tree = browsing.get("/settings?of=Engineering").text
    assert of_tree.count("set by the tree") == 1
    assert of_tree.count("set by the project") == 2
    found = browsing.get("/settings?q=TIME+zone").text
    assert "<code>timezone</code>" in found
    assert "<code>bots</code>" not in found
    assert "No setting has these words" in browsing.get("/settings?q=xyzzy").text
    assert browsing.get("/settings?of=Nobody").status_code == 400
    server = browsing.get("/settings/server").text
    assert all(variable.name in server for variable in VARIABLES.values())
    assert str(running.home.path) not in server


def test_of_many_single_settings_some_are_listed_and_a_search_finds_the_others(running: Served) -> None:
    rules = {f"team.{n:04}.environment": "equals live" for n in range(MOST_SINGLE + 50)}
    settings.change(running.home.project(), rules)
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    page = browsing.get("/settings").text
    assert f"{MOST_SINGLE} of {MOST_SINGLE + 50}." in page
    assert "team.0249.environment" not in page
    assert "team.0249.environment" in browsing.get("/settings?q=0249").text
    changed = re.sub("<[^>]*>", "", browsing.get("/settings?changed=team.0249.environment").text)
    assert "team.0249.environment of the project is now equals live" in changed


def test_a_setting_is_saved_and_taken_away_without_scripts(running: Served) -> None:
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    assert send(browsing, "bots", "robo,\r\n ci\r\n")[0] == 303
    assert value(running, "bots") == ("robo, ci", "project")
    assert "is now" in browsing.get("/settings?changed=bots").text
    assert send(browsing, "timezone", "asia/tokyo", of="Engineering")[0] == 303
    assert value(running, "timezone", "Engineering") == ("asia/tokyo", "tree")
    assert value(running, "timezone") == ("UTC", "")
    assert send(browsing, "timezone", "what was half typed", of="Engineering", do="reset")[0] == 303
    assert value(running, "timezone", "Engineering") == ("UTC", "")
    assert send(browsing, "bots", "", do="reset")[0] == 303
    assert value(running, "bots") == ("", "")


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("timezone", "Europe/Ber", "timezone cannot be &#39;Europe/Ber&#39;; it must be an IANA time zone"),
        ("pr_size.small", "500", "pr_size.small must not be above pr_size.medium"),
        ("team.1.repository", "is acme/web", "filters separated by"),
        ("exports.reuse", "sometimes", "one of window, unchanged"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_stays_typed(
    running: Served, key: str, text: str, says: str
) -> None:
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    before = value(running, key)
    for wanted, status in (("check", 200), ("save", 400)):
        answered, page = send(browsing, key, text, do=wanted)
        assert answered == status
        assert says in page
        assert f'value="{text}"' in page
        assert 'aria-invalid="true"' in page
    assert value(running, key) == before


def test_it_tells_what_a_text_catches(running: Served) -> None:
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    page = send(browsing, "bots", "cyd", do="check")[1]
    assert "1 of 2 accounts" in page
    assert "cyd@example.org" in page
    assert value(running, "bots") == ("", "")
    assert "None of 0 deployments" in send(browsing, "team.1.environment", "equals live", do="check")[1]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ONE}?key=nothing", 404),
        (f"{ONE}?scope=service&name=&rule=paths", 404),
        (f"{ONE}?key=timezone&of=Nobody", 400),
        (f"{ONE}?scope=service&name=+Api+&rule=paths", 200),
        (f"{ONE}?key=developers.names&of=Engineering", 200),
    ],
)
def test_an_address_may_be_wrong(running: Served, path: str, status: int) -> None:
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    answer = browsing.get(path)
    assert answer.status_code == status
    if "developers.names" in path:
        assert "It is of the whole project" in answer.text
        sent = {"form_token": browsing.form_token(), "key": "developers.names", "of": "Engineering", "value": "hidden"}
        assert browsing.post(ONE, sent).status_code == 400


@pytest.mark.parametrize("role", ["viewer"])
def test_they_are_for_admins_alone(running: Served, role: str) -> None:
    browsing = Browsing(running.base).signed_in(running.keys[role])
    for path in ("/settings", f"{ONE}?key=timezone", "/settings/server"):
        assert browsing.get(path).status_code == 403
    sent = {"form_token": browsing.form_token(), "key": "timezone", "value": "Asia/Tokyo"}
    assert browsing.post(ONE, sent).status_code == 403
    admin = Browsing(running.base).signed_in(running.keys["admin"])
    assert admin.post(ONE, {**sent, "form_token": "nothing"}).status_code == 403
    assert admin.post(ONE, {**sent, "form_token": admin.form_token(), "value": "UTC\0"}).status_code == 400
    assert value(running, "timezone") == ("UTC", "")


def test_a_stored_setting_that_cannot_be_read_is_mended_here(running: Served) -> None:
    project = running.home.project()
    with project.db.write() as connection:
        row = {"project_id": project.id, "tree": "", "key": "timezone", "value": "Mars/Base"}
        connection.execute(settings_table.insert(), row)
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    assert "Mars/Base" in browsing.get("/settings").text
    assert "A stored setting cannot be read: timezone" in browsing.get(f"{ONE}?key=bots").text
    status, page = send(browsing, "bots", "mine")
    assert status == 503
    assert 'value="mine"' in page
    assert send(browsing, "timezone", "", do="reset")[0] == 303
    assert send(browsing, "bots", "mine")[0] == 303


# -- in a browser ------------------------------------------------------------------------------------------------------


def typed(page: Page, text: str) -> None:
    page.locator("#value").fill("")
    page.locator("#value").press_sequentially(text, delay=5)


def test_a_half_typed_setting_is_judged_at_once(chromium: Browser, running: Served) -> None:
    with window(chromium, running) as page:
        page.goto("/settings")
        page.get_by_label("Search settings").fill("IANA")
        expect(page.get_by_role("link", name="bots", exact=True)).not_to_be_visible()
        expect(page.get_by_role("heading", name="Ratings", exact=True)).not_to_be_visible()
        page.get_by_role("link", name="timezone", exact=True).click()
        typed(page, "Europe/Ber")
        expect(page.locator("#checked")).to_contain_text(
            "timezone cannot be 'Europe/Ber'; it must be an IANA time zone"
        )
        expect(page.locator("#checked")).to_contain_text("Europe/Berlin")
        page.locator("#value").press_sequentially("lin")
        expect(page.locator("#checked .fault")).to_have_count(0)
        expect(page.locator("#value")).to_be_focused()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#changed")).to_contain_text("timezone of the project is now Europe/Berlin")
        page.goto(f"{ONE}?key=bots")
        typed(page, "cyd")
        expect(page.locator("#checked")).to_contain_text("1 of 2 accounts")
        expect(page.get_by_role("button", name="Look at it first")).not_to_be_visible()


def test_somebody_else_changes_it_in_another_tab(chromium: Browser, running: Served) -> None:
    with window(chromium, running) as page:
        page.goto(f"{ONE}?key=bots")
        other = page.context.new_page()
        other.goto(f"{ONE}?key=bots")
        typed(other, "theirs")
        other.get_by_role("button", name="Save").click()
        other.locator("#changed").wait_for()
        typed(page, "mine")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("Somebody else changed bots meanwhile")
        assert value(running, "bots") == ("theirs", "project")
        expect(page.locator("#value")).to_have_value("mine")
        expect(page.get_by_role("region", name="Where it is set")).to_contain_text("theirs")
        page.get_by_role("button", name="Save").click()
        page.locator("#changed").wait_for()
        assert value(running, "bots") == ("mine", "project")


def test_a_session_that_ends_in_the_middle_loses_nothing(chromium: Browser, running: Served) -> None:
    with window(chromium, running) as page:
        page.goto(f"{ONE}?key=code.exclude&of=Engineering")
        other = page.context.new_page()
        other.goto("/docs")
        other.get_by_role("button", name="Sign out everywhere").click()
        other.get_by_label("Key").wait_for()
        typed(page, "*.lock, mine/")
        page.wait_for_load_state("networkidle")
        expect(page.locator("#value")).to_have_value("*.lock, mine/")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Your session ended").wait_for()
        page.get_by_label("Key").fill(running.keys["admin"])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Value")).to_have_value("*.lock, mine/")
        page.get_by_role("button", name="Send it").click()
        page.locator("#changed").wait_for()
        assert value(running, "code.exclude", "Engineering") == ("*.lock, mine/", "tree")


@pytest.mark.parametrize(
    "path", [f"{ONE}?key=code.exclude", f"{ONE}?key=goals", f"{ONE}?key=cfr.source", "/settings/server"]
)
def test_its_pages_are_accessible_and_fit(chromium: Browser, page_server: Served, path: str) -> None:
    with window(chromium, page_server) as page:
        look(page, path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert faults(page) == [], width


# -- goals -------------------------------------------------------------------------------------------------------------


def test_each_goal_has_a_field(running: Served) -> None:
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    settings.change(running.home.project(), {"goals": "lttc_p90_days = 5; CFR_Percent = 15"})
    shown = fields(browsing.get(f"{ONE}?key=goals").text, ONE)
    filled = {name: text for name, text in shown.items() if name.startswith("goal.") and text}
    assert filled == {"goal.LTTC_P90_Days": "5", "goal.CFR_Percent": "15"}
    wrong = browsing.post(ONE, {**shown, "goal.MTTR_Mean_Days": "soon", "do": "save"})
    assert wrong.status_code == 400
    assert "that of MTTR_Mean_Days must be a number of 0 or more" in wrong.text
    assert fields(wrong.text, ONE)["goal.MTTR_Mean_Days"] == "soon"
    odd = browsing.post(ONE, {**shown, "goal.MTTR_Mean_Days": "1; 2", "do": "save"})
    assert odd.status_code == 400
    assert "MTTR_Mean_Days = 1; 2" in odd.text
    saved = browsing.post(ONE, {**shown, "goal.CFR_Percent": "", "goal.MTTR_Mean_Days": "1/24", "do": "save"})
    assert saved.status_code == 303
    assert value(running, "goals") == ("LTTC_P90_Days = 5; MTTR_Mean_Days = 1/24", "project")
    shown = fields(browsing.get(f"{ONE}?key=goals").text, ONE)
    assert (
        browsing.post(ONE, {**shown, "goal.MTTR_Mean_Days": "", "goal.LTTC_P90_Days": "", "do": "save"}).status_code
        == 303
    )
    assert value(running, "goals") == ("", "project")


def test_a_goal_is_judged_while_it_is_typed(chromium: Browser, running: Served) -> None:
    with window(chromium, running) as page:
        page.goto(f"{ONE}?scope=team&name=1&rule=goals")
        field = page.get_by_label("CFR_Percent, at most, %")
        field.press_sequentially("1x", delay=5)
        expect(page.locator("#checked")).to_contain_text("that of CFR_Percent must be a number of 0 or more")
        field.fill("15")
        expect(page.locator("#checked .fault")).to_have_count(0)
        page.get_by_role("button", name="Save").click()
        page.locator("#changed").wait_for()
        assert value(running, "team.1.goals") == ("CFR_Percent = 15", "project")


def test_goals_stand_beside_values_and_in_charts(running: Served) -> None:
    project = running.home.project()
    fill_delivery(project)
    year = "from=2025-01-01&to=2025-12-31&team=1"
    browsing = Browsing(running.base).signed_in(running.keys["admin"])
    assert "Goal" not in browsing.get(f"/delivery?{year}").text
    chart = f"/v2/charts/failure-rate.json?orgTreeName=Engineering&{year.replace('from', 'dateFrom').replace('to=', 'dateTo=')}"
    before = running.client.get(chart)
    goals = "CFR_Percent = 15; Deployment_Frequency = 1/365; MTTR_Mean_Days = 1/8; PR_Cycle_Time_Days_Avg = 1"
    assert send(browsing, "goals", goals)[0] == 303
    page = browsing.get(f"/delivery?{year}").text
    for goal, met in (("at most 15 %", "not met"), ("at least 0.02 a week", "met"), ("at most 3 h", "met")):
        assert re.search(rf"Goal: {goal}<span[^>]*>, {met}<", page), goal
    assert '"text":"Goal: 15 %"' in page.replace("\\u0020", " ")
    after = running.client.get(chart)
    assert after.headers["etag"] != before.headers["etag"]
    (drawn,) = (row for row in after.json["data"]["values"] if row["kind"] == "goal")
    assert drawn["goal"] == 15.0
    assert "Goal: at most 24 h" in browsing.get(f"/productivity?{year}").text
    assert "Goal" not in browsing.get(f"/productivity?{year}&aggregation=p90").text
    explored = browsing.get(
        f"/explore?{year}&kind=efficiency&granularity=weekly&metrics=CFR_PERCENT,DEPLOYMENT_FREQUENCY"
    )
    rows = [[row for row in spec["data"]["values"] if row["kind"] == "goal"] for spec in Figures(explored.text).specs]
    assert [(row["text"], round(row["goal"], 6)) for (row,) in rows] == [
        ("Goal: 0.02 a week", round(7 / 365, 6)),
        ("Goal: 15 %", 15.0),
    ]
