"""The tables of the data model, each declared once. Column names, order and keys are a public contract."""

from __future__ import annotations

from leadline.errors import InvalidRequest
from leadline.schema.table import Column, ColumnType, Table


def _text(name: str, doc: str, values: tuple[str, ...] = ()) -> Column:
    return Column(name, ColumnType.TEXT, doc, values)


def _count(name: str, doc: str) -> Column:
    return Column(name, ColumnType.INTEGER, doc, minimum=0)


def _instant(name: str, doc: str) -> Column:
    return Column(name, ColumnType.INSTANT, doc)


def _list(name: str, doc: str) -> Column:
    return Column(name, ColumnType.LIST, doc)


def _boolean(name: str, doc: str) -> Column:
    return Column(name, ColumnType.BOOLEAN, doc)


_REPOSITORY = _text("repository", "Repository as `org/name`.")
_NUMBER = Column("number", ColumnType.INTEGER, "Pull request number within its repository.", minimum=0)
_SHA = _text("sha", "Full commit id.")
_URL = _text("url", "Address of the thing in its tool.")
_ADDITIONS = _count("additions", "Lines added.")
_DELETIONS = _count("deletions", "Lines deleted.")
_SERVICE = _text("service", "Service the run or the incident is about.")

_CATEGORIES = ("todo", "in_progress", "done")

REPOSITORIES = Table(
    "repositories",
    "Repositories known to leadline.",
    ("repository",),
    (
        _REPOSITORY,
        _URL,
        _text("default_branch", "Name of the default branch."),
        _list("former_names", "Names it had before, as `org/name`: what is under them is this repository's."),
    ),
)
COMMITS = Table(
    "commits",
    "Commits of every branch and tag. A commit never changes.",
    ("repository", "sha"),
    (
        _REPOSITORY,
        _SHA,
        _text("parents", "Parent commit ids, separated by spaces; two or more make a merge commit."),
        _text("author_name", "Author's name as git has it."),
        _text("author_email", "Author's email; the `git` account."),
        _instant("authored_at", "Author date: the commit's period."),
        _text("committer_email", "Committer's email."),
        _instant("committed_at", "Commit date."),
        _text("message", "Full message."),
        _count("additions", "Lines added; empty: the sum of the commit's files."),
        _count("deletions", "Lines deleted; empty: the sum of the commit's files."),
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
        _text("path", "Path after the commit."),
        _text("old_path", "Path before the commit, if renamed."),
        _count("additions", "Lines added; empty for a binary file."),
        _count("deletions", "Lines deleted; empty for a binary file."),
        _boolean("excluded", "Whether `.gitattributes` leave its lines out: generated, vendored or `-diff`."),
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
        _text("title", "Title; searched for work item keys."),
        _text("body", "Description; searched for work item keys."),
        _text("author", "Account of the author."),
        _text("state", "What became of it.", ("open", "merged", "closed")),
        _boolean("draft", "Whether it is a draft."),
        _instant("created_at", "When it was opened."),
        _instant("ready_at", "When it became ready for review, if that event is known."),
        _instant("merged_at", "When it was merged: the period it counts in."),
        _instant("closed_at", "When it was closed."),
        _text("merged_by", "Account that merged it."),
        _text("base_branch", "Branch it was merged into."),
        _text("head_branch", "Branch it came from; searched for work item keys."),
        _text("merge_commit_sha", "Commit the merge made: a merge commit, a squash or the last rebased commit."),
        _ADDITIONS,
        _DELETIONS,
        _count("changed_files", "Files changed."),
        _list("labels", "Labels."),
        _list("assignees", "Accounts it is assigned to."),
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
        _text("author", "Account of the commit's author."),
        _instant("authored_at", "Author date; the earliest is the pull request's first commit."),
        _instant("committed_at", "Commit date."),
    ),
    accounts=True,
    event_time="authored_at",
)
PULL_REQUEST_FILES = Table(
    "pull_request_files",
    "Files changed by each pull request.",
    ("repository", "number", "path"),
    (_REPOSITORY, _NUMBER, _text("path", "Path of the file."), _ADDITIONS, _DELETIONS),
)
REVIEWS = Table(
    "reviews",
    "Reviews of pull requests.",
    ("repository", "number", "review_id"),
    (
        _REPOSITORY,
        _NUMBER,
        _text("review_id", "Id of the review."),
        _text("author", "Account of the reviewer."),
        _text("state", "Verdict.", ("approved", "changes_requested", "commented", "dismissed")),
        _instant("submitted_at", "When it was submitted."),
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
        _text("comment_id", "Id of the comment."),
        _text("author", "Account of the writer; a comment without one counts for nobody."),
        _text("kind", "On a line of code, or on the conversation.", ("review", "discussion")),
        _instant("created_at", "When it was written."),
    ),
    accounts=True,
    event_time="created_at",
)
WORK_ITEMS = Table(
    "work_items",
    "Work items (issues, tickets, stories).",
    ("project", "key"),
    (
        _text("project", "Project of the tracker."),
        _text("key", "Key within the tracker: `PROJ-123`, `#12` or `12`."),
        _text("type", "Type as the tracker names it (Story, Bug, …)."),
        _text("title", "Title."),
        _text("status", "Status as the tracker names it."),
        _text("status_category", "What the status means.", _CATEGORIES),
        _text("priority", "Priority as the tracker names it."),
        _text("assignee", "Account of the assignee."),
        _text("reporter", "Account of the reporter."),
        Column("story_points", ColumnType.DECIMAL, "Estimate in story points.", minimum=0),
        _instant("created_at", "When it was created."),
        _instant("started_at", "When work started; empty: its first change to in progress."),
        _instant(
            "completed_at",
            "When it was done: the period it counts in; empty: its last change into done from what is not done.",
        ),
        _text("parent_key", "Key of the parent item."),
        _list("labels", "Labels."),
        _list("components", "Components."),
        _list("fix_versions", "Versions it is fixed in."),
        _URL,
        _text("resolution", "How it was resolved, as the tracker names it (Done, Won't Do, Duplicate, …)."),
        _list("former_keys", "Keys it had before it was moved: what names them means this item."),
        _list("sprints", "Sprints it is or was in, by id or name, the latest last."),
        _count("time_spent_seconds", "Seconds of work logged."),
    ),
    accounts=True,
    event_time="completed_at",
)
WORK_ITEM_CHANGES = Table(
    "work_item_changes",
    "Changes of work items' fields (status, assignee, …).",
    ("project", "key", "changed_at", "field", "to_value", "sequence"),
    (
        _text("project", "Project of the tracker."),
        _text("key", "Key of the work item."),
        _instant("changed_at", "When it changed."),
        _text("field", "Field that changed: `status`, `assignee`, …"),
        _text("to_value", "Value after; empty: it has none any more."),
        Column(
            "sequence",
            ColumnType.INTEGER,
            "Order among the item's changes of one instant, where the tool gives one; empty: 0.",
            minimum=0,
            default=0,
        ),
        _text("from_value", "Value before."),
        _text("from_category", "Status category before.", _CATEGORIES),
        _text("to_category", "Status category after.", _CATEGORIES),
        _text("author", "Account that changed it."),
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
        _text("board", "Board."),
        _text("sprint_id", "Id of the sprint."),
        _text("name", "Name."),
        _text("state", "State as the tracker names it."),
        _instant("start_at", "Planned start."),
        _instant("end_at", "Planned end."),
        _instant("completed_at", "When it was completed."),
    ),
    event_time="completed_at",
)
BUILDS = Table(
    "builds",
    "Continuous-integration builds.",
    ("build_id",),
    (
        _text("build_id", "Id of the run."),
        _REPOSITORY,
        _text("pipeline", "Pipeline (job, workflow)."),
        _text("branch", "Branch built."),
        _SHA,
        _text("status", "Result as the tool names it."),
        _instant("started_at", "When it started."),
        _instant("finished_at", "When it finished."),
        _URL,
    ),
    event_time="finished_at",
)
DEPLOYMENTS = Table(
    "deployments",
    "Deployments of services.",
    ("deployment_id",),
    (
        _text("deployment_id", "Id of the run."),
        _REPOSITORY,
        _SERVICE,
        _text("environment", "Environment deployed to."),
        _text("sha", "Commit deployed."),
        _list("shas", "Commits the run lists."),
        _text("pipeline", "Pipeline (job, workflow)."),
        _text("status", "Outcome.", ("success", "failure", "cancelled", "running")),
        _boolean("rollback", "Whether this run is a rollback."),
        _instant("started_at", "When it started."),
        _instant("finished_at", "When it finished: the period it counts in."),
        _text("triggered_by", "Account that started it."),
        _list("tags", "Tags of the run."),
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
        _text("incident_id", "Id of the incident."),
        _SERVICE,
        _REPOSITORY,
        _text("title", "Title."),
        _text("severity", "Severity as the tool names it."),
        _text("status", "Status as the tool names it."),
        _instant("created_at", "When it was created."),
        _instant("resolved_at", "When it was resolved."),
        _text("deployment_id", "Deployment that caused it, if known."),
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
        _text("tag", "Tag."),
        _text("name", "Name."),
        _SHA,
        _instant("published_at", "When it was published."),
        _boolean("prerelease", "Whether it is a prerelease; empty: its tag tells."),
    ),
    event_time="published_at",
)
DEVELOPERS = Table(
    "developers",
    "People, as the HR export lists them; further columns are kept.",
    ("email",),
    (
        _text("email", "Work email; unique, compared without case."),
        _text("full_name", "Full name."),
        _text("manager_email", "Emails of the managers, separated by `;`; the first is the primary team."),
        _text("role", "Role."),
        _text("sub_role", "Sub-role."),
        _text("team", "Team name."),
        _text("department", "Department."),
        _text("site", "Site."),
    ),
    open_columns=True,
)
IDENTITIES = Table(
    "identities",
    "Accounts mapped to developers by hand or by a tool.",
    ("source", "account"),
    (
        _text("source", "Tool of the account: `git`, `github`, `gitlab`, `jira`, …"),
        _text("account", "Account; for `git` the commit's email."),
        _text("email", "Developer the account belongs to."),
    ),
)
TOOL_ACCOUNTS = Table(
    "tool_accounts",
    "What a tool says of its accounts. The email tells whose an account is; the name alone never does.",
    ("source", "account"),
    (
        _text("source", "Tool of the account: `github`, `gitlab`, `jira`, …"),
        _text("account", "Account, as the other tables name it."),
        _text("email", "Email that the tool gives for it."),
        _text("name", "Name that the tool gives for it."),
    ),
)
TOOL_TEAMS = Table(
    "tool_teams",
    "Who is in which team, as a tool says; a member of a team below is not named for the ones above.",
    ("source", "team", "account"),
    (
        _text("source", "Tool of the team: `github`, …"),
        _text("team", "The team by its path, as `org/parent/child`."),
        _text("account", "Account of the member, as the other tables name it."),
        _text("name", "Name of the team."),
        _text("parent", "Path of the team above; empty for the topmost."),
        _list("above", "Names of the teams above, the topmost first."),
        _text("role", "The member's role, as `member` or `maintainer`."),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        REPOSITORIES,
        COMMITS,
        COMMIT_FILES,
        PULL_REQUESTS,
        PULL_REQUEST_COMMITS,
        PULL_REQUEST_FILES,
        REVIEWS,
        COMMENTS,
        WORK_ITEMS,
        WORK_ITEM_CHANGES,
        SPRINTS,
        BUILDS,
        DEPLOYMENTS,
        INCIDENTS,
        RELEASES,
        DEVELOPERS,
        IDENTITIES,
        TOOL_ACCOUNTS,
        TOOL_TEAMS,
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
