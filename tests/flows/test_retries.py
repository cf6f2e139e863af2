"""Steps that read or write outside are tried again; a wrong table or a failed gate is not."""

from __future__ import annotations

import pytest
from prefect import flow

from realmix.flows.watch import land
from realmix.tasks.core.errors import BadInput, NoAnswer, ValidationFailed
from realmix.tasks.lifecycle.notify import send
from realmix.tasks.study.ingest import ingest
from realmix.tasks.study.retries import RETRIES, is_last_attempt
from realmix.tasks.study.track import track
from realmix.tasks.study.validate import gate_raw, gate_training

pytestmark = pytest.mark.usefixtures("prefect_server")


def attempts(step, *errors):
    """Run a step that raises these errors one after the other, without its delays, in a flow; count attempts."""
    left, seen = list(errors), []

    def body() -> str:
        seen.append(is_last_attempt())
        if left:
            raise left.pop(0)
        return "done"

    quick = step.with_options(
        retry_delay_seconds=0, retry_jitter_factor=None, name="step", task_run_name="step"
    )
    quick.fn = body
    quick.isasync = False

    @flow
    def once() -> str:
        return quick()

    try:
        return len(seen), once(), seen
    except Exception as err:
        return len(seen), type(err), seen


@pytest.mark.parametrize("step", [ingest, land, send, track])
def test_what_does_not_answer_is_asked_three_times_at_most(step):
    no_answer = NoAnswer("The store does not answer.")
    _, result, seen = attempts(step, no_answer, ConnectionResetError())
    assert result == "done" and seen == [False, False, True]
    _, result, seen = attempts(step, *[no_answer] * 4)
    assert result is NoAnswer and len(seen) == 3


@pytest.mark.parametrize(
    "error", [BadInput("no"), ValidationFailed("no"), FileNotFoundError(2, "no"), ValueError()]
)
def test_what_will_not_change_is_not_repeated(error):
    _, result, seen = attempts(ingest, error)
    assert result is type(error) and len(seen) == 1


def test_gates_are_never_repeated():
    assert gate_raw.retries == gate_training.retries == 0
    assert {step.retries for step in (ingest, land, send, track)} == {RETRIES["retries"]}


def test_a_study_is_logged_at_the_second_attempt(monkeypatch, tmp_path):
    from realmix.tasks.study import track as module
    from tests.tasks.versions import N_FIRST, raw_rows, register, registry, study

    calls = []

    def log_study(*_):
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionResetError
        return {"run_id": "a", "model": "m", "version": "1"}

    monkeypatch.setattr(module, "log_study", log_study)
    with registry(tmp_path):
        folder, document = study(register("again"), raw_rows(N_FIRST), "class-prior")
        step = track.with_options(retry_delay_seconds=0, retry_jitter_factor=None)
        tracking = flow(lambda: step(folder, document), name="logged")()["tracking"]
    assert len(calls) == 2 and tracking["run_id"] == "a" and tracking["error"] is None
