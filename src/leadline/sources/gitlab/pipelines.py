"""A GitLab project's pipelines and deployments: builds, or by rule deployments, and those that GitLab calls so."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import quote

from leadline.errors import NotFound
from leadline.instants import earlier
from leadline.sources.gitlab.api import RoleOrFeature
from leadline.sources.gitlab.queries import LIST, PIPELINES
from leadline.sources.gitlab.rows import deployment_rows, pipeline_rows
from leadline.sources.gitlab.streams import ProjectCursor, ProjectStream
from leadline.sources.kit.client import Refused
from leadline.sources.kit.lists import Listed, NumberedPage, Step
from leadline.sources.kit.page import Page
from leadline.sources.kit.records import Node, Rows, objects, utc

ASKED_ANYWAY, ASKED_OUTSIDE = timedelta(days=7), timedelta(days=1)
"""How often deployments are looked for where no pipeline moved; the second, where some are made without a job."""


@dataclass(frozen=True)
class DeploymentsCursor(ProjectCursor):
    """How far deployments were read. ``asked``: when; ``outside``: whether any was not made by a job; ``refused``: why they could
    not be read last, if so."""

    asked: str = ""
    outside: bool = False
    refused: str = ""


class DeploymentStream(ProjectStream[DeploymentsCursor]):
    """Deployments, as REST lists them: by when they were updated, the oldest first, in pages that are numbered."""

    list_name, record = "deployments", "deployment of {subject} {number}"
    cursor = DeploymentsCursor

    def due(self, cursor: DeploymentsCursor) -> bool:
        """Whether a pipeline moved, or nobody has looked for long: deployments may be made without one."""
        often = ASKED_OUTSIDE if cursor.outside else ASKED_ANYWAY
        return bool(self.project.pipelines_moved or cursor.backfill or cursor.asked <= earlier(self.reading.now, often))

    def refused(self, cursor: DeploymentsCursor) -> str:
        """Why they could not be read last."""
        return cursor.refused

    def read(self, cursor: DeploymentsCursor) -> Generator[Page, None, DeploymentsCursor]:
        """What was updated."""
        asked = self.reading.now
        try:
            return (yield from super().read(cursor))
        except (Refused, NotFound) as error:
            # Asked again only when there is a reason to; every run tells of the refusal.
            if isinstance(error, RoleOrFeature) and not self.project.refuses_some:
                error = NotFound(error.message)
            refused = error.message if isinstance(error, Refused) else ""
            yield self.page({}, replace(cursor, asked=asked, refused=refused))
            raise error from None

    def moved(
        self, cursor: DeploymentsCursor, step: Step[Node], made: Sequence[tuple[Node, Rows]]
    ) -> DeploymentsCursor:
        """``cursor`` behind a page."""
        outside = cursor.outside or any(not node.get("deployable") for node in step.nodes)
        asked = self.reading.now if step.ended else cursor.asked
        return replace(super().moved(cursor, step, made), outside=outside, asked=asked, refused="")

    def rows(self, node: Node) -> Rows:
        """A deployment."""
        return deployment_rows(self.subject, node, self.reading.prefix)

    def ask(self, position: str | None, until: str | None) -> Listed[Node]:
        """One page of the list."""
        page = NumberedPage.at(position) if position else NumberedPage(until)
        params = {"order_by": "updated_at", "sort": "asc", "per_page": str(LIST), "page": str(page.number)}
        if page.bound:
            params["updated_after"] = page.bound
        body = self.api.rest(f"/projects/{quote(self.project.identity, safe='')}/deployments", params).body
        nodes = objects(body, "deployments")
        if len(nodes) < LIST:
            return nodes, None
        # A second back, whether the server takes the instant itself along or not; never further back than before: a second full
        # of them would lead to the one before it again and again.
        last = nodes[-1].get("updated_at")
        bound = earlier(str(utc(last)), timedelta(seconds=1)) if isinstance(last, str) else page.bound
        passed = bool(page.bound and bound and bound <= page.bound)
        return nodes, str(page.next_from(bound, passed=passed))


class PipelineStream(ProjectStream[ProjectCursor]):
    """Pipelines: builds, or by rule deployments."""

    list_name, record = "pipelines", "pipeline of {subject} {number}"
    query = PIPELINES
    cursor = ProjectCursor

    def due(self, cursor: ProjectCursor) -> bool:
        """Whether any moved since the last run, as the overview tells."""
        moved = self.project.pipelines_moved
        return moved is not None and (moved or cursor.backfill is not None or cursor.watermark is None)

    def read(self, cursor: ProjectCursor) -> Generator[Page, None, ProjectCursor]:
        """What was updated."""
        if self.project.pipelines_moved or cursor != ProjectCursor() or self.reading.bounded:
            return (yield from super().read(cursor))
        cursor = ProjectCursor(watermark=self.reading.begun)
        yield self.page({}, cursor)
        return cursor

    def rows(self, node: Node) -> Rows:
        """A pipeline."""
        origin = self.api.server.origin
        return pipeline_rows(self.subject, node, self.reading.prefix, origin, self.reading.rules)
