"""Mixes, learners and arms in words: the one place that names them, for verdicts, the terminal, reports and MLflow."""

from __future__ import annotations

from typing import Any, Protocol

from realmix.tasks.core.contracts.specs import DUPLICATES, ENSEMBLE, NULL_MODEL, SHUFFLED_MARGINALS

# Names that are not written as their plug-ins are called, with a dash for a blank.
SYNTHESIZERS = {
    "ctgan": "CTGAN",
    "copulagan": "CopulaGAN",
    "dp": "differentially private",
    "gaussian-copula": "Gaussian copula",
    "smote": "SMOTE",
    "tvae": "TVAE",
    DUPLICATES: "repeated real",
    SHUFFLED_MARGINALS: "column-shuffled",
}
LEARNERS = {
    ENSEMBLE: "ensemble of unlike models",
    NULL_MODEL: "constant",
    "linear": "linear model",
    "mlp": "neural network",
    "xgboost": "XGBoost",
}
COUNTS = {
    0.5: "one per two real rows",
    1.0: "one per real row",
    2.0: "two per real row",
    5.0: "five per real row",
}


class Recipe(Protocol):
    """The fields of a mix, as a :class:`~realmix.tasks.core.mixes.arms.Mix` and documents hold them."""

    @property
    def synthesizer(self) -> str | None: ...  # noqa: D102
    @property
    def synthetic_ratio(self) -> float: ...  # noqa: D102
    @property
    def weight(self) -> float: ...  # noqa: D102
    @property
    def label_rule(self) -> Any: ...  # noqa: D102
    @property
    def balance(self) -> Any: ...  # noqa: D102
    @property
    def real_labels(self) -> Any: ...  # noqa: D102


def synthesizer_in_words(name: str) -> str:
    """Name a synthesizer.

    Examples
    --------
    >>> synthesizer_in_words("ctgan"), synthesizer_in_words("sequential-trees")
    ('CTGAN', 'sequential trees')
    """
    return SYNTHESIZERS.get(name, name.replace("-", " "))


def learner_in_words(name: str) -> str:
    """Name a learner.

    Examples
    --------
    >>> learner_in_words("linear"), learner_in_words("random-forest")
    ('linear model', 'random forest')
    """
    return LEARNERS.get(name, name.replace("-", " "))


def a_learner(name: str) -> str:
    """Name a learner with its article; a name that begins with a capital has none.

    Examples
    --------
    >>> a_learner("ensemble"), a_learner("linear"), a_learner("xgboost")
    ('an ensemble of unlike models', 'a linear model', 'XGBoost')
    """
    words = learner_in_words(name)
    return words if words[0].isupper() else f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def mix_in_words(mix: Recipe) -> str:
    """Describe a mix as a clause.

    Examples
    --------
    >>> from realmix.tasks.core.mixes.arms import Mix
    >>> mix_in_words(Mix("ctgan", 2.0, 0.3, "teacher"))
    'CTGAN rows, two per real row, labelled by the ensemble, weighing 0.3 of the real rows'
    >>> mix_in_words(Mix()), mix_in_words(Mix(label_rule="teacher"))
    ('your real rows alone', 'your real rows alone, with labels softened by the ensemble')
    >>> mix_in_words(Mix("smote", 1.5, 5.0, real_labels="half"))
    "SMOTE rows, 1.5 per real row, weighing 5 times the real rows, with real labels half the ensemble's"
    """
    if mix.synthesizer is None:
        softened = ", with labels softened by the ensemble" if mix.label_rule == "teacher" else ""
        weighted = ", with class weights" if mix.balance == "balanced" else ""
        return f"your real rows alone{softened or weighted}"
    count = COUNTS.get(mix.synthetic_ratio, f"{mix.synthetic_ratio:g} per real row")
    parts = [f"{synthesizer_in_words(mix.synthesizer)} rows", count]
    if mix.label_rule == "teacher":
        parts.append("labelled by the ensemble")
    if mix.weight != 1:
        parts.append(f"weighing {mix.weight:g} {'of' if mix.weight < 1 else 'times'} the real rows")
    if mix.balance == "balanced":
        parts.append("with the rare class raised")
    if mix.real_labels == "half":
        parts.append("with real labels half the ensemble's")
    return ", ".join(parts)


def arm_in_words(mix: Recipe, model: str) -> str:
    """Describe a mix with its learner.

    Examples
    --------
    >>> from realmix.tasks.core.mixes.arms import Mix
    >>> arm_in_words(Mix("ctgan", 1.0, label_rule="teacher"), "linear")
    'CTGAN rows, one per real row, labelled by the ensemble; linear model'
    """
    return f"{mix_in_words(mix)}; {learner_in_words(model)}"
