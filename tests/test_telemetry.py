"""No library of ours tells anybody anything unless somebody asks it to."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
from realmix.flows.local import environment
environment.prepare()
import mlflow.telemetry.utils, prefect.settings
assert mlflow.telemetry.utils.is_telemetry_disabled()
assert prefect.settings.get_current_settings().server.analytics_enabled is False
import os
assert os.environ["DO_NOT_TRACK"] == "true" and os.environ["GX_ANALYTICS_ENABLED"] == "false"
"""


def test_telemetry_of_every_library_is_off(tmp_path):
    env = {
        k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "PREFECT", "DO_NOT", "GX_", "CI"))
    }
    env |= {"REALMIX_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CODE], env=env, cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
