"""The environments that are production, as a stored table: for every class of environment rules those it calls so.

``derive.production`` decides. Environments are few, so each name is judged once, in Python.
"""

from __future__ import annotations

from leadline.derive.production import classes, is_production
from leadline.engine import schema_table
from leadline.materialize.model import BuildContext, Computation, Model


def _compute(context: BuildContext) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = context.sql("environment_names", None, lambda: schema_table("deployments").select("environment").distinct())
    seen = context.engine.arrow(names).column("environment").to_pylist()
    production = [
        (number, environment)
        for number, rule in enumerate(classes(context.profile))
        for environment in sorted(seen, key=lambda name: (name is not None, name))
        if is_production(environment, rule)
    ]
    table = pa.table(
        {
            "class": pa.array([number for number, _ in production], pa.int64()),
            "environment": pa.array([environment for _, environment in production], pa.string()),
        }
    )
    pq.write_table(table, context.folder / "environments.parquet")


ENVIRONMENTS = Model(
    "environments",
    {"class": "int64", "environment": "string"},
    computation=Computation(_compute, sources=("deployments",), rules=("environment",)),
)
"""Every (class, environment) that is production; an unknown environment is null."""
