"""The process that draws: within time, without the network, and whatever texts are in the data."""

from __future__ import annotations

import socket
from xml.etree import ElementTree

import pytest

from leadline.charts import render
from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.draw import bound
from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.charts.render import ChartTimeout, NoChartLibrary, Renderer
from leadline.errors import StoreError

CHARTS = {chart.name: chart for chart in (*DELIVERY_CHARTS, *PRODUCTIVITY_CHARTS)}


PAYLOAD = """</script><script>alert(1)</script><img src=x onerror="alert(1)">&'"${7*7}"""
DOT = {
    "kind": "dot",
    "happened": "2026-01-05T09:00:00+00:00",
    "period": "5 Jan",
    "name": PAYLOAD,
    "value": 60,
    "text": PAYLOAD,
}


def test_texts_of_tools_stay_text() -> None:
    spec = bound(CHARTS["cycle-time-scatter"].spec, [DOT], width=300, title=(PAYLOAD, PAYLOAD))
    with Renderer() as renderer:
        svg = renderer.picture(spec, "svg").decode()
    root = ElementTree.fromstring(svg)
    assert PAYLOAD in "".join(root.itertext())
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "line",
        "rect",
        "defs",
    }
    assert [name for element in root.iter() for name in element.attrib if name.lower().startswith("on")] == []


@pytest.mark.parametrize(("form", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_every_form(form: str, start: bytes) -> None:
    with Renderer() as renderer:
        assert renderer.picture(bound(CHARTS["restore-times"].spec, [DOT], width=300), form).startswith(start)


def test_nothing_is_asked_of_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Renderer() as renderer:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/rows.csv"
        spec = {**bound(CHARTS["restore-times"].spec, [], width=300), "data": {"url": address}}
        with pytest.raises(StoreError, match="not be drawn"):
            renderer.picture(spec, "svg")
        with pytest.raises(TimeoutError):
            server.accept()
        # The process is not worse for it.
        assert renderer.picture(bound(CHARTS["restore-times"].spec, [DOT], width=300), "svg")


def test_what_takes_too_long_is_stopped() -> None:
    rows = [DOT] * 20_000
    with Renderer(seconds=0.05) as renderer:
        with pytest.raises(ChartTimeout, match=r"not ready within 0\.05 seconds"):
            renderer.picture(bound(CHARTS["restore-times"].spec, rows, width=300), "svg")
        assert renderer._process is None


def test_what_takes_too_much_memory_is_stopped() -> None:
    """Rows without end fill the memory that it may have, and not the time; the next picture is drawn."""
    picture = bound(CHARTS["restore-times"].spec, [DOT], width=300)
    grown = {**picture, "data": {"sequence": {"start": 1, "stop": 30_000_000, "as": "value"}}}
    with Renderer() as renderer:
        with pytest.raises(StoreError) as refused:
            renderer.picture(grown, "svg")
        assert not isinstance(refused.value, ChartTimeout)
        assert renderer.picture(picture, "svg")


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "MOST_BYTES", 1000)
    with Renderer() as renderer, pytest.raises(StoreError, match="more rows than a picture can show"):
        renderer.picture(bound(CHARTS["restore-times"].spec, [DOT] * 100), "svg")


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "find_spec", lambda _name: None)
    with Renderer() as renderer, pytest.raises(NoChartLibrary, match=r"pip install 'leadline\[charts\]'"):
        renderer.picture(bound(CHARTS["restore-times"].spec, [DOT]), "svg")
