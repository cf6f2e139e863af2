"""The source of a shipped model: the shared serving code, and the model's own functions after it."""

from __future__ import annotations
import __future__

import builtins
import dis
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from realmix.tasks.core.contracts.specs import ModelSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table import dates_as_written, markers, numbers_as_written, served_rows
from realmix.tasks.models import _serving

# The code that every shipped model has, in this order.
SHARED = (markers, numbers_as_written, dates_as_written, served_rows, _serving)
FUTURE = "from __future__ import annotations"
ENTRY_POINT = '''

import mlflow  # noqa: E402


class ServedModel(mlflow.pyfunc.PythonModel):
    """The model as MLflow loads it."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        self.served = Served(Path(context.artifacts["data"]), {serve}, {load_state}, canonical_features)

    def predict(
        self,
        context: mlflow.pyfunc.PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        return self.served.predict(model_input, (params or {}).get("threshold"))


mlflow.models.set_model(ServedModel())
'''


def served_code(spec: ModelSpec, members: Sequence[ModelSpec] = ()) -> str:
    """Return the source of the module that a shipped model loads; it does not import this package.

    Parameters
    ----------
    spec : ModelSpec
    members : sequence of ModelSpec
        The kinds of the members of an ensemble.

    Returns
    -------
    str
        Python source.
    """
    load_state = spec.load_state or _serving.load_nothing
    own = [*_of_members(members), *map(_source, own_functions(spec))]
    entry = ENTRY_POINT.replace("{serve}", spec.serve.__name__).replace("{load_state}", load_state.__name__)
    return "\n\n".join([FUTURE, *map(_shipped, SHARED), *own]) + entry


def _shipped(module: ModuleType) -> str:
    """Return the source of a shared module without its imports of modules that are shipped beside it."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    return re.sub(r"^from (__future__|realmix\S+) import [^\n]+\n", "", source, flags=re.MULTILINE)


def _of_members(members: Sequence[ModelSpec]) -> list[str]:
    """Return the sources of members' functions, each with the name of its kind, and the table of them."""
    if not members:
        return []
    sources, rows = [], []
    for spec in members:
        kind = spec.name.replace("-", "_")
        names = []
        for function in (spec.serve, spec.load_state or _serving.load_nothing):
            names.append(function.__name__)
            if function in own_functions(spec):
                names[-1] = f"{function.__name__}_{kind}"
                sources.append(_source(function).replace(f"def {function.__name__}(", f"def {names[-1]}(", 1))
        rows.append(f'    "{spec.name}": ({names[0]}, {names[1]}),')
    return [*sources, "\n".join(["MEMBERS = {", *rows, "}"])]


def _source(function: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(function))


def own_functions(spec: ModelSpec) -> list[Callable[..., Any]]:
    """Return those of a model's serving functions that the shared module does not define."""
    functions: list[Callable[..., Any]] = [spec.serve, spec.load_state or _serving.load_nothing]
    return [function for function in functions if function.__module__ != _serving.__name__]


def check_servable(spec: ModelSpec) -> None:
    """Refuse a model whose serving functions need more than a shipped model has.

    Raises
    ------
    BadInput
        If one is no plain function, or uses a name that a shipped model does not define.
    """
    for function in own_functions(spec):
        where = f"The model '{spec.name}': `{getattr(function, '__name__', function)}`"
        if not inspect.isfunction(function) or function.__name__ == "<lambda>":
            raise BadInput(f"{where} must be a function written with `def`: its source is shipped.")
        if hasattr(_serving, function.__name__):
            raise BadInput(
                f"{where} has the same name as something in the serving code: choose another name."
            )
        shared, own = vars(_serving), function.__globals__
        missing = [
            name
            for name in sorted(_global_names(function.__code__))
            if not hasattr(builtins, name) and not (name in shared and own.get(name) is shared[name])
        ]
        missing += function.__code__.co_freevars
        if missing:
            raise BadInput(
                f"{where} uses {', '.join(missing)}, which the shipped model would not have: import or "
                "define these inside the function."
            )
        _run_alone(function, where)


def _run_alone(function: Callable[..., Any], where: str) -> None:
    """Define a function from its source beside the shared code alone, as a shipped model does."""
    source = textwrap.dedent(inspect.getsource(function))
    if source.startswith("@") or re.search(r"^\s*(from|import)\s+realmix\b", source, re.MULTILINE):
        raise BadInput(
            f"{where} must have no decorator and import nothing of realmix: a shipped model loads without it."
        )
    code = compile(source, function.__name__, "exec", flags=__future__.annotations.compiler_flag)
    try:
        exec(code, dict(vars(_serving)))
    except NameError as err:
        raise BadInput(
            f"{where} cannot be defined in the shipped model ({err}): use no names in its defaults."
        ) from err


def _global_names(code: CodeType) -> set[str]:
    """Collect the global names that a function, and the functions inside it, look up."""
    names = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return names.union(*map(_global_names, inner))
