"""GraphQL as far as the stubs need it: a query becomes the fields that it selects, their arguments with the variables' values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_TOKENS = re.compile(r"\.\.\.|[{}()\[\]:!,]|\$?\w+")


@dataclass
class Selection:
    name: str
    alias: str
    arguments: dict[str, Any]
    inner: list[Selection]


class Parser:
    """Enough of GraphQL: one operation with variables, arguments, aliases and inline fragments (which are merged)."""

    def __init__(self, text: str, variables: dict[str, Any]) -> None:
        self.tokens = _TOKENS.findall(text)
        self.at = 0
        self.variables = variables

    def operation(self) -> list[Selection]:
        while self.tokens[self.at] != "{":
            if self.tokens[self.at] == "(":
                self.at = self.tokens.index(")", self.at)
            self.at += 1
        return self.selections()

    def selections(self) -> list[Selection]:
        found: list[Selection] = []
        assert self.next() == "{"
        while (token := self.next()) != "}":
            if token == "...":
                assert self.next() == "on"
                self.next()
                found += self.selections()
                continue
            alias = name = token
            if self.peek() == ":":
                self.next()
                name = self.next()
            arguments = self.arguments() if self.peek() == "(" else {}
            inner = self.selections() if self.peek() == "{" else []
            found.append(Selection(name, alias, arguments, inner))
        return found

    def arguments(self) -> dict[str, Any]:
        self.next()
        found = {}
        while (token := self.next()) != ")":
            if token != ",":
                assert self.next() == ":"
                found[token] = self.value()
        return found

    def value(self) -> Any:
        token = self.next()
        if token == "{":
            found = {}
            while (key := self.next()) != "}":
                if key != ",":
                    assert self.next() == ":"
                    found[key] = self.value()
            return found
        if token == "[":
            values = []
            while self.peek() != "]":
                values.append(self.value())
            self.next()
            return values
        if token.startswith("$"):
            return self.variables.get(token[1:])
        return int(token) if token.isdigit() else token

    def peek(self) -> str:
        return self.tokens[self.at]

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]
