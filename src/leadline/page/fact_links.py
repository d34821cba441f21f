"""Addresses of the rows of facts that other rows name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadline.facts.catalogue import FACTS
from leadline.page.behind import FactRow
from leadline.page.one_fact import key_query, said_as
from leadline.page.view import View

OF_A_ROW: Mapping[str, None] = dict.fromkeys(["fact", *(said_as(name) for fact in FACTS.values() for name in fact.key)])
"""What the address of one row says beside the view."""


@dataclass(frozen=True)
class FactLinks:
    """Addresses in the view of a team."""

    view: View

    def pull(self, name: str) -> str:
        """The pull request that is written `repository#number`."""
        repository, _, number = name.rpartition("#")
        return self._row("pull-requests", repository=repository, number=number)

    def deployment(self, deployment_id: str) -> str:
        """A deployment."""
        return self._row("deployments", deployment_id=deployment_id)

    def row(self, row: FactRow) -> str:
        """The page of a row; '' where it cannot be named."""
        key = key_query(row.fact, row.row)
        return "" if key is None else self._row(row.fact, **key)

    def _row(self, fact: str, **key: object) -> str:
        return self.view.link("/facts/row", **{**OF_A_ROW, "cursor": None, "fact": fact, **key})
