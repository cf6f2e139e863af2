"""Gains, intervals and mixes as text for reports and the terminal."""

from __future__ import annotations

import math

from realmix.tasks.core.mixes.arms import Mix


def gain_in_words(gain: float | None, is_relative: bool) -> str:
    """Format a gain as a percentage of the score, or in points (one point = 0.01).

    Examples
    --------
    >>> gain_in_words(0.0123, is_relative=True), gain_in_words(-0.004, is_relative=False)
    ('1.23 %', '-0.4 points')
    """
    if gain is None or not math.isfinite(gain):
        return "unknown"
    number = f"{100 * gain:.3g}" if abs(gain) >= 1e-6 else "0"
    return f"{number} %" if is_relative else f"{number} points"


def interval_in_words(interval: tuple[float, float] | list[float] | None, is_relative: bool) -> str:
    """Format both bounds of a gain.

    Examples
    --------
    >>> interval_in_words((-0.01, 0.02), is_relative=True)
    '-1 % to 2 %'
    """
    if interval is None:
        return "unknown"
    return " to ".join(gain_in_words(bound, is_relative) for bound in interval)


def mix_in_words(mix: Mix) -> str:
    """Describe a mix as a clause.

    Examples
    --------
    >>> mix_in_words(Mix("ctgan", 2.0, 0.3, "teacher"))
    '2 ctgan rows per real row, labelled by the ensemble of real-row models, weighing 0.3 of the real rows'
    >>> mix_in_words(Mix())
    'your real rows alone'
    """
    if mix.synthesizer is None and mix.label_rule == "teacher":
        return "your real rows alone, with labels smoothed by the ensemble of real-row models"
    if mix.synthesizer is None:
        return "your real rows alone" + (", with class weights" if mix.balance == "balanced" else "")
    parts = [f"{mix.synthetic_ratio:g} {mix.synthesizer} rows per real row"]
    if mix.label_rule == "teacher":
        parts.append("labelled by the ensemble of real-row models")
    if mix.weight != 1:
        parts.append(f"weighing {mix.weight:g} of the real rows")
    if mix.balance == "balanced":
        parts.append("with the rare class raised")
    return ", ".join(parts)
