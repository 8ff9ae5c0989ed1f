"""Defended predictions of many images, made with an evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from tqdm.auto import tqdm

from maskcover.classifiers.evaluation import Evaluator, Images
from maskcover.defense.answers import Answer, NamedAnswer
from maskcover.defense.procedure import Procedure, answering, equip
from maskcover.defense.procedures import DOUBLE_MASKING
from maskcover.defense.waves import FEW, wave_of
from maskcover.engine.queue import run_queries
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions

T = TypeVar("T")


def unbound(procedure: Procedure, masks: MaskSet, regions: RegionSet | str | None = None) -> tuple[Procedure, MaskSet]:
    """The procedure and the masks as they serve without a certification: with all that the regions give them.

    Without regions, and where the masks claim none, both stay as they are.

    Raises:
        InvalidInput: the procedure names masks itself, and these are others.
    """
    procedure.expect_masks(masks)
    about = masks.regions if regions is None else regions
    if about is None:
        return procedure, masks
    region_set = parse_regions(about)
    return procedure.against(region_set), procedure.masks_with_levels(masks, region_set)


def predict_with(
    evaluator: Evaluator, images: Images, procedure: Procedure = DOUBLE_MASKING, *, progress: bool = False
) -> list[Answer]:
    """The answers of a defence to many images, made with an evaluator; see `predict`."""
    equip(evaluator, procedure)
    # A batch costs the same however many of its rows are needed: an image alone asks for as many as there is room.
    alone = evaluator.batch_size if len(images) == 1 else FEW
    decide = answering(procedure, wave_of(evaluator.batch_size, len(images)), alone)
    answers = run_queries(evaluator, images, decide, views=procedure.views)
    return [named(evaluator, answer) for answer in in_order(answers, len(images), progress, "predicting")]


def named(evaluator: Evaluator, answer: Answer) -> Answer:
    """The answer with its value, if the evaluator's labels are numbers of answers; else as it is."""
    answer_of: Callable[[int], object] | None = getattr(evaluator, "answer_of", None)
    if answer_of is None:
        return answer
    return NamedAnswer(None if answer.alert else answer_of(answer.label), answer)


def in_order(decisions: Iterator[tuple[int, T]], count: int, progress: bool, task: str) -> list[T]:
    """The decisions in the order of the images; with a progress bar if `progress`."""
    by_number = dict(tqdm(decisions, total=count, desc=task, unit="image", disable=not progress))
    return [by_number[number] for number in range(count)]
