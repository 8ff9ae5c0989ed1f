"""Sharing: the predictions of one image are made once for all candidates, and each candidate decides from its own part.

A candidate has a table of its own, in the numbering of its own masks, and it gets those predictions that it waits for,
wave by wave. So its verdict is that of `certify` with its mask set alone, the number of its predictions included: the
engine makes a prediction only if no candidate has waited for the same union of masks before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from maskcover.cells import IntArray
from maskcover.choosing.candidates import Candidate
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense import Answer, Pending, PredictionTable, Verdict
from maskcover.defense.procedure import answering, certifying
from maskcover.defense.table import Decide
from maskcover.defense.waves import wave_of
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.masks import Mask, MaskSet, Singles, Unions, Views


@dataclass(frozen=True, slots=True)
class ImageFigures:
    """The figures of one candidate on one image.

    Args:
        verdict: The verdict, as `certify` gives it; its `evaluations` are the masked predictions for the certificate.
        serving: Masked predictions that the answer alone needs.
        batches: Batches in which these are made when the image is served by itself.
    """

    verdict: Verdict
    serving: int
    batches: int


def combined_masks(candidates: Sequence[Candidate]) -> MaskSet:
    """All different masks of the candidates as one mask set, in the order of their first appearance."""
    grid: Grid = candidates[0].masks.grid
    return MaskSet(grid, tuple(dict.fromkeys(mask for candidate in candidates for mask in candidate.masks.all_masks)))


def combined_views(candidates: Sequence[Candidate]) -> Views:
    """The views that some candidate may ask for."""
    pairs = any(candidate.procedure.views is Views.PAIRS for candidate in candidates)
    return Views.PAIRS if pairs else Views.SINGLE_MASKS


def deciding(
    candidates: Sequence[Candidate],
    masks: MaskSet,
    labels: IntArray,
    order: IntArray,
    min_margin: float,
    batch_size: int,
) -> Decide[tuple[ImageFigures, ...]]:
    """The outcomes of all candidates as one decision for the engine, on tables of the combined masks.

    Args:
        candidates: The candidates, of one fill.
        masks: Their masks together, or more, as `combined_masks` gives them.
        labels: The true labels of all images, int64 (images,).
        order: The number among all images of each image that the engine decides, int64.
        min_margin: The margin that predictions must exceed to count.
        batch_size: Rows of a batch.
    """
    makers = [_part_maker(candidate, candidates, masks, labels, min_margin, batch_size) for candidate in candidates]
    open_images: dict[int, list[_Part]] = {}

    def decide(place: int, table: PredictionTable) -> tuple[ImageFigures, ...] | Pending:
        if place not in open_images:
            open_images[place] = [make(int(order[place])) for make in makers]
        missing = np.unique(np.concatenate([part.advance(table) for part in open_images[place]]))
        if len(missing):
            return Pending(table.pairs(missing))
        return tuple(part.outcome for part in open_images.pop(place))

    return decide


@dataclass(slots=True, eq=False)
class _Replay:
    """One decision on a table of its own, which is filled from the combined table as far as the decision waits for it.

    `waves` are the numbers of predictions of each wave so far.
    """

    decide: Callable[[PredictionTable], Verdict | Answer | Pending]
    table: PredictionTable
    numbers: IntArray
    waves: list[int] = field(default_factory=list)
    result: Verdict | Answer | None = None

    def advance(self, combined: PredictionTable) -> IntArray:
        """Decide as far as the combined table goes; the combined numbers that are missing, none if it is decided."""
        while self.result is None:
            decision = self.decide(self.table)
            if not isinstance(decision, Pending):
                self.result = decision
                break
            own = self.table.missing(decision)
            if not (self.table.labels[own] == UNSEEN).any():
                raise InvalidInput("a procedure asks again for predictions that it has, and for no others")
            sources = self.numbers[own]
            missing: IntArray = sources[combined.labels[sources] == UNSEEN]
            if len(missing):
                return missing
            self._copy(combined, own, sources)
        return np.empty(0, np.int64)

    def _copy(self, combined: PredictionTable, own: IntArray, sources: IntArray) -> None:
        observed = None if combined.observed is None else combined.observed[sources]
        self.table.record(
            own, combined.labels[sources], combined.margins[sources], combined.confidences[sources], observed
        )
        self.table.classes = combined.classes
        self.waves.append(len(own))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One candidate's part in one image: its verdict, and its answer as it would be served."""

    certificate: _Replay
    answer: _Replay
    batch_size: int

    def advance(self, combined: PredictionTable) -> IntArray:
        """The combined numbers of predictions that are missing, none if all is decided."""
        return np.concatenate([self.certificate.advance(combined), self.answer.advance(combined)])

    @property
    def outcome(self) -> ImageFigures:
        """The outcome, once nothing is missing."""
        verdict, waves = self.certificate.result, self.answer.waves
        if not isinstance(verdict, Verdict):
            raise InvalidInput(f"expected a verdict of the certificate; got {verdict!r}")
        return ImageFigures(verdict, sum(waves), sum(-(-wave // self.batch_size) for wave in waves))


def _part_maker(
    candidate: Candidate,
    candidates: Sequence[Candidate],
    masks: MaskSet,
    labels: IntArray,
    min_margin: float,
    batch_size: int,
) -> Callable[[int], _Part]:
    """A function from the number of an image to the candidate's part in it, with nothing decided yet."""
    procedure = candidate.procedure
    views = candidate.masks.views(procedure.views)
    numbers = _combined_numbers(candidate, masks, combined_views(candidates))
    certify, answer = (
        certifying(procedure, labels, candidate.covers, min_margin),
        answering(procedure, wave_of(batch_size, 1)),
    )

    def part(number: int) -> _Part:
        decisions = (partial(certify, number), partial(answer, number))
        certificate, served = (
            _Replay(decide, PredictionTable(views, mask_set=candidate.masks), numbers) for decide in decisions
        )
        return _Part(certificate, served, batch_size)

    return part


def _combined_numbers(candidate: Candidate, masks: MaskSet, kind: Views) -> IntArray:
    """For each view of a candidate its number among the views of the combined masks; the bare image comes last."""
    places: dict[Mask, int] = {mask: place for place, mask in enumerate(masks)}
    position = np.array([places[mask] for mask in candidate.masks.all_masks], dtype=np.int64)
    views: Unions | Singles = candidate.masks.views(candidate.procedure.views)
    combined = masks.views(kind)
    first, second = position[views.pairs].T
    return np.concatenate([combined.numbers(first, second), [len(combined)]])
