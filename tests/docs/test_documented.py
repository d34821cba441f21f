"""Nothing is undocumented: every setting, variable, command, option, table, column, metric, fact, error code, route and figure
that the program declares stands in the pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from api.document import DOCUMENT
from leadline.api.exports.models import ListQuery
from leadline.db.jobs import STATES
from leadline.exports.efficiency import EfficiencyExportRequest, EfficiencyOptions, EfficiencyScope
from leadline.exports.models import ReportEfficiency, ReportRequest
from leadline.exports.productivity import ProductivityExportRequest, ProductivityOptions
from leadline.facts.catalogue import FACTS
from leadline.metrics.catalogue import GROUP_ALIASES, catalogue_of, groups_of
from leadline.metrics.metric import AGGREGATIONS, INSIGHTS
from leadline.metrics.report_metrics import SECTIONS
from leadline.schema import TABLES
from leadline.settings.profile import PLACEHOLDERS, SETTINGS
from leadline.settings.server import ENVIRONMENT

from .pages import ROOT, Pages, code_words, generator, hand_written, section

SOURCE = ROOT / "src" / "leadline"


def trees(folder: str = "") -> Iterator[ast.AST]:
    for path in sorted((SOURCE / folder).rglob("*.py")):
        yield ast.parse(path.read_text("utf-8"))


def texts(node: ast.AST) -> Iterator[str]:
    """Every literal text below a node, the fixed parts of f-strings too."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def test_settings(pages: Pages) -> None:
    words = code_words(pages["docs/reference/settings.md"])
    assert set(SETTINGS) <= words
    assert set(PLACEHOLDERS) <= words
    for setting in SETTINGS.values():
        assert setting.doc in pages["docs/reference/settings.md"]


def test_each_setting_that_changes_a_number_has_a_sentence_why_it_is_as_it_is(pages: Pages) -> None:
    numbers = {key for key in SETTINGS if not key.startswith(("exports.", "ratings.", "webhooks."))}
    assert numbers <= code_words(pages["docs/guide/choices.md"])


def test_environment_variables(pages: Pages) -> None:
    read = {name for tree in trees() for text in texts(tree) for name in re.findall(r"\bLEADLINE_[A-Z_]*[A-Z]\b", text)}
    assert read == set(ENVIRONMENT)
    assert read <= code_words(pages["docs/reference/settings.md"])


@pytest.mark.parametrize("name", TABLES)
def test_tables_and_columns(pages: Pages, name: str) -> None:
    text = section(pages["docs/reference/data-model.md"], name)
    for column in TABLES[name].columns:
        key = f"**`{column.name}`** (key)" if column.name in TABLES[name].key else f"| `{column.name}` "
        assert key in text
        assert column.doc in text
        assert set(column.values) <= code_words(text)


@pytest.mark.parametrize("insight", INSIGHTS)
def test_metrics(pages: Pages, insight: str) -> None:
    text = pages["docs/reference/metrics.md"]
    words = code_words(text)
    assert set(GROUP_ALIASES) <= words
    for group in groups_of(insight):
        columns = ", ".join(f"`{metric.column}`" for metric in catalogue_of(insight) if group in metric.groups)
        assert re.search(rf"^\| `{group}` \| [^|]*\| {columns} \|$", text, re.MULTILINE)
    for metric in catalogue_of(insight):
        own = section(text, metric.column)
        assert {metric.id, *metric.aliases, *metric.also_in} <= code_words(own)
        assert metric.definition in own
        assert metric.unit in own
        assert set(metric.levels) <= code_words(own)
        if metric.kind == "statistic":
            assert {metric.column_for(name) for name in AGGREGATIONS} <= words


def test_commands_and_options(pages: Pages) -> None:
    reference, prose = pages["docs/reference/commands.md"], hand_written(pages)
    for words, command in generator().commands():
        text = section(reference, words)
        assert max(map(len, text.splitlines())) <= 80
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                shown = option if option.startswith("-") else (parameter.metavar or option.upper())
                assert shown in text
        if not getattr(command, "commands", {}):
            assert f"{words} " in prose or f"{words}\n" in prose or f"{words}`" in prose, f"no page tells of {words}"


@pytest.mark.parametrize("name", FACTS)
def test_facts_and_their_columns(pages: Pages, name: str) -> None:
    assert set(FACTS[name].columns) <= code_words(section(pages["docs/guide/facts.md"], f"`{name}`"))


def test_routes(pages: Pages) -> None:
    declared = {f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods}
    told = {word for word in code_words(section(pages["docs/api.md"], "Addresses")) if re.match(r"[A-Z]+ /", word)}
    assert told == declared


def test_requests_and_answers(pages: Pages) -> None:
    words = code_words(pages["docs/api.md"])
    create = code_words(section(pages["docs/api.md"], "Create"))
    efficiency = code_words(section(pages["docs/api.md"], "Efficiency exports"))
    report = code_words(section(pages["docs/api.md"], "Reports"))
    for model, prefix, told in (
        (ProductivityExportRequest, "", create),
        (ProductivityOptions, "options.", create),
        (EfficiencyExportRequest, "", efficiency),
        (EfficiencyScope, "scope.", efficiency),
        (EfficiencyOptions, "options.", efficiency),
        (ReportRequest, "", report),
        (ReportEfficiency, "", report),
    ):
        names = {prefix + str(field.alias) for field in model.model_fields.values()} - {"scope", "dateRange", "options"}
        assert names <= told
    assert set(groups_of("efficiency")) | {state.upper() for state in STATES} | {"downloadUrl"} <= efficiency
    assert {metric.name for part in SECTIONS.values() for metric in part.metrics} <= report
    assert {"scope.orgTreeName", "scope.teamId", "dateRange.start", "dateRange.end"} <= create
    assert {field.alias for field in ListQuery.model_fields.values()} <= code_words(
        section(pages["docs/api.md"], "List")
    )
    poll = section(pages["docs/api.md"], "Poll")
    assert all(
        f'"{name}"' in poll or f"`{name}`" in poll
        for name in DOCUMENT["components"]["schemas"]["ExportBody"]["properties"]
    )
    assert set(STATES) <= words
    statuses = {code for path in DOCUMENT["paths"].values() for each in path.values() for code in each["responses"]}
    assert all(code in pages["docs/api.md"] for code in statuses)


def error_codes() -> set[str]:
    """Every code that some error of the program can carry."""
    found: set[str] = set()
    for tree in trees():
        for node in ast.walk(tree):
            found |= set(_codes(node))
    return found - {"wrong_usage"}


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets)


def _codes(node: ast.AST) -> Iterator[str]:
    if (isinstance(node, ast.keyword) and node.arg == "code") or _assigns(node, "code"):
        assert isinstance(node, ast.keyword | ast.Assign)
        yield from _spelled(node.value)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "code":
                yield from _spelled(value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refusal":
        yield from _spelled(node.args[0])
    elif _assigns(node, "_FRAMEWORK"):
        yield from (text for text in texts(node) if re.fullmatch("[a-z_]+", text))


BUILT = {
    "export_": [f"export_{state}" for state in STATES],
    "unknown_": ["unknown_metric", "unknown_metric_group", "unknown_profile", "unknown_category"],
}
"""Codes that are put together, by what they begin with."""


def _spelled(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        if re.fullmatch("[a-z]+(_[a-z]+)*", value.value):
            yield value.value
    elif isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
        yield from BUILT[str(value.values[0].value)]


def test_error_codes(pages: Pages) -> None:
    text = section(pages["docs/api.md"], "Errors")
    options = {
        re.sub("([A-Z])", r"_\1", str(field.alias)).lower() for field in ProductivityOptions.model_fields.values()
    } - {"since"}  # which is none of some words
    codes = (
        error_codes()
        | {
            f"unsupported_{name}"
            for name in (
                *options,
                "calculation_type",
                "fact",
                "export",
                "feature_type",
                "stack_by",
                "computation_mode",
                "effort_unit",
                "metric_type",
                "group_by",
                "by",
                "kind",
                "than",
            )
        }
        | {"missing_field", "wrong_type"}
    )
    assert len(codes) > 40
    words = code_words(text)
    assert codes <= words
    told = set(re.findall(r"^\| \d+ \| ([^|]+) \|", text, re.MULTILINE))
    assert {code for cell in told for code in re.findall("`([a-z_]+)`", cell)} <= codes


def test_violations_of_org_files(pages: Pages) -> None:
    names = {
        name
        for tree in trees("people")
        for text in texts(tree)
        for name in re.findall(r"(?:^|: )([A-Z]{2,}(?:_[A-Z]+)*): ", text)
        if name not in ("JSON", "TOML", "CSV")
    }
    # Two are put together from the kind of file.
    names = {name for name in names if "_" in name or name == "CYCLE"}
    assert len(names) > 20
    assert names <= code_words(section(pages["docs/guide/people.md"], "When the file is wrong"))


def test_figures_for_prometheus(pages: Pages) -> None:
    names = {
        text
        for tree in trees("api")
        for text in texts(tree)
        if re.fullmatch("leadline_[a-z_]+", text) and text != "leadline_http_requests"
    }
    assert len(names) >= 8
    assert names | {"leadline_http_requests_total"} <= code_words(pages["docs/operations.md"])
