"""What Azure DevOps says of its REST APIs, of what the connector asks for, and no more.

Its published descriptions (the repository vsts-rest-api-specs of MicrosoftDocs; ``git``, ``build``, ``release`` of version 7.1,
``environments`` of 7.2), May 2026, which say neither which fields may be null nor what a thread's properties are: those are as
their examples have them. Not in them: that repositories may be listed of a whole organization (the reference says that the project
may be left out), and the identities of a thread's properties.
"""

from __future__ import annotations

from published.facts import FLAG, NUMBER, TEXT, Schema, answering, described, many, maybe, one_of, thing


def any_of_names(schema: Schema) -> Schema:
    """An object whose keys may be anything."""
    return {"type": "object", "additionalProperties": schema}


def listing(schema: Schema, **parameters: Schema) -> Schema:
    """An operation that answers a list; parameters have ``_`` for dollars and ``__`` for dots."""
    asked = {name.replace("__", "."): of for name, of in parameters.items()}
    operation = answering(thing(count=NUMBER, value=many(schema)))
    names = {f"${name[1:]}" if name.startswith("_") else name: of for name, of in asked.items()}
    names["api-version"] = TEXT
    operation["parameters"] = [{"name": name, "in": "query", "schema": of} for name, of in names.items()]
    return operation


_LINKS = thing(web=thing(href=TEXT), self=thing(href=TEXT))
_IDENTITY = thing(
    id=TEXT,
    displayName=TEXT,
    uniqueName=TEXT,
    descriptor=TEXT,
    isContainer=FLAG,
    inactive=FLAG,
    imageUrl=TEXT,
    url=TEXT,
)
_REVIEWER = thing(**{**_IDENTITY["properties"], "vote": NUMBER, "isRequired": FLAG, "hasDeclined": FLAG})
_PROJECT = thing(id=TEXT, name=TEXT, state=TEXT, visibility=one_of("private", "public"), lastUpdateTime=TEXT)
_REPOSITORY = thing(
    id=TEXT,
    name=TEXT,
    project=_PROJECT,
    defaultBranch=maybe(TEXT),
    webUrl=TEXT,
    remoteUrl=TEXT,
    isDisabled=FLAG,
    isFork=FLAG,
    size=NUMBER,
)
_COMMIT_ID = thing(commitId=TEXT, url=TEXT)
_PERSON_AT = thing(name=TEXT, email=TEXT, date=TEXT)
_COMMIT = thing(commitId=TEXT, author=_PERSON_AT, committer=_PERSON_AT, comment=TEXT, commentTruncated=FLAG, url=TEXT)
_PULL_REQUEST = thing(
    pullRequestId=NUMBER,
    repository=_REPOSITORY,
    status=one_of("notSet", "active", "abandoned", "completed", "all"),
    createdBy=maybe(_IDENTITY),
    creationDate=TEXT,
    closedBy=maybe(_IDENTITY),
    closedDate=maybe(TEXT),
    title=TEXT,
    description=maybe(TEXT),
    sourceRefName=TEXT,
    targetRefName=TEXT,
    mergeStatus=one_of("notSet", "queued", "conflicts", "succeeded", "rejectedByPolicy", "failure"),
    isDraft=FLAG,
    lastMergeSourceCommit=maybe(_COMMIT_ID),
    lastMergeCommit=maybe(_COMMIT_ID),
    reviewers=many(_REVIEWER),
    labels=maybe(many(thing(id=TEXT, name=TEXT, active=FLAG))),
)
_COMMENT = thing(
    id=NUMBER,
    parentCommentId=NUMBER,
    author=maybe(_IDENTITY),
    content=maybe(TEXT),
    publishedDate=TEXT,
    lastUpdatedDate=TEXT,
    lastContentUpdatedDate=TEXT,
    commentType=one_of("unknown", "text", "codeChange", "system"),
    isDeleted=FLAG,
)
_PROPERTY = {"type": "object", "properties": {"$type": TEXT, "$value": {}}}
_THREAD = thing(
    id=NUMBER,
    publishedDate=TEXT,
    lastUpdatedDate=TEXT,
    comments=many(_COMMENT),
    status=TEXT,
    threadContext=maybe(thing(filePath=TEXT)),
    properties=any_of_names(_PROPERTY),
    identities=maybe(any_of_names(_IDENTITY)),
    isDeleted=FLAG,
)
_CHANGES = thing(
    changeEntries=many(
        thing(
            changeId=NUMBER,
            changeType=TEXT,
            originalPath=TEXT,
            item=thing(path=TEXT, gitObjectType=TEXT, isFolder=FLAG, objectId=TEXT),
        )
    ),
    nextSkip=NUMBER,
    nextTop=NUMBER,
)
_BUILD = thing(
    id=NUMBER,
    buildNumber=TEXT,
    status=one_of("none", "inProgress", "completed", "cancelling", "postponed", "notStarted", "all"),
    result=one_of("none", "succeeded", "partiallySucceeded", "failed", "canceled"),
    queueTime=TEXT,
    startTime=TEXT,
    finishTime=TEXT,
    lastChangedDate=TEXT,
    definition=thing(id=NUMBER, name=TEXT, path=TEXT),
    repository=thing(id=TEXT, type=TEXT, name=TEXT, url=TEXT),
    project=_PROJECT,
    sourceBranch=TEXT,
    sourceVersion=TEXT,
    requestedFor=_IDENTITY,
    tags=many(TEXT),
    _links=_LINKS,
)
_ENVIRONMENT = thing(id=NUMBER, name=TEXT, description=TEXT, project=thing(id=TEXT, name=TEXT), createdOn=TEXT)
_OWNER = thing(id=NUMBER, name=TEXT, _links=_LINKS)
_RECORD = thing(
    id=NUMBER,
    environmentId=NUMBER,
    stageName=TEXT,
    jobName=TEXT,
    definition=_OWNER,
    owner=_OWNER,
    result=maybe(
        one_of(
            *("succeeded", "succeededWithIssues", "failed", "canceled", "skipped", "abandoned", "manuallyQueued"),
            "dependentOnManualQueue",
        )
    ),
    queueTime=TEXT,
    startTime=maybe(TEXT),
    finishTime=maybe(TEXT),
)
_ARTIFACT = thing(
    alias=TEXT, type=TEXT, isPrimary=FLAG, definitionReference=any_of_names(thing(id=maybe(TEXT), name=maybe(TEXT)))
)
_DEPLOYMENT = thing(
    id=NUMBER,
    attempt=NUMBER,
    release=thing(id=NUMBER, name=TEXT, artifacts=many(_ARTIFACT), _links=_LINKS),
    releaseDefinition=thing(id=NUMBER, name=TEXT, path=TEXT),
    releaseEnvironment=thing(id=NUMBER, name=TEXT),
    deploymentStatus=one_of(
        "undefined", "notDeployed", "inProgress", "succeeded", "partiallySucceeded", "failed", "all"
    ),
    operationStatus=TEXT,
    requestedFor=maybe(_IDENTITY),
    queuedOn=TEXT,
    startedOn=TEXT,
    completedOn=TEXT,
    lastModifiedOn=TEXT,
)
_STATUS = one_of("notSet", "active", "abandoned", "completed", "all")
_PULLS = "/{organization}/{project}/_apis/git/repositories/{repositoryId}/pullrequests"
_ONE = f"GET {_PULLS}/{{pullRequestId}}"

_whole = answering(_PULL_REQUEST)
_whole["parameters"] = [{"name": "api-version", "in": "query", "schema": TEXT}]
_changes = answering(_CHANGES)
_changes["parameters"] = [
    {"name": name, "in": "query", "schema": of}
    for name, of in (("api-version", TEXT), ("$top", NUMBER), ("$skip", NUMBER), ("$compareTo", NUMBER))
]

AZURE = described(
    "",
    {
        "GET /{organization}/_apis/git/repositories": listing(_REPOSITORY, includeHidden=FLAG),
        f"GET {_PULLS}": listing(_PULL_REQUEST, searchCriteria__status=_STATUS, _top=NUMBER, _skip=NUMBER),
        "GET /{organization}/{project}/_apis/git/pullrequests": listing(
            _PULL_REQUEST,
            searchCriteria__status=_STATUS,
            searchCriteria__queryTimeRangeType=one_of("created", "closed"),
            searchCriteria__minTime=TEXT,
            _top=NUMBER,
            _skip=NUMBER,
        ),
        _ONE: _whole,
        f"{_ONE}/threads": listing(_THREAD),
        f"{_ONE}/commits": listing(_COMMIT, _top=NUMBER, continuationToken=TEXT),
        f"{_ONE}/iterations": listing(thing(id=NUMBER, createdDate=TEXT, updatedDate=TEXT)),
        f"{_ONE}/iterations/{{iterationId}}/changes": _changes,
        "GET /{organization}/{project}/_apis/build/builds": listing(
            _BUILD,
            statusFilter=one_of("none", "inProgress", "completed", "cancelling", "postponed", "notStarted", "all"),
            queryOrder=one_of(
                *(
                    f"{name}Time{order}"
                    for name in ("finish", "queue", "start")
                    for order in ("Ascending", "Descending")
                )
            ),
            minTime=TEXT,
            buildIds=TEXT,
            continuationToken=TEXT,
            _top=NUMBER,
        ),
        "GET /{organization}/{project}/_apis/release/deployments": listing(
            _DEPLOYMENT,
            queryOrder=one_of("ascending", "descending"),
            minModifiedTime=TEXT,
            continuationToken=NUMBER,
            _top=NUMBER,
        ),
        "GET /{organization}/{project}/_apis/pipelines/environments": listing(
            _ENVIRONMENT, name=TEXT, continuationToken=TEXT, _top=NUMBER
        ),
        "GET /{organization}/{project}/_apis/pipelines/environments/{environmentId}/environmentdeploymentrecords": listing(
            _RECORD, continuationToken=TEXT, top=NUMBER
        ),
    },
)
