"""A finished study: its verdict, tables, model and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realmix.flows.api.notebook import study_page
from realmix.flows.terminal.show_study import verdict_text
from realmix.flows.terminal.studies import read_tracked
from realmix.tasks.core.report.collect_text import Advice, advise
from realmix.tasks.core.report.verdict_document import VerdictDocument
from realmix.tasks.core.report.verdict_evidence import VerdictOnLearner
from realmix.tasks.core.report.verdict_words import verdict_words

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# What an arm is and what it scored, in this order.
ARM = ("model", "mix", "role", "score", "interval", "gain", "gain_interval", "why")


@dataclass(frozen=True, repr=False)
class Study:
    """What a study found and shipped, read from its folder.

    Printed, it is what ``realmix show`` prints; as the last line of a notebook's cell it is a small page.

    Attributes
    ----------
    folder : Path
        With ``report.html``, ``verdict.json``, ``model/``, ``training.parquet`` and the other files of the study.
    document : VerdictDocument
        All that ``verdict.json`` says, with its fields as attributes.
    """

    folder: Path
    document: VerdictDocument

    @property
    def verdict(self) -> str:
        """The verdict in a word: "proven", "expected to help", "keep real only" or "not decided"."""
        return self.document.word

    @property
    def sentence(self) -> str:
        """The verdict as a sentence, with what it means for these rows."""
        return self.document.sentence

    @property
    def reason(self) -> str:
        """Why it is this verdict and no better one."""
        return self.document.reason

    @property
    def learners(self) -> pd.DataFrame:
        """The verdict on each learner, compared with itself on real rows alone; best first.

        Gains are positive where synthetic rows help: shares of the score on real rows where the metric has no unit of
        its own, otherwise in the metric's unit. Numbers are NaN where there is none. Columns, by `model`:

        verdict : "proven", "expected to help", "keep real only" or "not decided"
        real_only_score, mix_score : of the deciding metric on validation rows, on real rows alone and with the best mix
        gain, gain_low, gain_high : measured, of the best mix, which chance flatters, and its 90 % interval
        promised_gain, promised_low, promised_high : to expect on new rows, and its 90 % interval; NaN where real only
            stays
        smallest_provable_gain : that these rows could have proven
        distance : gain of what ships of this learner over the best that ships of any, at most 0
        sentence : the verdict in words
        """
        import pandas as pd

        rows = [_learner_columns(each) for each in self.document.learners]
        return pd.DataFrame(
            rows, index=pd.Index([each.model for each in self.document.learners], name="model")
        )

    def leaderboard(self) -> pd.DataFrame:
        """Return all that was compared, best first: each mix of rows with each learner, and why it did not ship.

        Returns
        -------
        DataFrame of shape (n_arms, n_columns)
            Indexed by the name of mix and learner; the score is of the deciding metric on rows that the models had not
            seen, intervals hold 90 %. Gains are over the best real-only arm of all learners, which `document.real_only`
            names, not over the same learner as in `learners`; a real-only arm of another learner has a positive gain
            where its lead is within two standard errors.
        """
        import pandas as pd

        rows = [arm.to_dict() for arm in self.document.arms]
        names = pd.Index([arm["name"] for arm in rows], name="name")
        return pd.DataFrame(rows, columns=list(ARM), index=names)

    @cached_property
    def model(self) -> ServedModel:
        """The model that ships."""
        return ServedModel(self.folder / "model", self.document.table.classes)

    @property
    def training(self) -> pd.DataFrame:
        """The rows that the shipped model was trained on; ``_realmix_origin`` says which of them are real."""
        import pandas as pd

        return pd.read_parquet(self.folder / "training.parquet")

    def report(self) -> Path:
        """Return the page of the study, for a browser: ``webbrowser.open(study.report().as_uri())``."""
        return self.folder / "report.html"

    def collect(self) -> Advice:
        """Return what more real rows would bring, in sentences; print it to read it.

        Raises
        ------
        BadInput
            If the study measured no learning curve.
        """
        return advise(self.document)

    def __repr__(self) -> str:
        return f"Study({str(self.folder)!r}, {self.verdict!r})"

    def __str__(self) -> str:
        return verdict_text(self.document, self.folder)

    def _repr_html_(self) -> str:
        """Show the verdict, its reasons and the learners in a notebook."""
        return study_page(verdict_words(self.document, self.folder), self.report().as_uri())


def _learner_columns(each: VerdictOnLearner) -> dict[str, Any]:
    measured = (each.mix.score, each.mix.gain, *each.mix.interval) if each.mix else None
    score, *gain = _numbers(measured, 4)
    promised = _numbers(each.interval and (each.gain, *each.interval), 3)
    return {
        "verdict": each.word,
        "real_only_score": _numbers((each.real_only.score,), 1)[0],
        "mix_score": score,
        **dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True)),
        **dict(zip(("promised_gain", "promised_low", "promised_high"), promised, strict=True)),
        "smallest_provable_gain": _numbers((each.smallest_provable_gain,), 1)[0],
        "distance": _numbers((each.distance,), 1)[0],
        "sentence": each.sentence,
    }


def _numbers(found: Iterable[float | None] | None, n_numbers: int) -> list[float]:
    """Return numbers, NaN for each that is missing."""
    return [float("nan") if number is None else number for number in found or [None] * n_numbers]


class ServedModel:
    """The model of a study, for new rows as they come: with missing cells, unknown labels and more columns.

    Parameters
    ----------
    folder : Path
        ``model`` of a study.
    classes : tuple of str
        Empty for a quantity.

    Attributes
    ----------
    classes_ : tuple of str
        In the order of the columns of `predict_proba`.
    """

    def __init__(self, folder: Path, classes: tuple[str, ...]) -> None:
        self.folder = folder
        self.classes_ = classes

    @cached_property
    def _serve(self) -> Callable[[pd.DataFrame], pd.DataFrame]:
        from realmix.flows.local.environment import QUIET, set_defaults

        set_defaults(QUIET)
        from realmix.tasks.study.package import load_served

        return load_served(self.folder)

    def predict(self, rows: Any) -> np.ndarray:
        """Predict labels, by the threshold of the study, or quantities; of shape (n_rows,)."""
        return self._serve(_frame(rows))["prediction"].to_numpy()

    def predict_proba(self, rows: Any) -> np.ndarray:
        """Predict probabilities of shape (n_rows, n_classes).

        Raises
        ------
        AttributeError
            If the target is a quantity.
        """
        if not self.classes_:
            raise AttributeError("The target is a quantity, which has no classes: call predict.")
        predicted = self._serve(_frame(rows))
        return predicted[[f"proba_{label}" for label in self.classes_]].to_numpy()


def _frame(rows: Any) -> pd.DataFrame:
    """Convert rows of pandas, polars or pyarrow to the frame that a model takes."""
    import pandas as pd

    from realmix.tasks.sources.frame import FrameSource

    return rows if isinstance(rows, pd.DataFrame) else FrameSource(rows).read()


def load(folder: str | Path) -> Study:
    """Read a finished study from its folder.

    Parameters
    ----------
    folder : str or Path
        Such as ``runs/NAME-DATE-TIME``; also of a study from the command line.

    Raises
    ------
    BadInput
        If it holds no study.
    """
    place = Path(folder).absolute()
    return Study(place, read_tracked(place))
