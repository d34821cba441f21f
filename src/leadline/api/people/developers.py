"""The routes of single developers, who are added, changed and removed, and of their lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import NO_STORE, Json, new_router, refusals
from leadline.api.caller import Admin, Caller, LimitedReader
from leadline.api.negotiation import prefers_csv
from leadline.api.people.bodies import CHANGED_DEVELOPERS, MAX_ROWS, REMOVED_EMAILS, SEARCH
from leadline.api.people.models import ChangedBody, DeveloperBody, DevelopersBody, SchemaBody
from leadline.api.people.query import ChangeQuery, DevelopersQuery, PastTreeQuery, TreeQuery, check_fields
from leadline.api.query import read
from leadline.db import developer_uploads as uploads
from leadline.engine.output import neutralized
from leadline.errors import InvalidRequest
from leadline.people import changes
from leadline.people.access import VisibleTrees
from leadline.people.default_tree import chosen_tree, shown_tree
from leadline.people.records import Record, fields_of, records, selected
from leadline.people.titles import FIELDS
from leadline.people.tree import OrgTree

router = new_router("people")

_CSV = {"text/csv": {"schema": {"type": "string"}}}


# -- single developers ---------------------------------------------------------------------------------------------------


def _in_force(caller: Admin, change: Annotated[ChangeQuery, Query()]) -> ChangeQuery:
    """The tree that is named. Asked before the list itself is judged: without developers in force no list can be right."""
    chosen_tree(caller.project, change.org_tree_name)
    return change


TreeInForce = Annotated[ChangeQuery, Depends(_in_force)]


@router.patch("/v2/developers", response_description="All of them are in force.", responses=refusals(409, 412))
def upsert_developers(
    caller: Admin, tree: TreeInForce, rows: Annotated[list[Mapping[str, Any]], Depends(CHANGED_DEVELOPERS)]
) -> ChangedBody:
    """Add or change developers."""
    _check_count(rows)
    return ChangedBody.of(changes.upsert(caller.project, rows, **_where(caller, tree)))


@router.delete("/v2/developers", response_description="They are removed.", responses=refusals(404, 409, 412))
def delete_developers(
    caller: Admin, tree: TreeInForce, emails: Annotated[list[str], Depends(REMOVED_EMAILS)]
) -> ChangedBody:
    """Remove developers."""
    _check_count(emails)
    return ChangedBody.of(changes.delete(caller.project, emails, **_where(caller, tree)))


def _where(caller: Caller, change: ChangeQuery) -> dict[str, Any]:
    return {"tree_name": change.org_tree_name, "now": caller.now, "since": change.since}


def _check_count(rows: Sequence[Any]) -> None:
    if len(rows) > MAX_ROWS:
        raise InvalidRequest(
            f"The body has {len(rows)} developers; at most {MAX_ROWS} are taken at a time: upload a list instead",
            code="too_many_rows",
        )


# -- lists ---------------------------------------------------------------------------------------------------------------


@router.get(
    "/v2/developers",
    response_model=DevelopersBody,
    response_description="One page of developers; with `Accept: text/csv` all of them, as CSV.",
    responses={200: {"content": _CSV}},
)
def list_developers(request: Request, caller: LimitedReader, query: Annotated[DevelopersQuery, Query()]) -> Response:
    """List or download developers."""
    tree, developers = _selected(caller.trees, query)
    if prefers_csv(request.headers.getlist("accept")):
        return developers_csv(developers)
    return Json(_page(tree, developers, query))


@router.post("/v2/developers/list", response_description="One page of developers.")
def search_developers(
    request: Request,
    caller: LimitedReader,
    _query: Annotated[DevelopersQuery, Query()],
    body: Annotated[dict[str, list[str]], Depends(SEARCH)],
) -> DevelopersBody:
    """List developers (older spelling)."""
    parameters = {name: request.query_params.getlist(name) for name in request.query_params}
    query = read(DevelopersQuery, {**parameters, **body})
    return _page(*_selected(caller.trees, query), query)


@router.get(
    "/v2/developers/download",
    response_class=Response,
    responses={200: {"description": "All developers.", "content": _CSV}},
)
def download_developers(caller: LimitedReader, tree: Annotated[PastTreeQuery, Query()]) -> Response:
    """Download all developers (older spelling)."""
    _, developers = _selected(
        caller.trees, DevelopersQuery.model_construct(org_tree_name=tree.org_tree_name, at=tree.at)
    )
    return developers_csv(developers)


def _selected(visible: VisibleTrees, query: DevelopersQuery) -> tuple[OrgTree | None, list[Record]]:
    """The tree and those of its developers that are wanted; nobody while there is no tree and none is named."""
    visible.access.check_developers()
    wanted = query.wanted()
    if query.org_tree_name is None and not visible.listed():
        return None, []
    tree = shown_tree(visible, query.org_tree_name, query.at)
    developers = [] if tree is None else records(tree)
    check_fields(wanted, developers)
    return tree, selected(developers, wanted)


def _page(tree: OrgTree | None, developers: Sequence[Record], query: DevelopersQuery) -> DevelopersBody:
    page, limit = query.slice
    return DevelopersBody(
        developers=[DeveloperBody.of(record) for record in developers[page * limit : (page + 1) * limit]],
        page=page,
        limit=limit,
        total=len(developers),
        org_tree_name=None if tree is None else tree.name,
        org_tree_version=None if tree is None else tree.version,
    )


def developers_csv(developers: Sequence[Record]) -> Response:
    """A developers CSV as uploads take it; texts that a spreadsheet would run have a `'` before them."""
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\r\n")
    names = fields_of(developers)
    writer.writerow([neutralized(name) for name in names])
    for record in developers:
        values = record.values
        writer.writerow([neutralized(values.get(name, "")) for name in names])
    headers = {
        **NO_STORE,
        "Content-Type": "text/csv",
        "Content-Disposition": 'attachment; filename="developers.csv"',
        "Vary": "Accept",
    }
    return Response(output.getvalue().encode(), headers=headers)


@router.get("/v2/developers/schema", operation_id="getDeveloperSchema", response_description="The fields.")
def developer_schema(caller: LimitedReader, query: Annotated[TreeQuery, Query()]) -> SchemaBody:
    """The fields of developers."""
    project, name = caller.project, query.org_tree_name
    if name is None and not caller.trees.listed():
        return SchemaBody.of(FIELDS, {})
    tree = shown_tree(caller.trees, name)
    if tree is None:
        return SchemaBody.of(FIELDS, {})
    mappings = uploads.newest_mappings(project.db, project.id, tree.name)
    return SchemaBody.of(fields_of(records(tree)), {field: title for title, field in mappings.items() if field})
