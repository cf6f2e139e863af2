"""Plug-ins of another distribution, and of a file in the user's folder, through a whole study."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DISTRIBUTION = Path(__file__).with_name("distribution")
# Loads a model where this package cannot be imported.
SERVE = """
import sys
sys.modules["realmix"] = None
import mlflow.pyfunc, pandas as pd
rows = pd.DataFrame({"age": [20.0, 60.0], "city": ["Oslo", "Rome"], "visits": [3, None]})
print(mlflow.pyfunc.load_model(sys.argv[1]).predict(rows)["prediction"].tolist())
"""


@pytest.fixture(scope="module")
def toys(installed):
    """Install the small distribution into the fresh environment while these tests run."""
    python, _ = installed
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = [*pip, "install", "--quiet", "--no-deps", str(DISTRIBUTION)]
    subprocess.run(install, check=True, capture_output=True)
    yield python
    subprocess.run([*pip, "uninstall", "--yes", "--quiet", "toy-plugins"], check=True, capture_output=True)


def study(python, folder, *arguments):
    """Run a study and return its verdict and plan."""
    command = [python.parent / "realmix", "run", *arguments, "--budget", "40s", "--out", "out"]
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / "out" / name).read_text()) for name in ("verdict.json", "plan.json")]


@pytest.mark.timeout(400)
def test_a_distribution_adds_a_source_a_metric_a_model_and_a_synthesizer_of_a_minute_a_fit(toys, project):
    verdict, plan = study(toys, project, "toy:400", "--target", "bought", "--models", "centroids")
    # The one that takes a minute is left out, and nothing that fits without it.
    assert "synthesizer jitter" in plan["left_out"]
    assert {"smote", "sequential-trees"} <= plan["synthesizers"].keys()
    assert plan["models"] == ["centroids", "class-prior"]
    assert verdict["table"]["source"] == "toy:400"
    assert verdict["real_only"]["model"] == "centroids"
    assert all("specificity" in arm["extra_metrics"] for arm in verdict["arms"])
    # What ships predicts where neither realmix nor the distribution can be imported.
    served = subprocess.check_output([sys.executable, "-c", SERVE, "out/model"], cwd=project, text=True)
    assert served.strip() == "['no', 'yes']"


@pytest.mark.timeout(400)
def test_a_file_in_the_users_folder_is_enough(installed, project):
    text = (DISTRIBUTION / "toy_plugins" / "jitter.py").read_text()
    (project / "my_jitter.py").write_text(text.replace('"jitter"', '"my-jitter"'))
    named = ["--synthesizers", "my_jitter:SPEC", "--models", "xgboost", "--ratios", "1"]
    verdict, plan = study(installed[0], project, "bundled:bank_marketing?rows=300", *named)
    assert list(plan["synthesizers"]) == ["my-jitter"]
    assert any(arm["name"].startswith("my-jitter/1/") for arm in verdict["arms"])


def test_a_plugin_that_cannot_be_imported_is_one_sentence(installed, project):
    command = [installed[0].parent / "realmix", "run", "--synthesizers", "no_such_module:SPEC"]
    done = subprocess.run(command, cwd=project, text=True, capture_output=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "The plug-in 'no_such_module:SPEC' (no_such_module:SPEC) cannot be imported" in done.stderr
