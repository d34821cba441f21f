"""What is explored, as texts to copy: the request of the API, and the command that writes the same to a file."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from leadline.exports.export_kind import Option
from leadline.page.exploration import Exploration


@dataclass(frozen=True)
class Copied:
    """A text to copy: what it is, and the text."""

    title: str
    text: str


def copies(exploration: Exploration, base: str) -> list[Copied]:
    """The request for a server at ``base``, and the command. The key is in the variable ``API_KEY``."""
    address = f"{base}/v2/insights/{exploration.kind.name}"
    return [
        Copied("curl", _curl(f"{address}?{urlencode(exploration.asked, doseq=True)}")),
        Copied("Python", _python(address, exploration.asked)),
        Copied("Command line", _command(exploration)),
    ]


def _curl(address: str) -> str:
    return f'curl -fsS -H "authorization: ApiKey $API_KEY" \\\n  {shlex.quote(address)}\n'


def _python(address: str, asked: Mapping[str, Any]) -> str:
    members = "".join(f"    {name!r}: {value!r},\n" for name, value in asked.items())
    return f"""import json
import os
import urllib.parse
import urllib.request

query = {{
{members}}}
request = urllib.request.Request(
    {address!r} + "?" + urllib.parse.urlencode(query, doseq=True),
    headers={{"authorization": "ApiKey " + os.environ["API_KEY"]}},
)
with urllib.request.urlopen(request) as answer:
    insight = json.load(answer)
for row in insight["rows"]:
    print(row)
"""


def _command(exploration: Exploration) -> str:
    body, kind = exploration.body, exploration.kind
    days = body["dateRange"]
    said = [("--team", body["scope"]["teamId"])]
    said += [(f"--{name}", days[name]) for name in ("start", "end", "period") if name in days]
    said += [(option.flag, text) for option in kind.command.options if (text := _value(body, option))]
    options = " \\\n  ".join(f"{flag} {shlex.quote(text)}" for flag, text in said)
    return f"leadline export {kind.command_name} \\\n  {options} \\\n  -o {kind.name}.csv\n"


def _value(body: Mapping[str, Any], option: Option) -> str:
    """What ``body`` says where the option would; '' where it says nothing."""
    value: Any = body
    for part in option.field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return ",".join(value) if isinstance(value, list) else value or ""
