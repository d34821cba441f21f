"""The rows of the step `carried` as Arrow tables: what deployments carry, and what they were anchored at."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from leadline.derive.commit_graph import Graph
from leadline.derive.deployed_commit import DeployedCommit
from leadline.derive.first_deployment import Carried
from leadline.engine.functions import INSTANT
from leadline.facts.deployment_contents.repository_rows import DeploymentRow

if TYPE_CHECKING:
    import pyarrow as pa

CARRIED_COLUMNS = {
    "class": "int64",
    "repository": "string",
    "service": "string",
    "sha": "string",
    "deployment_id": "string",
    "deployed_at": INSTANT,
    "via": "string",
    "picked_by": "string",
}
ANCHORS_COLUMNS = {"deployment_id": "string", "repository": "string", "anchor": "string", "note": "string"}

ANCESTOR, LISTED, CHERRY_PICK = "ancestor", "listed", "cherry-pick"
_VIAS = (ANCESTOR, LISTED, CHERRY_PICK)

GroupKey = tuple[int, str]
"""Class of production and service."""


def schema(columns: Mapping[str, str]) -> pa.Schema:
    """Columns with ibis types as an Arrow schema."""
    import pyarrow as pa

    types = {"int64": pa.int64(), "string": pa.string(), INSTANT: pa.timestamp("us", tz="UTC")}
    return pa.schema([pa.field(name, types[kind]) for name, kind in columns.items()])


class CarriedRows:
    """What the deployments of one group carry, gathered as numbers and made into rows at once."""

    def __init__(self, graph: Graph, repository: str, key: GroupKey) -> None:
        self._graph = graph
        self._repository = repository
        self._key = key
        self._nodes = array("i")
        self._deployments = array("i")
        self._vias = array("i")
        self._pickers: dict[int, int] = {}

    def add(self, at: int, carried: Carried) -> None:
        """What the repository's deployment number ``at`` carries."""
        for via, nodes in enumerate((carried.ancestors, carried.listed, carried.picked)):
            if nodes:
                if via == _VIAS.index(CHERRY_PICK):
                    self._pickers.update(enumerate(carried.picked.values(), len(self._nodes)))
                self._nodes.extend(nodes)
                self._deployments.extend([at] * len(nodes))
                self._vias.extend([via] * len(nodes))

    def rows(self, deployments: Sequence[DeploymentRow]) -> pa.Table:
        """The rows; ``deployments`` are all of the repository."""
        import pyarrow as pa

        count = len(self._nodes)
        kind, service = self._key
        numbers = _arrow(self._deployments)
        ids = pa.array([row.deployment_id for row in deployments], pa.string())
        finished = pa.array([row.finished_us for row in deployments], pa.timestamp("us", tz="UTC"))
        pickers: list[str | None] = [None] * count if self._pickers else []
        for at, picker in self._pickers.items():
            pickers[at] = self._graph.sha(picker).decode()
        columns = [
            pa.repeat(pa.scalar(kind, pa.int64()), count),
            pa.repeat(self._repository, count),
            pa.repeat(service, count),
            self._shas(),
            ids.take(numbers),
            finished.take(numbers),
            pa.array(_VIAS, pa.string()).take(_arrow(self._vias)),
            pa.array(pickers, pa.string()) if pickers else pa.nulls(count, pa.string()),
        ]
        return pa.Table.from_arrays(columns, schema=schema(CARRIED_COLUMNS))

    def _shas(self) -> pa.Array:
        """The ids of the commits, taken from the graph's text without a Python object each."""
        import pyarrow as pa

        graph = self._graph
        if not self._nodes:
            return pa.array([], pa.string())
        texts = pa.LargeStringArray.from_buffers(len(graph), pa.py_buffer(graph.sha_offsets), pa.py_buffer(graph.shas))
        return texts.take(_arrow(self._nodes)).cast(pa.string())


def _arrow(numbers: array[int]) -> pa.Array:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int32(), len(numbers), [None, pa.py_buffer(numbers)])


def anchor_rows(name: str, rows: Sequence[DeploymentRow], anchored: Sequence[DeployedCommit]) -> pa.Table:
    """One row for each of a repository's deployments, with its anchor."""
    import pyarrow as pa

    columns = [
        [row.deployment_id for row in rows],
        [name or None] * len(rows),
        [anchor.sha for anchor in anchored],
        [anchor.note for anchor in anchored],
    ]
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], schema=schema(ANCHORS_COLUMNS))
