"""The documents build into a site without a warning, and every one of them can be reached from its navigation."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from tests.test_documents import ROOT, documents


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx")
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "infra/docs"]
    done = subprocess.run(
        [*command, "-d", str(place / "trees"), ".", str(place / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return place / "site"


@pytest.mark.timeout(600)
def test_every_document_is_a_page(site):
    missing = [
        str(path.relative_to(ROOT))
        for path in documents()
        if not (site / path.relative_to(ROOT)).with_suffix(".html").exists()
    ]
    assert not missing


def test_the_commands_and_the_contracts_are_on_their_pages(site):
    commands = (site / "infra/docs/commands.html").read_text()
    assert all(f"<h2>{name}<" in commands for name in ("run", "preview", "collect", "promote"))
    assert "SynthesizerSpec" in (site / "infra/docs/api.html").read_text()


def test_the_site_opens_at_its_front_page(site):
    assert "url=README.html" in (site / "index.html").read_text()


def test_the_generator_is_an_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {name.partition(">")[0] for name in extras["docs"]} == {"sphinx", "myst-parser", "furo"}
