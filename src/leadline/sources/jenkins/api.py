"""Jenkins' JSON API: its addresses, its answers, and what its refusals mean. Only what is asked for with ``tree`` is sent: the rest
of what Jenkins knows of a build would cost it much to tell."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from leadline.errors import LeadlineError, NotFound, Unauthenticated
from leadline.sources.kit.client import ATTEMPTS, Answer, Client, Refused
from leadline.sources.kit.records import Node
from leadline.sources.kit.server_url import Server

LEVELS = 4
"""Folders in folders whose jobs one call lists."""
PAGES_OF_SERVER = ("job", "view", "api", "login", "manage", "computer", "user")
"""First parts of addresses within a Jenkins, wherever that is."""

_JOB = "_class,name,lastBuild[number,timestamp,building]"
_BUILD = (
    "number,timestamp,duration,result,building,url,"
    "actions[remoteUrls,lastBuiltRevision[SHA1,branch[SHA1,name]]{more}]{changes}"
)
_MORE = ",causes[userId,userName],parameters[name,value]"
_CHANGES = ",changeSet[items[commitId]],changeSets[items[commitId]]"


def jobs_tree(levels: int) -> str:
    """Asks for a folder's jobs, ``levels`` deep; what is deeper is only shown to be a folder."""
    tree = "jobs[name]{0,1}"
    for _ in range(levels):
        tree = f"jobs[{_JOB},{tree}]"
    return f"_class,{tree}"


def build_tree(*, deployments: bool) -> str:
    """Asks for a build. Who started it, with which parameters and changes, is asked of deployments alone."""
    return _BUILD.format(more=_MORE if deployments else "", changes=_CHANGES if deployments else "")


def path_of(names: Sequence[str]) -> str:
    """The path of the job or folder with these names. A branch's name is encoded already, and is encoded again."""
    return "".join(f"/job/{quote(name, safe='')}" for name in names)


def headers(user: str | None, token: str | None) -> dict[str, str]:
    """What every request carries; without a user it is anonymous."""
    sent = {"Accept": "application/json", "User-Agent": "leadline"}
    if user and token:
        # Jenkins answers 401 to a wrong token only if it is sent at once.
        sent["Authorization"] = f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"
    return sent


@dataclass(frozen=True)
class Api:
    """Asks one server through ``client``. ``token_from`` says where the token came from, for errors."""

    server: Server
    client: Client
    token_from: str
    user: str | None = None

    def get(self, names: Sequence[str], tree: str, *, build: int | None = None, attempts: int = ATTEMPTS) -> Node:
        """What ``tree`` asks for of a job, a folder (none: the server) or a build. Raises what ``problem`` makes of a
        refusal, ``Refused`` for what is no Jenkins, ``Unavailable``."""
        path = path_of(names) + ("" if build is None else f"/{build}")
        answer = self.client.request(
            "GET", f"{self.server.base}{path}/api/json", params={"tree": tree}, attempts=attempts
        )
        if answer.status != 200:
            raise self.problem(answer, "/".join(names) or "the list of jobs")
        if not isinstance(answer.body, dict):
            raise Refused(f"{self.client.tool} answered as no Jenkins does; is {self.server.base} its address?")
        return answer.body

    def problem(self, answer: Answer, what: str) -> LeadlineError:
        """The error for an answer of 300 to 499."""
        if answer.status == 401:
            return Unauthenticated(
                f"{self.client.tool} refuses the token of {self.user!r} from {self.token_from}; it may have been revoked: make "
                "a new one on the user's page"
                if self.user
                else f"{self.client.tool} answers nobody without a token; give --user, and a token in {self.token_from}"
            )
        if answer.status == 403:
            who = answer.headers.get("x-you-are-authenticated-as") or self.user or "anonymous"
            needs = answer.headers.get("x-required-permission")
            lacking = f"needs the permission {_permission(needs)}" if needs else "lacks a permission"
            return Refused(f"{self.client.tool} refuses {what}: {who} {lacking}")
        if answer.status == 404:
            return NotFound(f"{self.client.tool} has no {what}, or {self.user or 'anonymous'} may not see it")
        return Refused(f"{self.client.tool} refuses {what} (status {answer.status})")


def _permission(name: str) -> str:
    """``Overall/Read`` and ``Job/Read`` as Jenkins' own pages call them, with the name that was sent."""
    titles = {"hudson.model.Hudson.Read": "Overall/Read", "hudson.model.Item.Read": "Job/Read"}
    return f"{titles[name]} ({name})" if name in titles else name[:100]
