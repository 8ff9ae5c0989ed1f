"""`overestimate`: masks for larger patches than there are: the paper's Figure 6."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, sqrt

from maskcover.errors import InvalidInput
from maskcover.regions import squares
from maskcover.studies.running import DEFAULT_GRID, Folder, exhaustive_run, figures, masks_for, sides_of
from maskcover.studies.study import Panel, Row, Study, Subject, Subjects, all_of, curves_of, joined

SOURCE = "Figure 6"
RATIOS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
_PATCH = 1 / 7  # of the side of the image: 32 of 224 pixels, as in the paper


def overestimate(
    subjects: Subjects,
    out: Folder,
    *,
    patch: int | None = None,
    ratios: Sequence[float] = RATIOS,
    grid: tuple[int, ...] = DEFAULT_GRID,
) -> Study:
    """Ask runs with masks for larger squares about the square that there is.

    Args:
        subjects: The model with its images, or several.
        out: The folder of the study; the same call continues it.
        patch: Side of the square that there is, in pixels; by default a seventh of the image's side.
        ratios: Areas for which masks are made, as multiples of the area of the patch, from 1.
        grid: Masks along each axis.

    Returns:
        A row for each model and mask set. `certified` is by the row certificate, which uses that smaller patches lie
        inside more masks; `all pairs` is by the paper's Algorithm 2, which cannot.
    """
    every = all_of(subjects)
    rows: list[Row] = []
    curves = []
    for subject in every:
        side = sides_of(subject, (_PATCH,))[0] if patch is None else patch
        of_model: list[Row] = []
        for estimate in _estimates(subject, side, ratios):
            opened = exhaustive_run(out, subject, masks_for(squares(size=estimate), subject, grid))
            columns = figures(opened, regions=squares(size=side))
            pairs = figures(opened, regions=squares(size=side), rule="all-pairs")["certified"]
            head: Row = {"model": subject.name, "patch": side, "masks for": estimate, "ratio": estimate**2 / side**2}
            of_model.append(joined(head, columns, {"all pairs": pairs}))
        rows += of_model
        curves += curves_of(of_model, "ratio", ("clean", "certified", "all pairs"), subject, every)
    panel = Panel("area that the masks are for, as a multiple of the patch's", "images, %", tuple(curves))
    return Study(
        "overestimate", "Masks for larger patches than there are", SOURCE,
        f"the square that the {'×'.join(map(str, grid))} masks are for; the patch is the same square for all",
        tuple(rows), (panel,),
    )  # fmt: skip


def _estimates(subject: Subject, side: int, ratios: Sequence[float]) -> tuple[int, ...]:
    """The sides of the squares that masks are for: whole pixels, different, none smaller than the patch."""
    if type(side) is not int or not 1 <= side <= min(subject.size):
        raise InvalidInput(f"patch is a side in pixels, from 1 to {min(subject.size)}; got {side!r}")
    if not ratios or not all(isfinite(ratio) and ratio >= 1 for ratio in ratios):
        raise InvalidInput(f"ratios are numbers from 1, multiples of the patch's area; got {tuple(ratios)}")
    estimates = sorted({round(side * sqrt(ratio)) for ratio in ratios})
    if estimates[-1] > min(subject.size):
        raise InvalidInput(f"a square of {estimates[-1]} px has no place on the image; name smaller ratios or patches")
    return tuple(estimates)
