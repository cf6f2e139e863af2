"""How MLflow's pages show the studies of a table: address, columns, and the description of the experiment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

# Name of the stored view, in the address and in the tag of the experiment that holds it.
VIEW = "realmix"
NAME, AGE = "attributes.`Run Name`", "runDateAndNestInfo"
# Columns beside the run's name and age, in their order.
COLUMNS = (
    "tags.`verdict`", "tags.`why`", "tags.`best_mix`", "metrics.`best_mix_gain`", "metrics.`promised_gain`",
    "metrics.`realised_gain`", "params.`model`", "params.`seed`",
)  # fmt: skip

WIDTHS = dict.fromkeys(COLUMNS, 130) | {"tags.`why`": 320, "tags.`best_mix`": 240, "params.`seed`": 80}


def runs_page(experiment: str) -> str:
    """Return the part of the address, behind the server's, of the studies of a table.

    Without the workflow MLflow opens on a page for generative AI, without the view on few columns.

    Examples
    --------
    >>> runs_page("7")
    '#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=realmix'
    """
    return f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={VIEW}"


def curves_page(experiment: str, key: str, runs: Sequence[str]) -> str:
    """Return the part of the address of one chart of a metric, with a line for each run.

    Examples
    --------
    >>> page = curves_page("7", "curve/log_loss", ["ab12"])
    >>> page[:60], page[-16:]
    ('#/metric?runs=%5B%22ab12%22%5D&metric=%22curve/log_loss%22&e', 'machine_learning')
    """
    named = {"runs": list(runs), "metric": key, "experiments": [experiment], "plot_metric_keys": [key]}
    asked = "&".join(f"{name}={quote(json.dumps(value))}" for name, value in named.items())
    return f"#/metric?{asked}&x_axis=step&y_axis_scale=linear&line_smoothness=1&show_point=true&workflowType=machine_learning"


def experiment_tags(table: str) -> dict[str, str]:
    """Return the tags of a table's experiment: its description, and the columns that its page shows."""
    view = {
        "selectedColumns": COLUMNS,
        "columnOrder": [NAME, AGE, *COLUMNS],
        "columnWidths": {NAME: 330, AGE: 120} | WIDTHS,
    }
    return {
        "mlflow.note.content": f"Do synthetic rows make a model of **{table}** better? A run per study; its note tells why.",
        f"mlflow.sharedViewState.{VIEW}": json.dumps(view),
    }


def model_description(table: str, target: str) -> str:
    """Return the description of a table's registered model."""
    return (
        f"Predicts '{target}' from the raw columns of the table {table}. Each version comes from a study that compared "
        "real rows alone with mixes of real and synthetic rows; its description says which won, why, and its scores. "
        "The version with the alias champion is in use, the challenger waits for approval."
    )
