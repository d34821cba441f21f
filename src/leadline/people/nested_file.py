"""Reads an org tree that is given directly, as nested JSON or TOML: bytes in, a ``Draft`` out.

The form, for those without an HR export (in JSON; in TOML the same with ``[[children]]`` tables)::

    {"name": "Engineering", "key": "eng", "manager": "ada@example.com",
     "members": [{"email": "ben@example.com", "full_name": "Ben Moss", "role": "SRE"}, "cleo@example.com"],
     "children": [{"name": "Platform", "key": "team_abc123", "members": ["dan@example.com"]}]}

- The outermost object is the root; its ``name`` may be left out, as the root is named like the tree. Every other node
  needs a ``name``. ``key``, ``manager``, ``members`` and ``children`` are optional.
- A person is an email, or an object with ``email``, ``full_name`` and any further values, which are kept. A person may
  be given as an object in one place and as an email elsewhere; one given only as an email is called by it.
- A node's own people are its manager and its members. Someone in several nodes is a shared developer, whose primary team
  is the first in the file.
- A key is unique in the file and not digits alone (that would be a ref id). A node is the same across uploads by its
  key, else by its manager (if that is the manager of one node alone), else by the names from the root.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from leadline.people.csv_file import as_written
from leadline.people.csv_rows import decoded
from leadline.people.draft import ROOT, Draft, DraftDeveloper, DraftNode, key_identity, manager_identity, path_identity
from leadline.people.violations import DEEPEST, Violations, email_problem, shown, text_problem, value_problem

_MEMBERS = ("name", "key", "manager", "members", "children")
_LONGEST_KEY = 255


@dataclass
class _Person:
    full_name: str | None
    attributes: dict[str, str]
    nodes: list[int] = field(default_factory=list)
    written: str | None = None


@dataclass
class _Node:
    where: str
    name: str
    key: str | None
    parent: int | None
    names: tuple[str, ...]
    manager: str | None = None
    own: list[str] = field(default_factory=list)


@dataclass
class _Reading:
    """What has been read so far; positions are document order."""

    violations: Violations
    nodes: list[_Node] = field(default_factory=list)
    people: dict[str, _Person] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def refuse(self, where: str, message: str) -> None:
        self.violations.add(len(self.nodes), f"{self.violations.file}: {where}", message)


def read_nested(data: bytes, tree_name: str, *, toml: bool, violations: Violations) -> Draft:
    """The draft tree of a nested file. Raises ``InvalidInput`` with every violation found."""
    root = _parsed(decoded(data, violations), toml, violations)
    reading = _Reading(violations)
    pending: list[tuple[Any, str, int | None]] = [(root, "root", None)]
    while pending:
        value, where, parent = pending.pop()
        children = _read_node(reading, value, where, parent, tree_name)
        pending.extend(reversed(children))
    if not violations and not reading.people:
        violations.add(0, violations.file, "NO_TEAM: nobody is in this tree; give its nodes members")
    violations.check()
    draft = _draft(reading)
    violations.check()
    return draft


def _parsed(text: str, toml: bool, violations: Violations) -> Any:
    if not text.strip():
        _fail(violations, violations.file, "EMPTY_FILE: there is nothing in it")
    try:
        return tomllib.loads(text) if toml else json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        _fail(violations, f"{violations.file}:{error.lineno}", f"MALFORMED_JSON: {error.msg} in column {error.colno}")
    except RecursionError:
        _fail(violations, violations.file, f"TOO_DEEP: at most {DEEPEST} levels are taken")
    except ValueError as error:
        _fail(violations, violations.file, f"{'MALFORMED_TOML' if toml else 'MALFORMED_JSON'}: {error}")


def _fail(violations: Violations, where: str, message: str) -> NoReturn:
    violations.add(0, where, message)
    violations.check()
    raise AssertionError("a violation was just added")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    items = dict(pairs)
    if len(items) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given twice in one object")
    return items


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON value")


def _read_node(
    reading: _Reading, value: Any, where: str, parent: int | None, tree_name: str
) -> list[tuple[Any, str, int]]:
    if not isinstance(value, dict):
        reading.refuse(where, f"INVALID_VALUE: {shown(str(value))}; a node is an object with name, members, children")
        return []
    above = () if parent is None else reading.nodes[parent].names
    name = tree_name if parent is None else _text(reading, value, "name", where)
    if parent is not None and not name:
        reading.refuse(where, "name: REQUIRED_VALUE_MISSING: every node below the root needs one")
    number = len(reading.nodes)
    node = _Node(where, name or "", _key(reading, value, where), parent, (*above, name or ""))
    if len(node.names) > DEEPEST:
        reading.refuse(where, f"TOO_DEEP: level {len(node.names)}; at most {DEEPEST} are taken")
        return []
    if unknown := [key for key in value if key not in _MEMBERS]:
        reading.refuse(where, f"UNKNOWN_KEY: {', '.join(map(shown, unknown))}; a node has {', '.join(_MEMBERS)}")
    reading.nodes.append(node)
    if value.get("manager") is not None:
        node.manager = _read_person(reading, value["manager"], f"{where}.manager", number)
    for position, member in enumerate(_list(reading, value, "members", where)):
        _read_person(reading, member, f"{where}.members[{position}]", number)
    return [
        (child, f"{where}.children[{position}]", number)
        for position, child in enumerate(_list(reading, value, "children", where))
    ]


def _text(reading: _Reading, value: Mapping[str, Any], name: str, where: str) -> str | None:
    text = value.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        reading.refuse(where, f"{name}: INVALID_VALUE: {shown(str(text))} is no text")
        return None
    text = text.strip()
    if problem := text_problem(text):
        reading.refuse(where, f"{name}: {problem}")
        return text[:80].replace("\x00", "")
    return text or None


def _list(reading: _Reading, value: Mapping[str, Any], name: str, where: str) -> list[Any]:
    items = value.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        reading.refuse(where, f"{name}: INVALID_VALUE: {shown(str(items))} is no list")
        return []
    return items


def _key(reading: _Reading, value: Mapping[str, Any], where: str) -> str | None:
    key = _text(reading, value, "key", where)
    if key is None:
        return None
    if re.fullmatch(r"[0-9]+", key) or len(key) > _LONGEST_KEY:
        reading.refuse(
            where, f"key: INVALID_KEY: {shown(key)}; a key has up to {_LONGEST_KEY} characters and is not digits alone"
        )
    elif key in reading.keys:
        reading.refuse(where, f"key: DUPLICATE_KEY: {shown(key)} is also the key of {reading.keys[key]}")
    else:
        reading.keys[key] = where
    return key


def _read_person(reading: _Reading, value: Any, where: str, number: int) -> str | None:
    """Read a person of the node ``number``; returns the email in lower case, or None if there is none to go by."""
    entry = {"email": value} if isinstance(value, str) else value
    if not isinstance(entry, dict):
        reading.refuse(where, f"INVALID_VALUE: {shown(str(value))}; a person is an email or an object with one")
        return None
    written = _text(reading, entry, "email", where) or ""
    email = written.lower()
    if not email:
        reading.refuse(where, "email: REQUIRED_VALUE_MISSING: every developer needs one")
    elif problem := email_problem(email):
        reading.refuse(where, f"email: {problem}")
    full_name = _text(reading, entry, "full_name", where)
    if isinstance(value, dict) and full_name is None:
        reading.refuse(where, "full_name: REQUIRED_VALUE_MISSING: every developer needs one")
    if not email:
        return None
    _merge(reading, email, full_name, _attributes(reading, entry, where), where)
    node, person = reading.nodes[number], reading.people[email]
    person.written = person.written or as_written(written)
    if number in person.nodes:
        reading.refuse(where, f"DUPLICATE_EMAIL: {email} is already in this node; keep one")
    else:
        person.nodes.append(number)
        node.own.append(email)
    return email


def _attributes(reading: _Reading, entry: Mapping[str, Any], where: str) -> dict[str, str]:
    attributes = {}
    for name, content in entry.items():
        if name in ("email", "full_name") or content is None:
            continue
        if isinstance(content, dict | list):
            reading.refuse(where, f"{name}: INVALID_VALUE: a person's further values are texts, numbers or true/false")
            continue
        text = (
            content if isinstance(content, str) else str(content).lower() if isinstance(content, bool) else str(content)
        )
        if problem := text_problem(name) or value_problem(name, text):
            reading.refuse(where, f"{shown(name)}: {problem}")
        elif text.strip():
            attributes[name] = text.strip()
    return attributes


def _merge(reading: _Reading, email: str, full_name: str | None, attributes: dict[str, str], where: str) -> None:
    person = reading.people.setdefault(email, _Person(None, {}))
    if full_name is not None:
        if person.full_name not in (None, full_name):
            reading.refuse(where, f"full_name: CONFLICTING_VALUE: {email} is called {shown(str(person.full_name))} too")
        person.full_name = full_name
    for name, text in attributes.items():
        if person.attributes.setdefault(name, text) != text:
            reading.refuse(
                where, f"{name}: CONFLICTING_VALUE: {email} has {shown(person.attributes[name])} elsewhere in the file"
            )


def _draft(reading: _Reading) -> Draft:
    managed: dict[str, int] = {}
    for node in reading.nodes:
        if node.manager is not None and node.key is None and node.parent is not None:
            managed[node.manager] = managed.get(node.manager, 0) + 1
    identities: list[str] = []
    taken: dict[str, str] = {}
    for node in reading.nodes:
        identity = _identity(node, managed)
        if identity in taken:
            reading.refuse(node.where, f"AMBIGUOUS_NODE: {taken[identity]} has the same names; give both a key")
        taken.setdefault(identity, node.where)
        identities.append(identity)
    nodes = {
        identity: DraftNode(
            identity,
            node.name,
            node.key,
            node.manager,
            tuple(node.own),
            None if node.parent is None else identities[node.parent],
        )
        for identity, node in zip(identities, reading.nodes, strict=True)
    }
    developers = {
        email: DraftDeveloper(
            email,
            person.full_name or person.written or email,
            tuple(identities[number] for number in person.nodes),
            person.attributes,
            person.written,
        )
        for email, person in reading.people.items()
    }
    return Draft(nodes, developers)


def _identity(node: _Node, managed: Mapping[str, int]) -> str:
    if node.parent is None:
        return ROOT
    if node.key is not None:
        return key_identity(node.key)
    if node.manager is not None and managed[node.manager] == 1:
        return manager_identity(node.manager)
    return path_identity(node.names)
