"""The report as PDF: its figures, charts and tables are those of the screens; pages hold what they can, and texts stay text."""

from __future__ import annotations

import html
import re
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from api.serving import Served
from cli.running import Leadline
from leadline.charts.document import bound_pages
from leadline.charts.render import Renderer
from leadline.page.paper import PaperTable, Row
from leadline.page.paper_pages import FITTING, HEIGHT, MARGIN, Block, _paginated, _rows, fitted, wrapped
from leadline.page.render import environment

from .browsing import Browsing

DAYS = ["--start", "2026-01-01", "--end", "2026-03-31"]
PERIOD = "from=2026-01-01&to=2026-03-31&granularity=weekly"


@pytest.fixture(scope="module")
def command(page_server: Served, tmp_path_factory: pytest.TempPathFactory) -> Leadline:
    return Leadline(page_server.home.path, tmp_path_factory.mktemp("paper"))


def words(text: str) -> str:
    """Without the line breaks of a page or of its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def figures(page: str) -> list[str]:
    """The figures of cards and tables as they are read."""
    found = re.findall(r'<data value="([^"]+)" data-column="[^"]+">([^<]+)</data>', page)
    return [words(text) for value, text in found if value]


@pytest.mark.parametrize("team", ["1", "2"])
def test_the_report_has_the_figures_and_charts_of_the_screens(admin: Browsing, command: Leadline, team: str) -> None:
    told = command.process("report", *DAYS, "--team", team, "--pdf", "report.pdf").stdout
    reader = PdfReader(command.cwd / "report.pdf")
    assert f"{len(reader.pages)} pages" in told
    text = words(" ".join(page.extract_text() for page in reader.pages))
    for screen in ("delivery", "productivity"):
        page = admin.get(f"/{screen}?{PERIOD}&team={team}").text
        shown = figures(page)
        assert len(shown) >= 8
        for figure in shown:
            assert figure in text
        for title in re.findall(r"<figcaption><h3>([^<]+)</h3>", page):
            assert words(title) in text
        for name in re.findall(r'<tr data-team="\d+"><th[^>]*><a[^>]*>([^<]+)</a>', page):
            assert words(name) in text


def test_what_cannot_be_is_told_and_leaves_no_file(command: Leadline) -> None:
    for code, options, said in (
        (2, ["--pdf", "report.csv"], "the ending .csv is none of .pdf"),
        (2, ["--pdf", "report.pdf", "--efficiency", "all"], "it has the metrics of the screens"),
        (2, ["--pdf", "report.pdf", "--team", "999999"], "999999"),
    ):
        refused = command.process("report", *DAYS, *options, code=code)
        assert said in refused.stderr
    wrong_way = ["--start", "2026-03-31", "--end", "2026-01-01", "--pdf", "other.pdf"]
    assert "must not be after" in command.process("report", *wrong_way, code=2).stderr
    assert not (command.cwd / "other.pdf").exists()


# -- pages -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 700), st.sampled_from([0, 30, 60])), max_size=30))
def test_nothing_is_lost_divided_or_drawn_over_another(heights: list[tuple[int, int]]) -> None:
    blocks = [Block("note", height, str(place), keeps) for place, (height, keeps) in enumerate(heights)]
    pages = _paginated(blocks)
    assert [block for page in pages for _, block in page] == blocks
    for page in pages:
        bottom = float(MARGIN)
        for y, block in page:
            assert y == bottom
            bottom = y + block.height
        assert bottom <= HEIGHT - MARGIN


def test_a_long_table_has_its_head_on_every_page() -> None:
    rows = [Row(f"Team {number}", ["1"]) for number in range(120)]
    pages = _paginated([*_rows(PaperTable("Teams", ["Figure"], rows, 7))])
    assert len(pages) > 2
    for page in pages:
        kinds = [block.kind for _, block in page]
        assert kinds.count("head") == 1
    assert [block.data[1].name for page in pages for _, block in page if block.kind == "row"] == [r.name for r in rows]


def test_texts_stay_texts_and_are_cut_where_they_are_too_long(tmp_path: Path) -> None:
    name = '<script>alert(1)</script> & "Zoë"'
    blocks = [(40.0, Block("heading", 24, name)), (80.0, Block("note", 24, "Дмитрий"))]
    size = {"width": 595, "height": 842, "margin": 40, "inner": 515, "half": 250, "gap": 16, "scale": 1}
    svg = environment().get_template("paper.svg").render(blocks=blocks, number=1, total=1, **FITTING, **size)
    assert "<script>" not in svg
    with Renderer() as renderer:
        document = bound_pages([renderer.page(svg), renderer.page(svg)], name)
    reader = PdfReader(BytesIO(document))
    assert len(reader.pages) == 2
    assert name in words(reader.pages[1].extract_text().replace("<", "&lt;"))
    assert "Дмитрий" in reader.pages[0].extract_text()
    assert fitted("x" * 100, 50, 10) == "xxxxxxxxx…"
    assert fitted("short", 50, 10) == "short"
    assert wrapped("Comments per PR", 60, 9) == ["Comments per", "PR"]
    assert wrapped("Deployments", 60, 9) == ["Deployments"]
