"""Proves at the start that exports can be made here: what they need is installed, and the engine runs a query."""

from __future__ import annotations

from leadline.errors import StoreError
from leadline.home import Home


def prove(home: Home) -> None:
    """Import what an export needs, and run a query as its are run. Raises ``StoreError`` saying what is missing.

    What is imported here, the first export does not wait for.
    """
    try:
        import deltalake  # noqa: F401
        import ibis

        import leadline.lake
        import leadline.materialize.store
        import leadline.metrics.binder
        import leadline.metrics.query
        import leadline.metrics.run
        import leadline.people.arrow  # noqa: F401
        from leadline.engine import Engine

        with Engine.of(home) as engine:
            engine.arrow(ibis.range(1).unnest().name("number").as_table())
    except ImportError as error:
        raise StoreError(
            f"Exports cannot be made here: {error}; install leadline again with all that it needs"
        ) from error
