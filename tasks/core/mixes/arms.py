"""Mixes of real and synthetic rows, and arms: a mix with a learner and its hyper-parameters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from realmix.tasks.core.contracts.specs import CONTROLS, ENSEMBLE, SHUFFLED_MARGINALS

LabelRule = Literal["joint", "teacher"]
Balance = Literal["prior", "balanced"]
RealLabels = Literal["own", "half"]
Role = Literal["real_only", "control", "candidate"]
# Synthetic rows per real row.
MAX_RATIO = 100


@dataclass(frozen=True, order=True)
class Mix:
    """A recipe for a training set.

    Attributes
    ----------
    synthesizer : str or None
        None where no synthetic rows are added.
    synthetic_ratio : float
        Synthetic rows per real row, >= 0; 0 is the real rows alone.
    weight : float
        Total weight of the synthetic block relative to the real block, > 0.
    label_rule : {"joint", "teacher"}
        Keep the label the synthesizer drew, or label synthetic rows with the teacher's
        class probabilities. Without synthetic rows "teacher" is distillation: the real
        rows with labels half their own and half the teacher's.
    balance : {"prior", "balanced"}
        Classes of the synthetic rows as among the real rows, or raised so that the
        whole set is as even as the rows allow. Without synthetic rows "balanced" is
        class weights.
    real_labels : {"own", "half"}
        Beside synthetic rows, real rows have their own labels, or labels half their own and
        half the teacher's.

    Examples
    --------
    >>> Mix("ctgan", 0.5, 1.0, "teacher").name
    'ctgan/0.5/teacher'
    >>> Mix("smote", 5.0, 5.0, "teacher", real_labels="half").name
    'smote/5/teacher/weight-5/half-labels'
    >>> Mix().name, Mix(label_rule="teacher").name
    ('real-only', 'distillation')
    """

    synthesizer: str | None = None
    synthetic_ratio: float = 0.0
    weight: float = 1.0
    label_rule: LabelRule = "joint"
    balance: Balance = "prior"
    real_labels: RealLabels = "own"

    @property
    def name(self) -> str:
        """Name as in the verdict, unique within a study."""
        if self.synthesizer is None:
            if self.label_rule == "teacher":
                return "distillation"
            return "class-weights" if self.balance == "balanced" else "real-only"
        parts = [self.synthesizer, f"{self.synthetic_ratio:g}", self.label_rule]
        if self.weight != 1:
            parts.append(f"weight-{self.weight:g}")
        if self.balance != "prior":
            parts.append(self.balance)
        if self.real_labels != "own":
            parts.append("half-labels")
        return "/".join(parts)

    @property
    def softens_real_labels(self) -> bool:
        """Whether real rows have labels half the teacher's."""
        return self.real_labels == "half" or (self.synthesizer is None and self.label_rule == "teacher")

    @property
    def family(self) -> tuple[str | None, LabelRule]:
        """Synthesizer and label rule: mixes that differ in nothing else are alike."""
        return self.synthesizer, self.label_rule

    @property
    def role(self) -> Role:
        """Real only (it wins ties), a control (it never ships), or a candidate.

        Shuffled marginals with the teacher's labels are a candidate: on them a learner learns the teacher, for
        which the rows need not be realistic.
        """
        if self.synthesizer is None:
            return "control" if self.balance == "balanced" else "real_only"
        if self.family == (SHUFFLED_MARGINALS, "teacher"):
            return "candidate"
        return "control" if self.synthesizer in CONTROLS else "candidate"

    @property
    def is_raced(self) -> bool:
        """Whether it may leave the race: a candidate that other mixes are not held against."""
        return self.role == "candidate" and self.synthesizer not in CONTROLS

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-able values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, order=True)
class Arm:
    """A mix, a learner and one trial of its hyper-parameters: one column of predictions.

    Hyper-parameters are chosen together with the mix, on the same out-of-fold rows, and
    the promised gain repeats that whole choice in every bootstrap draw; so nothing has to
    be tuned on a further split that would cost real rows (Tsamardinos et al. 2018). Which
    trials mixes try is part of it.
    """

    mix: Mix
    model: str
    trial: int = 0

    @property
    def name(self) -> str:
        """Name of the mix and the learner, with the trial from the second one on."""
        trial = f"/trial-{self.trial}" if self.trial else ""
        return f"{self.mix.name}/{self.model}{trial}"

    @property
    def needs_teacher(self) -> bool:
        """Whether its fit takes from the teacher of its scope: labels, or the members of the ensemble."""
        return bool(self.mix.synthesizer) or self.mix.softens_real_labels or self.model == ENSEMBLE

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-able values."""
        return {"mix": self.mix.to_dict(), "model": self.model, "trial": self.trial}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Arm:
        """Rebuild an arm from :meth:`to_dict`."""
        return cls(Mix(**data["mix"]), data["model"], data["trial"])


@dataclass(frozen=True)
class Exit:
    """Where and why an arm left the race on folds.

    Attributes
    ----------
    after_block : int
        Number of blocks that it ran, from the first one of the study on.
    reason : str
        A clause for the report.
    is_beaten : bool
        True where the leader beat it so clearly that no bootstrap draw would choose it; False
        where it ran the whole first repeat, which still counts.
    """

    after_block: int
    reason: str
    is_beaten: bool
