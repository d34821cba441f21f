"""Bitbucket's repositories of a workspace, as its list shows a hundred of them, or each by itself where the source names it."""

from __future__ import annotations

from collections.abc import Sequence

from leadline.errors import NotFound
from leadline.sources.bitbucket import queries
from leadline.sources.bitbucket.api import Api
from leadline.sources.bitbucket.rows import identity, repository_row
from leadline.sources.kit import forge
from leadline.sources.kit.page import Row, Skipped
from leadline.sources.kit.records import Node, utc
from leadline.sources.kit.streams import left_out
from leadline.sources.kit.text import Misshapen


class Repository(forge.Repository):
    """A repository as the list shows it. It is known by its id, which stays when it is renamed or transferred."""

    @property
    def identity(self) -> str:
        """Its id, without braces."""
        return identity(self.node.get("uuid")) or ""

    @property
    def updated(self) -> str:
        """When something was pushed, or its settings changed, last; '' if that is not told. What happens to pull requests and
        pipelines is not told by it."""
        value = utc(self.node.get("updated_on"))
        return value if isinstance(value, str) else ""

    def row(self) -> Row:
        """Its row of ``repositories``."""
        return repository_row(self.node)


def repositories(api: Api, workspace: str, patterns: Sequence[str]) -> forge.Overview[Repository]:
    """The repositories of ``workspace``, or if the patterns are plain names those alone: the token of one repository sees no list.

    Raises ``NotFound`` for an unknown workspace, or if none of the names is one."""
    if not any(set(pattern) & set("*?[") for pattern in patterns):
        return _named(api, workspace, patterns)
    try:
        nodes = api.all(queries.repositories(workspace), f"workspace {workspace!r}")
    except NotFound as error:
        raise NotFound(f"{error.message}{_only_cloud(api)}") from None
    return forge.Overview([_repository(api, node) for node in nodes], ())


def _named(api: Api, workspace: str, names: Sequence[str]) -> forge.Overview[Repository]:
    found: list[Repository] = []
    missing: list[NotFound] = []
    for name in names:
        try:
            full_name = f"{workspace}/{name}"
            found.append(_repository(api, api.get(queries.of_repository(full_name), f"repository {full_name}")))
        except NotFound as error:
            missing.append(error)
    if missing and not found:
        raise NotFound(f"{missing[0].message}{_only_cloud(api)}")
    hidden = [left_out(f"repositories of {workspace}", error) for error in missing]
    return forge.Overview(found, [Skipped(one.what, one.why, gap=True) for one in hidden])


def _only_cloud(api: Api) -> str:
    return "" if api.server.is_cloud else "; only Bitbucket Cloud is read, not Data Center"


def _repository(api: Api, node: Node) -> Repository:
    name, number = node.get("full_name"), identity(node.get("uuid"))
    if not isinstance(name, str) or number is None:
        raise Misshapen(f"{api.client.tool} answers as no Bitbucket does: a repository lacks full_name or uuid")
    return Repository(node, f"{api.server.host}#{number}", name)
