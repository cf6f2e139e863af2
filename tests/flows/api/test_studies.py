"""One small study from Python and one from the command line, of the same table by the same plan."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from html import escape
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

import realmix
from realmix.flows.terminal.finished_commands import show
from realmix.tasks.core.errors import BadInput

PLAN = Path(__file__).parents[2] / "same_verdict" / "plans" / "binary-tumours.json"
README = Path(__file__).parents[3] / "flows" / "api" / "README.md"
FIRST_BLOCK, *BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
SMALL = {
    "synthesizers": {"smote": None},
    "ratios": [1.0],
    "models": ["linear", "class-prior"],
    "teacher": [["linear", 0]],
    "n_folds": 2,
    "n_trials": 1,
    "real_labels": ["own"],
    "n_bootstrap": 200,
    "curve_repeats": 0,
}
# When and where it ran, and how a cell of text was read: a table in memory has types.
CIRCUMSTANCES = ("study", "seconds", "race", "reading", "table", "tracking", "digests")


@pytest.fixture(scope="module")
def frame():
    return load_breast_cancer(as_frame=True).frame.iloc[:200].rename(columns={"target": "churned"})


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    path.write_text(json.dumps(json.loads(PLAN.read_text()) | SMALL))
    return path


@pytest.fixture(scope="module")
def study(frame, plan, tmp_path_factory):
    """The study of the README, by a small plan instead of a budget of minutes."""
    place = tmp_path_factory.mktemp("python")
    code = FIRST_BLOCK.replace('budget="4m"', "plan=plan, out=out, progress=False")
    names = {"df": frame, "plan": plan, "out": place / "study"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REALMIX_HOME", str(place / "home"))
        exec(code, names)
    return names["study"]


def test_python_and_the_command_line_give_the_same_verdict_bit_for_bit(study, frame, plan, tmp_path):
    frame.to_csv(tmp_path / "table.csv", index=False)
    command = [
        sys.executable,
        "-P",
        "-m",
        "realmix",
        "run",
        "table.csv",
        "--target",
        "churned",
        "--plan",
        str(plan),
    ]
    environment = {**os.environ, "REALMIX_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [*command, "--out", "study"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    other = realmix.load(tmp_path / "study")
    one, two = (
        {key: value for key, value in each.document.to_dict().items() if key not in CIRCUMSTANCES}
        for each in (study, other)
    )
    assert one == two
    for key in ("snapshot", "plan", "training"):
        assert study.document.digests[key] == other.document.digests[key]


def test_a_study_is_read_again_from_its_folder(study):
    again = realmix.load(study.folder)
    assert (again.verdict, again.sentence, again.reason) == (study.verdict, study.sentence, study.reason)
    assert again.leaderboard().equals(study.leaderboard())


def test_the_leaderboard_has_real_only_and_what_was_compared_with_it(study):
    board = study.leaderboard()
    assert {"real-only", "smote/1/joint", "smote/1/teacher"} <= set(board["mix"])
    assert board.index[0] == board.sort_values("score").index[0]


def test_learners_have_numbers_of_what_the_terminal_shows(study):
    (found,), table = study.document.learners, study.learners
    assert table.index.tolist() == ["linear"]
    row = table.loc["linear"]
    assert row["verdict"] == found.word
    assert (row["real_only_score"], row["mix_score"]) == (found.real_only.score, found.mix.score)
    assert tuple(row[["gain", "gain_low", "gain_high"]]) == (found.mix.gain, *found.mix.interval)
    promised = table[["promised_gain", "promised_low", "promised_high"]]
    assert promised.isna().all(axis=None) == (found.word == "keep real only")
    numbers = table.drop(columns=["verdict", "sentence"])
    assert set(numbers.dtypes) == {np.dtype(float)}
    for column in table:
        assert column in type(study).learners.__doc__


def test_a_learner_without_a_mix_has_numbers_that_are_missing_and_one_that_ships_has_a_promise(study):
    (found,) = study.document.learners
    without = found.model_copy(update={"mix": None, "gain": None, "interval": None})
    ships = found.model_copy(update={"gain": 0.02, "interval": (0.01, None)})
    learners = dataclasses.replace(
        study, document=study.document.model_copy(update={"learners": (without, ships)})
    ).learners
    assert learners.iloc[0][["mix_score", "gain", "gain_low", "promised_gain"]].isna().all()
    assert learners.iloc[1][["promised_gain", "promised_low"]].tolist() == [0.02, 0.01]
    assert learners["promised_high"].isna().all()


def test_the_repr_of_a_study_is_one_line(study):
    assert repr(study) == f"Study('{study.folder}', '{study.verdict}')"


def test_the_model_predicts_new_rows_with_missing_cells(study, frame):
    rows = frame.head(4).drop(columns="churned").astype(object)
    rows.iloc[0, 0] = None
    proba = study.model.predict_proba(rows)
    assert proba.shape == (4, 2)
    assert proba.sum(axis=1) == pytest.approx(1)
    assert len(study.model.predict(rows)) == 4


def test_the_training_rows_say_which_are_real(study):
    assert "real" in set(study.training["_realmix_origin"])


def test_a_notebook_shows_what_the_terminal_prints(study, capsys):
    page = study._repr_html_()
    for part in (study.verdict, study.sentence, study.reason, study.report().as_uri()):
        assert escape(part) in page
    assert study.report().exists()
    show(str(study.folder))
    assert capsys.readouterr().out.strip() == str(study)


def test_the_readme_does_what_it_says(study, frame):
    X, y = frame.drop(columns="churned"), frame["churned"]
    names = {"realmix": realmix, "study": study, "new_rows": X.head(), "X": X, "y": y}
    for block in BLOCKS:
        exec(block, names)
    assert names["probabilities"].shape == (5, 2)
    assert names["again"].verdict == study.verdict
    assert len(names["more_X"]) == len(names["more_y"]) >= len(X)


@pytest.mark.parametrize("progress", [True, False])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r"^No target for the frame: name the column to predict with target=\."),
        ({"card": {"time": "mean area"}}, r"^card=: `target`: Field required"),
        ({"target": "churned", "card": {"time": 7}}, r"^card=: `time`: Input should be a valid string"),
        ({"target": "churned", "card": {"time": "nowhere"}}, r"nowhere"),
    ],
)
def test_sentences_name_a_frame_and_a_card_as_python_gave_them(
    options, sentence, progress, frame, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    with pytest.raises(BadInput, match=sentence) as raised:
        realmix.preview(frame, progress=progress, **options)
    for said in (str(raised.value), capsys.readouterr().err):
        assert str(tmp_path) not in said and ".yaml" not in said and ".parquet" not in said


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"holds no verdict\.json"):
        realmix.load(tmp_path)


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, realmix; print(sorted({'pandas', 'prefect', 'mlflow', 'sklearn', 'torch'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        realmix.nonsense  # noqa: B018
