"""Whether members stand out among the rows that attacks are surest of: tests, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from realmix.tasks.core.privacy.attacks import (
    cell_hashes,
    classifier_scores,
    distance_scores,
    likelihood_scores,
    near_copy_scores,
)
from realmix.tasks.core.privacy.trial import Trial
from realmix.tasks.core.seeds import derive_seed

# Chance of a false alarm in one assessment, after the correction for all attacks.
FALSE_ALARM_RATE = 0.01
# Share of non-members that an attack may take for members.
FALSE_POSITIVE_RATE = 0.01
# Shares of the candidates, from the top of an attack's list, among which members are counted.
TOP_SHARES = (0.01, 0.03, 0.1, 0.3)
N_PERMUTATIONS = 1_999
PERMUTED_AT_ONCE = 250
WHOLE_COPIES = "whole copies"


@dataclass(frozen=True)
class Scored:
    """Scores of all attacks on the candidates of a trial, with one side of its unseen rows as the reference.

    Attributes
    ----------
    candidates : ndarray of int of shape (n_candidates,)
        Positions among the trial's real rows.
    is_member : ndarray of bool of shape (n_candidates,)
    labels : tuple of int or str
        Of the members among them, from the index of their table.
    scores : dict of attack to ndarray of shape (n_candidates,)
        Higher for rows more surely learned.
    """

    candidates: np.ndarray
    is_member: np.ndarray
    labels: tuple[int | str, ...]
    scores: dict[str, np.ndarray]


def score_candidates(trial: Trial) -> list[Scored]:
    """Attack each half of the members with either side of the unseen rows as the reference.

    Every unseen row is a candidate once and a reference once. So each member meets two rows that were not learned,
    and a few copied members are proven earlier.
    """
    members, non_members, reference = trial.sides
    columns = trial.schema.modelled
    order = np.random.default_rng(derive_seed(trial.seed, "members")).permutation(members)
    cells, synthetic_cells = cell_hashes(trial.real, columns), cell_hashes(trial.searched, columns)
    scored = []
    for number, (unseen, known) in enumerate(((non_members, reference), (reference, non_members))):
        candidates = np.concatenate([order[number::2], unseen])
        whole, seed = trial.groups[0], derive_seed(trial.seed, "classifier", number)
        scores = {
            f"{name}, {group.name}": found
            for group in trial.groups
            for name, found in distance_scores(group, candidates, known).items()
        }
        scores["likelihood"] = likelihood_scores(whole, candidates, known)
        scores["near copies"] = near_copy_scores(cells, synthetic_cells, candidates, known)
        scores["classifier"] = classifier_scores(whole, candidates, known, random_state=seed)
        labels = tuple(trial.real.index[order[number::2]].tolist())
        scored.append(Scored(candidates, np.isin(candidates, members), labels, scores))
    return scored


@dataclass(frozen=True)
class Top:
    """The candidates that one attack is surest of, in every part of the trials.

    Attributes
    ----------
    attack : str
    chosen : tuple of ndarray of bool
        By part, of shape (n_candidates,).
    tail : ndarray
        Chance of at least so many members among the chosen where nothing leaks, by their number.
    """

    attack: str
    chosen: tuple[np.ndarray, ...]
    tail: np.ndarray


@dataclass(frozen=True)
class Membership:
    """Results of all attacks on the pools of one synthesizer.

    Attributes
    ----------
    parts : tuple of Scored
        Two of each trial.
    copied : ndarray of bool of shape (n_members,), unseen_copied : ndarray of bool
        Whether a synthetic row repeats a member, and whether one repeats an unseen row.
    seed : int
    """

    parts: tuple[Scored, ...]
    copied: np.ndarray
    unseen_copied: np.ndarray
    seed: int

    @classmethod
    def attack(cls, trials: Sequence[Trial], *, seed: int) -> Membership:
        """Run all attacks on the pools of some trials."""
        copied, unseen_copied = zip(*(trial.copied for trial in trials), strict=True)
        parts = tuple(part for trial in trials for part in score_candidates(trial))
        return cls(parts, np.concatenate(copied), np.concatenate(unseen_copied), seed)

    @property
    def attacks(self) -> list[str]:
        """Names of the attacks by score."""
        return list(self.parts[0].scores)

    @cached_property
    def p_of_attacks(self) -> dict[str, float]:
        """Smallest p-value of each attack over its cuts, not corrected."""
        found = dict.fromkeys(self.attacks, 1.0)
        for top, p_value in zip(self._tops, self._observed, strict=True):
            found[top.attack] = min(found[top.attack], float(p_value))
        return found

    @cached_property
    def p_copies(self) -> float:
        """Chance of so many members among all repeated rows where nothing leaks (Fisher, one-sided)."""
        return p_of_copies(self.copied, self.unseen_copied)

    @cached_property
    def p_corrected(self) -> float:
        """Chance of a result as clear as the worst of all attacks, where nothing leaks.

        Half of the level is for whole copies, by an exact test; half for the smallest p-value over all attacks and
        cuts, whose distribution is that under permuted labels (Westfall, Young 1993).
        """
        rng = np.random.default_rng(derive_seed(self.seed, "permutations"))
        smallest = np.concatenate([self._permuted(rng, n) for n in _portions(N_PERMUTATIONS)])
        n_as_clear = int((smallest <= self._observed.min() * (1 + 1e-9)).sum())
        p_attacks = (1 + n_as_clear) / (1 + N_PERMUTATIONS)
        return min(1.0, 2 * min(self.p_copies, p_attacks))

    @property
    def is_leaking(self) -> bool:
        """Whether the attacks found more members than chance explains."""
        return self.p_corrected < FALSE_ALARM_RATE

    @cached_property
    def accused(self) -> dict[str, np.ndarray]:
        """Members that each attack recognizes at `FALSE_POSITIVE_RATE`, by part and then by candidate.

        Ranks within a part are compared over all parts; rows that tie with too many non-members are let go. An
        attack accuses every row that is repeated, if that many unseen rows are not.
        """
        found = {name: self._accused(name)[self._is_member] for name in self.attacks}
        is_rare = self.unseen_copied.mean() <= FALSE_POSITIVE_RATE
        return {**found, WHOLE_COPIES: self.copied & is_rare}

    @cached_property
    def worst(self) -> str:
        """The attack that recognizes the largest share of the members."""
        return max(self.accused, key=lambda name: (self.accused[name].mean(), name == WHOLE_COPIES))

    def falsely_accused(self, attack: str) -> np.ndarray:
        """Return for each row that was not learned whether the attack takes it for a member."""
        return self.unseen_copied if attack == WHOLE_COPIES else self._accused(attack)[~self._is_member]

    def auc(self, attack: str) -> float:
        """Chance that an attack ranks a member above a row that was not learned; 0.5 is guessing."""
        from scipy import stats

        ranks, is_member = self._ranks(attack), self._is_member
        n_members = int(is_member.sum())
        n_pairs = n_members * (len(ranks) - n_members)
        return float((stats.rankdata(ranks)[is_member].sum() - n_members * (n_members + 1) / 2) / n_pairs)

    def most_exposed(self, n: int) -> tuple[int | str, ...]:
        """Return the labels of the members that most attacks recognize, at most `n`; none that no attack does."""
        labels = [label for part in self.parts for label in part.labels]
        times = np.sum([self.accused[name] for name in self.attacks], axis=0)
        order = np.argsort(-times, kind="stable")[:n]
        return tuple(labels[place] for place in order if times[place])

    @property
    def _is_member(self) -> np.ndarray:
        return np.concatenate([part.is_member for part in self.parts])

    def _ranks(self, attack: str) -> np.ndarray:
        from scipy import stats

        return np.concatenate(
            [stats.rankdata(part.scores[attack]) / len(part.is_member) for part in self.parts]
        )

    def _accused(self, attack: str) -> np.ndarray:
        ranks = self._ranks(attack)
        unseen = np.sort(ranks[~self._is_member])
        accused: np.ndarray = ranks > unseen[len(unseen) - 1 - int(FALSE_POSITIVE_RATE * len(unseen))]
        return accused

    @cached_property
    def _tops(self) -> list[Top]:
        return [surest(self.parts, attack, share) for attack in self.attacks for share in TOP_SHARES]

    @cached_property
    def _observed(self) -> np.ndarray:
        counts = sum(
            part.is_member.astype(int) @ self._chosen(number) for number, part in enumerate(self.parts)
        )
        return self._p_values(np.atleast_2d(counts))[0]

    def _permuted(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return the smallest p-value under each of `n` permutations of the labels within each part."""
        counts = np.zeros((n, len(self._tops)))
        for number, part in enumerate(self.parts):
            labels = rng.permuted(np.tile(part.is_member.astype(np.float32), (n, 1)), axis=1)
            counts += labels @ self._chosen(number).astype(np.float32)
        return self._p_values(counts.round().astype(int)).min(axis=1)

    def _chosen(self, part: int) -> np.ndarray:
        return np.column_stack([top.chosen[part] for top in self._tops])

    def _p_values(self, counts: np.ndarray) -> np.ndarray:
        return np.column_stack([top.tail[counts[:, place]] for place, top in enumerate(self._tops)])


def surest(parts: Sequence[Scored], attack: str, share: float) -> Top:
    """Choose the share of the candidates of each part that an attack is surest of, with all ties."""
    from scipy import stats

    chosen, chances = [], np.ones(1)
    for part in parts:
        score = part.scores[attack]
        limit = np.partition(score, -max(1, int(np.ceil(share * len(score)))))
        top = score >= limit[-max(1, int(np.ceil(share * len(score))))]
        n_top, n_members = int(top.sum()), int(part.is_member.sum())
        of_part = stats.hypergeom.pmf(np.arange(n_top + 1), len(score), n_members, n_top)
        chances = np.convolve(chances, of_part)
        chosen.append(top)
    return Top(attack, tuple(chosen), np.cumsum(chances[::-1])[::-1])


def p_of_copies(copied: np.ndarray, unseen_copied: np.ndarray) -> float:
    """Test exactly (Fisher, one-sided) that members are not repeated more often than unseen rows.

    Examples
    --------
    >>> p_of_copies(np.array([True] * 6 + [False] * 294), np.zeros(600, dtype=bool)) < 0.005
    True
    """
    from scipy import stats

    n_copied, n_repeated = int(copied.sum()), int(copied.sum() + unseen_copied.sum())
    n_rows = len(copied) + len(unseen_copied)
    return float(stats.hypergeom.sf(n_copied - 1, n_rows, len(copied), n_repeated))


def _portions(n: int) -> list[int]:
    return [min(PERMUTED_AT_ONCE, n - done) for done in range(0, n, PERMUTED_AT_ONCE)]
