"""One fold of a preview: teacher, pools of the fast synthesizers and all arms, in one call."""

from __future__ import annotations

from typing import Any

from realmix.tasks.core.errors import RealmixError
from realmix.tasks.core.mixes.arms import Arm
from realmix.tasks.fits.arms import train_arms
from realmix.tasks.fits.pools import synthesize
from realmix.tasks.fits.teacher import fit_teacher

BATCH = "predictions-preview"


def preview_fold(
    folder: str, members: list[tuple[str, int]], ratios: dict[str, float], arms: list[dict[str, Any]]
) -> dict[str, str]:
    """Fit everything that a preview compares on one scope, and store the predictions there.

    Parameters
    ----------
    folder : str
        Of the scope.
    members : list of (model, trial)
        Of the teacher.
    ratios : dict of synthesizer to its ratio
    arms : list of dict
        :meth:`Arm.to_dict`, arms of one mix side by side.

    Returns
    -------
    dict of mix or arm name to reason
        Why it failed; its predictions are NaN.
    """
    fit_teacher(folder, members, 1)
    parsed = [Arm.from_dict(arm) for arm in arms]
    failed: dict[str, str] = {}
    for synthesizer, ratio in ratios.items():
        try:
            synthesize(folder, synthesizer, ratio, ["prior"], None)
        except RealmixError as err:
            failed |= {arm.mix.name: str(err) for arm in parsed if arm.mix.synthesizer == synthesizer}
    mixes = {arm.name: arm.mix.name for arm in parsed}
    of_arms = train_arms(folder, BATCH, arms, 1)["failures"]
    return failed | {name: reason for name, reason in of_arms.items() if mixes[name] not in failed}
