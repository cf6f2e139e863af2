"""What is installed is what was locked, and our generic package names are ours alone."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    normal = {re.sub(r"[-_.]+", "-", name).lower() for name, _ in PINNED}
    for requirement in wanted:
        name = re.split(r"[\[<>=!~ ]", requirement)[0]
        assert re.sub(r"[-_.]+", "-", name).lower() in normal, f"{name} is not in infra/constraints.txt"
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert "#" in line, f"{name} is not justified in pyproject.toml"


@pytest.mark.parametrize("package", ["flows", "tasks", "expectations", "infra"])
def test_no_other_distribution_owns_our_package_names(package):
    assert set(packages_distributions().get(package, ["realmix"])) <= {"realmix"}


def test_the_repository_names_no_place_of_a_machine():
    tracked = [p for p in ROOT.rglob("*.py") if ".venv" not in p.parts] + [
        ROOT / "README.md",
        ROOT / "Makefile",
    ]
    place = re.compile(r"/(home|root)/[a-z]")
    assert not [p for p in tracked if place.search(p.read_text(encoding="utf-8"))]
