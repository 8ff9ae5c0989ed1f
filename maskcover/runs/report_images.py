"""The images of a report: chosen by a fixed rule, each with its map of certified placements and its failing masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.classifiers.observations import TopLabel
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap, placement_map
from maskcover.defense.table import PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions
from maskcover.report import ImageFacts
from maskcover.report.facts import percent_down
from maskcover.runs.columns import rows_of
from maskcover.runs.evidence import NOT_WHOLE
from maskcover.runs.finished import FinishedPart, FinishedRun
from maskcover.runs.own_images import ImageSource, Shown
from maskcover.runs.rows import Row
from maskcover.terminal import printable

PLACES = ("worst", "median", "best")
_ORDER = (
    "first those that are not certified; then by the fraction of placements certified; then those with a wrong label "
    "with the defence before the others, and without it; then by the smallest margin behind the certificate; equal "
    "ones by their place in the run"
)


def rule_words(images: int, total: int) -> str:
    """The rule that chooses the images, in words."""
    if images >= total:
        return f"All images without an error are shown, in this order: {_ORDER}."
    counts = ", ".join(f"{count} {place}" for count, place in zip(_thirds(images), PLACES, strict=True) if count)
    return (
        f"The images are chosen by a rule, not by hand. All images without an error are put in order: {_ORDER}. Shown "
        f"are, of this order, {counts}: the first ones, those in the middle, and the last ones."
    )


def chosen_images(run: FinishedRun, count: int) -> list[tuple[str, int]]:
    """The images to show: the place in the order of the rule, and the number among the rows; at most `count`."""
    order = _order(run)
    if count >= len(order):
        return [(f"{rank} of {len(order)}", number) for rank, number in enumerate(order.tolist(), start=1)]
    worst, median, best = _thirds(count)
    start = min(max((len(order) - median) // 2, worst), len(order) - best - median)
    ranks = [range(worst), range(start, start + median), range(len(order) - best, len(order))]
    return [(place, int(order[rank])) for place, places in zip(PLACES, ranks, strict=True) for rank in places]


def image_facts(
    run: FinishedRun, sources: Sequence[ImageSource], count: int, name_of: Callable[[int], str]
) -> tuple[ImageFacts, ...]:
    """The facts of the images to show.

    Args:
        run: The run.
        sources: Where images come from, one source for each part of the run.
        count: Number of images.
        name_of: From a label to its words.
    """
    if type(count) is not int or count < 0:
        raise InvalidInput(f"the number of images to show is a whole number from 0; got {count!r}")
    starts = np.cumsum([0, *(len(part.table) for part in run.parts)])
    images = []
    for place, number in chosen_images(run, count) if count else []:
        at = int(np.searchsorted(starts, number, side="right")) - 1
        part = run.parts[at]
        (row,) = rows_of(part.table.slice(number - int(starts[at]), 1))
        shown = sources[at].shown(row.id, number, row.pixels)
        images.append(_image(place, row, part, shown, name_of))
    return tuple(images)


def _order(run: FinishedRun) -> IntArray:
    """The numbers of the images without an error, from the worst to the best."""
    table = run.to_arrow()
    fraction, margin = (np.asarray(table.column(name), dtype=np.float64) for name in ("fraction", "margin"))
    certified, right = run.verdicts == "certified", run.labels
    # The last key counts first; the sort is stable, so equal images stay in the order of the run.
    order = np.lexsort((margin, run.undefended == right, run.defended == right, fraction, certified))
    return np.array([number for number in order.tolist() if run.verdicts[number] != "error"], dtype=np.int64)


def _thirds(count: int) -> tuple[int, int, int]:
    """A number of images as those of the worst, the median and the best; the worst come first.

    >>> [_thirds(count) for count in (1, 2, 3, 8)]
    [(1, 0, 0), (1, 1, 0), (1, 1, 1), (3, 3, 2)]
    """
    return (count + 2) // 3, (count + 1) // 3, count // 3


def _image(place: str, row: Row, part: FinishedPart, shown: Shown, name_of: Callable[[int], str]) -> ImageFacts:
    sides = _sides(part.masks)
    pixels, notes = shown.pixels, [shown.note]
    if pixels is not None and pixels.shape[:2] != sides:
        notes, pixels = [f"not shown: it has {pixels.shape[:2]} pixels, and the masks {sides}"], None
    exposure, words, note = _map(row, part)
    all_masks = part.masks.all_masks
    hidden = [] if row.failing is None else [box for number in set(row.failing) for box in all_masks[number].boxes]
    return ImageFacts(
        place=place,
        id=printable(row.id),
        label=name_of(row.label),
        undefended=name_of(row.undefended),
        defended=name_of(row.defended),
        certified=row.certified,
        certified_fraction=words,
        failing=_failing(row, name_of, part),
        note=printable("; ".join(filter(None, [*notes, note]))),
        sides=sides,
        hidden=tuple((*box.start, *box.extents) for box in hidden) if len(part.masks.grid.shape) == 2 else (),  # type: ignore[misc]  # two axes
        picture=pixels,
        exposure=exposure,
    )


def _sides(masks: MaskSet) -> tuple[int, int]:
    """(height, width) of what is drawn; of other than two axes nothing is."""
    shape = masks.grid.shape
    return (shape[0], shape[1]) if len(shape) == 2 else (1, 1)


def _map(row: Row, part: FinishedPart) -> tuple[npt.NDArray[np.float64] | None, str, str]:
    """The map of certified placements, its fraction in words, and why there is no map."""
    fraction = percent_down(row.fraction)
    least = "" if row.certified or _exhaustive(part) else "at least "
    words = f"{least}{fraction} of the placements certified"
    procedure, regions = part.config.procedure, parse_regions(part.config.regions)
    worked_out = procedure.maps_itself and all(term.patches == 1 for term in regions.terms(part.masks.grid))
    if not (row.certified or row.certifying or procedure.needs_cover or worked_out):
        words = "the fraction of placements certified was not worked out"
    if len(part.masks.grid.shape) != 2:
        return None, words, "no map: it is drawn of two dimensions"
    own = _own_map(row, part, regions) if worked_out else None
    if own is not None:
        return own.exposure(), words, ""
    if worked_out:
        return None, words, f"no map: the row does not keep {procedure.observation} of each view"
    if not row.certifying and (row.fraction > 0 or not procedure.needs_cover):
        return None, words, "no map: the row keeps no certifying masks"
    certifying = MaskSet(part.masks.grid, tuple(part.masks[number] for number in row.certifying))
    try:
        placements = placement_map(certifying, regions)
    except InvalidInput as error:
        return None, words, f"no map: {error}"
    return placements.exposure(), words, ""


def _own_map(row: Row, part: FinishedPart, regions: RegionSet) -> PlacementMap | None:
    """The map that the procedure works out from the predictions that the row keeps; None where these are too few."""
    procedure = part.config.procedure
    views = part.masks.views(procedure.views)
    if row.evidence is None or procedure.observation != TopLabel():
        return None
    table = PredictionTable(views, mask_set=part.masks)
    for mask, margin in enumerate(row.evidence.row_margins):
        if margin != NOT_WHOLE:
            whole = views.ids[mask]
            table.labels[whole], table.margins[whole] = row.label, np.maximum(table.margins[whole], margin)
    singles = np.append(views.singles, len(views))
    unions = np.array(row.evidence.unions.numbers, dtype=np.int64)
    for numbers, kept in ((singles, row.evidence.one_mask), (unions, row.evidence.unions)):
        labels = np.array(kept.labels, dtype=np.int64)
        table.restore(numbers, labels, np.array(kept.margins), np.array(kept.confidences))
    return procedure.certified_map(table, row.label, Containment.of(part.masks, regions), part.config.min_margin)


def _exhaustive(part: FinishedPart) -> bool:
    """Whether the run looked at the rows of all masks, so that no certifying mask is missing."""
    return bool(getattr(part.config.procedure, "exhaustive", True))


def _failing(row: Row, name_of: Callable[[int], str], part: FinishedPart) -> str:
    """The failing masks in words, with the label that the model gave, where the row keeps it."""
    if row.failing is None:
        return ""
    first, second = row.failing
    coarser = first - len(part.masks)
    name = f"mask {first}" if coarser < 0 else f"mask {coarser} of the levels"
    masks = name if first == second else f"masks {first} and {second}"
    label = _label_under(row, part)
    return f"with {masks} hidden" + ("" if label is None else f": {name_of(label)}")


def _label_under(row: Row, part: FinishedPart) -> int | None:
    """The label under the failing masks; None if the row does not keep it."""
    evidence = row.evidence
    if evidence is None or row.failing is None:
        return None
    first, second = row.failing
    views = part.masks.views(part.config.procedure.views)
    if first < len(part.masks) and (first == second or views.ids.ndim == 1):
        return evidence.one_mask.labels[first]
    number = int(views.numbers(np.array([first]), np.array([second]))[0])
    places = np.flatnonzero(np.asarray(evidence.unions.numbers) == number)
    if len(places):
        return evidence.unions.labels[int(places[0])]
    singles = np.flatnonzero(np.asarray(views.singles) == number)
    return evidence.one_mask.labels[int(singles[0])] if len(singles) else None
