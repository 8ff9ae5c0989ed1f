"""Choosing a first round by a few images without labels: what it costs to serve, and whether it answers as before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.evaluation import Images, MaskedClassifier, evaluator_of
from maskcover.classifiers.labels import UNSEEN
from maskcover.classifiers.registry import as_classifier
from maskcover.covering.texts import masks_of
from maskcover.defense.answers import Answer, Case
from maskcover.defense.first_rounds import AUTO, PAIRS, FirstRound, agreed, rounds_of
from maskcover.defense.procedure import Procedure, equip
from maskcover.defense.procedures import DOUBLE_MASKING, TwoRounds
from maskcover.defense.table import Pending, PredictionTable
from maskcover.defense.texts import parse_procedure
from maskcover.engine.queue import Failed, run_queries
from maskcover.errors import ImpossibleCover, InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions

FEW_IMAGES = 16
"""The number of images that "auto" looks at."""
_SIDES = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class FirstRoundFigures:
    """The figures of one first round on some images.

    Args:
        first_round: The first round; None for none.
        predictions: The mean number of masked predictions to answer an image; each round is counted in full.
        same: The fraction of the images that get the answer which they get without levels.
    """

    first_round: FirstRound | None
    predictions: float
    same: float


@dataclass(frozen=True, slots=True)
class FirstRoundChoice:
    """The choice of a first round.

    Args:
        procedure: The procedure with the chosen first round.
        masks: The masks with its levels.
        figures: All candidates, the cheapest first.
        images: The number of images that were looked at.
    """

    procedure: Procedure
    masks: MaskSet
    figures: tuple[FirstRoundFigures, ...]
    images: int

    def __str__(self) -> str:
        lines = [
            f"  {figures.predictions:8.1f} predictions an image, {figures.same:6.1%} answered alike: "
            f"{'none' if figures.first_round is None else figures.first_round}"
            for figures in self.figures
        ]
        return "\n".join([f"chosen by {self.images} images: {self.procedure}", *lines])


def choose_first_round(
    model: object,
    images: Images,
    masks: MaskSet,
    *,
    regions: RegionSet | str | None = None,
    procedure: Procedure | str = DOUBLE_MASKING,
    candidates: Iterable[FirstRound | None] | None = None,
    most_images: int = FEW_IMAGES,
    **options: Any,
) -> FirstRoundChoice:
    """Choose the first round that answers a few images, which need no labels, with the fewest masked predictions.

    A first round is left out if it answers some of these images in another way than the procedure without it: such an
    image may lose its certificate. How many certificates are lost, `certify` tells: see
    `CertificationResult.certified_by_masks`. To choose by certified images, which needs labels, see `maskcover.choose`.

    Args:
        model, images, masks, regions, options: As for `certify`.
        procedure: Double or challenger masking; its own first round does not count.
        candidates: First rounds as for `DoubleMasking`, None for none; by default pairs, grids of 2, 3 and 4 masks an
            axis where they are fewer than half of the masks, two of these, and each of them before pairs.
        most_images: The number of images to look at, the first ones.

    Raises:
        InvalidInput: there are no images, or the procedure has no first round.

    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> print(choose_first_round(brightness, images, masks, batch_size=4, fill=0.5))
    chosen by 2 images: double_masking(first_round='levels')
           4.0 predictions an image, 100.0% answered alike: grid(2, 2)
           4.0 predictions an image, 100.0% answered alike: ('grid(2, 2)', 'pairs')
           5.0 predictions an image, 100.0% answered alike: pairs
           9.0 predictions an image, 100.0% answered alike: none
    """
    defence = parse_procedure(procedure)
    if not isinstance(defence, TwoRounds):
        raise InvalidInput(f"a first round is for double and challenger masking; got {defence}")
    claimed = masks.regions if regions is None else regions
    if claimed is None:
        raise InvalidInput("these masks claim no region set; name one with regions=, such as squares(size=32)")
    attacker, plain = parse_regions(claimed), masks.with_levels()
    proposals = default_first_rounds(plain, attacker) if candidates is None else tuple(candidates)
    tried = tuple(dict.fromkeys((None, *proposals)))
    bare = replace(defence, first_round=None)
    few = _readable(images, most_images)
    levels = {part: _level(part, plain, attacker) for first in tried for part in rounds_of(first) if part != PAIRS}
    outcomes = _outcomes(as_classifier(model, options), few, plain, bare, list(levels.values()))
    places = {part: number for number, part in enumerate(levels)}
    figures = [_figures(first, places, outcomes, len(plain.pairing)) for first in tried]
    ranked = sorted(figures, key=lambda figure: (figure.predictions, len(rounds_of(figure.first_round))))
    best = next(figure for figure in ranked if figure.same == 1).first_round
    chosen = replace(defence, first_round=best)
    masks = chosen.masks_with_levels(plain, attacker)
    return FirstRoundChoice(chosen.against(attacker), masks, tuple(ranked), len(outcomes))


def settled(
    procedure: Procedure, classifier: MaskedClassifier, images: Images, masks: MaskSet, regions: RegionSet | str | None
) -> tuple[Procedure, MaskSet]:
    """The procedure and the masks, with the first round that some images choose if it is "auto"."""
    if not isinstance(procedure, TwoRounds) or procedure.first_round != AUTO or masks.levels:
        return procedure, masks
    choice = choose_first_round(classifier, images, masks, regions=regions, procedure=procedure)
    return choice.procedure, choice.masks


def default_first_rounds(masks: MaskSet, regions: RegionSet) -> tuple[FirstRound, ...]:
    """The first rounds that are tried by default: see `choose_first_round`.

    >>> from maskcover import cover, squares
    >>> default_first_rounds(cover(squares(size=3), 12, grid=(3, 3)), squares(size=3))
    ('pairs', 'grid(2, 2)', ('grid(2, 2)', 'pairs'))
    """
    levels = []
    for side in _SIDES:
        text = f"grid({', '.join([str(side)] * masks.grid.ndim)})"
        try:
            if 2 * len(masks_of(text, regions, masks.grid)) < len(masks):
                levels.append(text)
        except ImpossibleCover:
            continue
    twice = [(coarse, fine) for number, coarse in enumerate(levels) for fine in levels[number + 1 :]]
    return (PAIRS, *levels, *twice, *((level, PAIRS) for level in levels))


def alternatives(procedure: Procedure, masks: MaskSet, regions: RegionSet) -> tuple[Procedure, ...]:
    """The procedures that one with "auto" stands for: without a first round, and with each default one.

    Any other procedure stands for itself, and so does one with "auto" for masks that have levels already.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=3), 12, grid=(3, 3))
    >>> for procedure in alternatives(parse_procedure("double_masking(first_round='auto')"), masks, squares(size=3)):
    ...     print(procedure)
    double_masking()
    double_masking(first_round='pairs')
    double_masking(first_round='grid(2, 2)')
    double_masking(first_round=('grid(2, 2)', 'pairs'))
    """
    if not isinstance(procedure, TwoRounds) or procedure.first_round != AUTO or masks.levels:
        return (procedure,)
    first_rounds = (None, *default_first_rounds(masks, regions))
    return tuple(replace(procedure, first_round=first_round) for first_round in first_rounds)


def _level(part: str | MaskSet, masks: MaskSet, regions: RegionSet) -> MaskSet:
    if isinstance(part, MaskSet):
        return part
    if part in (AUTO, "levels"):
        raise InvalidInput(f'a candidate is a first round by itself, such as "pairs" or "grid(2, 2)"; got {part!r}')
    return masks_of(part, regions, masks.grid)


def _readable(images: Images, most: int) -> list[Any]:
    """The first images that can be read, at most a number of them."""
    few = list[Any]()
    for number in range(min(len(images), most)):
        with suppress(Exception):  # whoever certifies this image is told
            few.append(images[number])
    if not few:
        raise InvalidInput("choosing a first round needs some images; name a first round instead of 'auto'")
    return few


@dataclass(frozen=True, slots=True)
class _ImageOutcome:
    """The answer to an image without first rounds, its cost, and the labels that each level and the pairs agree on."""

    label: int
    predictions: int
    levels: tuple[int | None, ...]
    sizes: tuple[int, ...]
    pairs: int | None


def _outcomes(
    classifier: MaskedClassifier, images: list[Any], masks: MaskSet, procedure: Procedure, levels: list[MaskSet]
) -> list[_ImageOutcome]:
    """The outcomes of the images that can be evaluated, from predictions that are each made once."""
    leveled = masks.with_levels(*levels)
    evaluator = evaluator_of(classifier, leveled, example=images[0])
    equip(evaluator, procedure)
    rounds = [np.stack([numbers, numbers], axis=1) for numbers in leveled.level_numbers] + [masks.pairing]
    answers: dict[int, tuple[Answer, int]] = {}

    def decide(number: int, table: PredictionTable) -> _ImageOutcome | Pending:
        if number not in answers:
            answer = procedure.answer(table)
            if isinstance(answer, Pending):
                return answer
            answers[number] = answer, table.evaluations
        missing = [pairs[table.labels[table.numbers(pairs)] == UNSEEN] for pairs in rounds]
        if any(map(len, missing)):
            return Pending(np.concatenate(missing))
        answer, predictions = answers[number]
        *of_levels, pairs = (_agreed(table, some) for some in rounds)
        return _ImageOutcome(answer.label, predictions, tuple(of_levels), tuple(map(len, levels)), pairs)

    decisions = list(run_queries(evaluator, images, decide, views=procedure.views, isolate=True))
    outcomes = [outcome for _, outcome in decisions if not isinstance(outcome, Failed)]
    if not outcomes:
        raise InvalidInput(f"no image can be evaluated to choose a first round by; the first says: {decisions[0][1]}")
    return outcomes


def _agreed(table: PredictionTable, pairs: IntArray) -> int | None:
    outcome = agreed(table.labels[table.numbers(pairs)], pairs, Case.LEVEL_AGREED)
    return None if outcome is None or isinstance(outcome, Pending) else outcome.label


def _figures(
    first_round: FirstRound | None, places: dict[str | MaskSet, int], outcomes: list[_ImageOutcome], pairs: int
) -> FirstRoundFigures:
    """The figures of a first round over some images."""
    costs, same = [], []
    for outcome in outcomes:
        cost, label = 0, None
        for size, agreed_label in _rounds(first_round, places, outcome, pairs):
            cost, label = cost + size, agreed_label
            if label is not None:
                break
        costs.append(cost if label is not None else cost + outcome.predictions)
        same.append(label in (None, outcome.label))
    return FirstRoundFigures(first_round, float(np.mean(costs)), float(np.mean(same)))


def _rounds(
    first_round: FirstRound | None, places: dict[str | MaskSet, int], outcome: _ImageOutcome, pairs: int
) -> Iterator[tuple[int, int | None]]:
    """The number of predictions of each round, and the label that they agree on."""
    for part in rounds_of(first_round):
        if isinstance(part, str) and part == PAIRS:
            yield pairs, outcome.pairs
        else:
            yield outcome.sizes[places[part]], outcome.levels[places[part]]
