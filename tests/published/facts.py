"""What tools say of their REST APIs that have no package to read it from: of what the connectors ask for, and no more.

Each table is written from the reference that it names, as it was on that day. What is asked for anew is added here after looking
it up there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from published.openapi import Description

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}


def one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def maybe(schema: Schema) -> Schema:
    """``schema`` or null."""
    return {**schema, "nullable": True}


def many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def thing(**fields: Schema) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": fields}


def answering(schema: Schema, *, body: Schema | None = None, **parameters: Schema) -> Schema:
    """An operation that answers 200 with ``schema``; ``parameters`` are of its query, with ``__`` for brackets."""
    declared = [{"name": name.replace("__", "[]"), "in": "query", "schema": of} for name, of in parameters.items()]
    operation: Schema = {
        "parameters": declared,
        "responses": {"200": {"content": {"application/json": {"schema": schema}}}},
    }
    if body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return operation


def described(base: str, operations: Mapping[str, Schema]) -> Description:
    """A description of an API below ``base``, by method and path."""
    paths: dict[str, Schema] = {}
    for asked, operation in operations.items():
        method, _, path = asked.partition(" ")
        paths.setdefault(path, {})[method.lower()] = operation
    return Description({"paths": paths}, base)


# -- GitLab ------------------------------------------------------------------------------------------------------------
# docs.gitlab.com: "REST API" (pagination), "Deployments API", "Jobs API", "Merge requests API", "Issues API",
# "Releases API", "Pipelines API", "Personal access tokens API", "Group iterations API", "Project iterations API",
# "Resource iteration events API", "Resource weight events API"; GitLab 18.8, January 2026.

_SIZE = {"type": "integer", "minimum": 1, "maximum": 100}
_USER = thing(id=NUMBER, username=TEXT, name=TEXT, state=TEXT, avatar_url=maybe(TEXT), web_url=TEXT)
_JOB = thing(
    id=NUMBER,
    name=TEXT,
    status=TEXT,
    stage=TEXT,
    ref=TEXT,
    created_at=TEXT,
    started_at=maybe(TEXT),
    finished_at=maybe(TEXT),
    web_url=TEXT,
    user=maybe(_USER),
)
_DEPLOYMENT = thing(
    id=NUMBER,
    iid=NUMBER,
    ref=TEXT,
    sha=TEXT,
    created_at=TEXT,
    updated_at=TEXT,
    status=one_of("created", "running", "success", "failed", "canceled", "skipped", "blocked"),
    user=maybe(_USER),
    environment=maybe(thing(id=NUMBER, name=TEXT, external_url=maybe(TEXT))),
    deployable=maybe(_JOB),
)
_MERGE_REQUEST = thing(
    id=NUMBER, iid=NUMBER, state=TEXT, sha=maybe(TEXT), merge_commit_sha=maybe(TEXT), squash_commit_sha=maybe(TEXT)
)

_ITERATION = thing(
    id=NUMBER,
    iid=NUMBER,
    sequence=NUMBER,
    group_id=NUMBER,
    title=maybe(TEXT),
    description=maybe(TEXT),
    state=NUMBER,
    created_at=TEXT,
    updated_at=TEXT,
    start_date=maybe(TEXT),
    due_date=maybe(TEXT),
    web_url=TEXT,
)
_EVENT: Mapping[str, Schema] = {"id": NUMBER, "user": maybe(_USER), "created_at": TEXT}

GITLAB = described(
    "/api/v4",
    {
        "GET /projects/{id}/deployments": answering(
            many(_DEPLOYMENT),
            order_by=one_of("id", "iid", "created_at", "updated_at", "finished_at", "ref"),
            sort=one_of("asc", "desc"),
            updated_after=TEXT,
            page=NUMBER,
            per_page=_SIZE,
        ),
        "GET /projects/{id}/merge_requests": answering(
            many(_MERGE_REQUEST), iids__=NUMBER, page=NUMBER, per_page=_SIZE
        ),
        "GET /groups/{id}/iterations": answering(
            many(_ITERATION), include_descendants=one_of("true", "false"), page=NUMBER, per_page=_SIZE
        ),
        "GET /projects/{id}/iterations": answering(many(_ITERATION), page=NUMBER, per_page=_SIZE),
        "GET /projects/{id}/issues/{issue_iid}/resource_iteration_events": answering(
            many(
                thing(
                    **_EVENT,
                    resource_type=TEXT,
                    resource_id=NUMBER,
                    iteration=maybe(_ITERATION),
                    action=one_of("add", "remove"),
                )
            ),
            page=NUMBER,
            per_page=_SIZE,
        ),
        "GET /projects/{id}/issues/{issue_iid}/resource_weight_events": answering(
            many(thing(**_EVENT, issue_id=NUMBER, weight=maybe(NUMBER))), page=NUMBER, per_page=_SIZE
        ),
        "GET /projects/{id}/issues": answering(many(thing()), page=NUMBER, per_page=_SIZE),
        "GET /projects/{id}/releases": answering(many(thing()), page=NUMBER, per_page=_SIZE),
        "GET /projects/{id}/pipelines": answering(many(thing()), page=NUMBER, per_page=_SIZE),
        "GET /personal_access_tokens/self": answering(
            thing(id=NUMBER, name=TEXT, active=FLAG, revoked=FLAG, scopes=many(TEXT), user_id=NUMBER)
        ),
    },
)


# -- Jira --------------------------------------------------------------------------------------------------------------
# developer.atlassian.com: "The Jira Cloud platform REST API" (v3) and "Jira Software Cloud API", June 2025. It does not say
# which fields may be null; here are those that are so in its examples, or in what issues of every site have.

_PERSON = thing(
    accountId=TEXT,
    accountType=TEXT,
    active=FLAG,
    avatarUrls=thing(),
    displayName=TEXT,
    emailAddress=TEXT,
    key=TEXT,
    name=TEXT,
    self=TEXT,
    timeZone=TEXT,
)
_CATEGORY = thing(id=NUMBER, key=TEXT, name=TEXT, colorName=TEXT, self=TEXT)
_STATUS = thing(id=TEXT, name=TEXT, description=TEXT, iconUrl=TEXT, self=TEXT, statusCategory=_CATEGORY)
_FIELD = thing(
    id=TEXT,
    key=TEXT,
    name=TEXT,
    custom=FLAG,
    navigable=FLAG,
    orderable=FLAG,
    searchable=FLAG,
    clauseNames=many(TEXT),
    schema=thing(type=TEXT, items=TEXT, system=TEXT, custom=TEXT, customId=NUMBER),
    # Not in the reference: sites in other languages tell it.
    untranslatedName=TEXT,
)
_PROJECT = thing(id=TEXT, key=TEXT, name=TEXT, self=TEXT, projectTypeKey=TEXT, simplified=FLAG, style=TEXT)
_SERVER = thing(baseUrl=TEXT, buildNumber=NUMBER, deploymentType=TEXT, serverTime=TEXT, serverTitle=TEXT, version=TEXT)
_CHANGE = thing(
    field=TEXT,
    fieldId=TEXT,
    fieldtype=TEXT,
    **{name: maybe(TEXT) for name in ("from", "fromString", "to", "toString")},
)


def _history(created: Schema) -> Schema:
    return thing(id=TEXT, author=_PERSON, created=created, items=many(_CHANGE))


def _page(values: Schema) -> Schema:
    return thing(startAt=NUMBER, maxResults=NUMBER, total=NUMBER, isLast=FLAG, values=many(values))


_CHANGELOG = thing(startAt=NUMBER, maxResults=NUMBER, total=NUMBER, histories=many(_history(TEXT)))
_NAMED = thing(id=TEXT, name=TEXT, self=TEXT, description=TEXT)
_FIELDS = thing(
    project=thing(id=TEXT, key=TEXT, name=TEXT),
    summary=TEXT,
    issuetype=_NAMED,
    status=_STATUS,
    priority=maybe(_NAMED),
    assignee=maybe(_PERSON),
    reporter=maybe(_PERSON),
    labels=many(TEXT),
    components=many(_NAMED),
    fixVersions=many(_NAMED),
    created=TEXT,
    updated=TEXT,
    resolutiondate=maybe(TEXT),
    parent=maybe(thing(id=TEXT, key=TEXT, self=TEXT)),
)
_FIELDS["additionalProperties"] = {}  # a site's own fields are of any type
_ISSUE = thing(id=TEXT, key=TEXT, self=TEXT, expand=TEXT, fields=_FIELDS, changelog=_CHANGELOG)
_PLACE = {"startAt": NUMBER, "maxResults": NUMBER}
_BOARD = thing(
    id=NUMBER, name=TEXT, type=TEXT, self=TEXT, location=thing(projectId=NUMBER, projectKey=TEXT, projectName=TEXT)
)
_SPRINT = thing(
    id=NUMBER,
    name=TEXT,
    state=TEXT,
    self=TEXT,
    goal=TEXT,
    originBoardId=NUMBER,
    **dict.fromkeys(("startDate", "endDate", "completeDate", "createdDate", "activatedDate"), TEXT),
)
_VERSION = thing(
    id=TEXT,
    name=TEXT,
    description=TEXT,
    self=TEXT,
    archived=FLAG,
    released=FLAG,
    overdue=FLAG,
    projectId=NUMBER,
    # Days without time (yyyy-mm-dd); those beginning with `user` are written as the site's format of dates.
    **dict.fromkeys(("startDate", "releaseDate", "userStartDate", "userReleaseDate"), TEXT),
)
_BOARDS = {
    "GET /rest/agile/1.0/board": answering(_page(_BOARD), projectKeyOrId=TEXT, type=TEXT, name=TEXT, **_PLACE),
    "GET /rest/agile/1.0/board/{boardId}/sprint": answering(_page(_SPRINT), state=TEXT, **_PLACE),
}

JIRA_CLOUD = described(
    "",
    {
        # Of v2, which has the same: it is asked before it is known what Jira it is.
        "GET /rest/api/2/serverInfo": answering(_SERVER),
        "GET /rest/api/3/myself": answering(_PERSON),
        "GET /rest/api/3/field": answering(many(_FIELD)),
        "GET /rest/api/3/status": answering(many(_STATUS)),
        "GET /rest/api/3/project/search": answering(_page(_PROJECT), orderBy=TEXT, query=TEXT, **_PLACE),
        "GET /rest/api/3/project/{projectIdOrKey}/versions": answering(many(_VERSION), expand=TEXT),
        "POST /rest/api/3/search/jql": answering(
            thing(issues=many(_ISSUE), isLast=FLAG, nextPageToken=TEXT, names=thing(), schema=thing()),
            body=thing(
                jql=TEXT, maxResults=NUMBER, nextPageToken=TEXT, fields=many(TEXT), fieldsByKeys=FLAG, expand=TEXT
            ),
        ),
        "POST /rest/api/3/changelog/bulkfetch": answering(
            # The reference says text of the instant; its example has a number.
            thing(
                issueChangeLogs=many(
                    thing(issueId=TEXT, changeHistories=many(_history({"type": ["string", "integer"]})))
                ),
                nextPageToken=maybe(TEXT),
            ),
            body=thing(issueIdsOrKeys=many(TEXT), fieldIds=many(TEXT), maxResults=NUMBER, nextPageToken=TEXT),
        ),
        "GET /rest/api/3/issue/{issueIdOrKey}/changelog": answering(_page(_history(TEXT)), **_PLACE),
        **_BOARDS,
    },
)

# docs.atlassian.com: "JIRA Server platform REST API reference" and "JIRA Agile Server REST API reference" (9.12).

JIRA_CENTER = described(
    "",
    {
        "GET /rest/api/2/serverInfo": answering(_SERVER),
        "GET /rest/api/2/myself": answering(_PERSON),
        "GET /rest/api/2/field": answering(many(_FIELD)),
        "GET /rest/api/2/status": answering(many(_STATUS)),
        "GET /rest/api/2/project": answering(many(_PROJECT), expand=TEXT, recent=NUMBER),
        "GET /rest/api/2/project/{projectIdOrKey}/versions": answering(many(_VERSION), expand=TEXT),
        "GET /rest/api/2/user": answering(_PERSON, username=TEXT, key=TEXT),
        "GET /rest/api/2/issue/{issueIdOrKey}": answering(_ISSUE, fields=TEXT, expand=TEXT, properties=TEXT),
        "POST /rest/api/2/search": answering(
            thing(expand=TEXT, startAt=NUMBER, maxResults=NUMBER, total=NUMBER, issues=many(_ISSUE)),
            body=thing(
                jql=TEXT, startAt=NUMBER, maxResults=NUMBER, fields=many(TEXT), expand=many(TEXT), validateQuery=FLAG
            ),
        ),
        **_BOARDS,
    },
)


# -- PagerDuty ---------------------------------------------------------------------------------------------------------
# developer.pagerduty.com: "REST API v2", August 2026. It does not say which fields may be null: an incident without a priority,
# and one that is not resolved, have null there.

_REFERENCE = thing(id=TEXT, type=TEXT, summary=TEXT, self=TEXT, html_url=TEXT)
_SERVICE = thing(
    id=TEXT,
    type=TEXT,
    summary=TEXT,
    self=TEXT,
    html_url=TEXT,
    name=TEXT,
    description=TEXT,
    created_at=TEXT,
    status=TEXT,
)
_INCIDENT = thing(
    id=TEXT,
    type=TEXT,
    summary=TEXT,
    self=TEXT,
    html_url=TEXT,
    incident_number=NUMBER,
    title=TEXT,
    created_at=TEXT,
    updated_at=TEXT,
    status=one_of("triggered", "acknowledged", "resolved"),
    urgency=one_of("high", "low"),
    priority=maybe(_REFERENCE),
    service=_REFERENCE,
    resolve_reason=maybe(thing(type=TEXT, incident=_REFERENCE)),
    last_status_change_at=TEXT,
    resolved_at=maybe(TEXT),
)
_OFFSET = {"limit": _SIZE, "offset": NUMBER, "total": FLAG}


def _offset_page(**values: Schema) -> Schema:
    return thing(limit=NUMBER, offset=NUMBER, more=FLAG, total=maybe(NUMBER), **values)


PAGERDUTY = described(
    "",
    {
        "GET /services": answering(
            _offset_page(services=many(_SERVICE)),
            sort_by=one_of("name", "name:asc", "name:desc"),
            query=TEXT,
            **_OFFSET,
        ),
        "GET /incidents": answering(
            _offset_page(incidents=many(_INCIDENT)),
            date_range=one_of("all"),
            since=TEXT,
            until=TEXT,
            time_zone=TEXT,
            service_ids__=TEXT,
            statuses__=one_of("triggered", "acknowledged", "resolved"),
            sort_by=one_of(
                *(
                    f"{name}:{order}"
                    for name in ("incident_number", "created_at", "resolved_at", "urgency")
                    for order in ("asc", "desc")
                )
            ),
            **_OFFSET,
        ),
        "GET /incidents/{id}": answering(thing(incident=_INCIDENT)),
    },
)
