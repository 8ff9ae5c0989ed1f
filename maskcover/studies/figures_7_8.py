"""`sizes`: accuracy against larger and larger patches: the paper's Figures 7 and 8."""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.errors import InvalidInput
from maskcover.regions import squares
from maskcover.runs import OpenedRun
from maskcover.studies.running import (
    DEFAULT_GRID,
    Folder,
    checked_sides,
    exhaustive_run,
    figures,
    masking_run,
    masks_for,
    sides_of,
)
from maskcover.studies.study import Curve, Panel, Row, Study, Subject, Subjects, all_of, joined, named

SOURCE = "Figures 7 and 8"
FRACTIONS = (1 / 7, 2 / 7, 3 / 7, 4 / 8, 4 / 7, 5 / 7, 6 / 7)
"""Sides as fractions of the image's side: of 224 pixels 32, 64, 96, 112, 128, 160 and 192."""


def sizes(
    subjects: Subjects,
    out: Folder,
    *,
    sides: Sequence[int] | None = None,
    fixed: int | None = None,
    grid: tuple[int, ...] = DEFAULT_GRID,
) -> Study:
    """Certify against squares of several sides, each with masks of its own; and one defence against all of them.

    Args:
        subjects: The model with its images, or several.
        out: The folder of the study; the same call continues it.
        sides: Sides of the squares in pixels; by default seven, up to six sevenths of the image's side.
        fixed: The side whose masks are kept while the patch gets smaller; by default the second of `sides`.
        grid: Masks along each axis.

    Returns:
        A row for each model and side with masks of its own (`masks for` is the side), and a row for each side that the
        fixed masks cover. The curve of the fixed masks has every side, from one run.
    """
    every = all_of(subjects)
    rows: list[Row] = []
    clean: list[Curve] = []
    certified: list[Curve] = []
    for subject in every:
        chosen = checked_sides(subject, sides_of(subject, FRACTIONS) if sides is None else sides)
        kept = chosen[min(1, len(chosen) - 1)] if fixed is None else fixed
        if kept not in chosen:
            raise InvalidInput(f"fixed is one of the sides, {chosen}; got {kept!r}")
        own = [_row(subject, side, side, figures(_run(out, subject, side, grid))) for side in chosen]
        curve, smaller = _of_fixed(out, subject, kept, chosen, grid, named(f"masks for {kept} px", subject, every))
        rows += own + smaller
        for column, curves in (("clean", clean), ("certified", certified)):
            values = tuple(float(row[column] or 0) for row in own)
            curves.append(Curve(named("masks for each side", subject, every), chosen, values))
        certified.append(curve)
    panels = (
        Panel("side of the patch, px", "clean, %", tuple(clean)),
        Panel("side of the patch, px", "certified, %", tuple(certified)),
    )
    return Study(
        "sizes", "Accuracy against patches of growing size", SOURCE,
        f"the side of the square, with {'×'.join(map(str, grid))} masks for each side or for one of them",
        tuple(rows), panels,
    )  # fmt: skip


def _run(out: Folder, subject: Subject, side: int, grid: tuple[int, ...]) -> OpenedRun:
    """The run against squares of one side, with masks of their own."""
    return masking_run(out, subject, masks_for(squares(size=side), subject, grid))


def _of_fixed(
    out: Folder, subject: Subject, kept: int, sides: tuple[int, ...], grid: tuple[int, ...], name: str
) -> tuple[Curve, list[Row]]:
    """The curve of the certified fraction over all sides for one mask set, and its rows for smaller patches."""
    opened = exhaustive_run(out, subject, masks_for(squares(size=kept), subject, grid))
    smaller = [side for side in sides if side < kept]
    rows = [_row(subject, side, kept, figures(opened, regions=squares(size=side))) for side in smaller]
    places, low, high = opened.certified_size("squares").curve()
    if (low != high).any():
        raise InvalidInput(f"the rows of {opened.path} do not tell the certified size of every image; delete this run")
    return Curve(name, tuple(places.tolist()), tuple(low.tolist()), "steps"), rows


def _row(subject: Subject, side: int, masks_side: int, columns: Row) -> Row:
    return joined({"model": subject.name, "side": side, "masks for": masks_side}, columns)
