"""`shapes`: any rectangle of an area, and two patches, against one square: the paper's Table 4."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from maskcover.covering import cover
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, patches, rectangles, squares
from maskcover.studies.running import DEFAULT_GRID, Folder, figures, masking_run, masks_for
from maskcover.studies.study import Panel, Row, Study, Subject, Subjects, all_of, curves_of, joined

SOURCE = "Table 4"
PAIRS_GRID = (5, 5)


def shapes(
    subjects: Subjects,
    out: Folder,
    *,
    area: str = "0.01",
    grid: tuple[int, ...] = DEFAULT_GRID,
    pairs_grid: tuple[int, ...] = PAIRS_GRID,
    rectangle_masks: int | None = None,
) -> Study:
    """Certify against any rectangle of an area, one square of it, two such squares, and one square of twice the area.

    Args:
        subjects: The model with its images, or several.
        out: The folder of the study; the same call continues it.
        area: The area as a fraction of the image, such as "0.01".
        grid: Masks along each axis for one square.
        pairs_grid: Masks along each axis of the base cover for two squares; a mask of the defence is the union of two
            of these, as in the paper's appendix B.
        rectangle_masks: At most this many masks for rectangles; by default the fewest of which none hides more than a
            tenth of the image.

    Returns:
        A row for each model and region set, with the predictions that certify an image.
    """
    every = all_of(subjects)
    rows: list[Row] = []
    curves = []
    for subject in every:
        of_model: list[Row] = []
        for words, regions, make in _sets(subject, area, grid, pairs_grid, rectangle_masks):
            masks = make(regions)
            head: Row = {"model": subject.name, "attacker": words, "regions": str(regions), "masks": len(masks)}
            cost: Row = {"predictions to certify": masks.evaluations}
            of_model.append(joined(head, cost, figures(masking_run(out, subject, masks))))
        rows += of_model
        curves += curves_of(of_model, "attacker", ("clean", "certified"), subject, every)
    return Study(
        "shapes", "Rectangles of any shape, and two patches", SOURCE,
        "the shape and the number of patches; each region set has masks of its own",
        tuple(rows), (Panel("attacker", "images, %", tuple(curves)),),
    )  # fmt: skip


def _sets(
    subject: Subject, area: str, grid: tuple[int, ...], pairs_grid: tuple[int, ...], rectangle_masks: int | None
) -> list[tuple[str, RegionSet, Callable[[Any], MaskSet]]]:
    """The region sets of the study, in the paper's order: in words, as a value, and the function that makes masks."""
    half, whole = _areas(area)

    def for_rectangles(regions: RegionSet) -> MaskSet:
        return cover(regions, subject.size, masks=rectangle_masks)

    def for_square(regions: RegionSet) -> MaskSet:
        return masks_for(regions, subject, grid)

    def for_two(regions: RegionSet) -> MaskSet:
        return masks_for(regions, subject, pairs_grid)

    first, second = f"{float(100 * half):g} %", f"{float(100 * whole):g} %"
    return [
        (f"any {first} rectangle", rectangles(area=half), for_rectangles),
        (f"one {first} square", squares(area=half), for_square),
        (f"two {first} squares", patches(squares(area=half), k=2), for_two),
        (f"one {second} square", squares(area=whole), for_square),
    ]


def _areas(area: str) -> tuple[Decimal, Decimal]:
    try:
        half = Decimal(str(area))
    except InvalidOperation:
        half = Decimal(0)
    if not (half.is_finite() and 0 < half <= Decimal("0.5")):
        raise InvalidInput(f'area is a fraction of the image above 0 and at most 0.5, such as "0.01"; got {area!r}')
    return half, 2 * half
