"""Differential privacy: what epsilon costs, and an audit that must find out noise that is too small."""

from __future__ import annotations

import numpy as np

from realmix.tasks.core.release.audit import Audit, audit_noise
from realmix.tasks.core.release.marginals import Marginals
from realmix.tasks.core.seeds import derive_seed
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.metrics import METRICS
from realmix.tasks.study.fidelity import utility
from realmix.tasks.synthesizers._noise import noise_scale, repeatable_noise, spent
from realmix.tasks.synthesizers.dp import NoisyMarginals, terms_of
from tests.trust.section import Section
from tests.trust.subjects import SEED, Subject

EPSILONS = (1.0, 3.0, 100.0)
# As good as none, so that the cost of noise stands beside that of the marginals.
NOISELESS = EPSILONS[-1]
N_REPEATS = 3
# What a wrong noise is wrong by.
TOO_SMALL = 8


def dp(subject: Subject) -> Section:
    """Draw rows within several budgets, train on them, and audit right and wrong noise."""
    rows, controls = [], {}
    real_auc = 0.0
    for epsilon in EPSILONS:
        card = subject.card.model_copy(
            update={"dp": terms_of(subject.card).model_copy(update={"epsilon": epsilon})}
        )
        aucs, real_auc = usefulness(subject, card)
        said = f"{np.mean(aucs):.3f} ± {np.std(aucs, ddof=1) / len(aucs) ** 0.5:.3f}"
        if epsilon == NOISELESS:
            rows.append((f"{epsilon:g} (nearly no noise)", said, "", "", ""))
            continue
        scale, epsilon_spent = noise_of(card)
        right, wrong = (audit(subject, card, scale / factor) for factor in (1, TOO_SMALL))
        rows.append((f"{epsilon:g}", said, f"{epsilon_spent:.3g}", bound(right), bound(wrong)))
        controls[f"epsilon {epsilon:g}: the audit does not refute the right noise"] = (
            right.lower_bound <= epsilon
        )
        controls[f"epsilon {epsilon:g}: it refutes an eighth of the noise"] = wrong.lower_bound > epsilon
    rows.append(("control: real rows", f"{real_auc:.3f}", "", "", ""))
    header = (
        "epsilon",
        "AUC trained on as many rows",
        "spent, by the accounting",
        "at least, by the audit",
        "control: an eighth of the noise",
    )
    return Section(f"Differential privacy (bins {subject.bins})", header, rows, controls)


def usefulness(subject: Subject, card: DataCard) -> tuple[list[float], float]:
    """Train on drawn rows a few times, and on real rows once."""
    real, schema = subject.real, subject.schema
    scores = []
    for repeat in range(N_REPEATS):
        learned = NoisyMarginals(card).fit(
            real.learned, schema=schema, random_state=derive_seed(SEED, "dp", repeat), max_steps=None
        )
        drawn = learned.sample(len(real.learned), random_state=derive_seed(SEED, "dp", "sample", repeat))
        (score,) = utility(drawn, real.learned, real.other, schema, [METRICS["roc_auc"]], seed=SEED)
        scores.append(score)
    return [score.synthetic for score in scores], float(scores[0].real)


def noise_of(card: DataCard) -> tuple[float, float]:
    """Return the noise on each count, and the epsilon that it spends."""
    terms = terms_of(card)
    sensitivity = Marginals.declared(terms, card.target).sensitivity(terms.rows)
    scale = noise_scale(terms.epsilon, terms.delta, sensitivity)
    return scale, spent(scale, terms.delta, sensitivity)


def audit(subject: Subject, card: DataCard, scale: float) -> Audit:
    """Guess planted rows from noisy counts."""
    terms = terms_of(card)
    return audit_noise(
        lambda counts: repeatable_noise(counts, scale, seed=derive_seed(SEED, "noise")),
        n_features=len(terms.columns) - 1,
        delta=terms.delta,
        seed=derive_seed(SEED, "audit"),
    )


def bound(found: Audit) -> str:
    """Describe what an audit found."""
    return f"{found.lower_bound:.2f} ({found.n_right} of {found.n_guesses} right)"
