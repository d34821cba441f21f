"""Every further kind of export for all teams of an organization by month, over a year: leadline against hand-written DuckDB SQL
(``kinds/*.sql``) over the same stored facts.

Runs in turn, each in a process of its own: the SQL and the export, whose facts are stored; with ``--first`` before them one export
after new data, which computes all facts that those before it did not. Prints for each case the medians from the request to the
finished file and of the query alone (all tables bound), the ratios to the SQL, the peak memory and whether both wrote the same
cells. Goal: 1.5 times the SQL, by seconds of the processor, and 1 GiB.

    python bench/make_big_home.py --developers 6000 --home /tmp/big
    python bench/kinds.py --home /tmp/big [--case flow --case sprint] [--rounds 5] [--first]
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
from against_sql import Floor, Run, Spent, answered, arguments, line, print_differences, runs, timed
from dora import last_year

if TYPE_CHECKING:
    from leadline.materialize.model import Model
    from leadline.metrics.run import QueryInputs

    Inputs = QueryInputs[Any]

RUNS = ("first", "floor", "later")
FOLDER = Path(__file__).with_name("kinds")


# -- what the SQL reads beside stored facts, bound as the product binds it ---------------------------------------------


def bind_rows(duck: Any, inputs: Inputs) -> Any:
    """The units and periods of rows, and who is where when."""
    from leadline.metrics.binder import bind_scope
    from leadline.metrics.request import MetricsRequest

    asked = inputs.request
    rows = MetricsRequest(asked.tree, asked.team, asked.start, asked.end, (), asked.level, asked.granularity)
    return bind_scope(duck, inputs.timeline(asked.start), rows, inputs.profile, inputs.today)


def bind_business(duck: Any, inputs: Inputs) -> None:
    from leadline.facts.categories import bind_categories
    from leadline.metrics.business import bind_days

    scope = bind_rows(duck, inputs)
    bind_categories(duck, scope.stretches, inputs.profile)
    bind_days(duck, inputs, scope.stretches)


def bind_flow(duck: Any, inputs: Inputs) -> None:
    from leadline.metrics.binder import bind_spans

    bind_rows(duck, inputs)
    bind_spans(duck, inputs.request, inputs.profile, inputs.today)


# -- cases -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """What is exported of a ``kind``: the body's ``options`` and what it says besides (``more``). ``bind`` binds what the SQL
    reads, which is in the file of the case's name."""

    kind: str
    options: Mapping[str, str]
    bind: Callable[[Any, Inputs], object] = bind_rows
    more: Mapping[str, Any] = field(default_factory=dict)


CASES = {
    "sprint": Case("sprint", {"granularity": "MONTHLY", "metricLevel": "team"}),
    "alignment": Case("ba", {"granularity": "MONTHLY"}, bind_business),
    "effort": Case("ba", {"granularity": "MONTHLY"}, bind_business, {"metricGroups": ["EFFORT"]}),
    "time_in_status": Case("ticket-data", {"granularity": "monthly"}),
    "flow": Case("flow", {"granularity": "monthly"}, bind_flow),
    "ai": Case("productivity", {"aggregationLevel": "team", "granularity": "monthly"}, more={"metricGroups": ["ai"]}),
    "split": Case("productivity", {"aggregationLevel": "team", "granularity": "monthly", "splitBy": "ai"}),
}


def main() -> None:
    parser = arguments(__doc__, RUNS, rounds=5)
    parser.add_argument("--case", choices=CASES, action="append", default=[], help="only this one; repeatable")
    parser.add_argument("--first", action="store_true", help="compute the facts anew before")
    options = parser.parse_args()
    if options.child:
        (case,) = options.case
        answered(options, lambda home, kind, out: run(home, CASES[case], case, kind, out))
        return
    if options.first:
        for folder in options.home.glob("projects/*/*/cache"):
            shutil.rmtree(folder)
    turns = [("floor", "later") if turn % 2 else ("later", "floor") for turn in range(options.rounds)]
    for name in options.case or CASES:
        print(f"\n== {name}")
        begin = [("first", *turns[0])] if options.first else [turns[0]]
        said, cells = runs(__file__, options.home, begin + turns[1:], ("--case", name))
        for kind in said:
            print(line(kind, said[kind], said["floor"]))
        print_differences(cells)


def run(home: Path, case: Case, name: str, kind: str, out: Path) -> Run:
    from leadline.exports.kinds import KINDS, parse
    from leadline.home import Home
    from leadline.metrics.request import Control
    from leadline.metrics.run import Runner, pin

    with Home.open(home) as opened, Runner(opened) as runner:
        project = opened.project()
        body = {**last_year(project), **case.more, "options": dict(case.options)}
        request = parse(project, body, case.kind).request
        pins, query = pin(project, request.tree), KINDS[case.kind].rows.query
        if kind == "floor":
            began = time.monotonic(), time.process_time()
            with runner.inputs(project, request, pins, Control()) as inputs:  # reads the trees
                reading = time.monotonic() - began[0], time.process_time() - began[1]
                whole, alone = floor(inputs, case, name, out)
            return {"whole": [sum(both) for both in zip(reading, whole, strict=True)], "query": alone}
        list(runner.prepare())
        whole, alone = timed(lambda: runner.produce(project, request, pins, out, Control(), query)), None
        if kind == "later":
            with runner.inputs(project, request, pins, Control()) as inputs:
                text = query(inputs)
                alone = timed(lambda: inputs.session.engine.arrow(text))
    return {"whole": whole, "query": alone}


def floor(inputs: Inputs, case: Case, name: str, out: Path) -> tuple[Spent, Spent]:
    """The SQL; binding the tree and the periods is the product's."""
    sql = (FOLDER / f"{name}.sql").read_text()
    models = [model for model in stored() if model.bound_name in sql]
    inputs.session.facts.bind(models)
    cache = inputs.project.folder / "cache" / "facts"
    folders = {model.bound_name: f"{model.name}-{inputs.session.facts.fingerprint(model)}" for model in models}
    began = time.monotonic(), time.process_time()
    duck = Floor()
    case.bind(duck, inputs)
    for view, folder in folders.items():
        duck.connection.execute(f"CREATE VIEW {view} AS FROM read_parquet('{cache / folder / '*.parquet'}')")
    query = timed(lambda: duck.connection.execute(sql))
    duck.write(out)
    return (time.monotonic() - began[0], time.process_time() - began[1]), query


def stored() -> Iterable[Model]:
    """The stored tables that the SQL of any case reads."""
    from leadline.facts import (
        ai_marks,
        ai_usage,
        business_items,
        categories,
        commits,
        effort,
        flow,
        pull_requests,
        sprints,
        status_visits,
        ticket_ends,
        work_items,
    )

    return (
        *(sprints.SPRINTS, sprints.SPRINT_ITEMS),
        *(business_items.BUSINESS_ITEMS, *categories.CATEGORY_STEPS, *effort.MODELS),
        *(ticket_ends.TICKET_ENDS, status_visits.STATUS_VISITS),
        *(flow.FLOW_ITEMS, flow.SPANS_IN_PROGRESS, flow.REOPENED),
        *(commits.COMMITS, pull_requests.PULL_REQUESTS, work_items.WORK_ITEMS),
        *(ai_marks.AI_COMMITS, ai_marks.AI_PULLS, ai_marks.AI_ITEMS, ai_usage.AI_USAGE),
    )


if __name__ == "__main__":
    main()
