"""What the Linear connector asks and reads, held against what Linear publishes of its GraphQL schema (``stubs/linear.graphql``)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cli.running import Leadline
from leadline.cli.source_runs import INCOMPLETE
from leadline.instants import rfc3339
from leadline.sources.linear import queries
from published.built import built
from published.graphs import Schema
from published.traffic import recorded
from stubs import linear, linear_data
from stubs.server import serving


def test_every_query_is_one_of_the_schema_and_so_is_every_answer(tmp_path: Path) -> None:
    """One run over sockets, in which every query is sent at least once."""
    tool = linear.small()
    tool.teams += [linear_data.team(number, f"T{number}") for number in range(3, 104)]
    tool.found("ENG-1")["history"] += [linear_data.entry(f"e{number}", number, toTitle="x") for number in range(20)]
    tool.found("ENG-2")["labels"] = [linear_data.label(f"l{number}") for number in range(11)]
    tool.refused = lambda name, node: (name, node["identifier"]) == ("history", "WEB-1")
    secret = {"LINEAR_TOKEN": linear.TOKEN}
    with recorded() as exchanges, serving(tool) as url:
        reads = Leadline(tmp_path / "home", tmp_path)
        reads("sources", "add", "linear", "ENG", "WEB", "--url", url, "--name", "it")
        reads("sources", "test", "it", env=secret)
        reads("sync", env=secret, code=INCOMPLETE)
        tool.clock += 86_400 * 2
        tool.found("WEB-1")["updatedAt"] = rfc3339(datetime.now(UTC) + timedelta(days=1))
        reads("sync", env=secret, code=INCOMPLETE)
    schema = Schema(linear.SDL.read_text())
    asked = {exchange.body["query"] for exchange in exchanges}
    assert asked == set(built(queries, {"name": tuple(queries.DETAILS)}).values())
    for exchange in exchanges:
        query, variables = exchange.body["query"], exchange.body["variables"]
        assert schema.faults(query, variables) == []
        if "errors" not in exchange.answer:
            assert schema.differences(query, variables, exchange.answer["data"]) == []
