"""The runs of studies: each configuration is one ordinary run, in a folder that studies share.

DIR/runs/<digest>   a run of `maskcover.runs.run`: report, replay and open it as any other
DIR/serving         the cost of answers without certificates, see `maskcover.studies.timing`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.canonical import digest
from maskcover.covering import cover
from maskcover.defense import ChallengerMasking, DoubleMasking
from maskcover.defense.procedure import Procedure
from maskcover.errors import ImpossibleCover, InvalidInput
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions, squares
from maskcover.runs import OpenedRun, open_run, run
from maskcover.studies.study import Subject, Value

Folder = str | PathLike[str]
DEFAULT_REGIONS = "squares(area=0.02)"
DEFAULT_GRID = (6, 6)
"""The paper's number of masks along each axis."""
_LETTERS = 16  # of a digest, in the name of a folder


def masks_for(regions: RegionSet | str, subject: Subject, grid: tuple[int, ...] | None = DEFAULT_GRID) -> MaskSet:
    """The masks of a subject: the paper's, with `grid` masks along each axis; by default budgets for None."""
    return cover(in_pixels(regions, subject), subject.size, grid=grid)


def in_pixels(regions: RegionSet | str, subject: Subject) -> RegionSet:
    """The same region set, with the side of squares in pixels, so that studies which mean the same share their runs.

    >>> import numpy as np
    >>> photo = Subject("m", abs, np.zeros((1, 224, 224)), [0], (224, 224))
    >>> print(in_pixels("squares(area=0.02)", photo), in_pixels("rectangles(area=0.02)", photo), sep="; ")
    squares(size=32); rectangles(area=0.02)
    """
    region_set, grid = parse_regions(regions), Grid(subject.size)
    square = squares(size=isqrt(region_set.describe(grid).pixels))
    return square if square.terms(grid) == region_set.terms(grid) else region_set


def masks_if_possible(regions: RegionSet | str, subject: Subject, grid: tuple[int, ...]) -> MaskSet | None:
    """The masks, or None where no such masks can be made."""
    try:
        return masks_for(regions, subject, grid)
    except ImpossibleCover:
        return None


def masking_run(out: Folder, subject: Subject, masks: MaskSet) -> OpenedRun:
    """The run of double masking against what the masks claim to cover; it asks for no more than this needs.

    Every prediction that it makes is kept, so that other runs and studies do not make it again.
    """
    return _opened(out, subject, masks, DoubleMasking())


def exhaustive_run(out: Folder, subject: Subject, masks: MaskSet) -> OpenedRun:
    """The run that decides every row of every table, and so answers for all regions that the masks cover.

    It makes only the predictions that `masking_run` did not make.
    """
    return _opened(out, subject, masks, DoubleMasking(exhaustive=True), _ready_made(out, subject, masks))


def challenger_run(out: Folder, subject: Subject, masks: MaskSet) -> OpenedRun:
    """The run of challenger masking; it makes only the predictions that `masking_run` did not make."""
    return _opened(out, subject, masks, ChallengerMasking(), _ready_made(out, subject, masks))


def figures(opened: OpenedRun, **question: Any) -> dict[str, Value]:
    """The columns that most tables end with: number of images, and fractions of them.

    Args:
        opened: The run.
        question: Other regions, rule or procedure, as for `OpenedRun.summary`.

    `low` and `high` are the ends of the exact 95 % interval of the certified fraction, None where the images are the
    first ones of a data set, which are no random sample of it.

    Raises:
        InvalidInput: the rows of the run cannot tell, for some images.
    """
    summary = opened.summary(**question)
    if summary.unknown or summary.unknown_defended:
        raise InvalidInput(opened.why_unknown(opened.answers(**question).answered))
    document = summary.document()
    certified = document["certified"]
    return {
        "images": summary.rows,
        "errors": summary.errors,
        "undefended": document["undefended"]["share"],
        "clean": document["defended"]["share"],
        "certified": certified["share"],
        "low": certified["low"],
        "high": certified["high"],
    }


def sides_of(subject: Subject, fractions: tuple[float, ...]) -> tuple[int, ...]:
    """Sides of squares in pixels, as fractions of the shorter side of the input; different ones, in order.

    >>> import numpy as np
    >>> sides_of(Subject("m", abs, np.zeros((1, 8, 8)), [0], (8, 8)), (0.5, 0.51, 0.25))
    (2, 4)
    """
    shorter = min(subject.size)
    return tuple(sorted({min(shorter, max(1, round(fraction * shorter))) for fraction in fractions}))


def checked_sides(subject: Subject, sides: Sequence[int]) -> tuple[int, ...]:
    """Sides of squares, in order; raise `InvalidInput` unless they are different pixels that the image has."""
    shorter = min(subject.size)
    if not sides or len(set(sides)) != len(sides) or not all(type(side) is int and side >= 1 for side in sides):
        raise InvalidInput(f"sizes are different whole numbers of pixels, from 1 to {shorter}; got {tuple(sides)}")
    if max(sides) > shorter:
        raise InvalidInput(f"a square of {max(sides)} px has no place on images of {subject.size}; leave it out")
    return tuple(sorted(sides))


def checked_grids(grids: Sequence[int]) -> tuple[int, ...]:
    """Numbers of masks along each axis, in order; raise `InvalidInput` unless they are different whole numbers."""
    if not grids or len(set(grids)) != len(grids) or not all(type(count) is int and count >= 1 for count in grids):
        raise InvalidInput(f"grids are different whole numbers from 1, masks along each axis; got {tuple(grids)}")
    return tuple(sorted(grids))


def name_of(configuration: Mapping[str, Any]) -> str:
    """The name of the folder or file of a configuration: equal for equal ones only.

    >>> name_of({"model": "a"}) == name_of({"model": "a"}), len(name_of({"model": "b"}))
    (True, 16)
    """
    try:
        return digest(configuration).removeprefix("sha256:")[:_LETTERS]
    except UnicodeEncodeError as error:
        raise InvalidInput(f"a model's name is a text that UTF-8 can encode ({error}); type NAME=MODEL") from error


def _ready_made(out: Folder, subject: Subject, masks: MaskSet) -> Folder:
    """The folder of `masking_run`, which is made if it is not there."""
    return masking_run(out, subject, masks).path


def _opened(
    out: Folder, subject: Subject, masks: MaskSet, procedure: Procedure, reuse: Folder | None = None
) -> OpenedRun:
    """Make or continue a run, and open it.

    `run` compares the model, its reference scores and the first image with those of a run that is there; it scores no
    image again.
    """
    configuration = subject.document | {
        "masks": masks.digest, "regions": masks.regions, "procedure": str(procedure),
    }  # fmt: skip
    folder = Path(out) / "runs" / name_of(configuration)
    run(
        subject.model, subject.images, subject.labels, masks, folder, ids=subject.ids, procedure=procedure,
        keep_tables=True, reuse=reuse, source=subject.source, **subject.options,
    )  # fmt: skip
    opened: OpenedRun = open_run(folder)
    return opened
