"""`objects`: certified accuracy by the size of the object and by class: the paper's Figures 11 and 13."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.certification import exact_interval
from maskcover.errors import InvalidInput
from maskcover.regions import RegionSet
from maskcover.studies.running import DEFAULT_GRID, DEFAULT_REGIONS, Folder, masking_run, masks_for
from maskcover.studies.study import Curve, Panel, Row, Study, Subject, Subjects, all_of, curves_of, named

SOURCE = "Figures 11 and 13"
FloatArray = npt.NDArray[np.float64]


def objects(
    subjects: Subjects,
    out: Folder,
    *,
    object_sizes: npt.ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    regions: RegionSet | str = DEFAULT_REGIONS,
    grid: tuple[int, ...] = DEFAULT_GRID,
    bins: int = 10,
) -> Study:
    """Sort the certified images by the size of their object, and by class.

    Args:
        subjects: The model with its images, or several with the same images.
        out: The folder of the study; the same call continues it.
        object_sizes: The fraction of each image that its object fills, in the order of the images, NaN where it is not
            known; see `maskcover.studies.boxes.object_sizes`. By default only classes are compared.
        class_names: Names of the classes, by number; by default their numbers.
        regions: The region set; by default squares of 2 % of the image.
        grid: Masks along each axis.
        bins: Number of classes of object sizes, of equal width.

    Returns:
        Rows by object size, and rows by class from the least to the most certified; with exact 95 % intervals, which
        speak of images drawn at random.
    """
    every = all_of(subjects)
    rows: list[Row] = []
    by_size: list[Curve] = []
    by_class: list[Curve] = []
    for subject in every:
        opened = masking_run(out, subject, masks_for(regions, subject, grid))
        certified, labels = opened.verdicts == "certified", opened.labels
        filled = _checked(object_sizes, subject)
        sized = _by_size(subject, certified, filled, bins)
        classes = _by_class(subject, certified, labels, filled, class_names)
        rows += sized + classes
        if sized:
            by_size += curves_of(sized, "object size", ("certified",), subject, every)
        places = tuple(range(1, len(classes) + 1))
        fractions = tuple(float(row["certified"] or 0) for row in classes)
        by_class.append(Curve(named("certified", subject, every), places, fractions))
        if not np.isnan(filled).all():
            fractions = tuple(float(row["object size"] or 0) for row in classes)
            by_class.append(Curve(named("object size", subject, every), places, fractions, "points"))
    panels = [Panel("object size, % of the image", "certified, %", tuple(by_size), percent_x=True)] if by_size else []
    panels.append(Panel("class, from the least to the most certified", "%", tuple(by_class)))
    return Study(
        "objects", "Certified images by object size and by class", SOURCE,
        f"the images; regions are {regions}, with {'×'.join(map(str, grid))} masks",
        tuple(rows), tuple(panels),
    )  # fmt: skip


def _checked(object_sizes: npt.ArrayLike | None, subject: Subject) -> FloatArray:
    """The object sizes, NaN for those that are not known; raise `InvalidInput` if they do not fit the images."""
    if object_sizes is None:
        return np.full(subject.count, np.nan)
    values = np.asarray(object_sizes, dtype=np.float64)
    if values.shape != (subject.count,) or ((values < 0) | (values > 1)).any():
        raise InvalidInput(
            f"object_sizes are fractions from 0 to 1, or NaN, for each of {subject.count} images; got an array of "
            f"shape {values.shape}"
        )
    return values


def _by_size(subject: Subject, certified: BoolArray, filled: FloatArray, bins: int) -> list[Row]:
    if type(bins) is not int or bins < 1:
        raise InvalidInput(f"bins is a whole number from 1; got {bins!r}")
    numbers = np.minimum((np.nan_to_num(filled, nan=-1.0) * bins).astype(np.int64), bins - 1)
    numbers[np.isnan(filled)] = -1
    rows = []
    for number in range(bins):
        name = f"{100 * number / bins:g} to {100 * (number + 1) / bins:g} %"
        if (numbers == number).any():
            rows.append(_row(subject, "object size", name, numbers == number, certified, filled))
    return rows


def _by_class(
    subject: Subject,
    certified: BoolArray,
    labels: IntArray,
    filled: FloatArray,
    names: Sequence[str] | None,
) -> list[Row]:
    rows = [
        _row(
            subject, "class", str(label) if names is None or label >= len(names) else names[label],
            labels == label, certified, filled,
        )
        for label in np.unique(labels).tolist()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: float(row["certified"] or 0))


def _row(subject: Subject, by: str, group: str, members: BoolArray, certified: BoolArray, filled: FloatArray) -> Row:
    """The row of a group of images."""
    count, successes = int(members.sum()), int((certified & members).sum())
    measured = filled[members & ~np.isnan(filled)]
    low, high = exact_interval(successes, count)
    return {
        "model": subject.name, "by": by, "group": group, "images": count,
        "object size": float(measured.mean()) if len(measured) else None,
        "certified": successes / count, "low": low, "high": high,
    }  # fmt: skip
