"""Which learners compete: those that the card's limits allow to be deployed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from realmix.tasks.core.contracts.specs import Footprint, ModelSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.plan.plan import DEFAULT_RATIOS, Asked, Plan, TableShape
from realmix.tasks.core.table.card import DataCard
from realmix.tasks.core.table.card_parts import Deploy


def competing(
    models: Mapping[str, ModelSpec], shape: TableShape, asked: Asked
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Choose the learners of a study: those the user named, or all that take part by default.

    Parameters
    ----------
    models : mapping of name to ModelSpec
    shape : TableShape
    asked : Asked

    Returns
    -------
    names : tuple of str
        Without those that know no feature.
    refused : dict
        Reason by name of each learner that would compete without `deploy` and `monotone`.

    Raises
    ------
    BadInput
        If a learner that the user named is refused, or all are.
    """
    names = [
        name
        for name, spec in models.items()
        if not spec.is_null and shape.task in spec.tasks and _is_asked(spec, asked)
    ]
    refused = _refused(names, models, shape, asked)
    fitting = tuple(name for name in names if name not in refused)
    if refused and (asked.models or not fitting):
        raise BadInput(
            f"The card's `deploy` and `monotone` refuse {_listed(refused)}. Name other learners with --models, or "
            "relax the card."
        )
    return fitting, refused


def check_deployable(plan: Plan, models: Mapping[str, ModelSpec], shape: TableShape, card: DataCard) -> None:
    """Refuse to replay a plan with a learner that the card's limits do not allow: less would be another plan.

    Raises
    ------
    BadInput
    """
    asked = Asked(ratios=plan.ratios, deploy=card.deploy, is_monotone=bool(card.monotone))
    learners = [name for name in plan.models if not models[name].is_null]
    if refused := _refused(learners, models, shape, asked):
        raise BadInput(
            f"The card's `deploy` and `monotone` refuse learners of the plan: {_listed(refused)}. Leave --plan out to "
            "make a new plan, or relax the card."
        )


def _refused(
    names: Iterable[str], models: Mapping[str, ModelSpec], shape: TableShape, asked: Asked
) -> dict[str, str]:
    # The largest mix: a tree grows with its rows.
    n_rows = round(shape.n_all * (1 + max(asked.ratios or DEFAULT_RATIOS)))
    reasons = {name: "; ".join(_reasons(models[name], shape, asked, n_rows)) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def _listed(refused: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({reason})" for name, reason in refused.items())


def _is_asked(spec: ModelSpec, asked: Asked) -> bool:
    if asked.models:
        return spec.name in asked.models
    return spec.is_default or (asked.deploy.readable and spec.write_readable is not None)


def _reasons(spec: ModelSpec, shape: TableShape, asked: Asked, n_rows: int) -> Iterator[str]:
    deploy = asked.deploy
    if deploy.readable and spec.write_readable is None:
        yield "people cannot follow it by hand"
    if asked.is_monotone and not spec.is_monotone:
        yield "it cannot keep to the directions of `monotone`"
    if deploy.max_leaves or deploy.max_milliseconds or deploy.max_megabytes:
        if spec.footprint is None:
            yield "its size is not declared"
        else:
            yield from _too_large(
                spec.footprint(n_rows, shape.n_columns, shape.n_levels, shape.n_classes), deploy, spec
            )


def _too_large(most: Footprint, deploy: Deploy, spec: ModelSpec) -> Iterator[str]:
    # A readable tree is grown to the limit.
    if deploy.max_leaves and most.leaves > deploy.max_leaves and spec.write_readable is None:
        yield f"up to {most.leaves:,} leaves, and {deploy.max_leaves:,} are allowed"
    if deploy.max_milliseconds and most.milliseconds > deploy.max_milliseconds:
        yield f"{most.milliseconds:.2g} ms for 1,000 rows, and {deploy.max_milliseconds:g} are allowed"
    if deploy.max_megabytes and most.megabytes > deploy.max_megabytes:
        yield f"up to {most.megabytes:.2g} MB, and {deploy.max_megabytes:g} are allowed"
