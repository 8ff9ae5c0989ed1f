"""Candidates: the mask sets, procedures and fills among which `choose` chooses, by themselves or by their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from maskcover.certification.certifying import containment_for
from maskcover.certification.choosing_first_rounds import alternatives
from maskcover.covering import frontier
from maskcover.covering.containment import Containment
from maskcover.covering.texts import masks_of
from maskcover.defense import Procedure, parse_procedure
from maskcover.defense.first_rounds import AUTO, LEVELS, PAIRS, rounds_of
from maskcover.defense.procedures import TwoRounds
from maskcover.errors import ImpossibleCover, InvalidInput, NotCovering
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet

DEFAULTS = "defaults"
"""The text that stands for all default candidates."""
_SIDES = range(2, 8)
_MOST_MASKS = 64  # of a default candidate: more cost above 2,000 predictions to certify an image
_OTHERS = 6  # sets of the frontier beside the grids
_REDUNDANT = (9, 16, 36)
_MOST_TOGETHER = 1024  # distinct masks of all candidates: half a million unions


@dataclass(frozen=True)
class Candidate:
    """One defence to choose: a mask set with a procedure and a fill.

    Args:
        name: The name of the mask set: the text that makes it, such as ``grid(4, 4)``, or "your masks 1"; with those
            of its levels, if the procedure names levels: ``grid(4, 4) after grid(2, 2)``.
        masks: The mask set, with the levels that its procedure names.
        procedure: The procedure.
        fill: The value of hidden pixels, an option of the adapter; None for the adapter's own.
        covers: The exact test of which selections of the masks cover the regions.
    """

    name: str
    masks: MaskSet
    procedure: Procedure
    fill: Any = None
    covers: Containment = field(compare=False, repr=False, kw_only=True)

    def __str__(self) -> str:
        filled = "" if self.fill is None else f", fill {self.fill}"
        return f"{self.name}, {self.procedure}{filled}"


def candidates_of(
    regions: RegionSet,
    grid: Grid,
    mask_sets: Iterable[MaskSet | str] | None = None,
    procedures: Iterable[Procedure | str] = (),
    fills: Iterable[Any] = (None,),
) -> tuple[Candidate, ...]:
    """Every mask set with every procedure and every fill; each mask set is checked to cover the regions.

    Args:
        regions: What the attacker may overwrite.
        grid: The grid of the images.
        mask_sets: Mask sets, or texts as `masks_of` reads them; "defaults" stands for those of `default_texts`, which
            are all if nothing is named.
        procedures: Procedures or their texts, at least one; a first round "auto" stands for none and for each default
            one of the mask set.
        fills: Fills, None for the adapter's own.

    Raises:
        NotCovering: a candidate does not cover the regions; the message shows a region that it misses.
        InvalidInput: a text that cannot be read, another image size, nothing to choose from, or too many masks.
    """
    defences = tuple(dict.fromkeys(map(parse_procedure, procedures)))
    named = list(_named(regions, grid, (DEFAULTS,) if mask_sets is None else listed(mask_sets)))
    filled = list(fills)
    if not (defences and named and filled):
        raise InvalidInput("there is nothing to choose from: name at least one mask set, one procedure and one fill")
    _expect_few(masks for _, masks in named)
    with_views = next((procedure for procedure in defences if procedure.own_masks(grid) is not None), None)
    if with_views is not None:
        raise InvalidInput(
            f"{with_views} names its own masks, so that there are none to choose; leave its views out, and name sets "
            "of views as candidates, such as maskcover.bands(4, image_size=…)"
        )
    covering = [
        (_after(name, procedure), procedure.against(regions), _covering(name, masks, regions, procedure))
        for name, masks in named
        for procedure in dict.fromkeys(each for defence in defences for each in alternatives(defence, masks, regions))
    ]
    _expect_few(covers.masks for _, _, covers in covering)
    return tuple(
        Candidate(name, covers.masks, procedure, fill, covers=covers)
        for fill, (name, procedure, covers) in product(filled, covering)
    )


def default_texts(regions: RegionSet, grid: Grid) -> tuple[str, ...]:
    """The texts of the default candidates: grids of 2 to 7 masks an axis, covers between them, and redundant ones.

    None has more than 64 masks. Texts whose mask sets are equal to an earlier one are left out.

    >>> from maskcover import squares
    >>> default_texts(squares(size=5), Grid.of(28))[:5]
    ('grid(2, 2)', 'grid(3, 3)', 'grid(4, 4)', 'grid(5, 5)', 'grid(6, 6)')
    """
    grids = [f"grid({', '.join([str(side)] * grid.ndim)})" for side in _SIDES]
    kept = _distinct(grids, regions, grid)
    counts = {len(masks) for masks in kept.values()}
    covers = frontier(regions, grid, most_masks=_MOST_MASKS)
    others = [masks for masks in covers if len(masks) >= min(_SIDES) and len(masks) not in counts]
    texts = [f"max_mask_area('{masks.largest_hidden_area}px')" for masks in _spread(others, _OTHERS)]
    redundant = [f"masks({count}, multiplicity=2)" for count in _REDUNDANT]
    return tuple(_distinct([*grids, *texts, *redundant], regions, grid))


def _distinct(texts: Iterable[str], regions: RegionSet, grid: Grid) -> dict[str, MaskSet]:
    """The mask sets of texts by their texts, equal ones once; those that are impossible or too large are left out."""
    kept: dict[str, MaskSet] = {}
    for text in texts:
        try:
            masks = masks_of(text, regions, grid)
        except ImpossibleCover:
            continue
        if 1 < len(masks) <= _MOST_MASKS and masks not in kept.values():
            kept[text] = masks
    return kept


def _spread(items: Sequence[MaskSet], count: int) -> list[MaskSet]:
    """`count` of the items at even distances, the last one among them; all, if there are no more."""
    if len(items) <= count:
        return list(items)
    return [items[((place + 1) * len(items)) // count - 1] for place in range(count)]


def _named(regions: RegionSet, grid: Grid, items: Iterable[MaskSet | str]) -> Iterator[tuple[str, MaskSet]]:
    """Names and mask sets, each mask set once."""
    kept: dict[MaskSet, str] = {}
    for number, item in enumerate(items, start=1):
        if isinstance(item, MaskSet):
            pairs = [(f"your masks {number}", item)]
        elif isinstance(item, str):
            texts = default_texts(regions, grid) if item.strip() == DEFAULTS else (item,)
            pairs = [(text, masks_of(text, regions, grid)) for text in texts]
        else:
            raise InvalidInput(f"a candidate is a MaskSet or a text such as 'grid(4, 4)'; got {item!r:.80}")
        for name, masks in pairs:
            if masks.grid != grid:
                raise InvalidInput(f"{name} is for images of {masks.grid}, the others are for {grid}")
            if masks not in kept:
                kept[masks] = name
                yield name, masks


def listed(mask_sets: Iterable[MaskSet | str]) -> list[MaskSet | str]:
    """The mask sets as a list; one mask set or one text alone counts as a list of one.

    >>> listed("grid(3, 3)")
    ['grid(3, 3)']
    """
    return [mask_sets] if isinstance(mask_sets, MaskSet | str) else list(mask_sets)


def _after(name: str, procedure: Procedure) -> str:
    """The name of a mask set with the levels that a procedure names, by which candidates of other levels differ."""
    rounds = rounds_of(procedure.first_round) if isinstance(procedure, TwoRounds) else ()
    levels = [part if isinstance(part, str) else f"{len(part)} masks" for part in rounds]
    named = [level for level in levels if level not in (PAIRS, LEVELS, AUTO)]
    return f"{name} after {' and '.join(named)}" if named else name


def _expect_few(mask_sets: Iterable[MaskSet]) -> None:
    """Raise `InvalidInput` if the unions of all different masks together are too many to list."""
    together = len({mask for masks in mask_sets for mask in masks.all_masks})
    if together > _MOST_TOGETHER:
        raise InvalidInput(
            f"the candidates have {together:,} different masks together, whose unions are too many to list; at most "
            f"{_MOST_TOGETHER:,} are possible, so name fewer or smaller mask sets with candidates= (--candidate)"
        )


def _covering(name: str, masks: MaskSet, regions: RegionSet, procedure: Procedure) -> Containment:
    """The containment of a candidate; it must cover if the procedure needs that, and be of use to it."""
    try:
        return containment_for(procedure, masks, regions)
    except NotCovering as error:
        raise NotCovering(f"the candidate {name}: {error}") from error


def grid_of(mask_sets: Iterable[MaskSet | str] | None, preprocessing: Any, image: Any, image_size: Any = None) -> Grid:
    """The grid of the images: as typed, else that of mask sets, else the model's input size, else the image's shape.

    Args:
        mask_sets: The candidates.
        preprocessing: The preprocessing that the model or the images declare, or None.
        image: One image; its shape counts if it has two axes, or three of which exactly one has 1, 3 or 4 entries.
        image_size: The size as typed, or None.

    Raises:
        InvalidInput: none of these tells the size; says what to type.
    """
    if image_size is not None:
        return Grid.of(image_size)
    for item in () if mask_sets is None else listed(mask_sets):
        if isinstance(item, MaskSet):
            return item.grid
    declared = getattr(preprocessing, "size", None)
    if declared is not None:
        return Grid.of(declared)
    shape = tuple(map(int, getattr(image, "shape", ())))
    if len(shape) == 3:
        sides = [part for part, channels in ((shape[1:], shape[0]), (shape[:2], shape[2])) if channels in (1, 3, 4)]
        shape = sides[0] if len(sides) == 1 else ()
    if len(shape) != 2:
        raise InvalidInput("the size of the images is not known; name it with image_size=, such as image_size=224")
    return Grid.of(shape)
