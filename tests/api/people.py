"""What the tests of the people API send: lists of developers as files and as forms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from api.serving import Answer, Client

DEVELOPERS = "/v2/developers"

LIST = """Full Name,Work Email,Manager,Team,Cost Center
Ada Arnold,ada@example.org,,,1
Ben Brook,ben@example.org,ada@example.org,Platform,2
Cyd Crane,cyd@example.org,ben@example.org,Platform,2
Dee Doyle,dee@example.org,ben@example.org,Platform,
"""

BOUNDARY = "x-a-boundary-x"


def form(text: str | bytes, name: str = "people.csv", part: str = "file", **fields: str) -> bytes:
    """A multipart body as curl makes it of ``-F file=@name;type=text/csv``."""
    raw = text.encode() if isinstance(text, str) else text
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields.items()
    ]
    parts.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{part}"; filename="{name}"\r\n'.encode()
        + b"Content-Type: text/csv\r\n\r\n"
        + raw
        + b"\r\n"
    )
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def upload(client: Client, text: str | bytes, method: str = "POST", path: str = DEVELOPERS, **options: Any) -> Answer:
    """Send a list as a form."""
    return client.send(method, path, headers=MULTIPART, body=form(text, **options))


def send(client: Client, method: str, path: str, body: Any, **headers: str) -> Answer:
    """Send any JSON value."""
    return client.send(method, path, headers={"Content-Type": "application/json", **headers}, body=json.dumps(body))


def map_fields(client: Client, version: str, mapping: Mapping[str, str | None]) -> Answer:
    """Save field mappings the documented way."""
    rows = [{"csvHeader": title, "field": field} for title, field in mapping.items()]
    return send(client, "PUT", f"{DEVELOPERS}/versions/{version}/fieldMappings", {"fieldMappings": rows})


def activate(client: Client, version: str) -> Answer:
    """Put a version in force."""
    return send(client, "PATCH", f"{DEVELOPERS}/versions/{version}", {"active": True})


def emails(client: Client, query: str = "") -> list[str]:
    """The emails that the list answers."""
    answer = client.get(DEVELOPERS + query)
    assert answer.status == 200, answer.body
    return [developer["email"] for developer in answer.json["developers"]]


def problems(answer: Answer) -> list[tuple[str, str]]:
    """Where and what kind: the details of a refusal."""
    assert answer.status == 400, answer.body
    assert answer.json["status"] == "failed"
    found = [
        (detail["field"], re.search(r"(?:^|: )([A-Z]+(?:_[A-Z]+)+): ", detail["message"]))
        for detail in answer.json["details"]
    ]
    return [(field, kind[1] if kind else "") for field, kind in found]
