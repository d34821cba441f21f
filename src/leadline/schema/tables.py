"""The tables of the data model, each declared once. Column names, order and keys are a public contract."""

from __future__ import annotations

from leadline.errors import InvalidRequest
from leadline.schema.ai_tables import AI_USAGE, COMMIT_AI
from leadline.schema.columns import REPOSITORY as _REPOSITORY
from leadline.schema.columns import SHA as _SHA
from leadline.schema.columns import about, account, accounts, address, boolean, count, instant, prose, text, texts
from leadline.schema.people_tables import ABSENCES, DEVELOPERS, IDENTITIES, TOOL_ACCOUNTS, TOOL_TEAMS
from leadline.schema.table import Column, ColumnType, Personal, Table

_NUMBER = Column("number", ColumnType.INTEGER, "Pull request number within its repository.", minimum=0)
_URL = text("url", "Address of the thing in its tool.")
_ADDITIONS = count("additions", "Lines added.")
_DELETIONS = count("deletions", "Lines deleted.")
_SERVICE = text("service", "Service the run or the incident is about.")

_CATEGORIES = ("todo", "in_progress", "done")

REPOSITORIES = Table(
    "repositories",
    "Repositories known to leadline.",
    ("repository",),
    (
        _REPOSITORY,
        _URL,
        text("default_branch", "Name of the default branch."),
        texts("former_names", "Names it had before, as `org/name`: what is under them is this repository's."),
    ),
)
COMMITS = Table(
    "commits",
    "Commits of every branch and tag. A commit never changes.",
    ("repository", "sha"),
    (
        _REPOSITORY,
        _SHA,
        text("parents", "Parent commit ids, separated by spaces; two or more make a merge commit."),
        about("author_name", "Author's name as git has it.", "author_email", personal=Personal.NAME),
        address("author_email", "Author's email; the `git` account."),
        instant("authored_at", "Author date: the commit's period."),
        address("committer_email", "Committer's email."),
        instant("committed_at", "Commit date."),
        prose("message", "Full message."),
        count("additions", "Lines added; empty: the sum of the commit's files."),
        count("deletions", "Lines deleted; empty: the sum of the commit's files."),
    ),
    accounts=True,
    immutable=True,
    event_time="authored_at",
)
COMMIT_FILES = Table(
    "commit_files",
    "Files each commit touched. They never change.",
    ("repository", "sha", "path"),
    (
        _REPOSITORY,
        _SHA,
        text("path", "Path after the commit."),
        text("old_path", "Path before the commit, if renamed."),
        count("additions", "Lines added; empty for a binary file."),
        count("deletions", "Lines deleted; empty for a binary file."),
        boolean("excluded", "Whether `.gitattributes` leave its lines out: generated, vendored or `-diff`."),
    ),
    immutable=True,
)
DELETED_LINES = Table(
    "deleted_lines",
    "Lines that each commit deleted, by the commit that had last changed them. They never change; merge commits have none. Git is "
    "asked for them where `rework.method` is `line`.",
    ("repository", "sha", "path", "origin"),
    (
        _REPOSITORY,
        _SHA,
        text("path", "Path after the commit, as in `commit_files`."),
        text("origin", "Full id of the commit that had last changed these lines."),
        instant("changed_at", "Author date of that commit."),
        count("lines", "How many of them the commit deleted."),
    ),
    immutable=True,
)
PULL_REQUESTS = Table(
    "pull_requests",
    "Pull requests (merge requests).",
    ("repository", "number"),
    (
        _REPOSITORY,
        _NUMBER,
        prose("title", "Title; searched for work item keys."),
        prose("body", "Description; searched for work item keys."),
        account("author", "Account of the author."),
        text("state", "What became of it.", ("open", "merged", "closed")),
        boolean("draft", "Whether it is a draft."),
        instant("created_at", "When it was opened."),
        instant("ready_at", "When it became ready for review, if that event is known."),
        instant("merged_at", "When it was merged: the period it counts in."),
        instant("closed_at", "When it was closed."),
        account("merged_by", "Account that merged it."),
        prose("base_branch", "Branch it was merged into."),
        prose("head_branch", "Branch it came from; searched for work item keys."),
        text("merge_commit_sha", "Commit the merge made: a merge commit, a squash or the last rebased commit."),
        _ADDITIONS,
        _DELETIONS,
        count("changed_files", "Files changed."),
        texts("labels", "Labels."),
        accounts("assignees", "Accounts it is assigned to."),
        _URL,
    ),
    accounts=True,
    event_time="merged_at",
)
PULL_REQUEST_COMMITS = Table(
    "pull_request_commits",
    "Commits listed in each pull request.",
    ("repository", "number", "sha"),
    (
        _REPOSITORY,
        _NUMBER,
        _SHA,
        account("author", "Account of the commit's author."),
        instant("authored_at", "Author date; the earliest is the pull request's first commit."),
        instant("committed_at", "Commit date."),
    ),
    accounts=True,
    event_time="authored_at",
)
PULL_REQUEST_FILES = Table(
    "pull_request_files",
    "Files changed by each pull request.",
    ("repository", "number", "path"),
    (_REPOSITORY, _NUMBER, text("path", "Path of the file."), _ADDITIONS, _DELETIONS),
)
REVIEWS = Table(
    "reviews",
    "Reviews of pull requests.",
    ("repository", "number", "review_id"),
    (
        _REPOSITORY,
        _NUMBER,
        text("review_id", "Id of the review."),
        account("author", "Account of the reviewer."),
        text("state", "Verdict.", ("approved", "changes_requested", "commented", "dismissed")),
        instant("submitted_at", "When it was submitted."),
    ),
    accounts=True,
    event_time="submitted_at",
)
COMMENTS = Table(
    "comments",
    "Comments on pull requests.",
    ("repository", "number", "comment_id"),
    (
        _REPOSITORY,
        _NUMBER,
        text("comment_id", "Id of the comment."),
        account("author", "Account of the writer; a comment without one counts for nobody."),
        text("kind", "On a line of code, or on the conversation.", ("review", "discussion")),
        instant("created_at", "When it was written."),
    ),
    accounts=True,
    event_time="created_at",
)
WORK_ITEMS = Table(
    "work_items",
    "Work items (issues, tickets, stories).",
    ("project", "key"),
    (
        text("project", "Project of the tracker."),
        text("key", "Key within the tracker: `PROJ-123`, `#12` or `12`."),
        text("type", "Type as the tracker names it (Story, Bug, …)."),
        prose("title", "Title."),
        text("status", "Status as the tracker names it."),
        text("status_category", "What the status means.", _CATEGORIES),
        text("priority", "Priority as the tracker names it."),
        account("assignee", "Account of the assignee."),
        account("reporter", "Account of the reporter."),
        Column("story_points", ColumnType.DECIMAL, "Estimate in story points.", minimum=0),
        instant("created_at", "When it was created."),
        instant("started_at", "When work started; empty: its first change to in progress."),
        instant(
            "completed_at",
            "When it was done: the period it counts in; empty: its last change into done from what is not done.",
        ),
        text("parent_key", "Key of the parent item."),
        texts("labels", "Labels."),
        texts("components", "Components."),
        texts("fix_versions", "Versions it is fixed in."),
        _URL,
        text("resolution", "How it was resolved, as the tracker names it (Done, Won't Do, Duplicate, …)."),
        texts("former_keys", "Keys it had before it was moved: what names them means this item."),
        texts("sprints", "Sprints it is or was in, by id (or a name that one has alone), the latest last."),
        count("time_spent_seconds", "Seconds of work logged."),
    ),
    accounts=True,
    event_time="completed_at",
)
WORK_ITEM_CHANGES = Table(
    "work_item_changes",
    "Changes of work items' fields (status, assignee, …).",
    ("project", "key", "changed_at", "field", "to_value", "sequence"),
    (
        text("project", "Project of the tracker."),
        text("key", "Key of the work item."),
        instant("changed_at", "When it changed."),
        text(
            "field", "Field: `status`, `assignee`, `story_points`, `sprint` (all that it is in from then on, by `;`), …"
        ),
        Column("to_value", ColumnType.TEXT, "Value after; empty: it has none any more.", personal=Personal.CHANGE),
        Column(
            "sequence",
            ColumnType.INTEGER,
            "Order among the item's changes of one instant, where the tool gives one; empty: 0.",
            minimum=0,
            default=0,
        ),
        Column("from_value", ColumnType.TEXT, "Value before.", personal=Personal.CHANGE),
        text("from_category", "Status category before.", _CATEGORIES),
        text("to_category", "Status category after.", _CATEGORIES),
        account("author", "Account that changed it."),
    ),
    accounts=True,
    may_be_unknown=frozenset({"to_value"}),
    event_time="changed_at",
)
SPRINTS = Table(
    "sprints",
    "Sprints of boards.",
    ("board", "sprint_id"),
    (
        text("board", "Board."),
        text("sprint_id", "Id of the sprint."),
        text("name", "Name."),
        text("state", "State as the tracker names it; `closed` (or `completed`) is one that ended."),
        instant("start_at", "Planned start."),
        instant("end_at", "Planned end."),
        instant(
            "completed_at", "When it was completed: the period it counts in; empty: if it is closed, its planned end."
        ),
        instant("activated_at", "When it was started; empty: as planned."),
        prose("goal", "Goal."),
    ),
    event_time="completed_at",
)
VERSIONS = Table(
    "versions",
    "Versions (releases) of a tracker's projects, which work items name as `fix_versions`.",
    ("project", "name"),
    (
        text("project", "Project."),
        text("name", "Name of the version within its project."),
        instant("released_at", "When it was released; empty: it is not. A day without time is noon of it, UTC."),
        _URL,
    ),
    event_time="released_at",
)
BUILDS = Table(
    "builds",
    "Continuous-integration builds.",
    ("build_id",),
    (
        text("build_id", "Id of the run."),
        _REPOSITORY,
        text("pipeline", "Pipeline (job, workflow)."),
        prose("branch", "Branch built."),
        _SHA,
        text("status", "Result as the tool names it."),
        instant("started_at", "When it started."),
        instant("finished_at", "When it finished."),
        _URL,
    ),
    event_time="finished_at",
)
DEPLOYMENTS = Table(
    "deployments",
    "Deployments of services.",
    ("deployment_id",),
    (
        text("deployment_id", "Id of the run."),
        _REPOSITORY,
        _SERVICE,
        text("environment", "Environment deployed to."),
        text("sha", "Commit deployed."),
        texts("shas", "Commits the run lists."),
        text("pipeline", "Pipeline (job, workflow)."),
        text("status", "Outcome.", ("success", "failure", "cancelled", "running")),
        boolean("rollback", "Whether this run is a rollback."),
        instant("started_at", "When it started."),
        instant("finished_at", "When it finished: the period it counts in."),
        account("triggered_by", "Account that started it."),
        texts("tags", "Tags of the run."),
        _URL,
    ),
    accounts=True,
    event_time="finished_at",
)
INCIDENTS = Table(
    "incidents",
    "Production incidents.",
    ("incident_id",),
    (
        text("incident_id", "Id of the incident."),
        _SERVICE,
        _REPOSITORY,
        prose("title", "Title."),
        text("severity", "Severity as the tool names it."),
        text("status", "Status as the tool names it."),
        instant("created_at", "When it was created."),
        instant("resolved_at", "When it was resolved."),
        text("deployment_id", "Deployment that caused it, if known."),
        _URL,
    ),
    event_time="created_at",
)
RELEASES = Table(
    "releases",
    "Releases (tags) of repositories.",
    ("repository", "tag"),
    (
        _REPOSITORY,
        text("tag", "Tag."),
        text("name", "Name."),
        _SHA,
        instant("published_at", "When it was published."),
        boolean("prerelease", "Whether it is a prerelease; empty: its tag tells."),
        _URL,
    ),
    event_time="published_at",
)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        REPOSITORIES,
        COMMITS,
        COMMIT_FILES,
        DELETED_LINES,
        COMMIT_AI,
        PULL_REQUESTS,
        PULL_REQUEST_COMMITS,
        PULL_REQUEST_FILES,
        REVIEWS,
        COMMENTS,
        WORK_ITEMS,
        WORK_ITEM_CHANGES,
        SPRINTS,
        VERSIONS,
        BUILDS,
        DEPLOYMENTS,
        INCIDENTS,
        RELEASES,
        DEVELOPERS,
        ABSENCES,
        IDENTITIES,
        TOOL_ACCOUNTS,
        TOOL_TEAMS,
        AI_USAGE,
    )
}


def table_named(name: str) -> Table:
    """The table called ``name`` (as declared). Raises ``InvalidRequest`` naming the tables there are."""
    try:
        return TABLES[name]
    except KeyError:
        raise InvalidRequest(
            f"There is no table {name!r}; tables are {', '.join(TABLES)}", code="unknown_table"
        ) from None
