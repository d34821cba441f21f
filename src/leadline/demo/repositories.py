"""The made-up repositories: how each merges, the services it deploys and the files it holds, hot spots first."""

from __future__ import annotations

import math
from random import Random

from leadline.demo import names
from leadline.demo.stage import Rows

POLICIES = ("squash", "merge", "rebase")
CADENCES = ("twice_daily", "daily", "weekly")
WRITTEN = (("package-lock.json", False), ("src/gen/bindings.ts", True), ("poetry.lock", False))
"""Files that programs write, and whether `.gitattributes` say so."""
BINARY_EVERY = 50


def count(developers: int) -> int:
    """How many repositories ``developers`` people have: 12 for 120, about 500 for 20,000."""
    return max(4, round(12 * math.pow(developers / 120, 0.73)))


def repository_names(developers: int) -> list[str]:
    """``org/name`` of every repository, all different."""
    products, kinds = [product.lower() for product in names.PRODUCTS], ("", "-api", "-web", "-jobs", "-lib", "-infra")
    result = []
    for number in range(count(developers)):
        again, product = divmod(number, len(products))
        suffix = kinds[again % len(kinds)] + (str(again // len(kinds) + 1) if again >= len(kinds) else "")
        result.append(f"{names.ORGANIZATION}/{products[product]}{suffix}")
    return result


def stage_rows(repositories: list[str], seed: int) -> dict[str, Rows]:
    """The rows of ``repos``, ``services`` and ``files``, by table."""
    random = Random(f"leadline demo repositories {seed}")  # noqa: S311 - made-up files are no secret
    repos: Rows = []
    services: Rows = []
    files: Rows = []
    for number, repository in enumerate(repositories):
        short = repository.partition("/")[2]
        paths = _paths(short, random, random.randint(110, 420))
        # What programs write stands behind those that are drawn.
        written, marked = WRITTEN[number % len(WRITTEN)]
        files += [{"r": number, "f": at, "path": path, "marked": False} for at, path in enumerate(paths)]
        files.append({"r": number, "f": len(paths), "path": written, "marked": marked})
        # The first repositories have one policy each, so that small demos show all of them.
        policy = POLICIES[number % 3 if number < 3 else random.choices((0, 1, 2), (40, 35, 25))[0]]
        repo = {"r": number, "repository": repository, "short": short, "policy": policy, "files": len(paths)}
        # Nothing tells of the runs of some: what is known of their deliveries are releases, and incidents in the tracker.
        told = number % 6 != 3
        # A cherry-pick of a squash is one commit with one author: hotfixes come from such repositories.
        # Tools that keep what was tell of the first weeks under the name that a repository had then.
        repo["former"] = f"{repository}-legacy" if number % 5 == 2 else None
        repos.append({**repo, "told": told, "release_branches": number % 3 == 0 and policy == "squash" and told})
        parts = ("",) if number % 4 != 2 else random.choice((("-api", "-worker"), ("-api", "-worker", "-admin")))
        for part in parts:
            cadence = CADENCES[number % 3 if number < 3 else random.choices((0, 1, 2), (20, 55, 25))[0]]
            services.append({"s": len(services), "r": number, "service": f"{short}{part}", "cadence": cadence})
    return {"repos": repos, "services": services, "files": files}


def _paths(short: str, random: Random, wanted: int) -> list[str]:
    """Different paths of one language; every ``BINARY_EVERY``-th is a picture (``is_picture`` in the generator)."""
    patterns = names.LANGUAGES[random.choice(sorted(names.LANGUAGES))]
    paths: dict[str, None] = {}
    while len(paths) < wanted:
        if len(paths) % BINARY_EVERY == BINARY_EVERY - 1:
            paths[f"assets/{random.choice(names.WORDS)}_{len(paths)}.png"] = None
            continue
        pattern = random.choices(patterns, (6, 3, 1))[0]
        paths[pattern.format(name=short, dir=random.choice(names.FOLDERS), word=random.choice(names.WORDS))] = None
    return list(paths)
