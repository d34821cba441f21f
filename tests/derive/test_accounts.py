"""Whose each account is and why: small tables in, the derived accounts out (data model, "Identity"; metrics, "Bots")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from random import Random

import ibis
import pyarrow as pa
import pytest

from leadline.derive.accounts import ACCOUNT_COLUMNS, DIRECT_COLUMNS, accounts, activity, direct_accounts
from leadline.engine import Engine
from leadline.engine.duck import compiled
from leadline.people.arrow import PEOPLE_SCHEMA
from leadline.schema import TABLES
from metrics import worlds
from metrics.oracle_people import Accounts

Rows = Mapping[str, Iterable[Mapping[str, object]]]

PEOPLE = ("ada@x.example", "ben@x.example", "cleo@x.example")
ADA, BEN, CLEO = PEOPLE


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path) as opened:
        yield opened


@cache
def _sql(bots: tuple[str, ...]) -> tuple[str, str, str]:
    """The accounts in one query, and in two: compiled once, which takes longer than running them."""
    direct = ibis.table(DIRECT_COLUMNS, name="direct_accounts")
    one, first, second = accounts(bots), direct_accounts(bots), accounts(bots, direct)
    return compiled(one), compiled(first), compiled(second)


class Found:
    """The derived accounts by (domain, source, account)."""

    def __init__(
        self, engine: Engine, tables: Rows, bots: tuple[str, ...] = (), emails: Iterable[str] = PEOPLE
    ) -> None:
        for name, table in TABLES.items():
            rows = [{column: row.get(column) for column in table.column} for row in tables.get(name, ())]
            engine.bind_arrow(name, pa.Table.from_pylist(rows, schema=table.arrow_schema))
        people = [{"email": email, "full_name": email[:3].title()} for email in emails]
        engine.bind_arrow("people", pa.Table.from_pylist(people, schema=PEOPLE_SCHEMA))
        self.table = engine.arrow(_sql(bots)[0])
        rows = self.table.to_pylist()
        self.rows = {(row["domain"], row["source"], row["account"]): row for row in rows}
        assert len(self.rows) == len(rows), "one row per account"
        # In two steps, as on large tables, the answer is the same.
        engine.bind_arrow("direct_accounts", engine.arrow(_sql(bots)[1]))
        staged = engine.arrow(_sql(bots)[2]).to_pylist()
        assert {(row["domain"], row["source"], row["account"]): row for row in staged} == self.rows

    def who(self, domain: str, source: str, account: str) -> str | None:
        return self.rows[domain, source, account]["developer"]

    def why(self, domain: str, source: str, account: str) -> str:
        return self.rows[domain, source, account]["reason"]

    def bot(self, domain: str, source: str, account: str) -> bool:
        return self.rows[domain, source, account]["bot"]


def pull_request(author: str | None, source: str | None = None, **more: object) -> dict[str, object]:
    return {"repository": "org/a", "number": 1, "author": author, "source": source, **more}


def identity(source: str, account: str, email: str) -> dict[str, object]:
    return {"source": source, "account": account, "email": email}


def told(source: str, account: str, email: str | None = None, name: str | None = None) -> dict[str, object]:
    return {"source": source, "account": account, "email": email, "name": name}


def commit(sha: str, email: str | None, source: str | None = "git", repository: str = "org/a") -> dict[str, object]:
    return {"repository": repository, "sha": sha, "author_email": email, "source": source}


def listed(sha: str, author: str, source: str | None = "github") -> dict[str, object]:
    return {"repository": "org/a", "number": 1, "sha": sha, "author": author, "source": source}


def test_every_account_of_every_table_is_listed_once_in_lower_case(engine: Engine):
    found = Found(
        engine,
        {
            "pull_requests": [pull_request("Octo", "GitHub", merged_by="Merger"), pull_request(None), pull_request("")],
            "pull_request_commits": [listed("1", "OCTO")],
            "reviews": [{"author": "reviewer", "source": "github"}],
            "comments": [{"author": "writer"}, {"author": "WRITER"}],
            "work_items": [{"assignee": "jack", "reporter": "jill", "source": "jira"}],
            "work_item_changes": [
                {"author": "mover", "field": "status", "from_value": "Open", "to_value": "Done", "source": "jira"},
                {"author": "mover", "field": "Assignee", "from_value": "june", "to_value": "jack", "source": "jira"},
            ],
            "commits": [commit("1", "Some@Where.example"), commit("2", "some@where.example"), commit("3", None)],
        },
    )
    assert set(found.rows) == {
        ("code", "github", "octo"),
        ("code", "github", "merger"),
        ("code", "github", "reviewer"),
        ("code", "", "writer"),
        ("work", "jira", "jack"),
        ("work", "jira", "jill"),
        ("work", "jira", "june"),
        ("work", "jira", "mover"),
        ("git", "git", "some@where.example"),
    }
    assert all(row["developer"] is None and not row["bot"] for row in found.rows.values())


def test_the_mapping_given_wins_over_the_developer_whose_email_the_account_is(engine: Engine):
    found = Found(
        engine,
        {
            "identities": [identity("git", ADA, BEN), identity("github", "Octo", "CLEO@x.example")],
            "commits": [commit("1", "ADA@x.example"), commit("2", CLEO)],
            "pull_requests": [pull_request("oCTO", "github")],
        },
    )
    assert found.who("git", "git", ADA) == BEN
    assert found.why("git", "git", ADA) == "mapped as an account of git"
    assert found.who("git", "git", CLEO) == CLEO
    assert found.why("git", "git", CLEO) == "it is the developer's email"
    assert found.who("code", "github", "octo") == CLEO


def test_a_row_that_names_its_source_is_looked_up_there_alone(engine: Engine):
    mapped = {"identities": [identity("gitlab", "octo", ADA)]}
    found = Found(engine, {**mapped, "pull_requests": [pull_request("octo", "github")]})
    assert found.who("code", "github", "octo") is None
    assert found.why("code", "github", "octo") == "unmatched: no mapping, no email"


@pytest.mark.parametrize(
    ("sources", "code", "work"),
    [
        # Code rows look among code hosts first, in their order, then any other tool, then trackers; work the other way.
        (("jira", "github", "gitlab"), "github", "jira"),
        (("gitlab", "github"), "github", "github"),
        (("linear", "jira", "azure-boards"), "azure-boards", "azure-boards"),
        (("forge", "jira"), "forge", "jira"),
        (("forge", "git"), "git", "git"),
    ],
)
def test_a_row_without_source_is_looked_up_among_all_in_the_documented_order(
    engine: Engine, sources: tuple[str, ...], code: str, work: str
):
    # Each source maps the account to another person; only which source was taken matters.
    people = dict(zip(sources, PEOPLE, strict=False))
    found = Found(
        engine,
        {
            "identities": [identity(source, "sam", email) for source, email in people.items()],
            "pull_requests": [pull_request("sam")],
            "work_items": [{"assignee": "sam"}],
        },
    )
    assert (found.who("code", "", "sam"), found.why("code", "", "sam")) == (
        people[code],
        f"mapped as an account of {code}",
    )
    assert found.who("work", "", "sam") == people[work]


def test_a_mapping_to_nobody_leaves_the_account_unmatched_and_says_so(engine: Engine):
    found = Found(
        engine,
        {"identities": [identity("git", ADA, "gone@x.example")], "commits": [commit("1", ADA)]},
    )
    assert found.who("git", "git", ADA) is None
    assert found.why("git", "git", ADA) == "mapped as an account of git to gone@x.example, who is no developer"


def test_the_lake_s_developers_are_known_beside_those_of_the_trees(engine: Engine):
    tables = {"developers": [{"email": "Zoe@x.example", "full_name": "Zoe"}], "commits": [commit("1", "ZOE@x.example")]}
    assert Found(engine, tables).who("git", "git", "zoe@x.example") == "zoe@x.example"


def test_the_email_that_a_tool_says_an_account_has_names_its_developer(engine: Engine):
    uuid = "712020:0A1b-2c3d"
    found = Found(
        engine,
        {
            "tool_accounts": [
                told("jira", uuid.lower(), "ADA@x.example", "Ada"),
                told("GitHub", "Octo", ADA),
                told("github", "octo-two", ADA),  # two accounts of one person
                told("github", "guest", "guest@else.example"),
                told("github", "plus", "ben+work@x.example"),
                told("github", "quiet", "", "Ben"),
                told("github", "silent", None, "Cleo"),
            ],
            "work_items": [{"assignee": uuid, "source": "jira"}],
            "work_item_changes": [{"field": "assignee", "to_value": uuid, "source": "jira"}],
            "pull_requests": [
                pull_request(author, "github") for author in ("oCTO", "octo-two", "guest", "plus", "quiet", "silent")
            ],
        },
    )
    assert found.who("work", "jira", uuid.lower()) == ADA
    assert found.why("work", "jira", uuid.lower()) == "the tool says its email is ada@x.example"
    assert [found.who("code", "github", account) for account in ("octo", "octo-two")] == [ADA, ADA]
    said = "unmatched: the tool says its email is {}, which is no developer's"
    assert found.why("code", "github", "guest") == said.format("guest@else.example")
    assert found.why("code", "github", "plus") == said.format("ben+work@x.example"), "an address of its own"
    for account in ("quiet", "silent"):  # a name alone is nobody's
        assert found.who("code", "github", account) is None
        assert found.why("code", "github", account) == "unmatched: no mapping, no email"
    assert {row["developer"] for row in found.rows.values()} == {ADA, None}


def test_what_the_tool_says_comes_after_the_mapping_and_the_account_s_own_address_and_before_commits(engine: Engine):
    found = Found(
        engine,
        {
            "identities": [identity("github", "octo", BEN), identity("github", "gone", "gone@x.example")],
            "tool_accounts": [
                told("github", "octo", ADA),
                told("github", "gone", ADA),
                told("jira", CLEO, ADA),
                told("github", "duo", ADA),
                told("github", "uno", "uno@else.example"),
            ],
            "pull_requests": [pull_request(author, "github") for author in ("octo", "gone", "duo", "uno")],
            "work_items": [{"assignee": CLEO, "source": "jira"}],
            "pull_request_commits": [listed("1", "duo"), listed("2", "uno")],
            "commits": [commit("1", BEN), commit("2", CLEO)],
        },
    )
    assert found.why("code", "github", "octo") == "mapped as an account of github"
    assert found.who("code", "github", "octo") == BEN
    assert found.who("code", "github", "gone") is None
    assert (found.who("work", "jira", CLEO), found.why("work", "jira", CLEO)) == (CLEO, "it is the developer's email")
    assert (found.who("code", "github", "duo"), found.who("code", "github", "uno")) == (ADA, CLEO)
    assert found.why("code", "github", "uno") == "seen in commits with the email cleo@x.example"


def test_what_the_tool_says_is_looked_up_as_a_mapping_is(engine: Engine):
    found = Found(
        engine,
        {
            "tool_accounts": [
                told("gitlab", "sam", ADA),
                told("jira", "sam", BEN),
                told("github", "pat", "pat@else.example"),  # the first source in order is the one that is meant
                told("gitlab", "pat", ADA),
                told("github", "jo", None, "Jo"),  # but one that knows no email says nothing
                told("gitlab", "jo", CLEO),
            ],
            "pull_requests": [pull_request("sam"), pull_request("sam", "github"), pull_request("pat")],
            "comments": [{"author": "jo"}],
            "work_items": [{"assignee": "sam"}, {"assignee": "sam", "source": "linear"}],
        },
    )
    assert (found.who("code", "", "sam"), found.who("work", "", "sam")) == (ADA, BEN)
    assert (found.who("code", "github", "sam"), found.who("work", "linear", "sam")) == (None, None)
    assert (found.who("code", "", "pat"), found.who("code", "", "jo")) == (None, CLEO)


def test_a_noreply_address_carries_an_account_whose_email_the_tool_says(engine: Engine):
    address = "12+octo@users.noreply.github.com"
    tables = {"tool_accounts": [told("github", "Octo", ADA)], "commits": [commit("1", address)]}
    found = Found(engine, tables)
    assert found.why("git", "git", address) == "noreply address of the github account octo"
    assert found.who("git", "git", address) == ADA


def test_a_bot_stays_one_whoever_s_email_the_tool_says_it_has(engine: Engine):
    names = ("renovate[bot]", "deploy-bot", "our-ci")
    found = Found(
        engine,
        {
            "tool_accounts": [told("github", name, ADA) for name in names],
            "comments": [{"author": name, "source": "github"} for name in names],
        },
        bots=("Our-CI",),
    )
    assert all(row["bot"] and row["developer"] is None for row in found.rows.values())
    assert found.why("code", "github", "deploy-bot") == "bot, by its name"


def test_the_email_seen_beside_an_account_in_commits_names_its_developer(engine: Engine):
    found = Found(
        engine,
        {
            "pull_request_commits": [listed("1", "Octo"), listed("2", "octo"), listed("3", "duo"), listed("4", "duo")],
            "commits": [
                commit("1", "ADA@x.example"),
                commit("2", "home@else.example"),
                commit("3", ADA),
                commit("4", BEN),
            ],
            "comments": [{"author": "octo", "source": "github"}, {"author": "octo"}, {"author": "oct", "source": ""}],
        },
    )
    assert found.who("code", "github", "octo") == ADA
    assert found.why("code", "github", "octo") == "seen in commits with the email ada@x.example"
    # A row without source may be of any source that has the account; nothing is guessed from a similar name.
    assert found.who("code", "", "octo") == ADA
    assert found.who("code", "", "oct") is None
    assert found.who("code", "github", "duo") is None
    assert found.why("code", "github", "duo") == "unmatched: seen in commits with emails of 2 developers"


def test_the_email_seen_may_itself_be_mapped(engine: Engine):
    found = Found(
        engine,
        {
            "identities": [identity("git", "home@else.example", BEN)],
            "pull_request_commits": [listed("1", "octo")],
            "commits": [commit("1", "Home@Else.example")],
        },
    )
    assert found.who("code", "github", "octo") == BEN


def test_an_account_of_a_tracker_is_not_an_account_of_a_code_host_by_its_name(engine: Engine):
    found = Found(
        engine,
        {
            "pull_request_commits": [listed("1", "octo"), listed("1", "uno", None)],
            "commits": [commit("1", ADA)],
            "work_items": [{"assignee": "octo", "reporter": "uno", "source": "jira"}],
            "work_item_changes": [{"author": "octo", "field": "status", "source": "github"}],
        },
    )
    assert found.who("work", "jira", "octo") is None
    assert found.who("work", "jira", "uno") is None
    assert found.who("work", "github", "octo") == ADA


def test_noreply_addresses_carry_the_account_name(engine: Engine):
    def address(login: str, host: str = "github.com") -> str:
        return f"{login}@users.noreply.{host}"

    found = Found(
        engine,
        {
            "identities": [identity("github", "octo", ADA), identity("gitlab", "glad", CLEO)],
            "pull_request_commits": [listed("1", "seen")],
            "commits": [
                commit("1", BEN),
                commit("2", address("12345+Octo")),
                commit("3", address("octo")),
                commit("4", address("77+seen")),
                commit("5", address("5-glad", "gitlab.com")),
                commit("6", address("99+nobody")),
            ],
        },
    )
    assert found.who("git", "git", address("12345+octo")) == ADA
    assert found.why("git", "git", address("12345+octo")) == "noreply address of the github account octo"
    assert found.who("git", "git", address("octo")) == ADA
    assert found.who("git", "git", address("77+seen")) == BEN
    assert found.who("git", "git", address("5-glad", "gitlab.com")) == CLEO
    assert found.who("git", "git", address("99+nobody")) is None
    # Accounts that only an address names are no rows of their own.
    assert ("code", "github", "octo") not in found.rows


def test_a_renamed_account_is_one_by_the_number_before_its_noreply_login(engine: Engine):
    def address(login: str) -> str:
        return f"{login}@users.noreply.github.com"

    found = Found(
        engine,
        {
            "identities": [identity("github", "new-name", ADA), identity("git", address("7+cleo"), CLEO)],
            "commits": [
                commit("1", address("12345+old-name")),
                commit("2", address("12345+New-Name")),
                commit("3", address("7+cleo-before")),
                commit("0", address("7+cleo")),
                # A name that two accounts had tells nothing, nor does a number of two people.
                commit("4", address("8+given-up")),
                commit("5", address("9+given-up")),
                commit("6", address("9+ben")),
            ],
            "pull_requests": [pull_request("old-name", "github"), pull_request("given-up", "github")],
            "comments": [{"author": "cleo-before"}, {"author": "old-name", "source": "gitlab"}],
        },
        emails=PEOPLE,
    )
    assert found.who("git", "git", address("12345+old-name")) == ADA
    assert found.who("code", "github", "old-name") == ADA
    assert found.why("code", "github", "old-name") == (
        "renamed: the number of its noreply address is also that of the github account new-name"
    )
    assert found.who("code", "gitlab", "old-name") is None
    assert found.who("git", "git", address("7+cleo-before")) == CLEO
    assert found.who("code", "", "cleo-before") == CLEO
    assert found.who("code", "github", "given-up") is None


def test_an_address_is_one_however_its_letters_were_typed(engine: Engine):
    composed, decomposed = "ren\u00e9@x.example", "rene\u0301@x.example"
    tables = {
        "commits": [commit("1", decomposed), commit("2", composed.upper())],
        "identities": [identity("github", "rene\u0301", decomposed)],
        "comments": [{"author": "REN\u00c9", "source": "github"}],
    }
    for email in (composed, decomposed):
        found = Found(engine, tables, emails=[email])
        assert found.who("git", "git", composed) == email
        assert found.who("code", "github", "ren\u00e9") == email
        assert len(found.rows) == 2


def test_bots_by_suffix_list_and_project(engine: Engine):
    names = ("Dependabot[bot]", "app/Dependabot", "app/our-ci", "app/ada", "imgbot", "AllContributors")
    names += ("deploy-bot", "RENOVATE", "our-ci", "robot", "bot", "codecov-commenter2")
    found = Found(engine, {"comments": [{"author": name} for name in names]}, bots=("Our-CI",))
    assert {account for (_, _, account), row in found.rows.items() if row["bot"]} == {
        "dependabot[bot]",
        "app/dependabot",
        "app/our-ci",
        "imgbot",
        "allcontributors",
        "deploy-bot",
        "renovate",
        "our-ci",
    }
    assert found.why("code", "", "renovate") == "bot, by its name"


def test_every_name_of_the_definitions_is_a_bot_s_in_any_letter_case(engine: Engine):
    """metrics.md, "Bots"."""
    names = [
        *("dependabot", "dependabot-preview", "renovate", "renovate-bot", "github-actions", "codecov", "codecov-io"),
        *("codecov-commenter", "coveralls", "snyk-bot", "greenkeeper", "sonarcloud", "mergify", "fossabot"),
        *("allcontributors", "imgbot", "web-flow"),
    ]
    spelled = [*names, *(name.title() for name in names), *(f"app/{name.upper()}" for name in names)]
    found = Found(engine, {"reviews": [{"author": name} for name in spelled]})
    assert len(found.rows) == 2 * len(names)
    assert all(row["bot"] and row["developer"] is None for row in found.rows.values())


def test_of_an_address_the_part_before_the_at_sign_tells_a_bot(engine: Engine):
    bots = ("49699333+dependabot[bot]@users.noreply.github.com", "renovate@ci.example", "1-bot@ci.example")
    found = Found(
        engine, {"commits": [commit(str(number), email) for number, email in enumerate((*bots, "a@bot.example"))]}
    )
    assert {account for (_, _, account), row in found.rows.items() if row["bot"]} == set(bots)


def test_an_account_mapped_to_a_developer_or_that_is_a_developer_s_address_is_no_bot(engine: Engine):
    found = Found(
        engine,
        {
            "identities": [identity("github", "ada-bot", ADA), identity("github", "gone-bot", "gone@x.example")],
            "pull_requests": [pull_request("ada-bot", "github"), pull_request("gone-bot", "github")],
            "developers": [{"email": "web-flow@x.example", "full_name": "Webster Flow"}],
            "commits": [commit("1", "web-flow@x.example"), commit("2", BEN)],
            # Ben committed on a bot's branch: that makes the bot no person.
            "pull_request_commits": [listed("2", "renovate[bot]")],
        },
    )
    assert (found.who("code", "github", "ada-bot"), found.bot("code", "github", "ada-bot")) == (ADA, False)
    assert (found.who("git", "git", "web-flow@x.example"), found.bot("git", "git", "web-flow@x.example")) == (
        "web-flow@x.example",
        False,
    )
    assert found.bot("code", "github", "gone-bot")
    assert (found.who("code", "github", "renovate[bot]"), found.bot("code", "github", "renovate[bot]")) == (None, True)


def test_commits_without_source_are_git_s(engine: Engine):
    found = Found(
        engine,
        {
            "identities": [identity("git", "home@else.example", ADA), identity("github", "home@else.example", BEN)],
            "commits": [commit("1", "home@else.example", None), commit("2", "home@else.example", "github")],
        },
    )
    assert found.who("git", "", "home@else.example") == ADA
    assert found.who("git", "github", "home@else.example") == ADA


def test_nothing_seen_gives_no_accounts(engine: Engine):
    assert Found(engine, {"identities": [identity("github", "octo", ADA)]}).rows == {}


def test_activity_puts_first_what_is_lost(engine: Engine):
    found = Found(
        engine,
        {
            "commits": [commit(str(number), ADA) for number in range(5)] + [commit("x", "who@else.example")],
            "pull_requests": [pull_request("stranger", "github", merged_by="merger")],
            "reviews": [{"author": "Stranger", "source": "github"}],
            "comments": [{"author": "ci-bot", "source": "github"}] * 9 + [{"author": "stranger", "source": "github"}],
            "work_items": [{"assignee": "jack", "reporter": "jill", "source": "jira"}] * 2,
        },
    )
    engine.bind_arrow("accounts", found.table)
    rows = engine.arrow(activity(ibis.table(ACCOUNT_COLUMNS, name="accounts"))).to_pylist()
    numbers = ("commits", "pull_requests", "reviews", "comments", "work_items", "total")
    assert [(row["account"], *(row[name] for name in numbers)) for row in rows] == [
        ("stranger", 0, 1, 1, 1, 0, 3),
        ("jack", 0, 0, 0, 0, 2, 2),
        ("who@else.example", 1, 0, 0, 0, 0, 1),
        ("merger", 0, 0, 0, 0, 0, 0),
        ("jill", 0, 0, 0, 0, 0, 0),
        ("ci-bot", 0, 0, 0, 9, 0, 9),
        ("ada@x.example", 5, 0, 0, 0, 0, 5),
    ]
    assert all(type(row[name]) is int for row in rows for name in numbers)


def test_a_noreply_address_is_of_its_hosts_account_whatever_a_trackers_account_of_that_name_is(engine: Engine) -> None:
    """An account in a row without source is looked for among trackers, too; that says nothing of GitHub's account."""
    found = Found(
        engine,
        {
            "identities": [{"source": "jira", "account": "ada-dev", "email": "ada@x.example"}],
            "commits": [commit("c1", "10+ada-dev@users.noreply.github.com", None)],
            "comments": [{"author": "ada-dev"}],
        },
        emails={"ada@x.example"},
    )
    assert found.rows["code", "", "ada-dev"]["developer"] == "ada@x.example"
    assert found.rows["git", "", "10+ada-dev@users.noreply.github.com"]["developer"] is None


@pytest.mark.parametrize("number", range(16))
def test_made_up_worlds_as_the_oracle_says(engine: Engine, number: int):
    world = worlds.world(Random(number))
    bots = world.settings["bots"]
    people = {row["email"].lower() for row in world.developers}
    oracle = Accounts(world.tables, people, bots)
    found = Found(engine, world.tables, tuple(filter(None, bots.split(","))), people)
    assert found.rows
    for (domain, source, account), row in found.rows.items():
        assert row["developer"] == oracle.developer(domain, source, account), row
        if domain != "git":  # addresses of bots have cases of their own
            assert row["bot"] == oracle.bot(domain, source, account), row
