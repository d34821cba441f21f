"""Where secrets are: the variable, the file and the keyring read as they are now, and never shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from leadline.errors import InvalidRequest
from leadline.sources.kit.secrets import SecretPlace, one_line


class Ring(KeyringBackend):
    """A keyring of the documented interface, in memory."""

    priority = 1.0  # type: ignore[assignment]  # the interface declares a property of its class

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("nobody unlocked it")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before = keyring.get_keyring()
    found = Ring()
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)


def chosen(**given: str) -> SecretPlace:
    return SecretPlace.chosen("TOOL_TOKEN", option="token", **given)  # type: ignore[arg-type]


def test_the_variable_is_read_when_it_is_needed() -> None:
    place = chosen()
    assert place.read({"TOOL_TOKEN": " s3cret\n"}) == "s3cret"
    assert place.read({"TOOL_TOKEN": "   "}) is None
    assert place.read({}) is None
    assert chosen(env="OTHER").read({"TOOL_TOKEN": "a", "OTHER": "b"}) == "b"


def test_a_file_is_absolute_and_may_have_several_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN-----\nabc\n-----END-----\n")
    monkeypatch.chdir(tmp_path)
    place = chosen(file="key.pem")
    assert place.file == str(tmp_path / "key.pem")
    assert place.read({}) == "-----BEGIN-----\nabc\n-----END-----"
    (tmp_path / "key.pem").unlink()
    with pytest.raises(InvalidRequest, match="cannot be read: No such file"):
        place.read({})


def test_the_keyring(ring: Ring) -> None:
    ring.set_password("leadline", "github", "s3cret")
    ring.set_password("other/service", "github", "0ther")
    assert chosen(keyring="github").read({}) == "s3cret"
    assert chosen(keyring="other/service/github").read({}) == "0ther"
    with pytest.raises(InvalidRequest, match="`keyring set leadline jira`"):
        chosen(keyring="jira").read({})
    ring.locked = True
    with pytest.raises(InvalidRequest, match="nobody unlocked it") as refused:
        chosen(keyring="github").read({})
    assert "s3cret" not in refused.value.message


@pytest.mark.parametrize("given", [{}, {"env": "X"}, {"file": "/run/secrets/x"}, {"keyring": "a/b"}])
def test_a_place_can_be_stored(given: dict[str, str]) -> None:
    place = chosen(**given)
    assert SecretPlace(**place.stored()) == place
    assert len(place.stored()) == 1
    assert next(iter(place.stored().values())) in place.text


def test_one_place_only() -> None:
    with pytest.raises(InvalidRequest, match="give one"):
        chosen(env="A", keyring="B")


@pytest.mark.parametrize("secret", ["two words", "emoji\N{SNOWMAN}", "line\nbreak", "nul\0"])
def test_what_no_header_can_hold_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        one_line(secret, chosen())
    assert secret not in refused.value.message
    assert "TOOL_TOKEN" in refused.value.message
