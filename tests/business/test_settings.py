"""Settings of categories: which names can be beside each other, where rules are kept, and what is refused when it is set."""

from __future__ import annotations

import pytest

from leadline.administration import settings
from leadline.errors import InvalidRequest
from leadline.home import Project
from leadline.settings.as_text import as_text
from leadline.settings.categories import column_form
from leadline.settings.checks import check
from leadline.settings.groups import group_of
from leadline.settings.profile import Profile, canonical, split_key


@pytest.mark.parametrize(
    ("category", "column"),
    [
        ("Security & Compliance", "Security_and_Compliance"),
        ("R&D", "RandD"),
        ("KTLO", "KTLO"),
        ("v2.0 (new) _ work", "v2_0_new_work"),
        ("Größe", "Größe"),
    ],
)
def test_columns_of_a_category(category: str, column: str) -> None:
    assert column_form(category) == column


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("KTLO; ktlo", "are both ktlo"),
        ("C++; C#", "are both C_"),
        ("A; B; A", "are both A"),
        ("Uncategorized", "are both Uncategorized"),
        ("Unlinked; A", "are both Unlinked"),
        ("!!; A", "with a letter or a digit"),
        ("", "at least one category"),
    ],
)
def test_names_that_cannot_be(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        check("business.categories", text)


def test_names_keep_their_order_and_lose_their_blanks() -> None:
    assert Profile.of({"business.categories": " B  b ;A; "})["business.categories"] == ("B b", "A")


@pytest.mark.parametrize(
    ("key", "stored", "parts"),
    [
        (
            "business.Security & Compliance.type",
            "business.security_and_compliance.type",
            ("business", "security_and_compliance", "type"),
        ),
        ("business.v2.0.fix_version", "business.v2_0.fix_version", ("business", "v2_0", "fix_version")),
        (
            "team.pay.ments.business.New Capability.join",
            "team.pay.ments.business.new_capability.join",
            ("team.business", "pay.ments.business.new_capability", "join"),
        ),
        ("team.7.project", "team.7.project", ("team", "7", "project")),
        ("team.7.incident.project", "team.7.incident.project", ("team", "7", "incident.project")),
    ],
)
def test_keys_as_they_are_stored(key: str, stored: str, parts: tuple[str, str, str]) -> None:
    assert canonical(key) == stored == canonical(stored)
    assert split_key(stored) == parts


def test_a_rule_can_be_named_by_its_category_or_by_its_column(project: Project) -> None:
    settings.change(project, {"business.Security & Compliance.type": "equals Bug"})
    settings.change(project, {"business.security_and_compliance.type": "equals Task"})
    assert settings.own_texts(project) == {"business.security_and_compliance.type": "equals Task"}
    assert settings.one(project, "business.Security & Compliance.type").value == "equals Task"
    settings.change(project, {}, ["business.Security & Compliance.type"])
    assert settings.own_texts(project) == {}


def test_rules_look_at_three_properties_at_most(project: Project) -> None:
    rules = {f"business.KTLO.{name}": "equals x" for name in ("type", "label", "title")}
    settings.change(project, {**rules, "business.KTLO.join": "any"})
    for name in ("business.KTLO.key", "team.4.business.KTLO.key"):
        others = {f"team.4.{key}": text for key, text in rules.items()} if name.startswith("team") else {}
        with pytest.raises(InvalidRequest, match="can look at 3"):
            settings.change(project, {**others, name: "equals x"})
    settings.change(project, {"business.KTLO.key": "equals x"}, ["business.KTLO.label"])


def test_properties_there_are() -> None:
    for key in ("business.KTLO.assignee", "business..type", "team..business.KTLO.type", "business.KTLO"):
        with pytest.raises(InvalidRequest):
            canonical(key)


def test_lists_in_files_and_headings() -> None:
    assert as_text("business.categories", ["A", "B"]) == "A; B"
    assert as_text("business.a.type", ["equals x", "not equals y"]) == "equals x; not equals y"
    assert group_of("business.categories") == group_of("business.ktlo.type") == "Business alignment"
    assert group_of("team.4.business.ktlo.type") == "Single teams"
