"""The routes of identities: every account with its developer and the reason, and the mapping of one by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import Field

from leadline.administration.identities import AccountShown
from leadline.api.answers import new_router
from leadline.api.body import json_body
from leadline.api.caller import Admin
from leadline.api.query import PageNumber, Parameters, choice, whole
from leadline.exports.models import RequestPart
from leadline.exports.validation import validated
from leadline.field_types import Name
from leadline.ingest.identities import AccountMapping, set_identity
from leadline.json_body import Body

router = new_router("admin")

MOST = 1000
"""Accounts on a page."""


class AccountsQuery(Parameters):
    """Which accounts are listed."""

    unmatched: Annotated[str, choice("true", "false")] = Field("false", description="Only accounts that are nobody's.")
    page: PageNumber = Field(0, description="Counted from 0.")
    limit: Annotated[int, whole(1, MOST)] = Field(100, description="Accounts on a page.")


class AccountsBody(Body):
    """One page of accounts."""

    accounts: list[AccountShown]
    page: int
    limit: int
    total: int = Field(description="Accounts on all pages.")


class IdentityRequest(RequestPart):
    """Whose account this is."""

    source: Name = Field(description="The tool, such as github, jira or git.")
    account: Name
    email: Name = Field(description="The developer's.")


class IdentityBody(Body):
    """Whose account this is from now on."""

    source: str
    account: str
    email: str


IDENTITY = json_body(IdentityRequest)


@router.get(
    "/v2/identities", response_description="First those whose activity counts for nobody, the most active on top."
)
def list_identities(caller: Admin, query: Annotated[AccountsQuery, Query()]) -> AccountsBody:
    """List accounts."""
    accounts = caller.state.accounts.of(caller.project)
    if query.unmatched == "true":
        accounts = [account for account in accounts if account.unmatched]
    first = query.page * query.limit
    shown = [AccountShown.of(account) for account in accounts[first : first + query.limit]]
    return AccountsBody(accounts=shown, page=query.page, limit=query.limit, total=len(accounts))


@router.put("/v2/identities", response_description="As it is kept: in lower case.")
def set_account(caller: Admin, body: Annotated[Mapping[str, Any], Depends(IDENTITY)]) -> IdentityBody:
    """Say whose account one is."""
    wanted = validated(IdentityRequest, body)
    mapping = AccountMapping(wanted.source, wanted.account, wanted.email)
    set_identity(caller.project, **vars(mapping), now=caller.now)
    return IdentityBody(**mapping.row)
