"""Release: what is left of drawn rows, how like the table they are, and what a model learns of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from realmix.tasks.core.privacy.assessment import assess_privacy
from realmix.tasks.core.privacy.study_privacy import judge_pool
from realmix.tasks.core.release.draw import as_file, identifying
from realmix.tasks.core.release.suppress import shows_rare
from realmix.tasks.core.table.rules import violations
from realmix.tasks.metrics import METRICS
from realmix.tasks.study.fidelity import fidelity, utility
from realmix.tasks.study.release import draw
from realmix.tasks.synthesizers import SYNTHESIZERS
from tests.trust.section import Section
from tests.trust.subjects import SEED, Subject

RELEASED = ("gaussian-copula", "dp", "sequential-trees")
# Refused by design, columns that do not go together, and copies passed off as harmless.
REFUSED, UNRELATED, COPIES = "smote", "shuffled-marginals", "duplicates"
HEADER = ("synthesizer", "shared", "rows", "dropped: rule, rare", "rare cells before, after", "rules broken", "fidelity (other real rows)", "AUC trained on it (on real rows)")  # fmt: skip


def release(subject: Subject) -> Section:
    """Release by several synthesizers, two controls among them."""
    made = {name: trial(subject, name) for name in (*RELEASED, UNRELATED, COPIES)}
    rows = [row for row, _ in made.values()] + [
        (f"control: {REFUSED}", "no: by its design", *[""] * (len(HEADER) - 2))
    ]
    facts = {name: found for name, (_, found) in made.items()}
    controls = {
        "no shared table breaks a rule or shows a rare cell": not any(
            facts[name]["broken"] or facts[name]["rare"] for name in facts
        ),
        "copies passed off as harmless are refused": not facts[COPIES]["shared"],
        f"'{REFUSED}' is refused by its design": not SYNTHESIZERS[REFUSED].releasable,
        "columns that do not go together teach a model less than real rows do": facts[UNRELATED]["auc"]
        < facts[UNRELATED]["real auc"] - 0.05,
    }
    return Section("Release of a synthetic table", HEADER, rows, controls)


def trial(subject: Subject, name: str) -> tuple[tuple[str, ...], dict[str, float]]:
    """Make a table to share, as a release does, and judge it as if the synthesizer were harmless."""
    schema, real, spec = subject.schema, subject.real, SYNTHESIZERS[name]
    rows, dropped = draw(spec, subject.card, real.learned, schema, len(real.learned), SEED)
    found = assess_privacy(rows, real.learned, real.unseen, real.reference, schema, seed=SEED)
    shared = judge_pool(name, found, releasable=True, max_tpr=None).may_be_shared
    broken = int(violations(as_file(rows, schema)[0], subject.card.rules).to_numpy().sum())
    rare = [n_rare(subject, each) for each in (subject.pool(name), rows)]
    alike = fidelity(rows, real.learned, real.other, schema)
    (useful,) = utility(rows, real.learned, real.other, schema, [METRICS["roc_auc"]], seed=SEED)
    likeness = [float(np.mean([getattr(score, which) for score in alike])) for which in ("synthetic", "real")]
    row = (
        name if name in RELEASED else f"control: {name}",
        "yes" if shared else "no",
        f"{len(rows):,}",
        f"{dropped.broke_rules:,}, {dropped.rare_combinations:,} of {dropped.n_drawn:,}",
        f"{rare[0]:,}, {rare[1]:,}",
        str(broken),
        f"{likeness[0]:.3f} ({likeness[1]:.3f})",
        f"{useful.synthetic:.3f} ({useful.real:.3f})",
    )
    return row, {
        "shared": shared,
        "broken": broken,
        "rare": rare[1],
        "auc": useful.synthetic,
        "real auc": useful.real,
    }


def n_rare(subject: Subject, rows: pd.DataFrame) -> int:
    """Count rows that show a level, or a combination of identifying cells, that few learned rows have."""
    names = identifying(subject.card, subject.schema)
    shown = shows_rare(rows, subject.real.learned, subject.schema, names, subject.card.sharing.min_rows)
    return int(shown.sum())
