"""Successive halving: candidates are tried on more and more images, and unpromising ones are given up in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tqdm.auto import tqdm

from maskcover.cells import IntArray
from maskcover.choosing.assessment import Assessment, Speed
from maskcover.choosing.budget import Budget
from maskcover.choosing.candidates import Candidate
from maskcover.choosing.ranking import Dropped, cost_measure, unpromising
from maskcover.choosing.sharing import combined_masks, combined_views, deciding
from maskcover.classifiers.evaluation import TOP_LABEL, Evaluator, Images, MaskedClassifier, names_of, observe
from maskcover.classifiers.observations import Observation
from maskcover.data.labels import expect_matching
from maskcover.defense.procedure import equip
from maskcover.engine.preparation import PreparedRun, prepare_run
from maskcover.engine.queue import run_queries
from maskcover.engine.reference import pairs
from maskcover.errors import InvalidInput

FIRST_IMAGES = 32
"""Images of the first round; the number doubles after each."""
_TIMED_BATCHES = 7


def batch_milliseconds(evaluator: Evaluator, example: Any, clock: Callable[[], float] = time.perf_counter) -> float:
    """Milliseconds that one full batch of the classifier takes on this machine: the median of a few, after a first one.

    Args:
        evaluator: The classifier with its masks.
        example: A loaded image.
        clock: A function that gives seconds.
    """
    rows = [example] * evaluator.batch_size, pairs(len(evaluator.masks), evaluator.batch_size)
    evaluator.submit(*rows)()
    seconds = []
    for _ in range(_TIMED_BATCHES):
        begin = clock()
        evaluator.submit(*rows)()
        seconds.append(clock() - begin)
    return 1000 * median(seconds)


@dataclass(slots=True, eq=False)
class Group:
    """The candidates of one fill that are left, with the prepared classifier that serves them all."""

    start: PreparedRun
    assessments: list[Assessment]
    predictions: int = 0

    @classmethod
    def prepared(
        cls,
        classifier: MaskedClassifier,
        candidates: Sequence[Candidate],
        images: Images,
        labels: IntArray,
        progress: bool,
        arguments: Mapping[str, Any],
    ) -> Group:
        """The group, probed and timed."""
        start = prepare_run(classifier, images, combined_masks(candidates), progress=progress, **arguments)
        expect_matching(images, labels, start.evaluator.classes, names_of(classifier))
        for candidate in candidates:
            equip(start.evaluator, candidate.procedure)
        observe(start.evaluator, _observation(candidates))
        speed = Speed(start.evaluator.batch_size, batch_milliseconds(start.evaluator, start.example))
        return cls(start, [Assessment(candidate, speed) for candidate in candidates])

    def extend(self, images: Images, labels: IntArray, order: IntArray, progress: bool) -> None:
        """Try all candidates of the group on further images, whose numbers are those of `order`."""
        if not self.assessments:
            return
        candidates, evaluator = [assessment.candidate for assessment in self.assessments], self.start.evaluator
        decide = deciding(candidates, evaluator.masks, labels, order, self.start.min_margin, evaluator.batch_size)
        evaluations: dict[int, int] = {}

        def counting(place: int, table: Any) -> Any:
            decision = decide(place, table)
            evaluations[place] = table.evaluations
            return decision

        part = _Part(images, order)
        decisions = run_queries(evaluator, part, counting, views=combined_views(candidates))
        outcomes = dict(tqdm(decisions, total=len(part), desc="choosing", unit="image", disable=not progress))
        self.assessments = [
            assessment.extended([outcomes[place][number] for place in range(len(part))])
            for number, assessment in enumerate(self.assessments)
        ]
        self.predictions += sum(evaluations.values())


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the images, in an order."""

    images: Images
    order: IntArray

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int, /) -> Any:
        return self.images[int(self.order[place])]


class Rounds:
    """Successive halving: rounds over more and more images with fewer and fewer candidates."""

    def __init__(
        self,
        groups: Sequence[Group],
        images: Images,
        labels: IntArray,
        budget: Budget | None,
        order: IntArray,
        progress: bool,
    ) -> None:
        self.dropped: list[Dropped] = []
        self._groups, self._images, self._labels = groups, images, labels
        self._budget, self._order, self._progress = budget, order, progress

    def all_images(self) -> None:
        """Try the candidates on all images, and give up the unpromising ones in between."""
        begin, end = 0, min(FIRST_IMAGES, len(self._order))
        while begin < end:
            for group in self._groups:
                group.extend(self._images, self._labels, self._order[begin:end], self._progress)
            if end < len(self._order):
                self._drop()
            begin, end = end, min(2 * end, len(self._order))

    @property
    def separate_predictions(self) -> int:
        """Masked predictions that all candidates would have needed, each by itself, for its verdicts."""
        assessments = [assessment for group in self._groups for assessment in group.assessments]
        assessments += [dropped.assessment for dropped in self.dropped]
        return sum(int(assessment.certifying.sum()) for assessment in assessments)

    def _drop(self) -> None:
        assessments = [assessment for group in self._groups for assessment in group.assessments]
        reasons = unpromising(assessments, self._budget, len(self._order))
        if len(reasons) == len(assessments):
            raise InvalidInput(nothing_affordable(assessments, self._budget))
        self.dropped += [Dropped(assessments[place], reason) for place, reason in reasons.items()]
        dropped = {assessments[place].candidate for place in reasons}
        for group in self._groups:
            group.assessments = [assessment for assessment in group.assessments if assessment.candidate not in dropped]


def _observation(candidates: Sequence[Candidate]) -> Observation:
    """The observation that all procedures can use; raise `InvalidInput` if they need different ones."""
    special = {candidate.procedure.observation for candidate in candidates} - {TOP_LABEL}
    if len(special) > 1:
        raise InvalidInput("these procedures keep different numbers of each prediction; choose among them one by one")
    return special.pop() if special else TOP_LABEL


def nothing_affordable(assessments: Sequence[Assessment], budget: Budget | None) -> str:
    """The message that no candidate keeps within the budget, with the cheapest."""
    measure, over = cost_measure(budget)
    cheapest = min(assessments, key=lambda assessment: assessment.cost(measure, over))
    return (
        f"no candidate keeps within the budget, {budget}; the cheapest is {cheapest.candidate} with "
        f"{cheapest.cost(measure, over):,.6g}: allow more, or name smaller mask sets with candidates= (--candidate)"
    )
