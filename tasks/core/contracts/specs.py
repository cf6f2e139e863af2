"""What a plug-in file offers: the contracts of sources, landing places, synthesizers, learners, teachers, metrics."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd

from realmix.tasks.core.table.schema import Schema, Task

if TYPE_CHECKING:
    from realmix.tasks.core.table.card import DataCard
    from realmix.tasks.core.table.card_parts import Operation
    from realmix.tasks.core.table.text_table import TextTable

ALL_TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
# Names that the decision refers to; the plug-ins of these names import them from here.
DUPLICATES, SHUFFLED_MARGINALS = CONTROLS = ("duplicates", "shuffled-marginals")
NULL_MODEL = "class-prior"
REFERENCE_MODEL = "xgboost"
# Best over the tables of the panel: a mix with its rows is each learner's default recipe.
DEFAULT_SYNTHESIZER = "sequential-trees"
# The learner that averages the teacher's members: it is tried on real rows alone.
ENSEMBLE = "ensemble"
FIRST_TO_GO = 1


class Synthesizer(Protocol):
    """A generator that learns real training rows and draws new ones; all frames are canonical.

    One that may stop training before its last step stores the number of steps it took in ``n_steps_``.
    """

    def fit(
        self, real: pd.DataFrame, *, schema: Schema, random_state: int, max_steps: int | None
    ) -> Synthesizer:
        """Learn `real`, a canonical frame of shape (n_real, n_modelled), in at most `max_steps`."""
        ...

    def sample(
        self,
        n_rows: int,
        *,
        class_counts: Mapping[str, int] | None = None,
        random_state: int,
    ) -> pd.DataFrame:
        """Draw exactly `n_rows` canonical rows; with `class_counts`, exactly these per class."""
        ...


@dataclass(frozen=True)
class SynthesizerSpec:
    """A synthesizer that can be requested by name.

    Attributes
    ----------
    name : str
        Lower case with dashes, as on the command line.
    build : callable
        ``build(card)`` returns an unfitted synthesizer; `card` is the table's data card.
    family : str
        For example "copula", "gan", "vae", "augmentation", "trees", "rules", "simulation",
        "control".
    reference : str
        Paper or documentation.
    default_steps : int or None
        Optimiser steps of one fit where it is trained in steps, else None.
    needs : str or None
        Card field without which it has nothing to work from ("rules", "simulate").
    tasks : tuple of Task
    gpu_library : {"torch", "xgboost"} or None
        Library that can train it on a GPU; what `build` returns then has a method ``to(device)``, which
        returns it.
    fit_cost, sample_cost : callable
        Expected seconds on the reference machine, for the plan:
        ``fit_cost(n_rows, n_columns, steps)``, ``sample_cost(n_rows, n_columns)``.
    libraries : tuple of str
        Modules that take long to import: imported once, before the workers are forked.
    import_seconds : float
        Seconds that they take.
    drop_order : int or None
        Place in the order in which the planner leaves synthesizers out of a study whose budget is
        short: 1 is dropped first; None is never dropped.
    preview_mix : tuple of (float, {"joint", "teacher"}) or None
        Synthetic rows per real row and label rule with which ``realmix preview`` tries it; None
        where a fit takes more than a moment.
    releasable : bool
        Whether its rows may be shared where no leak is found; False where it repeats or blends single real rows by
        its design. Such rows may train a model.
    """

    name: str
    build: Callable[[DataCard], Synthesizer]
    family: str
    reference: str
    fit_cost: Callable[[int, int, int], float]
    sample_cost: Callable[[int, int], float]
    default_steps: int | None = None
    needs: str | None = None
    tasks: tuple[Task, ...] = ALL_TASKS
    gpu_library: str | None = None
    libraries: tuple[str, ...] = ()
    import_seconds: float = 0.0
    drop_order: int | None = FIRST_TO_GO
    preview_mix: tuple[float, Literal["joint", "teacher"]] | None = None
    releasable: bool = True

    @property
    def is_control(self) -> bool:
        """Whether every study runs it: other mixes are held against it."""
        return self.name in CONTROLS


class Predictor(Protocol):
    """What learns canonical features and predicts."""

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> Predictor:
        """Learn from soft targets.

        `X` is a canonical frame of features; `y_proba` has shape (n_rows, n_classes), rows
        summing to 1, or (n_rows,) for regression; `sample_weight` has shape (n_rows,), >= 0.
        """
        ...

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return class probabilities of shape (n_rows, n_classes), or numbers of shape (n_rows,)."""
        ...


class Model(Predictor, Protocol):
    """A downstream learner on canonical features, which may ship."""

    def fit(self, X: pd.DataFrame, y_proba: np.ndarray, sample_weight: np.ndarray) -> Model:
        """Learn from soft targets: see :class:`Predictor`."""
        ...

    def export(self, folder: Path) -> dict[str, Any]:
        """Write data files (no pickle) and return the JSON-able values that `ModelSpec.serve` reads."""
        ...


Values = Mapping[str, Any]


@dataclass(frozen=True)
class Footprint:
    """Most that a fitted model takes when it serves, over its first eight trials.

    Attributes
    ----------
    milliseconds : float
        For 1,000 rows in one call, on the reference machine. Reading their cells takes the same time for every
        learner, and is not in it.
    megabytes : float
        Of its data files.
    leaves : int
        Of all its trees; 0 for a learner without trees.
    """

    milliseconds: float
    megabytes: float
    leaves: int = 0


@dataclass(frozen=True)
class ModelSpec:
    """A downstream model that can be requested by name.

    Attributes
    ----------
    name : str
    build : callable
        ``build(schema, params, random_state, n_jobs)`` returns an unfitted model.
    search_space : callable
        ``search_space(trial, schema)`` returns the parameters of trial 0, 1, 2, ...: trial 0
        holds sensible defaults, later ones differ; deterministic.
    reference : str
    serve : callable
        ``serve(frame, spec, state)`` predicts canonical features as :meth:`Model.predict` does, from
        what ``export`` returned and `load_state` read. Its source is copied into the shipped model, which
        loads without this package: it may use what it imports itself, and the names of
        :mod:`realmix.tasks.models._serving`, ``np`` and ``pd`` among them.
    load_state : callable or None
        ``load_state(folder, spec)`` reads the data files of ``export``, without unpickling; copied likewise.
        None where everything is in the spec.
    requirements : tuple of str
        Distribution names a reloaded model needs beside mlflow, numpy and pandas.
    is_null : bool
        True for the class prior (or mean), which knows no feature.
    is_teacher : bool
        Whether it is a member of the ensemble that labels synthetic rows.
    is_student : bool
        Whether ``realmix preview`` trains it on mixes too: fits on several times the rows stay cheap.
    final_seeds : int
        Seeds that a final fit takes the mean of, in one model: `build` then takes their number as the parameter
        ``n_seeds``. Of the mix that ships and of real only alike.
    is_default : bool
        Whether it competes where nobody asks for it; False where it does only if it is named, or if the card
        asks for a readable learner and it is one.
    is_monotone : bool
        Whether it keeps to `monotone` of the schema.
    write_readable : callable or None
        ``write_readable(spec, schema, real)`` writes a fitted model out for people: content by file name, with
        one ``.txt``, from what ``export`` returned and the canonical real training rows. None for a learner
        that people cannot follow by hand.
    footprint : callable or None
        ``footprint(n_rows, n_columns, n_levels, n_classes)``: what the model takes when it serves, at most, after
        training on `n_rows`; `n_classes` is 1 for a quantity. None where it is not declared.
    drop_order : int or None
        As of :class:`SynthesizerSpec`.
    tasks : tuple of Task
    gpu_library : {"torch", "xgboost"} or None
        As of :class:`SynthesizerSpec`.
    fit_cost : callable
        ``fit_cost(n_rows, n_columns, n_classes)``: expected seconds on one thread of the
        reference machine; `n_classes` is 1 for a quantity.
    fit_bytes : callable
        ``fit_bytes(n_rows, n_columns, n_levels)``: most memory that one fit takes beside the rows
        it is given; `n_levels` counts the one-hot columns of all categories.
    """

    name: str
    build: Callable[[Schema, Mapping[str, Any], int, int], Model]
    search_space: Callable[[int, Schema], dict[str, Any]]
    reference: str
    fit_cost: Callable[[int, int, int], float]
    serve: Callable[[pd.DataFrame, Values, Values], np.ndarray]
    load_state: Callable[[Path, Values], Values] | None = None
    requirements: tuple[str, ...] = ()
    is_null: bool = False
    is_teacher: bool = False
    is_student: bool = False
    final_seeds: int = 1
    is_default: bool = True
    is_monotone: bool = False
    write_readable: Callable[[Values, Schema, pd.DataFrame], dict[str, str]] | None = None
    footprint: Callable[[int, int, int, int], Footprint] | None = None
    drop_order: int | None = FIRST_TO_GO
    tasks: tuple[Task, ...] = ALL_TASKS
    gpu_library: str | None = None
    # Codes as float64, their copy as float32, and what a library makes of these.
    fit_bytes: Callable[[int, int, int], float] = field(
        default=lambda n_rows, n_columns, n_levels: 24.0 * n_rows * n_columns
    )


@dataclass(frozen=True)
class TeacherSpec:
    """A model that labels rows where the user asks for it, and never ships.

    It may memorise the rows that it learnt, as models do that predict in context: its labels of these rows are
    those of fits that did not see them.

    Attributes
    ----------
    name : str
    build : callable
        ``build(schema, random_state, n_jobs)`` returns an unfitted model without settings to tune.
    reference : str
    fit_cost : callable
        As of :class:`ModelSpec`: fitted, and each of the fitted rows predicted once.
    row_cost : callable
        ``row_cost(n_learnt, n_columns)``: expected seconds of labelling one row after `n_learnt` were learnt.
    weights : callable
        ``weights(schema)`` returns the files of pretrained weights that it reads, which are part of the plan. It
        raises :class:`~realmix.tasks.core.errors.BadInput` where they or its library are missing.
    max_rows, max_columns, max_classes : int or None
        Training rows, features and classes that it was made for; None where there is no limit.
    tasks : tuple of Task
    gpu_library : {"torch", "xgboost"} or None
        As of :class:`SynthesizerSpec`.
    fit_bytes : callable
        As of :class:`ModelSpec`.
    """

    name: str
    build: Callable[[Schema, int, int], Predictor]
    reference: str
    fit_cost: Callable[[int, int, int], float]
    row_cost: Callable[[int, int], float]
    weights: Callable[[Schema], tuple[Path, ...]] = field(default=lambda schema: ())
    max_rows: int | None = None
    max_columns: int | None = None
    max_classes: int | None = None
    tasks: tuple[Task, ...] = ALL_TASKS
    gpu_library: str | None = None
    fit_bytes: Callable[[int, int, int], float] = field(
        default=lambda n_rows, n_columns, n_levels: 24.0 * n_rows * n_columns
    )


@dataclass(frozen=True)
class MetricSpec:
    """A score of predictions against truth.

    Attributes
    ----------
    name : str
        scikit-learn's name where it has one, for example "roc_auc".
    compute : callable
        ``compute(y_true, y_pred, sample_weight)``: `y_true` holds class codes (int) or
        numbers (but see `scores_costs`), `y_pred` has shape (n_rows, n_classes) or (n_rows,).
    greater_is_better : bool
    bounds : tuple of float
        Lowest and highest possible value.
    tasks : tuple of Task
    margin : float
        Smallest difference that matters in practice.
    margin_is_relative : bool
        True where `margin` is a share of the real-only score.
    row_loss : callable or None
        ``row_loss(y_true, y_pred)`` of shape (n_rows,) where the metric is (a monotone
        transform of) a mean over rows, lower is better; None otherwise.
    from_mean_loss : callable
        Turns a mean of row losses into the metric (identity, or a square root).
    best_threshold : callable or None
        ``best_threshold(y_true, p_positive, sample_weight)``: the probability from which on a row is labelled
        as the positive one of two classes. Tuned on out-of-fold predictions and served with the model; None
        where the most probable class is the label.
    tuned_threshold : bool
        True where predictions of two classes are scored as labels, made with a `best_threshold` that was
        tuned on other rows.
    scores_costs : bool
        True where `y_true` is the cost of each decision on a row, shape (n_rows, n_classes), as the card
        gives it, instead of its class.
    needs : str or None
        Card field without which it cannot be computed ("costs", "alert_rate").
    for_card : callable or None
        ``for_card(card)`` returns the metric of one table; None where it is the same for every table.
    compute_draws : callable or None
        ``compute_draws(y_true, y_pred, weights)``: scores of shape (n_draws,) under many
        weightings at once, `weights` of shape (n_draws, n_rows), the same as those of `compute`.
        Worth offering where `row_loss` is None: folds and bootstraps are scored by it, otherwise
        by `compute`, draw by draw.
    """

    name: str
    compute: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
    greater_is_better: bool
    bounds: tuple[float, float]
    tasks: tuple[Task, ...]
    margin: float
    margin_is_relative: bool
    row_loss: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    from_mean_loss: Callable[[Any], Any] = field(default=lambda loss: loss)
    best_threshold: Callable[[np.ndarray, np.ndarray, np.ndarray], float] | None = None
    tuned_threshold: bool = False
    scores_costs: bool = False
    needs: str | None = None
    for_card: Callable[[DataCard], MetricSpec] | None = None
    compute_draws: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None


class Source(Protocol):
    """Where real rows come from.

    A source whose text nobody has interpreted yet has a method ``read()`` too: it returns a
    :class:`~realmix.tasks.core.table.text_table.TextTable`, or a frame whose columns of text are interpreted.
    """

    def load(self) -> pd.DataFrame:
        """Read all rows, with the source's own column names and types."""
        ...

    def describe(self) -> dict[str, Any]:
        """Describe what was read and detected (format, delimiter, encoding), without secrets."""
        ...


@dataclass(frozen=True)
class SourceSpec:
    """A kind of source; ``matches(location)`` is True for a location, or a dataframe, of this kind."""

    name: str
    matches: Callable[[Any], bool]
    build: Callable[[Any], Source]
    order: int = 50


@dataclass(frozen=True)
class Landed:
    """One step of reading a landing place: a batch, or only the position that was reached.

    Attributes
    ----------
    cursor : JSON-able
        Position up to which the place is read once this step is stored.
    name : str
        Of the file, object or table, for display; empty where there is no batch.
    rows : TextTable or DataFrame or None
        As the place holds them: text that nobody has interpreted yet, or columns of a database's types.
    refusal : str or None
        Why the content is not a table.
    fingerprint : str
        Hash of the bytes of a file.
    source : dict
        What was read and detected, without secrets.
    """

    cursor: Any
    name: str = ""
    rows: TextTable | pd.DataFrame | None = None
    refusal: str | None = None
    fingerprint: str = ""
    source: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LandingSpec:
    """A kind of place where new rows of a table appear.

    Attributes
    ----------
    name : str
    matches : callable
        ``matches(location)`` is True for a location of this kind.
    read : callable
        ``read(location, operation, cursor)`` yields what is new and complete, step by step, oldest
        first; only the cursor of a stored step may be passed back. A place that cannot be reached raises
        :class:`~realmix.tasks.core.errors.BadInput` and is tried again at the next poll.
    start : callable or None
        ``start(operation, rows)``: cursor of the first poll, where it follows from the rows the table has.
    """

    name: str
    matches: Callable[[str], bool]
    read: Callable[[str, Operation, Any], Generator[Landed, None, None]]
    start: Callable[[Operation, pd.DataFrame], Any] | None = None
