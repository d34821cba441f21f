"""The environments that are production, as a stored table: for every class of production those it calls so.

``derive.production`` decides. Environments are few, so each name is judged once, in Python.
"""

from __future__ import annotations

from leadline.derive.production import classes, is_production
from leadline.engine import schema_table
from leadline.materialize.model import BuildContext, Computation, Model
from leadline.settings.event_sources import DEPLOYMENT_SETTINGS

CLASS_SETTINGS = DEPLOYMENT_SETTINGS
CLASS_RULES = ("environment", *DEPLOYMENT_SETTINGS)
"""What ``derive.production.classes`` asks a profile for."""


def _compute(context: BuildContext) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = context.sql("environment_names", None, lambda: schema_table("deployments").select("environment").distinct())
    seen = context.engine.arrow(names).column("environment").to_pylist()
    production = [
        (number, environment, of_class.source.of_pipelines)
        for number, of_class in enumerate(classes(context.profile))
        for environment in sorted(seen, key=lambda name: (name is not None, name))
        if is_production(environment, of_class.environment)
    ]
    table = pa.table(
        {
            "class": pa.array([number for number, _, _ in production], pa.int64()),
            "environment": pa.array([environment for _, environment, _ in production], pa.string()),
            "counts": pa.array([counts for _, _, counts in production], pa.bool_()),
        }
    )
    pq.write_table(table, context.folder / "environments.parquet")


ENVIRONMENTS = Model(
    "environments",
    {"class": "int64", "environment": "string", "counts": "boolean"},
    computation=Computation(_compute, sources=("deployments",), settings=CLASS_SETTINGS, rules=CLASS_RULES),
)
"""Every (class, environment) that is production; an unknown environment is null. ``counts``: runs of pipelines are deployments of
that class."""
