"""Columns and drawings of the cost of masked predictions, for the studies `masks` and `procedures`."""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.studies.running import checked_grids, masks_if_possible
from maskcover.studies.study import Curve, Panel, Row, Subject

GRIDS = (2, 3, 4, 5, 6, 7, 8)
CERTIFYING = "predictions to certify"
"""The column of the mean number of masked predictions that were made to certify an image."""


def mask_sets(regions: RegionSet | str, subject: Subject, grids: Sequence[int]) -> tuple[dict[int, MaskSet], list[str]]:
    """The different mask sets of k×k masks by k, and remarks about those that there are not."""
    sets: dict[int, MaskSet] = {}
    remarks = []
    for count in checked_grids(grids):
        mask_set = masks_if_possible(regions, subject, (count, count))
        if mask_set is None:
            remarks.append(f"no {count}×{count} masks can be made for {regions}")
        elif any(mask_set == other for other in sets.values()):
            remarks.append(f"{count}×{count} masks are the same as fewer ones for {regions}, and left out")
        else:
            sets[count] = mask_set
    return sets, remarks


def cost_panels(rows: Sequence[Row], by: str, accuracy: str) -> tuple[Panel, ...]:
    """The accuracy over each cost that the rows have; one curve for each value of `by`.

    Costs are masked predictions to serve and to certify an image, and milliseconds to serve it.
    """
    axes = {
        "predictions": "masked predictions to serve an image",
        CERTIFYING: "masked predictions to certify an image",
        "milliseconds": "ms to serve an image, batch of one",
    }
    panels = []
    for column, words in axes.items():
        curves = []
        for name in dict.fromkeys(str(row[by]) for row in rows):
            points = [row for row in rows if str(row[by]) == name and row.get(column) is not None]
            if points:
                xs, ys = (tuple(float(row[key] or 0) for row in points) for key in (column, accuracy))
                curves.append(Curve(name, xs, ys))
        if curves:
            panels.append(Panel(words, f"{accuracy}, %", tuple(curves)))
    return tuple(panels)
