"""What is installed is what was locked, and lies under one name, whatever the user's folders are called."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest

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
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    extras = [
        name
        for extra, names in project["optional-dependencies"].items()
        for name in names
        # One cannot be installed beside what is locked, and weights of the others are fetched by hand.
        if extra not in ("cuda", "tabicl", "tabpfn")
    ]
    wanted = project["dependencies"] + [name for name in extras if not name.startswith("realmix[")]
    locked = {normal(name) for name, _ in PINNED}
    for requirement in wanted:
        name = re.split(r"[\[<>=!~ ]", requirement)[0]
        assert normal(name) in locked, f"{name} is not in infra/constraints.txt"
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert "#" in line, f"{name} is not justified in pyproject.toml"


def test_every_import_of_the_code_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [
        name for extra, names in project["optional-dependencies"].items() if extra != "test" for name in names
    ]
    declared = {normal(re.split(r"[\[<>=!~ ]", name)[0]) for name in project["dependencies"] + extras}
    distributions = packages_distributions()
    undeclared = {
        f"{module} in {path.relative_to(ROOT)}"
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("*.py")
        for module in imported(path)
        if module not in sys.stdlib_module_names | {"realmix"}
        and declared.isdisjoint(map(normal, distributions.get(module, (module,))))
    }
    assert not undeclared


def normal(name: str) -> str:
    """The name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(path: Path) -> set[str]:
    """First parts of the modules that a file imports, at its top or later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_repository_names_no_place_of_a_machine():
    tracked = [p for p in ROOT.rglob("*.py") if ".venv" not in p.parts] + [
        ROOT / "README.md",
        ROOT / "Makefile",
    ]
    place = re.compile(r"/(home|root)/[a-z]")
    assert not [p for p in tracked if place.search(p.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_folder_is_imported_under_one_name_only(name):
    code = f"import realmix.{name}\ntry:\n    import {name}\nexcept ImportError as err:\n    print(err)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"import realmix.{name}" in run.stdout
