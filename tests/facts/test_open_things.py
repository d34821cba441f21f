"""What is open is found without computing the whole fact: it is the same rows as those of the fact that are open."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline.facts.catalogue import FACTS
from leadline.facts.filters import Filters
from leadline.facts.query import fact_rows
from leadline.home import Home, Project
from metrics.world import TREE, load
from metrics.worlds_dora import dora_world

NUMBERS = count()
FACTS_THAT_CAN_BE_OPEN = [name for name, fact in FACTS.items() if fact.open]


def rows_of(project: Project, fact: str, filters: Filters) -> list[dict[str, Any]]:
    with fact_rows(project, fact, filters) as rows:
        found: list[dict[str, Any]] = rows.page(10_000).to_pylist()
    return found


@pytest.mark.parametrize("number", range(4))
def test_what_is_open_is_what_the_whole_fact_has_of_it(home: Home, tmp_path: Path, number: int) -> None:
    random = Random(number)
    dora = dora_world(random)
    project = home.project("open", f"world-{next(NUMBERS)}", create=True)
    load(project, dora.world, tmp_path, dora.org)
    assert FACTS_THAT_CAN_BE_OPEN == ["pull-requests", "incidents"]
    for fact in FACTS_THAT_CAN_BE_OPEN:
        declared = FACTS[fact].open
        assert declared is not None
        for tree in (None, TREE):
            whole = rows_of(project, fact, Filters(tree_name=tree))
            wanted = [row for row in whole if (row[declared.column] is not None) is declared.known]
            assert rows_of(project, fact, Filters(tree_name=tree, open=True)) == wanted
