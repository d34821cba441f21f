"""Delivery and Productivity with data in a real browser: every chart is drawn, nothing is found by axe, nothing is too wide or
heavy, and what is drawn leads to its rows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Served
from leadline.charts.ai import AI_CHARTS
from leadline.charts.allocation import ALLOCATION_CHARTS
from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.flow import FLOW_CHARTS
from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.charts.sprints import SPRINT_CHARTS

from .accessibility import faults
from .browsing import Browsing
from .windows import WIDTHS, look, window

Q1 = "from=2026-01-01&to=2026-03-31&team=1"
SCREENS = [
    ("/delivery", "efficiency"),
    ("/delivery?granularity=weekly&trend=yes&by=services", "efficiency"),
    ("/productivity", "productivity"),
    ("/productivity?by=developers&names=shown&stack=work-type", "productivity"),
    ("/flow?granularity=weekly&remaining=20", "flow"),
    ("/ai", "ai"),
    ("/sprints?work=tickets", "sprints"),
    ("/allocation", "allocation"),
]
OF_SCREENS = {
    "efficiency": DELIVERY_CHARTS,
    "productivity": PRODUCTIVITY_CHARTS,
    "flow": FLOW_CHARTS,
    "ai": AI_CHARTS,
    "sprints": SPRINT_CHARTS,
    "allocation": ALLOCATION_CHARTS,
}


def with_data(path: str) -> str:
    return path + ("&" if "?" in path else "?") + Q1


@pytest.mark.slow
@pytest.mark.parametrize(("path", "charted"), SCREENS, ids=[path for path, _ in SCREENS])
def test_with_data_a_screen_is_drawn_and_accessible(
    chromium: Browser, page_server: Served, path: str, charted: str
) -> None:
    charts = OF_SCREENS[charted]
    charts = charts[1:] if charted == "productivity" else charts  # two share a place
    with window(chromium, page_server) as page:
        for width in (min(WIDTHS), max(WIDTHS)):
            page.set_viewport_size({"width": width, "height": 900})
            look(page, with_data(path))
            expect(page.locator("figure.chart.drawn")).to_have_count(len(charts), timeout=60_000)
            assert faults(page) == [], width
        for number in range(len(charts)):
            marks = page.locator("figure.chart").nth(number).locator("svg .role-mark path, svg .role-mark line")
            assert marks.count() >= 3


@pytest.mark.parametrize(
    ("path", "chart", "leads_to"),
    [
        ("/delivery", 1, r"kind=efficiency.*column=Total_(Failures|Success)"),
        ("/sprints?work=tickets", 0, r"work=tickets.*kind=sprint.*column=\w+_Commit"),
    ],
)
def test_a_bar_leads_to_the_rows_behind_it(
    chromium: Browser, page_server: Served, path: str, chart: int, leads_to: str
) -> None:
    with window(chromium, page_server) as page:
        page.goto(with_data(path))
        bar = page.locator("figure.chart.drawn").nth(chart).locator("svg .mark-rect.role-mark path").first
        bar.wait_for()
        bar.click()
        page.wait_for_url(re.compile(r"/facts\?"))
        assert re.search(leads_to, page.url)
        assert re.search(r"from=2026-0\d-01.*to=2026-0\d-\d\d", page.url)


def test_three_clicks_by_keyboard_sort_the_teams(chromium: Browser, page_server: Served) -> None:
    """What can be clicked can be reached and used by keys alone."""
    with window(chromium, page_server) as page:
        page.goto(with_data("/delivery"))
        link = page.get_by_role("link", name="Lead time", exact=True)
        link.focus()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("sort=-LTTC_MEAN_DAYS"))
        assert page.locator("th[aria-sort=descending]").inner_text().strip().startswith("Lead time")


@pytest.mark.parametrize("path", [path for path, _ in SCREENS])
def test_with_data_a_later_visit_weighs_little(admin: Browsing, path: str) -> None:
    admin.get(with_data(path))  # until it is computed
    with admin.http.stream("GET", with_data(path)) as answer:
        assert answer.status_code == 200
        assert sum(map(len, answer.iter_raw())) <= 60_000
