"""The demo organization: whole, consistent, believable, the same for the same options, and never mixed into other data."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from leadline import people
from leadline.demo import fill
from leadline.demo.calendar import span
from leadline.demo.generate import generate
from leadline.engine import parquet_relation
from leadline.errors import Conflict, InvalidRequest
from leadline.home import Home, Project
from leadline.ingest.delivery import ingest
from leadline.schema import TABLES

UNTIL = date(2026, 3, 31)
OPTIONS: dict[str, Any] = {"developers": 30, "months": 3, "seed": 7, "until": UNTIL}

IN_ORDER = {
    "pull_requests": ("created_at", "ready_at", "merged_at"),
    "work_items": ("created_at", "started_at", "completed_at"),
    "builds": ("started_at", "finished_at"),
    "deployments": ("started_at", "finished_at"),
    "incidents": ("created_at", "resolved_at"),
    "commits": ("authored_at", "committed_at"),
}
PLANS = {("sprints", "end_at")}
"""Instants that are plans, not events: they may lie after the last day."""


@dataclass
class Filled:
    project: Project
    connection: duckdb.DuckDBPyConnection

    def value(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        # By way of Arrow: DuckDB's own conversion of instants needs a package that is not installed.
        table = self.connection.sql(query).to_arrow_table()
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def none(self, query: str) -> None:
        """Fails, showing some rows, unless the query has none."""
        assert self.rows(f"SELECT * FROM ({query}) LIMIT 3") == []


def opened(project: Project) -> Filled:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    snapshot = project.lake.snapshot()
    for name, table in TABLES.items():  # a file need not have columns that no row of it tells
        relation = parquet_relation(snapshot.files(name), table.arrow_schema)
        connection.execute(f"CREATE VIEW {name}_as_told AS SELECT * FROM {relation}")
    connection.execute("CREATE VIEW repositories AS SELECT * FROM repositories_as_told")
    former = "SELECT repository AS now, unnest(former_names) AS former FROM repositories"
    for name, table in TABLES.items():  # a repository is one, under any of its names
        if name != "repositories" and "repository" in table.column:
            told = f"SELECT t.* REPLACE (coalesce(now, repository) AS repository) FROM {name}_as_told t"
            connection.execute(f"CREATE VIEW {name} AS {told} LEFT JOIN ({former}) ON former = repository")
        elif name != "repositories":
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {name}_as_told")
    return Filled(project, connection)


def digests(project: Project) -> dict[str, str]:
    """A digest of the sorted rows of every table."""
    filled = opened(project)
    result = {}
    for table in TABLES:
        lines = sorted(str(row) for row in filled.rows(f"SELECT * FROM {table}"))
        result[table] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    filled.connection.close()
    return result


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("demo")
    shutil.copyfile(sqlite_template, folder / "leadline.db")
    with Home.open(folder) as home:
        fill(home.project(), **OPTIONS)
        found = opened(home.project())
        yield found
        found.connection.close()


# -- the same for the same options ---------------------------------------------------------------------------------------


def test_same_options_make_the_same_rows_whatever_the_threads(filled: Filled, home: Home) -> None:
    project = home.project()
    with generate(span(UNTIL, 3), developers=30, seed=7, temp_dir=home.temp, threads=1) as world:
        for table in TABLES.values():
            ingest(project, table, world.batches(table))
    assert digests(project) == digests(filled.project)


def test_another_seed_makes_another_organization(filled: Filled, home: Home) -> None:
    with generate(span(UNTIL, 3), developers=30, seed=8, temp_dir=home.temp) as world:
        table = TABLES["commits"]
        shas = set(pa.Table.from_batches(world.batches(table)).column("sha").to_pylist())
    assert shas
    assert not shas & {sha for (sha,) in filled.rows("SELECT sha FROM commits")}


def test_the_same_again_changes_nothing(filled: Filled) -> None:
    project = filled.project
    before = (project.lake.snapshot().versions, people.trees(project))
    shares: list[float] = []
    again = fill(project, **OPTIONS, progress=shares.append)
    assert not again.changed
    assert again.rows["commits"] == filled.value("SELECT count(*) FROM commits")
    assert (project.lake.snapshot().versions, people.trees(project)) == before


def test_other_options_are_refused_naming_both(filled: Filled) -> None:
    before = filled.project.lake.snapshot().versions
    with pytest.raises(Conflict, match=r"30 developers over 3 months up to 2026-03-31 with seed 7.* with seed 8"):
        fill(filled.project, **{**OPTIONS, "seed": 8})
    assert filled.project.lake.snapshot().versions == before


def test_an_interrupted_fill_is_finished_by_the_same_options(filled: Filled, project: Project) -> None:
    class Stop(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.4:
            raise Stop

    with pytest.raises(Stop):
        fill(project, **OPTIONS, progress=stop)
    with pytest.raises(Conflict):
        fill(project, **{**OPTIONS, "months": 2})
    shares: list[float] = []
    assert fill(project, **OPTIONS, progress=shares.append).changed
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert digests(project) == digests(filled.project)
    assert list(project.temp.iterdir()) == []


# -- never mixed into other data -----------------------------------------------------------------------------------------


def test_a_project_with_data_is_refused(project: Project) -> None:
    rows = pa.RecordBatch.from_pylist([{"repository": "a/b"}])
    ingest(project, TABLES["repositories"], [rows])
    with pytest.raises(Conflict, match=r"already holds data \(1 repositories\)"):
        fill(project, **OPTIONS)
    assert project.lake.snapshot().row_counts() == {"repositories": 1}


def test_a_project_with_an_org_tree_is_refused(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "hr.csv"
    file.write_text("email,full_name,manager_email\na@example.com,A,\nb@example.com,B,a@example.com\n")
    people.load_org(project, file, "Mine", now=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(Conflict, match="org tree 'Mine'"):
        fill(project, **OPTIONS)
    assert project.lake.snapshot().row_counts() == {}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("developers", 7),
        ("developers", 100_001),
        ("months", 0),
        ("months", 121),
        ("seed", 2**63),
        ("until", date(1, 1, 1)),
    ],
)
def test_impossible_options_are_refused(project: Project, option: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match="would do"):
        fill(project, **{**OPTIONS, option: value})
    assert project.lake.snapshot().row_counts() == {}


@pytest.mark.parametrize(("developers", "months"), [(8, 1), (9, 1), (17, 1)])
def test_the_smallest_organizations_are_whole(project: Project, developers: int, months: int) -> None:
    summary = fill(project, developers=developers, months=months, seed=0, until=date(2024, 2, 29))
    assert summary.rows["developers"] == developers
    versions = [people.tree(project, "Engineering", entry.version) for entry in people.history(project, "Engineering")]
    assert len({email for tree in versions for email in tree.developers}) == developers
    assert summary.first_day == "2024-01-30"


# -- whole and consistent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", list(TABLES))
def test_every_table_has_rows_and_every_column_values(filled: Filled, table: str) -> None:
    assert filled.value(f"SELECT count(*) FROM {table}") > 0
    columns = [column.name for column in TABLES[table].columns if column.name != "updated_at"]
    columns = [name for name in columns if (table, name) not in {("incidents", "source"), ("builds", "source")}]
    known = filled.rows(f"SELECT {', '.join(f'count({name})' for name in columns)} FROM {table}")[0]
    assert [name for name, count in zip(columns, known, strict=True) if count == 0] == []


@pytest.mark.parametrize("table", list(TABLES))
def test_natural_keys_are_unique_and_rows_valid(filled: Filled, table: str) -> None:
    declared = TABLES[table]
    keys = ", ".join(declared.key)
    filled.none(f"SELECT {keys} FROM {table} GROUP BY ALL HAVING count(*) > 1")
    for column in declared.columns:
        if column.values:
            filled.none(f"SELECT {column.name} FROM {table} WHERE {column.name} NOT IN {column.values!r}")
        if column.minimum is not None:
            filled.none(f"SELECT {column.name} FROM {table} WHERE {column.name} < {column.minimum}")


def test_nothing_happens_after_the_last_day(filled: Filled) -> None:
    for table in TABLES.values():
        for column in table.columns:
            if column.type == "instant" and (table.name, column.name) not in PLANS:
                filled.none(f"SELECT {column.name} FROM {table.name} WHERE {column.name} >= '2026-04-01'")


@pytest.mark.parametrize("table", list(IN_ORDER))
def test_instants_come_in_order(filled: Filled, table: str) -> None:
    names = IN_ORDER[table]
    for at, name in enumerate(names):
        for other in names[at + 1 :]:
            filled.none(f"SELECT {name}, {other} FROM {table} WHERE {other} < {name}")


def test_commits_form_one_graph_per_repository(filled: Filled) -> None:
    filled.connection.execute(
        "CREATE OR REPLACE VIEW edges AS SELECT repository, sha, committed_at, "
        "unnest(string_split(parents, ' ')) AS parent FROM commits WHERE parents IS NOT NULL"
    )
    filled.none(
        "SELECT e.* FROM edges e LEFT JOIN commits p ON p.repository = e.repository AND p.sha = e.parent "
        "WHERE p.sha IS NULL OR p.committed_at > e.committed_at"
    )
    roots = "SELECT repository FROM commits WHERE parents IS NULL GROUP BY ALL HAVING count(*) <> 1"
    filled.none(roots)
    assert filled.value("SELECT count(*) FROM commits WHERE parents IS NULL") == filled.value(
        "SELECT count(*) FROM repositories"
    )


def test_commit_lines_are_the_sum_of_their_files(filled: Filled) -> None:
    filled.none(
        "SELECT c.repository, c.sha FROM commits c LEFT JOIN commit_files f USING (repository, sha) "
        "GROUP BY c.repository, c.sha, c.additions, c.deletions "
        "HAVING c.additions <> coalesce(sum(f.additions), 0) OR c.deletions <> coalesce(sum(f.deletions), 0)"
    )
    filled.none("SELECT * FROM commit_files f ANTI JOIN commits c USING (repository, sha)")


def test_deleted_lines_are_those_of_the_files_of_commits_and_older(filled: Filled) -> None:
    filled.none(
        """SELECT * FROM deleted_lines lines
        LEFT JOIN commit_files files USING (repository, sha, path)
        LEFT JOIN commits ON commits.repository = lines.repository AND commits.sha = lines.sha
        LEFT JOIN commits origin ON origin.repository = lines.repository AND origin.sha = lines.origin
        WHERE lines.lines IS DISTINCT FROM files.deletions OR lines.changed_at IS DISTINCT FROM origin.authored_at
            OR lines.changed_at > commits.authored_at"""
    )


def test_pull_request_lines_are_the_sum_of_their_files(filled: Filled) -> None:
    filled.none(
        "SELECT p.number FROM pull_requests p LEFT JOIN pull_request_files f USING (repository, number) "
        "GROUP BY p.repository, p.number, p.additions, p.deletions, p.changed_files "
        "HAVING p.additions <> sum(f.additions) OR p.deletions <> sum(f.deletions) OR p.changed_files <> count(f.path)"
    )


def test_listed_commits_are_known_and_bound_to_known_pull_requests(filled: Filled) -> None:
    filled.none("SELECT * FROM pull_request_commits ANTI JOIN commits USING (repository, sha)")
    for table in ("pull_request_commits", "pull_request_files", "reviews", "comments"):
        filled.none(f"SELECT * FROM {table} ANTI JOIN pull_requests USING (repository, number)")
    filled.none("SELECT * FROM pull_requests ANTI JOIN pull_request_commits USING (repository, number)")


def test_every_merge_is_a_commit_made_as_its_repository_does(filled: Filled) -> None:
    filled.connection.execute(
        "CREATE OR REPLACE VIEW merges AS SELECT p.repository, p.number, c.sha, len(string_split(c.parents, ' ')) AS parents, "
        "c.committed_at = p.merged_at AS punctual FROM pull_requests p "
        "LEFT JOIN commits c ON c.repository = p.repository AND c.sha = p.merge_commit_sha WHERE p.state = 'merged'"
    )
    filled.none("SELECT * FROM merges WHERE sha IS NULL OR NOT punctual")
    filled.none("SELECT * FROM merges m SEMI JOIN pull_request_commits l USING (repository, number, sha)")
    # One policy per repository: all its merges have two parents, or none has.
    filled.none("SELECT repository FROM merges GROUP BY ALL HAVING count(DISTINCT parents) > 1")
    assert filled.value("SELECT count(DISTINCT parents) FROM merges") == 2
    filled.none("SELECT number FROM pull_requests WHERE (merge_commit_sha IS NULL) = (state = 'merged')")


def test_squashed_merged_and_rebased_all_occur(filled: Filled) -> None:
    copies = """
        SELECT count(DISTINCT p.repository) FROM pull_requests p
        JOIN commits c ON c.repository = p.repository AND c.sha = p.merge_commit_sha
        JOIN pull_request_commits l ON l.repository = p.repository AND l.number = p.number
        JOIN commits b ON b.repository = l.repository AND b.sha = l.sha
            AND b.authored_at = c.authored_at AND b.additions = c.additions AND b.deletions = c.deletions
        WHERE c.committed_at > c.authored_at
    """
    assert filled.value(copies) > 0  # rebased
    assert filled.value("SELECT count(*) FROM commits WHERE message LIKE 'Merge pull request%'") > 0
    assert filled.value("SELECT count(*) FROM commits WHERE message LIKE '%(#%)%'") > 0  # squashed
    assert filled.value("SELECT count(*) FROM commits WHERE message LIKE 'Revert%'") > 0


def test_production_deploys_what_main_was_before_it(filled: Filled) -> None:
    filled.none("SELECT * FROM deployments ANTI JOIN commits USING (repository, sha)")
    filled.none(
        "SELECT d.sha FROM deployments d JOIN commits c USING (repository, sha) WHERE c.committed_at >= d.started_at"
    )
    filled.connection.execute(
        "CREATE OR REPLACE TABLE runs AS SELECT deployment_id, sha, shas, tags FROM deployments "
        "WHERE environment = 'production' AND repository = 'acme/checkout'"
    )
    filled.connection.execute(
        "CREATE OR REPLACE TABLE ancestors AS WITH RECURSIVE up(tip, sha) AS (SELECT DISTINCT sha, sha FROM runs "
        "UNION SELECT up.tip, c.parent FROM up JOIN (SELECT sha, unnest(string_split(parents, ' ')) AS parent "
        "FROM commits WHERE repository = 'acme/checkout') c ON c.sha = up.sha) SELECT * FROM up"
    )
    listed = "SELECT sha AS tip, unnest(shas) AS sha FROM runs"
    assert filled.value(f"SELECT count(*) FROM ({listed})") > 10
    filled.none(f"SELECT * FROM ({listed}) ANTI JOIN ancestors USING (tip, sha)")
    # All that was merged before the deployed commit is in it, but for hotfixes: those leave main out on purpose.
    merged = """
        SELECT runs.sha AS tip, p.merge_commit_sha AS sha FROM runs
        JOIN commits c ON c.repository = 'acme/checkout' AND c.sha = runs.sha
        JOIN pull_requests p ON p.repository = 'acme/checkout' AND p.merged_at <= c.committed_at
        WHERE NOT list_contains(coalesce(runs.tags, []), 'hotfix')
            AND c.message NOT LIKE '%cherry picked from commit%'
    """
    assert filled.value(f"SELECT count(*) FROM ({merged})") > 10
    filled.none(f"SELECT * FROM ({merged}) ANTI JOIN ancestors USING (tip, sha)")


def test_tools_tell_of_a_renamed_repository_under_both_names(filled: Filled) -> None:
    for table in ("deployments", "builds"):
        told = filled.rows(f"SELECT DISTINCT repository FROM {table}_as_told WHERE repository LIKE 'acme/basket%'")
        assert sorted(told) == [("acme/basket",), ("acme/basket-legacy",)]


def test_cherry_picks_name_a_commit_of_their_repository(home: Home) -> None:
    project = home.project()
    fill(project, developers=60, months=4, seed=1, until=UNTIL)
    filled = opened(project)
    picks = (
        "SELECT repository, sha, regexp_extract(message, '\\(cherry picked from commit ([0-9a-f]{40})\\)', 1) AS picked "
        "FROM commits WHERE message LIKE '%cherry picked from commit%'"
    )
    assert filled.value(f"SELECT count(*) FROM ({picks})") > 0
    filled.none(f"SELECT * FROM ({picks}) p ANTI JOIN commits c ON c.repository = p.repository AND c.sha = p.picked")
    filled.none(f"SELECT * FROM ({picks}) ANTI JOIN deployments USING (repository, sha)")
    assert filled.value("SELECT count(*) FROM deployments WHERE rollback AND status = 'success'") > 0
    filled.connection.close()


def test_incidents_follow_deployments(filled: Filled) -> None:
    known = "SELECT i.created_at, d.finished_at FROM incidents i JOIN deployments d USING (deployment_id)"
    assert filled.value(f"SELECT count(*) FROM ({known})") > 0
    filled.none(f"SELECT * FROM ({known}) WHERE created_at <= finished_at")
    filled.none(
        "SELECT * FROM incidents WHERE deployment_id IS NOT NULL AND deployment_id NOT IN (SELECT deployment_id FROM deployments)"
    )


def test_builds_and_releases_are_of_known_commits(filled: Filled) -> None:
    filled.none("SELECT * FROM builds ANTI JOIN commits USING (repository, sha)")
    filled.none("SELECT * FROM releases ANTI JOIN commits USING (repository, sha)")


def test_where_nothing_tells_of_runs_there_are_releases_and_incidents_in_the_tracker(filled: Filled) -> None:
    untold = "SELECT repository FROM repositories WHERE repository NOT IN (SELECT repository FROM deployments)"
    assert 0 < filled.value(f"SELECT count(*) FROM ({untold})") < filled.value("SELECT count(*) FROM repositories")
    filled.none(
        f"SELECT repository FROM ({untold}) ANTI JOIN (SELECT * FROM releases WHERE NOT prerelease) USING (repository)"
    )
    filled.none(f"SELECT * FROM incidents JOIN ({untold}) USING (repository)")
    filled.none("SELECT * FROM releases WHERE prerelease <> (tag LIKE '%-rc.1')")
    assert filled.value("SELECT count(*) FROM releases WHERE prerelease") > 0
    assert filled.value("SELECT count(*) FROM work_items WHERE type = 'Incident' AND completed_at IS NOT NULL") > 0


def test_work_surrounds_its_pull_requests(filled: Filled) -> None:
    linked = """
        SELECT w.project, w.key, w.created_at, w.started_at, w.completed_at, p.merged_at, c.first_at
        FROM work_items w
        JOIN pull_requests p ON regexp_matches(p.title, '^' || w.key || ' ')
            AND (w.key NOT LIKE '#%' OR w.project = p.repository)
        JOIN (SELECT repository, number, min(authored_at) AS first_at FROM pull_request_commits GROUP BY ALL) c
            ON c.repository = p.repository AND c.number = p.number
    """
    assert filled.value(f"SELECT count(*) FROM ({linked})") > 10
    filled.none(f"SELECT * FROM ({linked}) WHERE NOT (created_at < started_at AND started_at <= first_at)")
    filled.none(f"SELECT * FROM ({linked}) WHERE completed_at <= merged_at")
    filled.none("SELECT * FROM work_item_changes ANTI JOIN work_items USING (project, key)")
    filled.none(
        "SELECT * FROM work_items w WHERE parent_key IS NOT NULL AND NOT EXISTS (FROM work_items e WHERE e.key = w.parent_key)"
    )


def test_changes_tell_the_same_as_the_items(filled: Filled) -> None:
    last = """
        SELECT w.key, w.status, w.completed_at, arg_max(c.to_value, c.changed_at) AS last_status,
            max(c.changed_at) FILTER (c.to_category = 'done') AS done_at
        FROM work_items w JOIN work_item_changes c USING (project, key)
        WHERE c.field = 'status' AND w.type <> 'Epic' GROUP BY ALL
    """
    filled.none(f"SELECT * FROM ({last}) WHERE status <> last_status")
    filled.none(f"SELECT * FROM ({last}) WHERE completed_at IS NOT NULL AND completed_at <> done_at")
    filled.none(
        "SELECT key FROM (SELECT project, key, to_value, lead(from_value) OVER (PARTITION BY project, key ORDER BY changed_at) "
        "AS following FROM work_item_changes WHERE field = 'status') WHERE following <> to_value"
    )


# -- believable ----------------------------------------------------------------------------------------------------------


def test_teams_have_five_to_nine_and_there_are_four_levels_of_managers(project: Project) -> None:
    fill(project, developers=120, months=1, seed=1, until=date(2026, 1, 31))
    tree = people.tree(project, "Engineering")
    leaves = [node for node in tree.nodes if not any(other.parent == node.ref_id for other in tree.nodes)]
    assert all(5 <= len(node.own) <= 10 for node in leaves)  # a shared developer is in two
    assert {node.depth - tree.nodes[0].depth for node in leaves} == {3}
    owners = [email for node in tree.nodes for email in node.own]
    assert len(owners) > len(set(owners)) == len(tree.developers)


def test_weekends_and_the_turn_of_the_year_are_quiet_but_not_dead(filled: Filled) -> None:
    by_day = dict(filled.rows("SELECT isodow(authored_at), count(*) FROM commits GROUP BY 1"))
    weekend = by_day.get(6, 0) + by_day.get(7, 0)
    assert 0 < weekend < 0.05 * sum(by_day.values())
    new_year = filled.value("SELECT count(*) FROM commits WHERE authored_at BETWEEN '2026-01-01' AND '2026-01-03'")
    later = filled.value("SELECT count(*) FROM commits WHERE authored_at BETWEEN '2026-02-05' AND '2026-02-07'")
    assert new_year < later / 2


def test_people_differ_and_nobody_works_before_joining(filled: Filled) -> None:
    counts = [n for (n,) in filled.rows("SELECT count(*) FROM pull_requests WHERE state = 'merged' GROUP BY author")]
    assert max(counts) > 4 * min(counts)
    early = (
        "SELECT d.email, c.authored_at FROM commits c JOIN developers d ON d.email = c.author_email "
        "WHERE c.authored_at < (d.attributes::JSON ->> 'start_date')::TIMESTAMP"
    )
    filled.none(early)
    joined = "SELECT count(*) FROM developers WHERE (attributes::JSON ->> 'start_date')::DATE >= '2026-01-01'"
    assert filled.value(joined) > 0


def test_bots_contractors_and_accounts_in_every_shape(filled: Filled) -> None:
    authors = {author for (author,) in filled.rows("SELECT DISTINCT author FROM pull_requests")}
    assert authors & {"dependabot[bot]", "renovate"}
    assert any(author.startswith("ext-") for author in authors)
    assert any(author != author.lower() for author in authors)
    assert filled.value("SELECT count(*) FROM comments WHERE author = 'build-robot'") > 0
    assert filled.project.profile()["bots"] == ("build-robot",)
    mapped = {account for (account,) in filled.rows("SELECT account FROM identities WHERE source = 'github'")}
    assert {author.lower() for author in authors} - mapped  # some are only found by the commits beside them


def test_links_are_in_branch_title_body_and_commit_and_some_are_missing(filled: Filled) -> None:
    total = filled.value("SELECT count(*) FROM pull_requests")
    for column in ("title", "head_branch", "body"):
        found = filled.value(
            f"SELECT count(*) FROM pull_requests WHERE regexp_matches({column}, '(?i)([A-Z]{{3,5}}-|#)[0-9]+')"
        )
        assert 0 < found < total, column
    assert filled.value("SELECT count(*) FROM commits WHERE regexp_matches(message, '^[A-Z]{3,5}-[0-9]+: ')") > 0


def test_everything_is_made_up(filled: Filled) -> None:
    for table, column in (
        ("commits", "author_email"),
        ("commits", "committer_email"),
        ("developers", "email"),
        ("identities", "email"),
    ):
        filled.none(f"SELECT {column} FROM {table} WHERE NOT regexp_matches({column}, '@([a-z]+\\.)?example\\.com$')")
