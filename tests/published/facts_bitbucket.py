"""What Bitbucket says of its REST API, of what the connector asks for, and no more.

api.bitbucket.org/swagger.v3.json and developer.atlassian.com, "The Bitbucket Cloud REST API" (introduction: pagination, filtering
and sorting, partial responses), August 2026. It does not say which fields may be null, and leaves states, targets and triggers
open; here they are as its examples and its clients have them, and so are the order of deployments and what an activity has.
"""

from __future__ import annotations

from published.facts import FLAG, NUMBER, TEXT, Schema, answering, described, many, maybe, one_of, thing

_STATES = ("OPEN", "MERGED", "DECLINED", "SUPERSEDED")
_LINK = thing(href=TEXT, name=TEXT)
_ACCOUNT = thing(
    type=TEXT,
    uuid=TEXT,
    display_name=TEXT,
    created_on=TEXT,
    links=thing(avatar=_LINK, html=_LINK, self=_LINK),
    account_id=TEXT,
    account_status=TEXT,
    nickname=TEXT,
    username=TEXT,
)
_COMMIT = thing(
    type=TEXT,
    hash=TEXT,
    date=TEXT,
    author=thing(type=TEXT, raw=TEXT, user=maybe(_ACCOUNT)),
    message=TEXT,
    links=thing(html=_LINK, self=_LINK),
)
_PARENT = thing(type=TEXT, uuid=TEXT, full_name=TEXT, name=TEXT, links=thing(html=_LINK, self=_LINK))
_REPOSITORY = thing(
    type=TEXT,
    uuid=TEXT,
    full_name=TEXT,
    name=TEXT,
    slug=TEXT,
    is_private=FLAG,
    created_on=TEXT,
    updated_on=TEXT,
    mainbranch=maybe(thing(type=TEXT, name=TEXT)),
    parent=maybe(_PARENT),
    links=thing(html=_LINK, self=_LINK, pullrequests=_LINK),
)
_ENDPOINT = thing(branch=thing(name=TEXT), commit=maybe(_COMMIT), repository=maybe(_PARENT))
_PARTICIPANT = thing(
    type=TEXT,
    user=maybe(_ACCOUNT),
    role=one_of("PARTICIPANT", "REVIEWER"),
    approved=FLAG,
    state=maybe(one_of("approved", "changes_requested")),
    participated_on=maybe(TEXT),
)
_PULL_REQUEST = thing(
    type=TEXT,
    id=NUMBER,
    title=TEXT,
    description=TEXT,
    state=one_of(*_STATES),
    draft=FLAG,
    queued=FLAG,
    created_on=TEXT,
    updated_on=TEXT,
    author=maybe(_ACCOUNT),
    closed_by=maybe(_ACCOUNT),
    merge_commit=maybe(_COMMIT),
    source=_ENDPOINT,
    destination=_ENDPOINT,
    reason=TEXT,
    comment_count=NUMBER,
    task_count=NUMBER,
    close_source_branch=FLAG,
    participants=many(_PARTICIPANT),
    links=thing(html=_LINK, self=_LINK, diffstat=_LINK, activity=_LINK, commits=_LINK),
)
_COMMENT = thing(
    type=TEXT,
    id=NUMBER,
    created_on=TEXT,
    updated_on=TEXT,
    content=thing(type=TEXT, raw=TEXT, markup=TEXT, html=TEXT),
    user=maybe(_ACCOUNT),
    deleted=FLAG,
    pending=FLAG,
    inline={"type": "object", "properties": {"path": TEXT, "from": maybe(NUMBER), "to": maybe(NUMBER)}},
)
_VERDICT = thing(date=TEXT, user=maybe(_ACCOUNT), pullrequest=thing())
_UPDATE = thing(
    state=one_of(*_STATES),
    date=TEXT,
    author=maybe(_ACCOUNT),
    draft=FLAG,
    title=TEXT,
    changes=thing(draft=thing(old=FLAG, new=FLAG)),
)
_ENTRY = thing(pull_request=thing(), update=_UPDATE, approval=_VERDICT, changes_requested=_VERDICT, comment=_COMMENT)
_FILE = thing(type=TEXT, path=TEXT, escaped_path=TEXT)
_DIFFSTAT = thing(
    type=TEXT,
    status=one_of("added", "removed", "modified", "renamed"),
    lines_added=NUMBER,
    lines_removed=NUMBER,
    old=maybe(_FILE),
    new=maybe(_FILE),
)
_NAMED = thing(type=TEXT, name=TEXT)
_TARGET = thing(
    type=TEXT,
    ref_type=one_of("branch", "tag", "named_branch", "bookmark"),
    ref_name=TEXT,
    source=TEXT,
    selector=thing(type=TEXT, pattern=TEXT),
    commit=_COMMIT,
)
_PIPELINE = thing(
    type=TEXT,
    uuid=TEXT,
    build_number=NUMBER,
    created_on=TEXT,
    completed_on=TEXT,
    creator=maybe(_ACCOUNT),
    state=thing(type=TEXT, name=TEXT, result=_NAMED, stage=_NAMED),
    target=_TARGET,
    trigger=_NAMED,
)
_ENVIRONMENT = thing(type=TEXT, uuid=TEXT, name=TEXT, environment_type=_NAMED)
_DEPLOYMENT = thing(
    type=TEXT,
    uuid=TEXT,
    environment=_ENVIRONMENT,
    last_update_time=TEXT,
    release=thing(
        type=TEXT,
        uuid=TEXT,
        name=TEXT,
        url=TEXT,
        created_on=TEXT,
        commit=_COMMIT,
        pipeline=thing(type=TEXT, uuid=TEXT, target=_TARGET),
    ),
    state=thing(
        type=TEXT,
        name=one_of("UNDEPLOYED", "IN_PROGRESS", "COMPLETED"),
        url=TEXT,
        status=_NAMED,
        deployer=maybe(_ACCOUNT),
        **dict.fromkeys(("started_on", "completed_on", "start_date", "completion_date"), TEXT),
    ),
)


def _listed(of: Schema, most: int = 100, **parameters: Schema) -> Schema:
    """An operation that answers a page of ``of``, of ``most`` things."""
    page = thing(size=NUMBER, page=NUMBER, pagelen=NUMBER, next=TEXT, previous=TEXT, values=many(of))
    size = {"type": "integer", "minimum": 1, "maximum": most}
    return answering(page, page={"type": "integer", "minimum": 1}, pagelen=size, **parameters)


_OF = "/repositories/{workspace}/{repo_slug}"
BITBUCKET = described(
    "/2.0",
    {
        "GET /repositories/{workspace}": _listed(_REPOSITORY, role=TEXT, q=TEXT, sort=TEXT),
        f"GET {_OF}": answering(_REPOSITORY),
        f"GET {_OF}/pullrequests": _listed(_PULL_REQUEST, 50, state=one_of(*_STATES), q=TEXT, sort=TEXT, fields=TEXT),
        f"GET {_OF}/pullrequests/{{pull_request_id}}/activity": _listed(_ENTRY, 50),
        f"GET {_OF}/pullrequests/{{pull_request_id}}/commits": _listed(_COMMIT),
        # The spec of a pull request's link begins with the repository of its source.
        f"GET {_OF}/diffstat/{{source_workspace}}/{{spec}}": _listed(
            _DIFFSTAT, 5000, topic=FLAG, from_pullrequest_id=NUMBER, path=TEXT, renames=FLAG, ignore_whitespace=FLAG
        ),
        f"GET {_OF}/commit/{{commit}}": answering(_COMMIT),
        f"GET {_OF}/pipelines": _listed(
            _PIPELINE, sort=one_of("created_on", "-created_on", "creator.uuid", "run_creation_date")
        ),
        f"GET {_OF}/deployments": _listed(_DEPLOYMENT, sort=one_of("-state.started_on")),
        f"GET {_OF}/environments": _listed(_ENVIRONMENT),
    },
)


# -- webhooks ----------------------------------------------------------------------------------------------------------
# support.atlassian.com: "Event payloads" and "Manage webhooks".

_STATUS = thing(
    type=TEXT,
    key=TEXT,
    name=TEXT,
    description=TEXT,
    state=one_of("INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"),
    url=TEXT,
    refname=maybe(TEXT),
    created_on=TEXT,
    updated_on=TEXT,
    links=thing(commit=_LINK, self=_LINK),
    commit=_COMMIT,
)
EVENT = thing(
    actor=_ACCOUNT,
    repository=_PARENT,
    pullrequest=_PULL_REQUEST,
    approval=_VERDICT,
    changes_request=_VERDICT,
    comment=_COMMENT,
    commit_status=_STATUS,
)
"""What a delivery has, each where it is of that kind."""
HEADERS = {"X-Event-Key", "X-Hook-UUID", "X-Request-UUID", "X-Attempt-Number", "X-Hub-Signature", "Content-Type"}
