"""Jenkins: the builds of jobs in folders and of multibranch projects, or deployments where a rule says that a job deploys. A job
that vanishes keeps its rows, unless it is there under another name: then they are read anew and taken away under the old one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leadline.errors import Unusable
from leadline.sources.jenkins.api import Api
from leadline.sources.jenkins.jobs import Listing, Wanted
from leadline.sources.jenkins.rows import SOURCE, Job
from leadline.sources.jenkins.streams import BuildsCursor, BuildStream, cursor_name
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.streams import StreamReader


@dataclass
class Jenkins:
    """One server, the jobs wanted of it, and which of them deploy."""

    api: Api
    wanted: Wanted
    rules: DeployRules
    kind: str = SOURCE

    @property
    def lock(self) -> str:
        """One run at a time reads a server."""
        return f"source:jenkins:{self.place}"

    @property
    def place(self) -> str:
        """What names the server in cursors and ids."""
        return self.api.server.place

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.call_stats()

    def check(self) -> ConnectionReport:
        """The jobs that may be seen. Raises ``LeadlineError`` as ``pages`` does."""
        jobs, listing = self._listed(StreamReader({}, self.api.client))
        hidden = (*listing.skipped, *listing.failed)
        return ConnectionReport(self.place, "", "jobs", tuple(job.name for job in jobs), hidden)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """The new builds, job by job. Raises ``LeadlineError`` when Jenkins cannot be read any further."""
        reader = StreamReader(context.cursors, self.api.client)
        jobs, listing = self._listed(reader)
        if listing.skipped or listing.failed:
            yield Page(self.place, skipped=tuple(listing.skipped), failed=tuple(listing.failed))
        gone = self._gone(reader.cursors, jobs, listing.unread)
        vanished: dict[str, list[str]] = {}
        for name, cursor in gone.items():
            if newest := cursor.watermark or (cursor.backfill and cursor.backfill.newest):
                vanished.setdefault(newest, []).append(name)
        yield from reader.pages(BuildStream(self.api, job, vanished) for job in jobs)
        if gone and not (reader.failed or reader.left_out or listing.unread):
            # Else one of them may be there under another name, in what could not be read.
            yield Page(self.place, cursors={cursor_name(self.place, name): None for name in gone})

    def _listed(self, reader: StreamReader) -> tuple[list[Job], Listing]:
        listing = Listing(self.api, self.wanted, self.rules, reader)
        jobs = listing.jobs()
        if not jobs and not listing.skipped and not listing.failed:
            who = self.api.user or "who has no token"
            names = " or ".join(self.wanted.targets)
            raise Unusable(
                f"{self.api.client.tool} has no job called {names}, or {who} may not see it"
                if names
                else f"{self.api.client.tool} shows no jobs at all to {who}; the permission Job/Read may be missing"
            )
        return jobs, listing

    def _gone(
        self, cursors: Cursors, jobs: Sequence[Job], unread: Sequence[tuple[str, ...]]
    ) -> dict[str, BuildsCursor]:
        """Jobs that were there, by name: of those wanted, and not in a folder that could not be listed."""
        prefix, present = cursor_name(self.place, ""), {job.name for job in jobs}
        hidden = tuple("/".join((*names, "")) for names in unread)
        names = (name.removeprefix(prefix) for name in cursors if name.startswith(prefix))
        return {
            name: cursors.get(prefix + name, BuildsCursor)
            for name in names
            if name not in present and self.wanted.has(name) and not name.startswith(hidden)
        }
