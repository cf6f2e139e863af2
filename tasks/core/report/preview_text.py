"""Text of a preview for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from realmix.tasks.core.decision.preview import CheapGain, OfLearner, Preview
from realmix.tasks.core.mixes.in_words import mix_in_words
from realmix.tasks.core.plan.priors import FoldSizes
from realmix.tasks.core.words import gain_in_words


def preview_lines(preview: Preview) -> list[str]:
    """Summarise the preview: baseline, cheap mixes, smallest provable gain, and whether a study is worth it.

    Parameters
    ----------
    preview : Preview

    Returns
    -------
    list of str
        The last line begins with "Worth a study:" or "Hardly:".
    """
    return [
        f"sample: {preview.used.n_rows:,} of these rows, {_folds(preview.used)}, one trial per model",
        _baseline(preview),
        f"noise: the gain varies by {_gain(preview, preview.fold_std)} from fold to fold "
        f"(of {preview.study.n_rows:,} rows in {_folds(preview.study)}); "
        f"{_gain(preview, preview.expected_fold_std)} is usual",
        f"smallest provable gain: {_gain(preview, preview.smallest_provable_gain)} (expected; a study measures it)",
        *_cheap_lines(preview),
        *(_other_line(preview, each) for each in preview.others),
        f"chance that any mix is proven at this size: {chance_in_words(preview.chance)}",
        _advice(preview),
    ]


def chance_in_words(chance: float) -> str:
    """Format a probability as a rough estimate.

    Examples
    --------
    >>> chance_in_words(0.004), chance_in_words(0.123), chance_in_words(0.998)
    ('under 1 %', 'about 12 %', 'over 99 %')
    """
    if chance < 0.01:
        return "under 1 %"
    if chance > 0.99:
        return "over 99 %"
    return f"about {100 * chance:.0f} %"


def _folds(sizes: FoldSizes) -> str:
    if sizes.forward:
        return f"{sizes.n_folds} folds forward in time"
    return f"{sizes.n_folds} folds x {sizes.n_repeats}"


def _gain(preview: Preview, gain: float) -> str:
    digits = float(f"{gain:.2g}")
    return gain_in_words(digits, preview.is_relative)


def _baseline(preview: Preview) -> str:
    better = "higher" if preview.greater_is_better else "lower"
    if preview.explained <= 0:
        explained = "with these rows, the features do not improve predictions"
    else:
        explained = f"the features explain {100 * preview.explained:.0f} % of the uncertainty"
    return (
        f"baseline: {preview.metric} {preview.class_prior:.4g} without features, "
        f"{preview.real_only:.4g} with {preview.learner} on real rows ({better} is better): {explained}"
    )


def _cheap_lines(preview: Preview) -> Iterator[str]:
    if preview.distillation is not None:
        yield f"distillation: {_measured(preview, preview.distillation)} over the best model"
    for each in preview.cheap:
        yield f"{mix_in_words(each.mix)}: {_measured(preview, each)} over the best of these"
    for name, reason in preview.left_out.items():
        yield f"left out: {name}: {reason}"


def _other_line(preview: Preview, each: OfLearner) -> str:
    line = f"{each.model}: {preview.metric} {each.real_only:.4g} on real rows"
    if each.best is None:
        return line
    return (
        f"{line}; with {mix_in_words(each.best.mix)}: {_measured(preview, each.best)}, compared with itself"
    )


def _measured(preview: Preview, cheap: CheapGain) -> str:
    return f"{_gain(preview, cheap.gain)} (standard error {_gain(preview, cheap.standard_error)})"


def _advice(preview: Preview) -> str:
    expected = _gain(preview, preview.expected_gain)
    if preview.is_worth_a_study:
        return f"Worth a study: the expected gain is about {expected}."
    if preview.expected_gain < preview.margin:
        found = f"the expected gain of about {expected} is too small to matter"
    else:
        found = f"the expected gain of about {expected} is small against the noise of these rows"
    return f"Hardly: {found}; the verdict will probably keep real only."
