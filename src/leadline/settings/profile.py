"""The settings of a project or of one org tree: each declared once, with its type, default and meaning. They are stored and shown
as text; a ``Profile`` has them as typed values. A tree's profile is the project's with the tree's own values over it. Some can be
set for one team, service or repository (``SCOPES``). The settings page of the docs and ``leadline settings`` are generated from
these."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from leadline.errors import Detail, InvalidRequest
from leadline.field_types import is_storable, printable
from leadline.settings.categories import (
    CATEGORY_RULES,
    CATEGORY_SETTINGS,
    OF_CATEGORY,
    OF_TEAM,
    is_in_team,
    stored_name,
)
from leadline.settings.of_exports import OF_EXPORTS
from leadline.settings.setting import (
    STAGES,
    Currency,
    Filters,
    Flag,
    Globs,
    Goals,
    Integrations,
    Markers,
    Names,
    Number,
    PathGlobs,
    Setting,
    Source,
    Stages,
    WorkTypes,
    Zone,
    one_of,
    whole,
)
from leadline.settings.sprints import BOARD, SPRINTS

LONGEST_KEY = 512
"""The most characters of a setting's key."""

BANDS = {
    "lead_time": (("1", "7", "30"), "days, below"),
    "deployment_frequency": (("1", "1/7", "1/30"), "deployments per day, at least"),
    "change_failure_rate": (("15", "20", "30"), "percent, below"),
    "time_to_restore": (("1/24", "1", "7"), "days, below"),
}


def _band_settings() -> list[Setting]:
    return [
        Setting(f"ratings.{metric}.{band}", default, Number, f"Bound of the band {band.capitalize()} ({meaning}).")
        for metric, (defaults, meaning) in BANDS.items()
        for band, default in zip(("elite", "high", "medium"), defaults, strict=True)
    ]


_EVENT_SOURCES = (
    Setting(
        "deployments.source",
        "auto",
        Source,
        "What is a deployment: a run of a `pipelines` tool, a release (`releases`), a merged pull request (`merges`), a released "
        "version of the tracker (`versions`); `auto`: in each repository runs of pipelines, if there is any to production, else "
        "releases.",
    ),
    Setting(
        "deployments.branches",
        "",
        Globs,
        "Branches, comma-separated and with `*`, into which a merge is a deployment (`merges`); empty: the default branch.",
    ),
    Setting(
        "deployments.labels",
        "",
        Names,
        "Labels, comma-separated, of which a pull request must have one for its merge to be a deployment; empty: none is needed.",
    ),
    Setting(
        "releases.tags",
        "",
        Globs,
        "Tags, comma-separated and with `*`, whose releases are deployments: `v*, web@*`; empty: all. A prerelease such as "
        "`1.4.0-rc.1` never is.",
    ),
    Setting(
        "incidents.source",
        "both",
        one_of("incidents", "work_items", "both"),
        "What is an incident: those of an incident tool, work items (of the type Incident, or by rules `incident.…`), or both.",
    ),
)

GOALS = "goals"
"""The setting, and the rule of a team, that says goals."""
_GOALS = Setting(
    GOALS,
    "",
    Goals,
    "Goals of metrics, which the page draws and tells: `LTTC_Mean_Days = 2; CFR_Percent = 15`, each of a column of the catalogue "
    "that is a duration or a percentage; `Deployment_Frequency` is per day. No number changes by them.",
)

SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting("timezone", "UTC", Zone, "IANA time zone: periods and coding days are local."),
        Setting(
            "people.history",
            "dated",
            one_of("dated", "current"),
            "Events count for the team in which their person was on their day (dated), or where they are now (current).",
        ),
        Setting(
            "developers.names",
            "shown",
            one_of("shown", "hidden"),
            "Whether viewers see the names and addresses of people, or pseudonyms in their place (hidden). Of the whole project.",
            project_only=True,
        ),
        Setting("bots", "", Names, "Further bot accounts, comma-separated."),
        Setting("ai.agents", "", Names, "Further accounts of AI agents, comma-separated."),
        Setting(
            "ai.markers",
            "",
            Markers,
            "Further marks of AI tools in trailers and footers of commits, addresses (with an @) and names by tool: "
            "`acme-coder = coder@acme.example, Acme Coder; devin = Acme Devin`.",
        ),
        Setting("ai.currency", "USD", Currency, "Currency of `AI_Cost`: costs in any other are left out of it."),
        Setting(
            "ai.agent_prs",
            "requester",
            one_of("requester", "merger", "nobody"),
            "Whose an AI agent's pull request is: who asked for it (the first developer of its assignees, of the co-authors of "
            "its commits, and who merged it), who merged it, or nobody's.",
        ),
        Setting(
            "pull_requests.base_branches",
            "",
            Globs,
            "Branches, comma-separated and with `*`, into which pull requests count: `main, release/*`; empty: all.",
        ),
        Setting(
            "pull_requests.exclude_labels", "", Names, "Labels, comma-separated, whose pull requests are left out."
        ),
        Setting(
            "code.exclude",
            "package-lock.json, npm-shrinkwrap.json, yarn.lock, pnpm-lock.yaml, bun.lockb, Cargo.lock, poetry.lock, uv.lock, "
            "Pipfile.lock, composer.lock, Gemfile.lock, go.sum, packages.lock.json, gradle.lockfile, mix.lock, pubspec.lock, "
            "Podfile.lock, flake.lock",
            PathGlobs,
            "Files whose lines are left out, as globs of paths, comma-separated: `*.lock, vendor/, src/**/*.gen.go`; empty: none.",
        ),
        Setting("pr_size.small", "10", whole(1, 10**8), "Changed lines below which a pull request is small."),
        Setting("pr_size.medium", "100", whole(1, 10**8), "Changed lines below which it is medium; else large."),
        Setting("rework.window_days", "30", whole(0, 36500), "Days within which reworked code is recent."),
        Setting(
            "rework.method",
            "file",
            one_of("file", "line"),
            "How the age of reworked code is found: by when its `file` last changed, or each deleted `line`.",
        ),
        Setting(
            "work_items.complete_from",
            "created",
            one_of("created", "started"),
            "Where the time to complete a work item starts.",
        ),
        Setting("work_items.exclude_types", "", Names, "Types of work items that are left out, comma-separated."),
        Setting(
            "work_items.not_done_resolutions",
            "Won't Do, Won't Fix, Duplicate, Cannot Reproduce, Declined, Rejected, Invalid, Obsolete, Incomplete, Not a Bug",
            Names,
            "Resolutions of work items that are no completed work, comma-separated.",
        ),
        Setting(
            "flow.wait_statuses",
            "wait, waiting, blocked, hold, ready, queue, queued, pending",
            Names,
            "Words, comma-separated, of which the name of a status has one if work waits in it.",
        ),
        Setting("lead_time.unit", "auto", one_of("auto", "work_items", "pull_requests"), "Unit of lead time."),
        Setting("lead_time.stages", ",".join(STAGES), Stages, "Stages that lead time sums."),
        Setting(
            "lead_time.work", "completed", one_of("completed", "deployed"), "All completed work, or only deployed work."
        ),
        Setting(
            "lead_time.order",
            "enforce",
            one_of("enforce", "exceptions"),
            "A negative stage counts 0 (enforce) or is left out (exceptions).",
        ),
        *SPRINTS,
        *_EVENT_SOURCES,
        Setting("deployments.first_carries", "false", Flag, "Whether a first known deployment carries all before it."),
        Setting(
            "deployments.team_days",
            "90",
            whole(1, 3660),
            "How many days before a deployment (or an incident) a merge makes its repository a team's.",
        ),
        Setting("cfr.source", "pipelines", one_of("pipelines", "incidents"), "What tells that a deployment failed."),
        *_band_settings(),
        _GOALS,
        *CATEGORY_SETTINGS,
        Setting(
            "reports.lead_time",
            "deployed",
            one_of("deployed", "stages"),
            "Lead time in reports: first commit to deployment, or the sum of the stages as in exports.",
        ),
        *OF_EXPORTS,
    )
}

_TEAM_RULES = (
    *(
        Setting(name, "", Filters, f"Filter sets of a team over the {name}: `equals a, b; not contains c`.")
        for name in ("repository", "service", "pipeline", "environment", "project", "tag", "label")
    ),
    *(replace(setting, default="", doc=f"For a team and those below: {setting.doc}") for setting in _EVENT_SOURCES),
    *(
        Setting(
            f"incident.{name}",
            "",
            Filters,
            f"Filter sets over the {name} of a work item, which tell whether it is an incident: `equals a, b; not contains c`.",
        )
        for name in ("type", "label", "priority", "project")
    ),
    BOARD,
    Setting("work_type", "", WorkTypes, "Work types of a team: `feature = Story, Epic; bug = Bug`; others are other."),
    replace(
        _GOALS,
        doc="Goals of a team and those below it, as `goals` has them: `LTTC_Mean_Days = 2; CFR_Percent = 15`. A column that it "
        "does not name has the goal of the nearest team above it that names it.",
    ),
    Setting(
        "integrations",
        "",
        Integrations,
        "Sources that a team uses: `SCM = github:example; IM = jira:shop`. For people to see: nothing is filtered by it, and "
        "teams below have their own.",
    ),
)
TEAM_RULES: dict[str, Setting] = {rule.key: rule for rule in _TEAM_RULES}
"""What can be set for a team as ``team.<key>.<rule>``, by rule."""

TEAM_SETTINGS: dict[str, Setting] = {
    name: replace(SETTINGS[name], default="", doc=f"{SETTINGS[name].doc} For pull requests of the team's people.")
    for name in ("pull_requests.base_branches", "pull_requests.exclude_labels")
}
"""What a team may have set otherwise than its tree or project, as ``team.<key>.<setting>``."""

SCOPES: dict[str, dict[str, Setting]] = {
    "team": {**TEAM_RULES, **TEAM_SETTINGS},
    "service": {
        "paths": Setting(
            "paths",
            "",
            PathGlobs,
            "What the service is built of, as globs of paths: it carries only the changes that touch one of them; empty: all.",
        )
    },
    "repository": {
        "code.exclude": Setting(
            "code.exclude",
            "",
            PathGlobs,
            "Files of the repository whose lines are left out, in place of those that `code.exclude` names for all.",
        )
    },
    OF_CATEGORY: CATEGORY_RULES,
    OF_TEAM: CATEGORY_RULES,
}
"""What can be set for one team, service, repository or category of work as ``<scope>.<name>.<rule>``: by scope and rule. Services
and repositories are found by their names in any letter case, categories by those of their columns, too."""
_TOLD = {"team": "team.<key>", OF_CATEGORY: "business.<category>", OF_TEAM: "team.<key>.business.<category>"}


def placeholder(scope: str, rule: str) -> str:
    """The keys of a rule as they are told to people."""
    return f"{_TOLD.get(scope, f'{scope}.<name>')}.{rule}"


PLACEHOLDERS = [placeholder(scope, rule) for scope in SCOPES for rule in SCOPES[scope]]
"""All of these."""


@dataclass(frozen=True)
class Profile:
    """Typed values of every setting of a project or tree, and the team rules by team key."""

    values: Mapping[str, Any]
    texts: Mapping[str, str]
    """The same values as canonical text, what ``leadline settings`` shows."""
    team_rules: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, *layers: Mapping[str, str]) -> Profile:
        """A profile from stored texts, later layers over earlier ones (project, then tree)."""
        texts = {setting.key: setting.default for setting in SETTINGS.values()}
        for layer in layers:
            texts.update({canonical(key): text for key, text in layer.items()})
        values = {key: SETTINGS[key].parse(text) for key, text in texts.items() if key in SETTINGS}
        team_rules: dict[str, dict[str, Any]] = {}
        for key, text in texts.items():
            if key not in SETTINGS:
                scope, name, rule = split_key(key)
                value = SCOPES[scope][rule].parse(text)
                if scope == "team":
                    team_rules.setdefault(name, {})[rule] = value
        return cls(values, texts, team_rules)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def rule_texts(self, *names: str) -> dict[str, str]:
        """The texts of the team rules called ``names``, of any team, by key."""
        return {key: text for rule in names for key, text in self._of_scope("team", rule).items()}

    def variants(self, rule: str) -> tuple[str | None, ...]:
        """The texts of a team's rule or setting that are in use: None for what holds without one, then each of any team, sorted."""
        return (None, *sorted(set(self.rule_texts(rule).values())))

    def own(self, scope: str, rule: str) -> dict[str, Any]:
        """What is set as ``rule`` for services, repositories or categories, by their names as they are stored."""
        return {name: SCOPES[scope][rule].parse(text) for name, text in self.own_texts(scope, rule).items()}

    def own_texts(self, scope: str, rule: str) -> dict[str, str]:
        """The texts of the same."""
        return {split_key(key)[1]: text for key, text in self._of_scope(scope, rule).items()}

    def _of_scope(self, scope: str, rule: str) -> dict[str, str]:
        keys = [key for key in self.texts if key not in SETTINGS and split_key(key)[::2] == (scope, rule)]
        return {key: self.texts[key] for key in keys}

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which periods and coding days are local."""
        return ZoneInfo(self["timezone"])


@lru_cache(maxsize=65_536)
def split_key(key: str) -> tuple[str, str, str]:
    """``<scope>.<name>.<rule>`` taken apart; names and rules may have dots in them. Raises ``InvalidRequest`` if it is none or the
    rule is unknown."""
    first, _, rest = key.partition(".")
    scopes = [first] if first != "team" else [OF_TEAM, first]
    rules = [(scope, rule) for scope in scopes for rule in SCOPES.get(scope, ())]
    # The longest fits: `incident.project` is no rule `project` of a team `….incident`.
    for scope, rule in sorted(rules, key=lambda pair: len(pair[1]), reverse=True):
        name = rest.removesuffix(f".{rule}") if rest.endswith(f".{rule}") else ""
        if name and (scope != OF_TEAM or is_in_team(name)):
            return scope, name, rule
    raise unknown_setting(key)


def canonical(key: str) -> str:
    """``key`` as it is stored: names of all but teams in lower case. Raises ``InvalidRequest`` for no setting."""
    if key in SETTINGS:
        return key
    if len(key) > LONGEST_KEY or not is_storable(key):
        raise unknown_setting(printable(key)[:80])
    scope, name, rule = split_key(key)
    if scope in (OF_CATEGORY, OF_TEAM):
        return f"{key.partition('.')[0]}.{stored_name(scope, name)}.{rule}"
    return key if scope == "team" else f"{scope}.{name.lower()}.{rule}"


def declared(key: str) -> Setting:
    """What is declared for ``key``, also of one team, service or repository. Raises ``InvalidRequest`` for any other."""
    if key in SETTINGS:
        return SETTINGS[key]
    scope, _, rule = split_key(key)
    return SCOPES[scope][rule]


def unknown_setting(key: str) -> InvalidRequest:
    """The refusal of a key that is no setting, with the nearest ones."""
    names = [*SETTINGS, *PLACEHOLDERS]
    near = difflib.get_close_matches(key, names, n=3) or names
    return InvalidRequest(
        f"There is no setting {key!r}; settings are {', '.join(near)}",
        code="unknown_setting",
        details=[Detail(key, f"one of {', '.join(names)}")],
    )
