"""What a stored table follows from is inferred from its expression, kept, and never missed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ibis
import pytest
from ibis.expr.types import Table

from leadline.engine import schema_table
from leadline.facts.policy import BUILD_POLICY
from leadline.home import Project
from leadline.materialize import dependencies
from leadline.materialize.compiled import CompiledQueryCache
from leadline.materialize.dependencies import Lineages, inferred
from leadline.materialize.model import BuildContext, Computation, Model
from leadline.materialize.session import session
from leadline.settings.profile import SETTINGS, Profile
from metrics.world import deliver

COLUMNS = {"repository": "string"}


def commits(_profile: Profile) -> Table:
    return schema_table("commits").select("repository").distinct()


def of_builds(_profile: Profile) -> Table:
    builds = schema_table("builds")
    return commits(_profile).semi_join(builds, "repository")


def without(repositories: str) -> Callable[[Profile], Table]:
    def expression(profile: Profile) -> Table:
        rows = commits(profile)
        return rows.filter(~rows.repository.isin([*profile["bots"], repositories]))

    return expression


PLAIN = Model("plain", COLUMNS, commits)
WITH_BUILDS = Model("with_builds", COLUMNS, of_builds)
WITH_SETTING = Model("with_setting", COLUMNS, without("x"))
ABOVE = Model("above", COLUMNS, lambda _profile: WITH_SETTING.table().union(WITH_BUILDS.table(), distinct=True))


def rows(project: Project, model: Model, **settings: str) -> list[str]:
    versions = project.lake.snapshot().versions
    with session(project, versions, {}, Profile.of(settings), BUILD_POLICY) as opened:
        opened.facts.bind([model])
        return sorted(row["repository"] for row in opened.engine.arrow(model.table()).to_pylist())


def fingerprints(project: Project, *models: Model, **settings: str) -> list[str]:
    with session(project, project.lake.snapshot().versions, {}, Profile.of(settings), BUILD_POLICY) as opened:
        return [opened.facts.fingerprint(model) for model in models]


def test_a_step_that_reads_one_more_table_or_setting_is_computed_anew_when_that_changes(project: Project) -> None:
    deliver(project, "commits", [{"repository": name, "sha": name} for name in ("o", "p")])
    assert rows(project, PLAIN) == rows(project, WITH_SETTING) == ["o", "p"]
    assert rows(project, WITH_BUILDS) == []
    before = fingerprints(project, PLAIN, WITH_BUILDS, WITH_SETTING, ABOVE)
    deliver(project, "builds", [{"build_id": "1", "repository": "p"}])
    assert rows(project, WITH_BUILDS) == ["p"]
    assert rows(project, WITH_SETTING, bots="o") == ["p"]
    assert rows(project, ABOVE, bots="o") == ["p"]
    assert rows(project, ABOVE) == ["o", "p"]
    after = fingerprints(project, PLAIN, WITH_BUILDS, WITH_SETTING, ABOVE)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True, False]
    other = fingerprints(project, PLAIN, WITH_BUILDS, WITH_SETTING, ABOVE, bots="o")
    assert [one == other for one, other in zip(after, other, strict=True)] == [True, True, False, False]


def test_people_are_seen_by_the_table_that_is_read() -> None:
    everybody = Model("everybody", {"email": "string"}, lambda _: ibis.table({"email": "string"}, name="people"))
    assert inferred(everybody, Profile.of())[0].people
    assert not inferred(PLAIN, Profile.of())[0].people


def test_a_table_that_nobody_binds_is_refused() -> None:
    strange = Model("strange", COLUMNS, lambda _: ibis.table(COLUMNS, name="stored_nowhere"))
    with pytest.raises(AssertionError, match="stored_nowhere"):
        inferred(strange, Profile.of())


@pytest.mark.parametrize(
    ("ask", "noted"),
    [
        (lambda profile: profile["bots"], {"bots"}),
        (lambda profile: profile.zone, {"timezone"}),
        (lambda profile: profile.rule_texts("tag", "label"), {"rules tag", "rules label"}),
        (lambda profile: profile.values["bots"], {*SETTINGS}),
        (lambda profile: profile.texts, {*SETTINGS, "rules work_type", "rules environment"}),
        (lambda profile: profile.team_rules, {"rules work_type", "rules environment"}),
    ],
)
def test_whatever_is_asked_of_the_profile_is_noted(ask: Callable[[Profile], object], noted: set[str]) -> None:
    def expression(profile: Profile) -> Table:
        ask(profile)
        return commits(profile)

    profile = Profile.of({"team.a.environment": "equals live", "bots": "robo"})
    answers = inferred(Model("asking", COLUMNS, expression), profile)[0].answers
    assert noted <= answers.keys()
    assert ("bots" in noted) == ("bots" in answers)


def test_what_was_inferred_is_kept_for_the_answers_it_was_inferred_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def expression(profile: Profile) -> Table:
        built.append(profile["cfr.source"])
        return of_builds(profile) if profile["cfr.source"] == "incidents" else commits(profile)

    model = Model("either", COLUMNS, expression)

    def expression_above(_profile: Profile) -> Table:
        built.append("above")
        return model.table()

    above = Model("above_either", COLUMNS, expression_above)

    def lineages(**settings: str) -> Lineages:
        return Lineages(CompiledQueryCache(tmp_path, ("facts",)), Profile.of(settings))

    def sources(**settings: str) -> frozenset[str]:
        return lineages(**settings).lineage(above).all_sources()

    incidents = {"cfr.source": "incidents"}
    for _ in range(2):
        assert sources() == {"commits"}
        assert sources(**incidents) == {"commits", "builds"}
        assert sources(bots="x") == {"commits"}
    assert sorted(built) == ["above", "incidents", "pipelines"]
    monkeypatch.setattr(dependencies, "_LINEAGES", type(dependencies._LINEAGES)())
    monkeypatch.setattr(dependencies, "_DEPENDENCIES", type(dependencies._DEPENDENCIES)())
    assert sources() == {"commits"}, "as another process finds it"
    assert sources(**incidents) == {"commits", "builds"}
    found = lineages()
    found.lineage(above)
    assert found.dependencies(above).depends_on == (model,)
    assert len(built) == 3, "nothing was built again"


@pytest.mark.parametrize(
    ("reads", "says"),
    [
        (lambda context: context.profile["bots"], "bots"),
        (lambda context: context.profile.rule_texts("tag"), "rules tag"),
        (lambda context: context.snapshot.files("builds"), "builds"),
        (lambda context: context.sql("builds", None, lambda: schema_table("builds")), "builds"),
        (lambda context: context.sql("above", None, WITH_BUILDS.table), "stored_with_builds"),
    ],
)
def test_a_computation_reads_what_it_declares_alone(
    project: Project, reads: Callable[[BuildContext], object], says: str
) -> None:
    def declared(context: BuildContext) -> None:
        assert context.profile["cfr.source"] == "pipelines"
        assert context.profile.rule_texts("environment") == {}
        assert context.snapshot.files("commits") == []
        context.engine.copy(context.sql("plain", None, PLAIN.table), context.folder / "rows.parquet", "parquet")

    def undeclared(context: BuildContext) -> None:
        declared(context)
        reads(context)

    def model(name: str, run: Callable[[BuildContext], None]) -> Model:
        computation = Computation(run, ("commits",), (PLAIN,), settings=("cfr.source",), rules=("environment",))
        return Model(name, COLUMNS, computation=computation)

    assert rows(project, model("good", declared)) == []
    with pytest.raises(AssertionError, match=f"{says} is read and not declared"):
        rows(project, model("bad", undeclared))
