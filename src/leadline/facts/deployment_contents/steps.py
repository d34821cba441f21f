"""The stored steps `carried` and `anchors`: which deployment carries a commit, per repository, service and class of production
(metrics, "Which deployment carries a change").

The walk is ``derive.first_deployment``; ``update`` keeps it going from one state of the data to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import StoreError
from leadline.facts.code_deployments import CODE_DEPLOYMENTS
from leadline.facts.deployment_contents.tables import ANCHORS_COLUMNS, CARRIED_COLUMNS
from leadline.facts.production import ENVIRONMENTS
from leadline.materialize.compiled import code_digest
from leadline.materialize.model import BuildContext, Computation, Model

if TYPE_CHECKING:
    from leadline.facts.deployment_contents.update import ContentsUpdate

_SOURCES = ("commits", "deployments", "releases")


def _updated(context: BuildContext) -> ContentsUpdate:
    """The update that both steps share, done: whichever comes first does it, and the other finds nothing left to do."""
    from leadline.facts.deployment_contents.state import State
    from leadline.facts.deployment_contents.update import ContentsUpdate

    try:
        update = ContentsUpdate(context, State(context.state, _made_by(context)))
        update.run()
    except OSError as error:
        raise StoreError(f"What deployments carry could not be kept in {context.state}: {error}") from error
    return update


def _carried(context: BuildContext) -> None:
    _updated(context).carried.link(context.folder)


def _anchors(context: BuildContext) -> None:
    _updated(context).anchors.link(context.folder)


def _made_by(context: BuildContext) -> str:
    # Another release does not go on from what this one keeps, nor do other names of the same repositories.
    first_carries = context.profile["deployments.first_carries"]
    spellings = context.spellings.of_tables(_SOURCES)
    return f"{code_digest(('derive', 'facts'))}, first carries: {first_carries}, spellings: {spellings}"


def _computation(run: Callable[[BuildContext], None]) -> Computation:
    return Computation(
        run,
        sources=_SOURCES,
        depends_on=(ENVIRONMENTS, CODE_DEPLOYMENTS),
        settings=("deployments.first_carries",),
        state="carried",
    )


CARRIED = Model("carried", CARRIED_COLUMNS, computation=_computation(_carried))
"""One row per class of production, repository, service ('' for none) and commit id that a successful deployment carries:
the deployment, when it finished, and how (``via``: ``ancestor``, ``listed`` or ``cherry-pick``; then ``picked_by`` is the
commit that says so)."""

ANCHORS = Model("anchors", ANCHORS_COLUMNS, computation=_computation(_anchors))
"""One row per deployment: the known commit whose ancestors it brings, and a sentence where that is not simply its sha."""
