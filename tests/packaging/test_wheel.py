"""What is installed lies under one name, whatever a user's own folders are called."""

from __future__ import annotations

import subprocess
import zipfile
from importlib.metadata import version

import pytest

from tests.packaging.conftest import PACKAGES, ROOT


def test_the_wheel_holds_every_package_and_its_data(wheel):
    files = set(zipfile.ZipFile(wheel).namelist())
    for path in subprocess.check_output(["git", "ls-files", *PACKAGES], cwd=ROOT, text=True).split():
        assert f"realmix/{path}" in files, path
    assert "realmix/tasks/core/report/templates/report.html.j2" in files
    assert "realmix/tasks/sources/data/bank_marketing.csv.gz" in files


def test_nothing_but_realmix_is_at_the_top_of_site_packages(wheel, installed):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"realmix", f"realmix-{version('realmix')}.dist-info"}
    _, site = installed
    assert {path.name for path in site.iterdir()} == tops | {"libraries.pth"}


def test_an_installed_realmix_says_its_version_beside_packages_of_our_folders_names(installed, project):
    python, site = installed
    code = "import realmix, realmix.tasks; print(realmix.__version__, realmix.__file__)"
    printed = subprocess.check_output([python, "-c", code], cwd=project, text=True).split()
    assert printed == [version("realmix"), str(site / "realmix" / "__init__.py")]
    assert (
        subprocess.check_output([python.parent / "realmix", "--version"], cwd=project, text=True).strip()
        == printed[0]
    )


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
