"""What a model's serving functions may use, and that the code they are shipped in stands alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.models import MODELS
from realmix.tasks.models._serving import as_probabilities
from realmix.tasks.models._shipping import check_servable, own_functions, served_code

OURS = 3.0


def serve_alone(frame, spec, state):
    import math

    return as_probabilities(np.full((len(frame), 2), math.sqrt(0.25)))


def serve_with_ours(frame, spec, state):
    return np.array([OURS for _ in range(len(frame))])


def predict(frame, spec, state):
    return np.zeros(len(frame))


def decorated_by(function):
    return function


@decorated_by
def serve_decorated(frame, spec, state):
    return np.zeros(len(frame))


def serve_with_default(frame, spec, state, scale=OURS):
    return scale * np.ones(len(frame))


def serve_through_us(frame, spec, state):
    from realmix.tasks.models._serving import finite_numbers

    return finite_numbers(frame["age"])


def within(factor):
    def serve_scaled(frame, spec, state):
        return factor * np.ones(len(frame))

    return serve_scaled


def with_function(function, **changes):
    return dataclasses.replace(MODELS["linear"], name="mine", serve=function, **changes)


@pytest.mark.parametrize("name", list(MODELS))
def test_the_shipped_code_imports_nothing_of_ours_and_holds_the_serving_function(name):
    code = served_code(MODELS[name])
    assert "realmix" not in code
    assert f"def {MODELS[name].serve.__name__}(" in code
    compile(code, "served_model.py", "exec")


def test_what_a_function_imports_itself_or_finds_in_the_serving_code_is_fine():
    check_servable(with_function(serve_alone))
    assert own_functions(with_function(serve_alone)) == [serve_alone]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (serve_with_ours, "uses OURS, which the shipped model would not have"),
        (within(2.0), "uses factor, which the shipped model would not have"),
        (lambda frame, spec, state: np.zeros(len(frame)), "written with `def`"),
        (np.zeros, "written with `def`"),
        (serve_decorated, "no decorator"),
        (serve_with_default, "OURS"),
        (serve_through_us, "import nothing of realmix"),
        (predict, "has the same name as something in the serving code"),
    ],
)
def test_a_function_that_the_shipped_model_could_not_run_is_refused(function, reason):
    with pytest.raises(BadInput, match=reason):
        check_servable(with_function(function))


def test_reading_of_files_is_checked_too():
    with pytest.raises(BadInput, match="uses OURS"):
        check_servable(with_function(serve_alone, load_state=serve_with_ours))
