"""Ranking: which candidate is best within a budget, which are dominated, and what choosing itself adds to a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskcover.choosing.assessment import Assessment
from maskcover.choosing.budget import WORDS, Budget, Measure, Over

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that was given up before it had seen all images.

    Args:
        assessment: Its figures on the images up to then.
        reason: The reason in words.
    """

    assessment: Assessment
    reason: str


def affordable(assessment: Assessment, budget: Budget | None) -> bool:
    """Whether a candidate keeps within the budget on its images."""
    return budget is None or assessment.cost(budget.measure, budget.over) <= budget.amount


def ranked(assessments: Sequence[Assessment], budget: Budget | None) -> tuple[Assessment, ...]:
    """The candidates, best first: affordable, most certified, most right, cheapest; then in the order given."""
    measure, over = cost_measure(budget)

    def key(assessment: Assessment) -> tuple[bool, int, int, float, float]:
        certified, right = int(assessment.certified.sum()), int(assessment.right.sum())
        costs = assessment.cost(measure, over), assessment.cost("certifying")
        return not affordable(assessment, budget), -certified, -right, *costs

    return tuple(sorted(assessments, key=key))


def front(assessments: Sequence[Assessment], measure: Measure = "serving") -> tuple[Assessment, ...]:
    """The Pareto front, cheapest first: no other candidate costs no more and has as many certified or more.

    Of candidates with equal figures the first stays.
    """
    kept: list[Assessment] = []
    order = sorted(assessments, key=lambda assessment: (assessment.cost(measure), -int(assessment.certified.sum())))
    for assessment in order:
        if not kept or assessment.certified.sum() > kept[-1].certified.sum():
            kept.append(assessment)
    return tuple(kept)


def unpromising(assessments: Sequence[Assessment], budget: Budget | None, images: int) -> dict[int, str]:
    """The places of candidates to give up, each with the reason, after all have seen the same images.

    Args:
        assessments: The candidates that are left.
        budget: The budget, or None.
        images: The number of images that there are altogether.
    """
    reasons = {
        place: reason
        for place, assessment in enumerate(assessments)
        if budget is not None and (reason := _too_dear(assessment, budget, images))
    }
    rivals = [assessment for place, assessment in enumerate(assessments) if place not in reasons]
    for place, assessment in enumerate(assessments):
        if place not in reasons and (rival := _better(assessment, rivals, budget)):
            reasons[place] = _why(assessment, rival)
    return reasons


def cross_fitted(assessments: Sequence[Assessment], budget: Budget | None, folds: int = FOLDS) -> float | None:
    """The certified fraction of winners on images that did not choose them; None with fewer than two images.

    The images are cut into folds. For each fold the winner on all others is chosen, within the budget on those, and its
    certificates on the fold are counted. If none is affordable there, the cheapest is chosen.

    Args:
        assessments: Candidates that have all seen the same images.
        budget: The budget, or None.
        folds: The number of folds; as many as images if there are fewer.
    """
    images = len(assessments[0])
    if images < 2:
        return None
    fold_of = np.arange(images) % min(folds, images)
    certified = 0
    for fold in range(min(folds, images)):
        inside = fold_of == fold
        order = ranked([assessment.of_images(~inside) for assessment in assessments], budget)
        winner = order[0] if affordable(order[0], budget) else _cheapest(order, budget)
        certified += sum(
            int(assessment.of_images(inside).certified.sum())
            for assessment in assessments
            if assessment.candidate == winner.candidate
        )
    return certified / images


def cost_measure(budget: Budget | None) -> tuple[Measure, Over]:
    """The measure of costs: that of the budget, or mean masked predictions when serving."""
    return ("serving", "mean") if budget is None else (budget.measure, budget.over)


def _cheapest(assessments: Sequence[Assessment], budget: Budget | None) -> Assessment:
    return min(assessments, key=lambda assessment: assessment.cost(*cost_measure(budget)))


def _too_dear(assessment: Assessment, budget: Budget, images: int) -> str:
    """The reason why a candidate cannot keep within the budget, or did on no image; empty if it may."""
    costs = assessment.costs(budget.measure)
    words = WORDS[budget.measure]
    alone = words.replace(" an image", "")
    # Costs are never negative, so that the images still to come cannot lower the sum.
    if budget.over == "mean" and costs.sum() > budget.amount * images:
        return f"its mean over all images exceeds {budget.amount:,.6g} {words}, whatever the others cost"
    if budget.over == "most" and costs.max() > budget.amount:
        return f"one image costs {costs.max():,.6g} {alone}, above {budget.amount:,.6g}"
    if costs.min() > budget.amount:
        return f"each image costs at least {costs.min():,.6g} {alone}, above {budget.amount:,.6g}"
    return ""


def _better(assessment: Assessment, rivals: Sequence[Assessment], budget: Budget | None) -> Assessment | None:
    """The best rival that costs no more and is surely better: its interval of the certified fraction lies above."""
    _, high = assessment.certified_interval
    better = [
        rival for rival in rivals if rival.certified_interval[0] > high and _costs_no_more(rival, assessment, budget)
    ]
    return max(better, key=lambda rival: rival.certified_interval[0], default=None)


def _costs_no_more(rival: Assessment, assessment: Assessment, budget: Budget | None) -> bool:
    if budget is not None:
        return rival.cost(budget.measure, budget.over) <= assessment.cost(budget.measure, budget.over)
    measures: tuple[Measure, ...] = ("serving", "certifying")
    return all(rival.cost(measure) <= assessment.cost(measure) for measure in measures)


def _why(assessment: Assessment, rival: Assessment) -> str:
    return (
        f"at most {assessment.certified_interval[1]:.1%} certified (95 % interval), where {rival.candidate} costs no "
        f"more and has at least {rival.certified_interval[0]:.1%}"
    )
