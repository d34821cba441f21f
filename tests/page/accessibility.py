"""What is wrong with a page for people who see little, who like it dark, or whose window is small."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""WCAG 2.2 AA, and what axe-core takes for good practice."""
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that look at colours. The style sheet says what is dark by ``light-dark()`` alone, which CSS takes for colours only, so
that the other rules find in one scheme what they find in the other."""


def faults(page: Page) -> list[str]:
    """What is wrong with the page as it is now in its window: wider than that, or not accessible, light or dark."""
    wider = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    found = ["wider than its window"] if wider else []
    found += findings(page)
    recolour(page, "dark")
    found += [f"dark: {finding}" for finding in findings(page, OF_COLOURS)]
    recolour(page, "light")
    return found


def findings(page: Page, rules: Sequence[str] = STANDARDS) -> list[str]:
    """What axe-core finds by ``rules`` or tags of rules, in the colours that the page has now."""
    axe = Axe()
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.axe_script)
    found = page.evaluate("options => axe.run(document, options)", {"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


def recolour(page: Page, scheme: str) -> None:
    """Have the page light or dark, charts too, as who looks at it likes it from now on."""
    page.evaluate("for (const svg of document.querySelectorAll('figure.chart.drawn svg')) svg.dataset.before = ''")
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    expect(page.locator("svg[data-before]")).to_have_count(0)
