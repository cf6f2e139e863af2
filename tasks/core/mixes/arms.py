"""What competes: mixes of real and synthetic rows, and the learners trained on them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from realmix.tasks.core.contracts.specs import CONTROLS

LabelRule = Literal["joint", "teacher"]
Balance = Literal["prior", "balanced"]
Role = Literal["real_only", "control", "candidate"]


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

    Examples
    --------
    >>> Mix("ctgan", 0.5, 1.0, "teacher").name
    'ctgan/0.5/teacher'
    >>> Mix().name, Mix(label_rule="teacher").name
    ('real-only', 'distillation')
    """

    synthesizer: str | None = None
    synthetic_ratio: float = 0.0
    weight: float = 1.0
    label_rule: LabelRule = "joint"
    balance: Balance = "prior"

    @property
    def name(self) -> str:
        if self.synthesizer is None:
            if self.label_rule == "teacher":
                return "distillation"
            return "class-weights" if self.balance == "balanced" else "real-only"
        parts = [self.synthesizer, f"{self.synthetic_ratio:g}", self.label_rule]
        if self.weight != 1:
            parts.append(f"weight-{self.weight:g}")
        if self.balance != "prior":
            parts.append(self.balance)
        return "/".join(parts)

    @property
    def role(self) -> Role:
        """Real only (it wins ties), a control (it never ships), or a candidate."""
        if self.synthesizer is None:
            return "control" if self.balance == "balanced" else "real_only"
        return "control" if self.synthesizer in CONTROLS else "candidate"

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True, order=True)
class Arm:
    """A mix, a learner and one trial of its hyper-parameters: one column of predictions.

    Hyper-parameters are chosen together with the mix, on the same out-of-fold rows, and
    the promised gain repeats that whole choice in every bootstrap draw; so nothing has to
    be tuned on a further split that would cost real rows (Tsamardinos et al. 2018).
    """

    mix: Mix
    model: str
    trial: int = 0

    @property
    def name(self) -> str:
        trial = f"/trial-{self.trial}" if self.trial else ""
        return f"{self.mix.name}/{self.model}{trial}"

    def to_dict(self) -> dict[str, Any]:
        return {"mix": self.mix.to_dict(), "model": self.model, "trial": self.trial}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Arm:
        return cls(Mix(**data["mix"]), data["model"], data["trial"])


@dataclass(frozen=True)
class Exit:
    """Where and why an arm left the race on folds.

    Attributes
    ----------
    after_block : int
        Blocks that it ran: the first ones of the study.
    reason : str
        A clause for the report.
    is_beaten : bool
        True where the leader beat it so clearly that no bootstrap draw would choose it; False
        where it ran the whole first repeat, which still counts.
    """

    after_block: int
    reason: str
    is_beaten: bool
