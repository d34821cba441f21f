"""The colours of charts by what they mean, once for light and once for dark, and how axes, legends and text look.

A specification names colours by role (``colour("failure")``); its ``params`` give each role a value, so that the same
specification is drawn light, dark or by a page's own colours. The hues can be told apart with any of the common kinds of colour
blindness and have a contrast of at least 3 to their background (WCAG 1.4.11); no chart tells anything by colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIGHT: Mapping[str, str] = {
    "ink": "#1f2733",
    "muted": "#5b6675",
    "grid": "#e3e7ec",
    "surface": "#ffffff",
    "accent": "#2f6bd8",
    "planning": "#7b8794",
    "coding": "#2f6bd8",
    "review": "#c06a00",
    "build": "#7a4fc0",
    "deploy": "#0c8577",
    "success": "#5b8fe6",
    "failure": "#c2410c",
    "first": "#2f6bd8",
    "second": "#c06a00",
    "third": "#0c8577",
    "fourth": "#7b8794",
    "trend": "#1f2733",
    "goal": "#a8326f",
}
DARK: Mapping[str, str] = {
    "ink": "#e6e9ee",
    "muted": "#9aa5b4",
    "grid": "#2c343f",
    "surface": "#12171e",
    "accent": "#6ea2ff",
    "planning": "#8b96a5",
    "coding": "#6ea2ff",
    "review": "#f0a94a",
    "build": "#b596f0",
    "deploy": "#3fc2b1",
    "success": "#5d8fe8",
    "failure": "#ff7d4d",
    "first": "#6ea2ff",
    "second": "#f0a94a",
    "third": "#3fc2b1",
    "fourth": "#8b96a5",
    "trend": "#e6e9ee",
    "goal": "#f29ac8",
}
THEMES: Mapping[str, Mapping[str, str]] = {"light": LIGHT, "dark": DARK}

FONT = "Inter, system-ui, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"


def colour(role: str) -> dict[str, str]:
    """The colour of ``role``, wherever a specification wants a colour."""
    return {"expr": role}


def params(theme: str) -> list[dict[str, str]]:
    """The parameters of a specification that give every role its colour in ``theme``."""
    return [{"name": role, "value": value} for role, value in THEMES[theme].items()]


CONFIG: Mapping[str, Any] = {
    "font": FONT,
    "background": colour("surface"),
    "view": {"stroke": None},
    "axis": {
        "labelColor": colour("muted"),
        "gridColor": colour("grid"),
        "domainColor": colour("grid"),
        "tickColor": colour("grid"),
        "labelFontSize": 11,
    },
    "axisX": {
        "grid": False,
        "ticks": False,
        "labelPadding": 6,
        "labelAngle": 0,
        "labelOverlap": "greedy",
        "labelSeparation": 6,
    },
    "axisY": {
        "domain": False,
        "ticks": False,
        "tickCount": 4,
        "labelPadding": 6,
    },
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "columns": {"expr": "width < 430 ? 3 : 0"},
        "title": None,
        "labelColor": colour("ink"),
        "labelFontSize": 11,
        "symbolSize": 90,
        "offset": 20,
        "columnPadding": 14,
    },
    "title": {
        "anchor": "start",
        "frame": "group",
        "fontSize": 14,
        "color": colour("ink"),
        "subtitleColor": colour("muted"),
        "subtitleFontSize": 11,
        "subtitlePadding": 4,
        "offset": 14,
    },
    "text": {"color": colour("muted"), "fontSize": 10},
    "point": {"size": 46, "filled": True},
    "line": {"strokeWidth": 2},
}
"""How everything looks that a chart does not say itself."""
