import pickle

import pytest

from realmix.tasks.core import errors
from realmix.tasks.core.errors import RealmixError, WorkerError, unknown_name

OURS = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, RealmixError)]


def test_a_name_like_none_gets_no_guess_but_the_known_ones_in_order():
    message = str(unknown_name("metric", "zzz", iter(["rmse", "accuracy"])))
    assert "did you mean" not in message
    assert message.endswith("accuracy, rmse.") and "metric 'zzz'" in message


@pytest.mark.parametrize("error", OURS)
def test_errors_cross_a_process_boundary_with_their_sentence_and_exit_code(error):
    again = pickle.loads(pickle.dumps(error("Got 3 rows, expected 60.")))
    assert type(again) is error and str(again) == "Got 3 rows, expected 60."
    assert again.exit_code == error.exit_code


def test_exit_codes_tell_bad_input_from_faults_and_from_an_interruption():
    codes = {error.__name__: error.exit_code for error in OURS}
    assert codes.pop("WorkerError") == 1
    assert codes.pop("StudyInterrupted") == 130
    assert {codes.pop(name) for name in ("Vetoed", "ValidationFailed", "ReleaseRefused")} == {3}
    assert set(codes.values()) == {2}


def test_the_traceback_of_a_worker_stays_out_of_its_sentence():
    error = WorkerError("fit raised ValueError.", "cell 'zoroastrian' in line 3")
    assert "zoroastrian" not in str(error) and "zoroastrian" in error.traceback
