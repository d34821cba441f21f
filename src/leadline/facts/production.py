"""The environments that are production, as a stored table: for every class of environment rules those it calls so.

The deployments' environments and the profile's rules come in; ``derive.production`` decides. Environments are few, so each
name is judged once, in Python.
"""

from __future__ import annotations

from leadline.derive.production import classes, is_production
from leadline.materialize.model import BuildContext, Model


def _compute(place: BuildContext) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = place.engine.arrow("SELECT DISTINCT environment FROM deployments ORDER BY environment NULLS FIRST")
    seen = names.column("environment").to_pylist()
    production = [
        (number, environment)
        for number, rule in enumerate(classes(place.profile))
        for environment in seen
        if is_production(environment, rule)
    ]
    table = pa.table(
        {
            "class": pa.array([number for number, _ in production], pa.int64()),
            "environment": pa.array([environment for _, environment in production], pa.string()),
        }
    )
    pq.write_table(table, place.folder / "environments.parquet")


ENVIRONMENTS = Model(
    "environments",
    {"class": "int64", "environment": "string"},
    reads=("deployments",),
    compute=_compute,
    rules=("environment",),
)
"""Every (class, environment) that is production; an unknown environment is null."""
