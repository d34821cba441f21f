"""What Jenkins exports of its objects (``@Exported`` in its Javadoc and in that of the plugins named), by class: property → class
of what is there, ``""`` for a plain value. Only what the connector asks for."""

from __future__ import annotations

from collections.abc import Iterator

EXPORTED: dict[str, dict[str, str]] = {
    # Core 2.462: hudson.model.Hudson, AbstractItem and Job; cloudbees-folder: Folder; workflow-multibranch.
    "item": {"_class": "", "name": "", "jobs": "item", "lastBuild": "run", "allBuilds": "run"},
    # hudson.model.Run; changeSet of AbstractBuild, changeSets of workflow-job's WorkflowRun.
    "run": {
        **dict.fromkeys(("number", "timestamp", "duration", "result", "building", "url"), ""),
        "actions": "action",
        "changeSet": "changes",
        "changeSets": "changes",
    },
    # hudson.model.CauseAction and ParametersAction; git: hudson.plugins.git.util.BuildData.
    "action": {"causes": "cause", "parameters": "parameter", "remoteUrls": "", "lastBuiltRevision": "revision"},
    "cause": {"userId": "", "userName": ""},
    "parameter": {"name": "", "value": ""},
    "revision": {"SHA1": "", "branch": "revision", "name": ""},
    "changes": {"items": "change"},
    "change": {"commitId": ""},
}


def unexported(tree: str, kind: str) -> Iterator[str]:
    """What ``tree`` asks for that an object of the class ``kind`` does not have."""
    for name, inner in _properties(tree):
        of = EXPORTED[kind].get(name)
        if of is None or bool(of) != bool(inner):
            yield f"{kind}.{name}"
        elif of:
            yield from unexported(inner, of)


def _properties(tree: str) -> Iterator[tuple[str, str]]:
    """The properties of a level of ``tree``, each with what is asked of it; ranges (``{0,100}``) are left out."""
    depth, begin, parts = 0, 0, []
    for at, letter in enumerate(tree):
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            parts.append(tree[begin:at])
            begin = at + 1
    for part in [*parts, tree[begin:]]:
        name, _, inner = part.partition("[")
        yield name.partition("{")[0], inner.rpartition("]")[0]
