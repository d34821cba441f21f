"""Recomputes a monthly efficiency export from the facts behind it, with the default settings.

    python recompute.py FOLDER 2026-01 2026-02 > again.csv

FOLDER holds what `leadline facts` writes of work-items, deployments and incidents, and as trees.json what
`leadline org history Engineering --people --json` prints. Every cell of the export comes out again, not rounded.
"""

import csv
import json
import sys
from calendar import monthrange
from math import ceil
from pathlib import Path
from statistics import fmean

STAGES = ("planning", "coding", "review", "build", "deploy", "lead")


def days(rows, duration):
    values = [float(row[f"{duration}_seconds"]) / 86_400 for row in rows if row[f"{duration}_seconds"]]
    return fmean(values) if values else None


def score(value, bounds):
    return None if value is None else sum(value < bound for bound in bounds)


def people(team, day):
    """Who was in a team on a day: in the newest tree that was in force by then."""
    *_, tree = (tree for tree in trees if (tree["from"] or "") <= day)
    return {email for known in tree["teams"] if known["refId"] == team["refId"] for email in known["people"]}


def cells(team, month, items, runs, incidents):
    items = [row for row in items if row["completed_at"].startswith(month)]
    items = [row for row in items if row["developer"] in people(team, row["completed_at"][:10])]
    runs = [row for row in runs if team["hierarchy"] in row["teams"].split(";") and row["finished_at"][:7] <= month]
    runs = [row for row in runs if row["production"] == "true" and row["outcome"]]
    known, runs = bool(runs), [row for row in runs if row["finished_at"].startswith(month)]
    incidents = [row for row in incidents if row["resolved_at"].startswith(month)]
    incidents = [row for row in incidents if team["hierarchy"] in row["teams"].split(";")]
    linked = sum(row["pull_requests"] != "" for row in items)
    deployed = sum(row["deployment_id"] not in row["failed_by"].split(";") for row in runs)
    failures = sum(row["outcome"] == "failure" for row in runs)
    per_day = deployed / monthrange(*map(int, month.split("-")))[1]
    rate, restore = 100 * failures / len(runs) if runs else None, days(incidents, "restore")
    scores = [
        score(days(items, "lead"), (1, 7, 30)),
        sum(per_day >= bound for bound in (1, 1 / 7, 1 / 30)) if known else None,
    ]
    scores += [score(rate, (15, 20, 30)), score(restore, (1 / 24, 1, 7))]
    rated = [value for value in scores if value is not None]
    scores.append(ceil(fmean(rated) - 0.5) if len(rated) > 1 else None)
    yield from (days(items, stage) for stage in STAGES)
    yield from (len(items), linked, 100 * linked / len(items) if items else None)
    yield from (sum(row[f"{stage}_seconds"] != "" for row in items) for stage in STAGES)
    yield from (deployed, deployed, len(runs) - failures, failures, rate, restore, len(incidents))
    yield from (None if value is None else ("Low", "Medium", "High", "Elite")[value] for value in scores)


folder, months = Path(sys.argv[1]), sys.argv[2:]
facts = [
    list(csv.DictReader((folder / f"{name}.csv").read_text("utf-8").splitlines()))
    for name in ("work-items", "deployments", "incidents")
]
trees = json.loads((folder / "trees.json").read_text("utf-8"))
for month in months:
    for team in trees[-1]["teams"]:
        csv.writer(sys.stdout).writerow([month, team["hierarchy"], *cells(team, month, *facts)])
