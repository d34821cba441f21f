"""The rows of a fact that somebody asked for, as queries: each is compiled once for all who ask alike, since compiling takes longer
than most of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.engine import compiled
from leadline.errors import InvalidRequest
from leadline.facts.catalogue import Fact
from leadline.facts.texts import as_written

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Table

    from leadline.engine import Backend
    from leadline.materialize.session import Session


@dataclass(frozen=True)
class FactRows:
    """The rows of a fact that filters keep, with the documented columns in the fact's natural order, in an ``opened`` session.
    ``shape`` is what their query follows from beside the fact and what is bound; ``expression`` builds it."""

    opened: Session
    fact: Fact
    shape: list[object]
    expression: Callable[[], Table]

    @property
    def engine(self) -> Backend:
        """What runs their queries."""
        return self.opened.engine

    def sql(self, *words: object, of: Callable[[Table], Table] = lambda rows: rows) -> str:
        """The query of what ``of`` makes of the rows, compiled once for all that have the same ``words``."""
        shape = [self.fact.name, *words, *self.shape]
        return self.opened.facts.queries.text("fact", shape, lambda: compiled(of(self.expression())))

    def as_file(self, form: str) -> str:
        """The query of all of them as files of the format ``form`` have them."""
        return self.sql("file", form, of=lambda rows: as_written(rows, form))

    @property
    def tables(self) -> frozenset[str]:
        """The lake's tables that they follow from."""
        return self.opened.tables_behind(self.as_file("parquet"))

    def count(self) -> int:
        """How many there are."""
        text = self.sql("count", of=lambda rows: rows.aggregate(rows=rows.count()))
        return int(self.engine.arrow(text)["rows"][0].as_py())

    def page(self, limit: int, offset: int = 0, sort: Sequence[tuple[str, bool]] = ()) -> pa.Table:
        """At most ``limit`` rows after the first ``offset``. ``sort`` are columns, each with whether it runs downwards;
        what they leave open follows the natural order. Raises ``InvalidRequest`` for a column that there is not."""
        import ibis

        if unknown := [name for name, _ in sort if name not in self.fact.columns]:
            raise InvalidRequest(
                f"{self.fact.name} have no column {unknown[0]!r}; columns are {', '.join(self.fact.columns)}",
                code="unknown_column",
            )
        directions = {**dict.fromkeys(self.fact.key, False), **dict(sort)}
        names = dict.fromkeys([*(name for name, _ in sort), *self.fact.key])
        order = [ibis.desc(name) if directions[name] else ibis.asc(name) for name in names]
        return self.engine.arrow(
            self.sql(
                "some", limit, offset, list(sort), of=lambda rows: rows.order_by(order).limit(limit, offset=offset)
            )
        )
