"""Which files the setting ``code.exclude`` leaves out of lines: a repository's own value takes the place of that for all."""

from __future__ import annotations

import ibis
from ibis.expr.types import ArrayValue, BooleanValue, Table

from leadline.derive.paths import named_by
from leadline.materialize.model import BuildContext, Computation, Model
from leadline.settings.profile import Profile


def named_by_setting(files: Table, profile: Profile) -> BooleanValue:
    """Whether each of ``files`` (repository, path) is left out by ``code.exclude``."""
    own = profile.own("repository", "code.exclude")
    of_all = named_by(files.path, profile["code.exclude"])
    if not own:
        return of_all
    former = FORMER_NAMES.table()
    names = sorted(own)
    # The name that it has now decides before one that it had.
    called = [
        *(files.repository.lower() == name for name in names),
        # By a list: Spark reads no query's rows where a value is asked for.
        *(_called(former, name).contains(files.repository) for name in names),
    ]
    named = [named_by(files.path, own[name]) for name in (*names, *names)]
    return ibis.cases(*zip(called, named, strict=True), else_=of_all)


def _called(former: Table, name: str) -> ArrayValue:
    found = former.filter(former.former_name == name).repository
    listed: ArrayValue = found.collect(order_by=found).as_scalar()
    return listed


def _compute(context: BuildContext) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pairs = sorted(
        (repository, name.lower())
        for repository, names in context.spellings.names.items()
        for name in names
        if name != repository
    )
    columns = [pa.array([pair[at] for pair in pairs], pa.string()) for at in range(2)]
    pq.write_table(pa.Table.from_arrays(columns, names=list(FORMER_NAMES.columns)), context.folder / "names.parquet")


FORMER_NAMES = Model(
    "former_names",
    {"repository": "string", "former_name": "string"},
    computation=Computation(_compute, sources=("repositories",)),
)
"""The names (in lower case) that repositories had before."""
