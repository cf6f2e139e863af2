from __future__ import annotations

import io
import sys

import pytest

from realmix.flows.api.command import options_of, run_command
from realmix.tasks.core.errors import BadInput


def test_a_sentence_of_the_command_is_raised_with_keywords_for_options(tmp_path, monkeypatch):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    with pytest.raises(BadInput, match=r"^budget= '5s' is not a duration"):
        run_command("run", "bundled:bank_marketing", "--budget", "5s", progress=False)


@pytest.mark.parametrize("progress", [True, False])
@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--task", "classification"), r'^Invalid value "classification" for task=\. Choose from: "binary"'),
        (("--device", "gpu"), r'^Invalid value "gpu" for device=.* Did you mean "cpu"\?$'),
        (("--seed", "x"), r'^Invalid value for seed=: unable to convert "x" into int\.$'),
    ],
)
def test_a_value_that_is_not_understood_is_bad_input_with_its_reason(option, sentence, progress, tmp_path):
    with pytest.raises(BadInput, match=sentence):
        run_command("run", str(tmp_path / "t.csv"), *option, progress=progress)


def test_progress_is_printed_only_where_it_is_wanted(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    for progress, said in ((True, "missing.csv"), (False, "")):
        with pytest.raises(BadInput, match=r"missing\.csv"):
            run_command("run", str(tmp_path / "missing.csv"), "--target", "y", progress=progress)
        assert said in capsys.readouterr().err


def test_a_notebook_shows_progress_as_output_and_not_as_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with pytest.raises(BadInput):
        run_command("run", str(tmp_path / "missing.csv"), "--target", "y", progress=True)
    assert "missing.csv" in capsys.readouterr().out


def test_what_a_command_prints_is_returned():
    assert run_command("--version", progress=False).strip()


def test_an_interruption_ends_the_command_and_says_what_is_kept(tmp_path, monkeypatch):
    import psutil

    class Interrupting(io.StringIO):
        def write(self, text):
            raise KeyboardInterrupt

    before = psutil.Process().children()
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stderr", Interrupting())
    with pytest.raises(KeyboardInterrupt, match=r"^interrupted; nothing .* kept"):
        run_command("run", "bundled:bank_marketing", "--out", str(tmp_path / "out"), progress=True)
    assert set(psutil.Process().children()) <= set(before)


def test_what_is_off_is_left_out_and_nought_is_not():
    assert options_of({"trust_card": False, "seed": 0, "i_am_responsible": "mine"}) == [
        "--seed", "0", "--i-am-responsible", "mine",
    ]  # fmt: skip


def test_a_text_is_one_value_of_an_option():
    assert options_of({"models": "linear"}) == ["--models", "linear"]
