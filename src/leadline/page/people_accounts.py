"""Accounts on the page: those that are nobody's by what is lost, each with whose it might be, to be confirmed by one click; bots
and AI agents; and all others with the reason why they are whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from leadline.charts.words import counted
from leadline.errors import InvalidRequest
from leadline.facts.account_activity import Account
from leadline.ingest.identities import set_identity
from leadline.page.forms import Form, typed
from leadline.page.paging import Paged
from leadline.page.parameters import Parameter, understood
from leadline.page.screen import new_router
from leadline.page.visit import Admin, Visit

router = new_router()

PATH = "/people/accounts"
PER_PAGE = 50
SHOWN = {"nobody": "Nobody's", "bots": "Bots and agents", "people": "Of developers"}
"""Which accounts may be shown, in words."""
SHOW = Parameter("show", tuple(SHOWN), next(iter(SHOWN)))
_DONE = ("commits", "pull_requests", "reviews", "comments", "work_items")


@dataclass(frozen=True)
class AccountLine:
    """An account as it is shown; ``email`` is what somebody typed for it, ``fault`` what is wrong with that."""

    account: Account
    email: str = ""
    fault: str = ""

    @property
    def source(self) -> str:
        """The tool, or what kind of tool."""
        return self.account.source or self.account.domain

    @property
    def done(self) -> str:
        """What it did."""
        words = [(getattr(self.account, name), name.replace("_", " ")) for name in _DONE]
        return ", ".join(counted(count, word.removesuffix("s"), word) for count, word in words if count)


@dataclass(frozen=True)
class AccountsView:
    """The accounts that the address asks for; ``problems`` say what of it was not understood."""

    accounts: Sequence[Account]
    query: Mapping[str, str]
    problems: Sequence[str] = ()

    @property
    def shown(self) -> str:
        """Which of ``SHOWN``."""
        return self.query.get(SHOW.name, SHOW.default)

    def count(self, which: str) -> int:
        """How many there are of one of ``SHOWN``."""
        return len(self._of(which))

    def _of(self, which: str) -> list[Account]:
        return [account for account in self.accounts if _is(account, which)]

    @property
    def found(self) -> list[Account]:
        """Those that are searched."""
        words = self.query.get("q", "").casefold().split()
        return [account for account in self._of(self.shown) if all(word in _text(account) for word in words)]

    @property
    def page(self) -> Paged[Account]:
        """A page of them."""
        return Paged.of(self.found, PER_PAGE, self.query)

    @property
    def mapped(self) -> list[Account]:
        """What was just mapped, as it is now."""
        name = self.query.get("mapped", "")
        return [account for account in self.accounts if account.account == name and account.developer] if name else []

    def link(self, **changes: Any) -> str:
        """The address of another view."""
        said = {**self.query, "mapped": None, **changes}
        return f"{PATH}?{urlencode({name: value for name, value in said.items() if value not in (None, '')})}"


def _is(account: Account, which: str) -> bool:
    """Whether an account is one of ``SHOWN``."""
    return {"nobody": account.unmatched, "bots": account.bot}.get(which, account.developer is not None)


def _text(account: Account) -> str:
    parts = (account.source, account.account, account.developer, account.name, account.suggestion, account.reason)
    return " ".join(filter(None, parts)).casefold()


@router.get(PATH)
def accounts(visit: Admin) -> Response:
    """Those that the address asks for."""
    return _shown(visit, dict(visit.request.query_params))


@router.post(PATH)
def map_account(visit: Admin, form: Form) -> Response:
    """Say whose an account is; or show the page again with what is wrong beside it."""
    said = dict(typed(form))
    query = {name: said[name] for name in ("show", "q", "page") if said.get(name)}
    source, account, email = (said.get(name, "") for name in ("source", "account", "email"))
    try:
        set_identity(visit.project, source=source, account=account, email=email, now=visit.now)
    except InvalidRequest as error:
        return _shown(visit, query, (source, account), email, error)
    return RedirectResponse(f"{PATH}?{urlencode({**query, 'mapped': account.strip().lower()})}", 303)


def _shown(
    visit: Visit,
    query: Mapping[str, Any],
    asked: tuple[str, str] = ("", ""),
    email: str = "",
    error: InvalidRequest | None = None,
) -> Response:
    said = {name: str(query[name]) for name in ("show", "q", "page", "mapped") if query.get(name)}
    view = AccountsView(visit.state.accounts.of(visit.project), *understood(said, [SHOW]))
    page = view.page
    view = replace(view, problems=(*view.problems, *page.problems))
    lines = [AccountLine(account) for account in page.shown]
    if error is not None:
        lines = [
            AccountLine(one.account, email, error.message) if (one.source, one.account.account) == asked else one
            for one in lines
        ]
    status = 200 if error is None else error.http_status
    context: dict[str, Any] = {"view": view, "page": page, "lines": lines, "choices": SHOWN, "error": error}
    return visit.html("people_accounts.html", status=status, title="Accounts", **context)
