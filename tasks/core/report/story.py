"""The story of a study in sentences: question, answer, how sure, why, next step; told alike wherever it is told."""

from __future__ import annotations

from dataclasses import dataclass

from realmix.tasks.core.contracts.specs import NULL_MODEL
from realmix.tasks.core.mixes.in_words import a_learner, arm_in_words, learner_in_words, synthesizer_in_words
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.verdict_document import (
    ArmOfStudy,
    ShippedArm,
    SynthesizerCount,
    VerdictDocument,
)
from realmix.tasks.core.words import (
    capital,
    gain_and_interval,
    gain_in_words,
    score_in_words,
    share_in_words,
)

# Rows that prove no smaller gain than so many times the margin need more rows first, not more time.
MANY_MARGINS = 10
# For a reader who knows nothing of the study.
ANSWERS = {
    "proven": "Yes: synthetic rows make this model better",
    "expected to help": "Probably: synthetic rows are expected to make this model better",
    "keep real only": "No: train on your real rows alone",
    "not decided": "Not decided: nothing could be compared",
    # Of earlier versions.
    "chosen, not proven": "Perhaps: synthetic rows looked better, but that is not proven",
}


@dataclass(frozen=True)
class Story:
    """What a study found, each part in one or two sentences.

    Attributes
    ----------
    question : str
    answer : str
        A few words.
    meaning : str
        The answer for somebody who has to act on it.
    sure : str
        How sure the answer is, and what it does not say.
    next_step : str
    why : str
        The reason of the verdict.
    tried : str
        What was compared, and what was not for lack of time.
    """

    question: str
    answer: str
    meaning: str
    sure: str
    next_step: str
    why: str
    tried: str


def tell(document: VerdictDocument) -> Story:
    """Tell the story of a study.

    Parameters
    ----------
    document : VerdictDocument

    Returns
    -------
    Story
    """
    return Story(
        question=f"Do synthetic rows make a model that predicts '{document.table.target}' better?",
        answer=ANSWERS[document.word],
        meaning=_meaning(document),
        sure=_how_sure(document),
        next_step=_next_step(document),
        why=document.reason,
        tried=what_was_tried(document),
    )


def ships_mix(document: VerdictDocument) -> bool:
    """Return whether what ships was trained on synthetic rows, too."""
    return document.winner.recipe.synthesizer is not None


def shipped_in_words(arm: ShippedArm) -> str:
    """Name what ships, or the incumbent, in words, with its name in brackets."""
    return f"{arm_in_words(arm.recipe, arm.model)} ({arm.name})"


def better_learner(document: VerdictDocument) -> str | None:
    """Say that another learner measured better than the one that ships, and why that does not count; None if none did."""
    best = next((each for each in document.learners if not each.distance), None)
    own = next((each for each in document.learners if each.model == document.winner.model), None)
    if best is None or own is None or not own.distance:
        return None
    lead = gain_in_words(-own.distance, document.metric.margin_is_relative)
    return (
        f"{capital(a_learner(best.model))} measured better by {lead}, which may be luck: another kind of model ships of itself "
        f"only where it leads by more than two standard errors. To ship it all the same: `--models {best.model}`"
    )


def row_in_words(arm: ArmOfStudy) -> str:
    """Name an arm of the table in words."""
    return arm_in_words(arm, arm.model)


def found_arm(document: VerdictDocument, name: str) -> str:
    """Name an arm in words, with its name in brackets; the name alone where the table of arms lacks it."""
    row = next((arm for arm in document.arms if arm.name == name), None)
    return name if row is None else f"{row_in_words(row)} ({name})"


def same_learner_gain(document: VerdictDocument) -> str | None:
    """Return the measured gain of the best mix over its own learner on real rows; None where that is real only's."""
    mix = document.validation.mix
    own = next((each for each in document.learners if mix and each.mix and each.mix.name == mix.name), None)
    if own is None or own.mix is None or own.model == document.real_only.model:
        return None
    gain = gain_and_interval(own.mix.gain, own.mix.interval, document.metric.margin_is_relative)
    return f"{gain} over {a_learner(own.model)} on real rows alone"


def best_mix_arm(document: VerdictDocument) -> ArmOfStudy | None:
    """Return the best mix's row of the table of arms; None without a mix."""
    mix = document.validation.mix
    return next((arm for arm in document.arms if mix and arm.name == mix.name), None)


def best_mix_gain(document: VerdictDocument) -> str | None:
    """Return the measured gain of the best mix over real only with its interval; None without a mix."""
    row = best_mix_arm(document)
    if row is None:
        return None
    return gain_and_interval(row.gain, row.gain_interval, document.metric.margin_is_relative)


def promise_in_words(document: VerdictDocument) -> str:
    """Return the promised gain with its interval."""
    found = document.validation
    return gain_and_interval(found.promised_gain, found.promised_interval, document.metric.margin_is_relative)


def ruled_synthesizers(document: VerdictDocument) -> list[SynthesizerCount]:
    """Return the synthesizers whose rows the rules of the card changed or refused."""
    return [each for each in document.synthesizers if each.repaired or each.dropped]


def rules_in_words(counted: SynthesizerCount) -> str:
    """Say how many drawn rows the card's rules repaired, and how many were drawn again."""
    return (
        f"of the {synthesizer_in_words(counted.name)} rows drawn, {counted.repaired:,} got a value from a rule and "
        f"{counted.dropped:,} broke one and were drawn again"
    )


def what_was_tried(document: VerdictDocument) -> str:
    """Say what was compared, and what the budget left out."""
    plan = document.plan
    makers = [synthesizer_in_words(name) for name in plan.get("synthesizers", ())]
    learners = [learner_in_words(name) for name in plan.get("models", ()) if name != NULL_MODEL]
    tried = (
        f"Tried: {_count(len(makers), 'synthesizer')} ({', '.join(makers) or 'none'}) and {_count(len(learners), 'model')} "
        f"({', '.join(learners)}), in {_count(len(document.arms), 'combination')} of training rows and model."
    )
    short = _too_short(document)
    # What was tried has just been named.
    return f"{tried} More would take more time: {short.partition('; ')[2]}." if short else tried


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _meaning(document: VerdictDocument) -> str:
    metric, shipped = document.metric.name, document.winner
    if document.renewal_of or document.word == "not decided":
        return document.sentence
    if ships_mix(document):
        better = "is better" if document.word == "proven" else "is expected to be better"
        return (
            f"{capital(a_learner(shipped.model))} trained on your real rows and {shipped.in_words} {better} than the "
            f"best model of real rows alone: expect {promise_in_words(document)} in {metric} on new rows."
        )
    return (
        "No synthetic rows were shown to make the best model of your real rows better. What ships: "
        f"{learner_in_words(shipped.model)}, trained on {shipped.in_words}. {warning(document)}"
    ).rstrip()


def warning(document: VerdictDocument) -> str:
    """Return the warning of the verdict's sentence, which begins with this word; empty without one."""
    _, warns, text = document.sentence.partition(" Warning: ")
    return f"{warns}{text}".strip()


def _how_sure(document: VerdictDocument) -> str:
    found, relative = document.validation, document.metric.margin_is_relative
    margin = gain_in_words(document.metric.margin, relative)
    if document.word == "proven":
        return (
            "Surer than chance allows: among so many mixes luck alone looks this good in fewer than 5 of 100 such "
            f"studies. A loss larger than {margin} has a chance of {share_in_words(found.loss_chance)}."
        )
    if ships_mix(document):
        return (
            "Likely, not proven: these rows alone could be luck, but on other tables such a mix mostly helped. A loss "
            f"larger than {margin} has a chance of {share_in_words(found.loss_chance)}."
        )
    measured = best_mix_gain(document)
    if measured is None:
        return "Nothing was compared, so nothing is known of synthetic rows for this table."
    provable = gain_in_words(found.smallest_provable_gain, relative)
    return (
        f"On {found.n_rows:,} rows the mix that was judged gained {measured}.{_looked_better(document)} So many rows can "
        f"prove a gain of {provable} or more; a smaller one may exist and stay unseen."
    )


def _looked_better(document: VerdictDocument) -> str:
    """Say that other mixes measured more than the judged one, and why that does not count."""
    judged = best_mix_arm(document)
    left = {each.arm for each in document.race.dropped} if document.race else set()
    others = [arm.gain or 0.0 for arm in document.arms if arm.role == "candidate" and arm.name not in left]
    most = max(others, default=0.0)
    if most <= ((judged and judged.gain) or 0.0):
        return ""
    gain = gain_in_words(most, document.metric.margin_is_relative)
    return f" Others measured up to {gain}, but of many mixes some always look good by luck: a recipe fixed before goes first."


def _next_step(document: VerdictDocument) -> str:
    if document.word == "not decided":
        return "Remove the cause named here and run the study again; model/ was trained on real rows, compared with nothing."
    if document.word == "proven":
        return "Use the model in model/."
    if ships_mix(document):
        return "Use the model in model/; the cautious choice is real_only/, trained on real rows alone."
    if _knows_little(document):
        return (
            "Do not use model/ yet: on real rows it is not clearly better than a constant. Look for features that tell more "
            "of the target, or collect rows."
        )
    use = "Use the model in model/, trained on real rows alone."
    if longer := _longer_budget(document):
        return f"{use} Before you give synthetic rows up, give the study more time: {longer}."
    if document.collecting:
        return f"{use} More real rows: {_lower(advise(document).conclusion)}"
    return f"{use} Stop here: more of the same synthetic rows will not change the answer."


def _knows_little(document: VerdictDocument) -> bool:
    """Return whether the features tell nothing of the target, or not clearly anything."""
    found = document.validation.beats_constant
    return document.winner.model == NULL_MODEL or (found is not None and not found.beats)


def _longer_budget(document: VerdictDocument) -> str | None:
    """Return what a longer budget would try; None where it would try no more, or so few rows could prove none of it."""
    provable = document.validation.smallest_provable_gain
    if provable is None or provable > MANY_MARGINS * document.metric.margin:
        return None
    short = _too_short(document)
    return short.partition("; ")[2] or None if short else None


def _too_short(document: VerdictDocument) -> str | None:
    left_out = document.plan.get("left_out", ())
    return next((each for each in left_out if " only " in each and each.startswith("at ")), None)


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def holdout_in_words(document: VerdictDocument) -> str:
    """Return what the holdout showed, or why there is none."""
    return document.holdout.sentence if document.holdout else f"none, as {document.holdout_reason}"


def score_line(document: VerdictDocument, name: str) -> str:
    """Name an arm in words with its score on validation rows, by `real_only` or `mix`."""
    scored = getattr(document.validation, name)
    score = score_in_words(scored.score, scored.interval)
    return f"{found_arm(document, scored.name)}: {document.metric.name} {score} ({document.metric.direction})"
