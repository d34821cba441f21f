"""Uploads and mappings that cannot be: each gets one clear refusal over a real socket, and nothing is kept of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.people import DEVELOPERS, LIST, MULTIPART, form, map_fields, problems, send, upload
from api.serving import Client, serving
from leadline.home import Home


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """An admin of a server without developers."""
    with Home.open(tmp_path_factory.mktemp("people") / "home") as home, serving(home, workers=0) as running:
        yield running.as_("admin")


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("", "EMPTY_CSV"),
        ("email,full_name,manager_email\n", "EMPTY_CSV"),
        ('email,full_name,manager_email\n"a', "INVALID_CSV"),
        (b"email,full_name,manager_email\n\xff,b,\n", "INVALID_CSV"),
        ("email,full_name,manager_email\na@x.example,A\0,\n", "INVALID_TEXT"),
        ("".encode("utf-16"), "EMPTY_CSV"),
        ("email".encode("utf-16")[:-1], "INVALID_CSV"),
    ],
)
def test_files_that_are_no_list(admin: Client, file: str | bytes, kind: str) -> None:
    answer = upload(admin, file)
    assert [what for _, what in problems(answer)] == [kind]
    assert "people.csv" in answer.json["error"]


def test_columns_without_a_name_are_told(admin: Client) -> None:
    preview = upload(admin, "email,full_name,manager_email,\na@x.example,A,,odd\n").json
    assert "BLANK_CSV_COLUMN_NAME" in {error["errorType"] for error in preview["errors"]}


@pytest.mark.parametrize(
    ("mapping", "where", "what"),
    [
        ({"Nickname": "NAME"}, "'Nickname'", "no such column"),
        ({"Full Name": "NAME", "Team": "NAME"}, "full_name", "one column can be it"),
        ({"Work Email": "site"}, "email", "REQUIRED_FIELD_MISSING"),
        ({"Work Email": None}, "email", "REQUIRED_FIELD_MISSING"),
    ],
)
def test_impossible_mappings(admin: Client, mapping: dict[str, str | None], where: str, what: str) -> None:
    version = upload(admin, LIST).json["versionId"]
    answer = map_fields(admin, version, mapping)
    assert (answer.status, answer.json["code"]) == (400, "invalid_field_mapping")
    (detail,) = answer.json["details"]
    assert detail["field"] == where
    assert what in detail["message"]
    assert map_fields(admin, version, {}).status == 200, "the mapping is as it was"


@pytest.mark.parametrize("body", [{}, {"fieldMappings": 1}, {"fieldMappings": [1]}, {"fieldMappings": [{}]}])
def test_bodies_that_are_no_mapping(admin: Client, body: object) -> None:
    version = upload(admin, LIST).json["versionId"]
    answer = send(admin, "PUT", f"{DEVELOPERS}/versions/{version}/fieldMappings", body)
    assert (answer.status, answer.json["code"]) == (400, "invalid_field_mapping")


def test_what_an_upload_may_be(admin: Client) -> None:
    assert admin.send("POST", DEVELOPERS, headers={"Content-Type": "text/csv"}, body=LIST).status == 200
    for content_type in ("application/json", "text/plain", ""):
        headers = {"Content-Type": content_type} if content_type else {}
        assert admin.send("POST", DEVELOPERS, headers=headers, body=b"{}").status == 415
    assert admin.send("POST", DEVELOPERS, headers={**MULTIPART, "Content-Encoding": "gzip"}, body=b"x").status == 415
    answer = upload(admin, LIST, part="data")
    assert (answer.status, answer.json["code"]) == (400, "missing_field")
    answer = upload(admin, LIST, path=DEVELOPERS + "?fileType=JSON")
    assert (answer.status, answer.json["code"]) == (400, "unsupported_file_type")
    for broken in (b"", b"--", form(LIST)[:-40].replace(b"\r\n\r\n", b"\r\n", 1)):
        assert admin.send("POST", DEVELOPERS, headers=MULTIPART, body=broken).status == 400
    assert admin.send("POST", DEVELOPERS, headers={"Content-Type": "multipart/form-data"}, body=b"x").status == 400


def test_an_upload_too_large_is_413(admin: Client) -> None:
    assert upload(admin, LIST + "x" * (16 << 20)).status == 413


def test_names_of_files_are_made_harmless(admin: Client) -> None:
    answer = upload(admin, "", name="../../etc/pass\twd.csv")
    assert answer.json["details"][0]["field"].startswith("passwd.csv")
