"""A chart in a real browser: drawn by the policy's leave, in the page's colours, with text of tools as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser
from starlette.responses import Response

from api.serving import Served, serving
from leadline.home import Home
from leadline.page.install import install
from leadline.page.render import environment
from leadline.page.screen import new_router
from leadline.page.visit import Reader

from .windows import window

PAYLOAD = "</script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
TEMPLATE = """{% extends "base.html" %}{% import "parts.html" as ui with context %}{% block page %}
{{ ui.head("A chart") }}{{ ui.chart(spec, "Merged", "How many.", table) }}{% endblock %}"""
SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "width": "container",
    "height": 200,
    "params": [{"name": "accent", "value": "#ff00ff"}, {"name": "planning", "value": "#ff00ff"}],
    "data": {"values": [{"name": PAYLOAD, "value": 3}, {"name": "b", "value": 5}]},
    "transform": [{"calculate": "datum.value * 2", "as": "twice"}],
    "mark": {"type": "bar", "color": {"expr": "accent"}},
    "encoding": {
        "x": {"field": "name", "type": "nominal"},
        "y": {"field": "twice", "type": "quantitative"},
        "tooltip": [{"field": "name"}, {"field": "twice"}],
    },
}
ROWS = SimpleNamespace(columns=["Team", "Merged"], rows=[[PAYLOAD, "3"], ["b", "5"]])

router = new_router()


@router.get("/a-chart")
def a_chart(visit: Reader) -> Response:
    return visit.html(environment().from_string(TEMPLATE), title="A chart", spec=json.dumps(SPEC), table=ROWS)


def with_a_chart(app: FastAPI) -> None:
    install(app)
    app.router.routes.extend(router.routes)


@pytest.fixture
def charted(home: Home) -> Iterator[Served]:
    with serving(home, workers=0, faces=[with_a_chart]) as running:
        yield running


def test_a_chart_is_drawn_in_the_colours_of_the_page(chromium: Browser, charted: Served, scheme: str) -> None:
    with window(chromium, charted, color_scheme=scheme) as page:
        page.goto("/a-chart")
        page.wait_for_selector("figure.chart.drawn svg")
        colour = page.locator(".drawing .mark-rect path").first.get_attribute("fill")
        assert colour == {"light": "rgb(47, 107, 216)", "dark": "rgb(110, 162, 255)"}[scheme]
        assert page.locator(".drawing .mark-rect path").count() == 2
        page.locator(".drawing .mark-rect path").first.hover()
        tooltip = page.locator("#vg-tooltip-element.visible")
        assert "onerror" in tooltip.inner_text()
        assert page.title() == "A chart · leadline"
        page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
        page.wait_for_function(
            "before => document.querySelector('.mark-rect path').getAttribute('fill') !== before", arg=colour
        )


def test_without_scripts_there_is_the_table(chromium: Browser, charted: Served) -> None:
    with window(chromium, charted, java_script_enabled=False) as page:
        page.goto("/a-chart")
        assert page.get_by_role("cell", name="5").is_visible()
        assert not page.locator(".drawing").is_visible()
