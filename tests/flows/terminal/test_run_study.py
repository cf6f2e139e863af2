"""Before a study starts: what is refused; after it: what is printed. Whole runs are in test_cli."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from realmix.flows.terminal.run_study import (
    exit_if_not_decided,
    known_reason,
    run_study,
    unfinished,
)
from realmix.flows.terminal.show_study import print_verdict
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.core.urls import reveal
from realmix.tasks.runtime import worker_process

pytestmark = pytest.mark.usefixtures("restored_environment")


def asked(place, **changes) -> StudyRequest:
    return StudyRequest(**{"table": "calls.csv", "target": "y", "out": str(place / "out"), **changes})


@pytest.mark.parametrize(
    ("changes", "runner", "address", "word"),
    [
        ({"target": "z"}, "threads", None, "'z'"),
        ({"table": "none.csv"}, "threads", None, r"none\.csv"),
        ({"synthesizers": ("ctgann",)}, "threads", None, "'ctgan'"),
        ({"metric": "rmse"}, "threads", None, "rmse"),
        ({}, "threads", "tcp://10.0.0.1:8786", "--runner dask"),
        ({"storage": "s3://bucket/place"}, "threads", None, "--runner dask"),
        ({"plan": "none.json"}, "threads", None, r"none\.json"),
    ],
)
def test_what_cannot_be_studied_is_refused_before_anything_is_written(place, changes, runner, address, word):
    before = sorted(place.iterdir())
    with pytest.raises(BadInput, match=word):
        run_study(asked(place, **changes), runner=runner, address=address, show=print_verdict)
    assert sorted(place.iterdir()) == before


def test_a_folder_that_holds_something_else_is_refused(place):
    (place / "out").mkdir()
    (place / "out" / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="other files"):
        run_study(asked(place), runner="threads", address=None, show=print_verdict)
    assert [path.name for path in (place / "out").iterdir()] == ["notes.txt"]


def test_a_state_that_cannot_be_used_is_found_before_the_study(place, monkeypatch):
    monkeypatch.setenv("REALMIX_STATE_URL", "postgresql://me:s3cret@127.0.0.1:1/team")
    with pytest.raises(BadInput, match=r"postgresql://127\.0\.0\.1:1/team cannot be used"):
        run_study(asked(place), runner="threads", address=None, show=print_verdict)
    assert not (place / "out").exists()


def test_keys_in_an_address_are_in_no_message_and_are_kept_for_reading(place):
    url = "http://me:s3cret@127.0.0.1:1/run-study.csv?signature=s3cret"
    with pytest.raises(BadInput) as caught:
        run_study(asked(place, table=url), runner="threads", address=None, show=print_verdict)
    assert "s3cret" not in str(caught.value)
    assert reveal("http://127.0.0.1:1/run-study.csv") == url


def test_a_study_that_decided_nothing_ends_with_its_own_exit_code(capsys):
    for word in ("proven", "expected to help", "keep real only", None):
        exit_if_not_decided(word)
    with pytest.raises(SystemExit) as ended:
        exit_if_not_decided("not decided")
    assert ended.value.code == 4


def test_a_table_that_leaves_a_strong_hint_open_is_refused_before_anything_is_written(place):
    table = pd.read_csv(place / "calls.csv")
    answers = np.random.default_rng(0).integers(0, 6, len(table)) + 6 * (table["y"] == "yes")
    table.assign(code=answers.map("C{}".format)).to_csv(place / "calls.csv", index=False)
    with pytest.raises(BadInput, match=r"'code' alone tells"):
        run_study(asked(place), runner="threads", address=None, show=print_verdict)
    assert not (place / "out").exists()


def refused_by_prefect() -> Exception:
    import httpx
    from prefect.exceptions import PrefectHTTPStatusError

    request = httpx.Request("POST", "http://127.0.0.1:1/api/flow_runs/x/set_state")
    answer = httpx.Response(500, request=request, json={"exception_message": "Internal Server Error"})
    return PrefectHTTPStatusError.from_httpx_error(
        httpx.HTTPStatusError("500", request=request, response=answer)
    )


def test_why_a_study_failed_is_said_though_prefect_cannot_write_that_down(monkeypatch, tmp_path):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path))
    with pytest.raises(Exception, match="500") as caught:
        try:
            raise BadInput("Cannot write the pool: no space is left on the device.")
        except BadInput:
            raise refused_by_prefect() from None
    assert str(known_reason(caught.value)) == "Cannot write the pool: no space is left on the device."
    assert known_reason(refused_by_prefect()) is None
    assert known_reason(KeyError("x")) is None
    monkeypatch.setattr(worker_process, "is_full", lambda folder: True)
    assert "no space is left" in str(known_reason(refused_by_prefect()))


def test_an_interrupted_study_without_out_goes_on_in_its_folder_and_another_does_not(place):
    def interrupted(name, key):
        asked_for = place / "runs" / name / "work" / "asked"
        asked_for.parent.mkdir(parents=True)
        asked_for.write_text(key)
        return asked_for.parents[1].relative_to(place)

    same = interrupted("calls-20260101-120000", "k1")
    interrupted("calls-20260102-120000", "k2")
    assert unfinished("calls", "k1") == same
    assert unfinished("calls", "k3") is None and unfinished("calls", None) is None
    (same / "verdict.json").touch()
    assert unfinished("calls", "k1") is None, "it is finished"
