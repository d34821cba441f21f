"""A GitLab project's pipelines and deployments: builds, or by rule deployments, and those that GitLab calls so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import quote

from leadline.errors import NotFound
from leadline.instants import earlier
from leadline.sources.gitlab.queries import LIST, PIPELINES
from leadline.sources.gitlab.rows import deployment_rows, pipeline_rows, utc
from leadline.sources.gitlab.streams import ProjectCursor, ProjectStream, called
from leadline.sources.kit.client import Refused
from leadline.sources.kit.lists import Listed, NumberedPage
from leadline.sources.kit.page import Page
from leadline.sources.kit.records import Node, Rows, merged, objects, rows_of

ASKED_ANYWAY, ASKED_OUTSIDE = timedelta(days=7), timedelta(days=1)
"""How often deployments are looked for where no pipeline moved; the second, where some are made without a job."""


@dataclass(frozen=True)
class DeploymentsCursor(ProjectCursor):
    """How far deployments were read. ``asked``: when; ``outside``: whether any was not made by a job."""

    asked: str = ""
    outside: bool = False


class DeploymentStream(ProjectStream[DeploymentsCursor]):
    """Deployments, as REST lists them: by when they were updated, the oldest first, in pages that are numbered."""

    list_name = "deployments"
    cursor = DeploymentsCursor

    def due(self, cursor: DeploymentsCursor) -> bool:
        """Whether a pipeline moved, or nobody has looked for long: deployments may be made without one."""
        often = ASKED_OUTSIDE if cursor.outside else ASKED_ANYWAY
        return bool(self.project.pipelines_moved or cursor.backfill or cursor.asked < earlier(self.reading.now, often))

    def read(self, cursor: DeploymentsCursor) -> Iterator[Page]:
        """What was updated."""
        name, asked = self.project.name, self.reading.now
        begun = cursor
        try:
            for step in self.walk(cursor, self._ask):
                outside = cursor.outside or any(not node.get("deployable") for node in step.nodes)
                cursor = step.moved(replace(cursor, outside=outside))
                if step.ended:
                    cursor = replace(cursor, asked=asked)
                made, skipped = rows_of(
                    step.nodes,
                    lambda node: deployment_rows(name, node, self.reading.prefix),
                    called(f"deployment of {name} "),
                )
                yield self.page(merged(rows for _, rows in made), cursor, records=len(step.nodes), skipped=skipped)
        except (Refused, NotFound):
            # Asked again only when there is a reason to; this run tells of the refusal.
            yield self.page({}, replace(begun, asked=asked))
            raise

    def _ask(self, place: str | None, until: str | None) -> Listed[Node]:
        page = NumberedPage.at(place) if place else NumberedPage(until)
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

    list_name = "pipelines"
    cursor = ProjectCursor

    def due(self, cursor: ProjectCursor) -> bool:
        """Whether any moved since the last run, as the overview tells."""
        moved = self.project.pipelines_moved
        return moved is not None and (moved or cursor.backfill is not None or cursor.watermark is None)

    def read(self, cursor: ProjectCursor) -> Iterator[Page]:
        """What was updated."""
        if not self.project.pipelines_moved and cursor == ProjectCursor() and not self.reading.bounded:
            yield self.page({}, ProjectCursor(watermark=self.reading.begun))
            return
        for step in self.walk(cursor, self.asking(PIPELINES)):
            cursor = step.moved(cursor)
            made, skipped = rows_of(step.nodes, self._rows, called(f"pipeline of {self.project.name} "))
            yield self.page(merged(rows for _, rows in made), cursor, records=len(step.nodes), skipped=skipped)

    def _rows(self, node: Node) -> Rows:
        return pipeline_rows(self.project.name, node, self.reading.prefix, self.api.server.origin, self.reading.rules)
