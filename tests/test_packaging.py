"""What is installed is what was locked, and lies under one name, whatever the user's folders are called."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("flows", "tasks", "expectations", "infra")
PINNED = [
    line.strip().split("==")
    for line in (ROOT / "infra" / "constraints.txt").read_text().splitlines()
    if "==" in line and not line.startswith("#")
]


def test_every_installed_version_is_the_locked_one():
    differing = []
    for name, pinned in PINNED:
        try:
            installed = version(name).split("+")[0]
        except PackageNotFoundError:
            continue
        if installed != pinned:
            differing.append(f"{name}: installed {installed}, locked {pinned}")
    assert not differing, "run `make clean test`, or `make lock` for a wanted change: " + "; ".join(differing)


def test_every_dependency_is_locked_and_justified():
    import tomllib

    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    wanted = project["dependencies"] + [name for name in extras if not name.startswith("realmix[")]
    normal = {re.sub(r"[-_.]+", "-", name).lower() for name, _ in PINNED}
    for requirement in wanted:
        name = re.split(r"[\[<>=!~ ]", requirement)[0]
        assert re.sub(r"[-_.]+", "-", name).lower() in normal, f"{name} is not in infra/constraints.txt"
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert "#" in line, f"{name} is not justified in pyproject.toml"


def test_the_repository_names_no_place_of_a_machine():
    tracked = [p for p in ROOT.rglob("*.py") if ".venv" not in p.parts] + [
        ROOT / "README.md",
        ROOT / "Makefile",
    ]
    place = re.compile(r"/(home|root)/[a-z]")
    assert not [p for p in tracked if place.search(p.read_text(encoding="utf-8"))]
