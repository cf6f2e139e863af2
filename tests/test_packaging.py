"""What is installed is what was locked, and lies under one name, whatever the user's folders are called."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, version
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout."""
    place = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(place),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = place.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Python of a fresh environment that holds the wheel; its libraries are those of this environment."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
    # A line of a .pth file adds a folder, and does not read the .pth files in it: no checkout comes along.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*command, "--no-deps", str(wheel)], check=True, capture_output=True)
    return place / "bin" / "python", site


@pytest.fixture
def project(tmp_path):
    """A user's folder with packages of our folders' names, which must be neither imported nor in the way."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            "raise ImportError('the user's own package was imported')\n"
        )
    return tmp_path


@pytest.mark.environment
def test_the_wheel_holds_every_package_and_its_data(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    for path in subprocess.check_output(["git", "ls-files", *PACKAGES], cwd=ROOT, text=True).split():
        assert f"realmix/{path}" in held, path
    assert "realmix/tasks/core/report/templates/report.html.j2" in held
    assert "realmix/tasks/sources/data/bank_marketing.csv.gz" in held


@pytest.mark.environment
def test_nothing_but_realmix_is_at_the_top_of_site_packages(wheel, installed):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"realmix", f"realmix-{version('realmix')}.dist-info"}
    _, site = installed
    assert {path.name for path in site.iterdir()} == tops | {"libraries.pth"}


@pytest.mark.environment
def test_an_installed_realmix_says_its_version_beside_packages_of_our_folders_names(installed, project):
    python, site = installed
    code = "import realmix, realmix.tasks; print(realmix.__version__, realmix.__file__)"
    said = subprocess.check_output([python, "-c", code], cwd=project, text=True).split()
    assert said == [version("realmix"), str(site / "realmix" / "__init__.py")]
    assert (
        subprocess.check_output([python.parent / "realmix", "--version"], cwd=project, text=True).strip()
        == said[0]
    )


@pytest.mark.environment
@pytest.mark.timeout(400)
def test_an_installed_realmix_runs_a_study_beside_packages_of_our_folders_names(installed, project):
    python, _ = installed
    named = [
        "--synthesizers",
        "smote",
        "--models",
        "xgboost",
        "--ratios",
        "1",
        "--budget",
        "30s",
        "--out",
        "out",
    ]
    command = [python.parent / "realmix", "run", "bundled:bank_marketing?rows=300", *named]
    done = subprocess.run(command, cwd=project, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "Verdict: " in done.stdout
    assert (project / "out" / "model" / "MLmodel").exists()
