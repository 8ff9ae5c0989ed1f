"""Every family, nested in every way, against its definition: verify, cover, the maximal stencils, the text."""

from __future__ import annotations

from math import gcd
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import maskcover as mc
from maskcover import ImpossibleCover, InvalidInput, parse_regions, verify
from maskcover.cells import Cells, inscribed
from tests import definitions
from tests.family_strategies import Family, families, families_and_masks, masks_of
from tests.geometry_strategies import plain_set, quiet_cover
from tests.laws import examples
from tests.oracles import BoolArray

Case = tuple[Family, BoolArray]


def is_missed(witness: tuple[Cells, ...], missed: set[tuple[int, ...]], family: Family) -> bool:
    """Whether a witness is one of the tuples that are missed; a patch that is cropped away entirely is not shown."""
    shown = tuple(definitions.bits_of(patch, family.sides) for patch in witness)
    return shown in {tuple(filter(None, patches)) for patches in missed}


@examples(300)
@given(families_and_masks(), st.sampled_from([1, 1, 1, 2, 3]))
def test_the_answer_and_the_witness_are_those_of_definition_1(case: Case, multiplicity: int) -> None:
    family, arrays = case
    missed = definitions.scarce(masks_of(arrays), family.attacks, multiplicity)
    try:
        report = verify(plain_set(arrays), family.regions, multiplicity=multiplicity)
    except InvalidInput:
        assert family.is_void
        return
    assert bool(report) == report.covers == (not missed)
    assert report.witness is None or is_missed(report.witness, missed, family)


@examples(200)
@given(families(most_patches=1))
def test_the_stencils_are_regions_and_hold_every_region(family: Family) -> None:
    """Nothing is invented, nothing is lost, and the figures count what is listed."""
    try:
        (term,) = family.regions.terms(mc.Grid(family.sides))
    except InvalidInput:
        assert family.is_void
        return
    listed = [
        definitions.bits_of(stencil.at(tuple(place)), family.sides)
        for stencil in term.slots[0]
        for place in np.argwhere(stencil.places.to_array(mc.Grid(family.sides)))
    ]
    assert set(listed) <= family.single
    assert definitions.maximal(family.single - {0}) <= set(listed)
    description = family.regions.describe(family.sides)
    assert description.placements == len(listed) == len(set(listed))
    assert description.pixels == max(map(int.bit_count, family.single))
    assert description.shapes == len({stencil.cells for stencil in term.slots[0]})


@examples(250)
@given(families(), st.data())
def test_every_cover_covers_by_brute_force(family: Family, data: st.DataObject) -> None:
    assume(sum(map(definitions.tuples, family.attacks)) <= 3000)
    budgets: list[dict[str, Any]] = [
        {},
        {"masks": data.draw(st.integers(1, 30))},
        {"evaluations": data.draw(st.integers(1, 200))},
        {"max_mask_area": data.draw(st.integers(1, int(np.prod(family.sides))))},
        {"grid": tuple(data.draw(st.integers(1, side)) for side in family.sides)},
    ]
    budget = data.draw(st.sampled_from(budgets))
    steps = [step for step in range(1, 8) if gcd(*family.sides) % step == 0]
    align = data.draw(st.sampled_from(steps))
    multiplicity = 1 if "grid" in budget else data.draw(st.sampled_from([1, 1, 2, 3]))
    try:
        masks = quiet_cover(family.regions, family.sides, align=align, multiplicity=multiplicity, **budget)
    except ImpossibleCover:
        assume(condition=False)
    except InvalidInput:
        assert family.is_void
        return
    arrays = [definitions.bits_of(mask, family.sides) for mask in masks]
    assert not definitions.scarce(arrays, family.attacks, multiplicity)
    assert masks.regions == str(family.regions)
    assert len(masks) <= budget.get("masks", len(masks))
    assert masks.evaluations <= budget.get("evaluations", masks.evaluations)
    assert masks.largest_hidden_area <= budget.get("max_mask_area", masks.largest_hidden_area)


@given(families())
def test_the_text_of_a_region_set_reads_back_as_it(family: Family) -> None:
    regions = family.regions
    read = parse_regions(str(regions))
    assert (read, str(read), hash(read)) == (regions, str(regions), hash(regions))


@examples(80)
@given(families_and_masks(), st.sampled_from([1, 2]))
def test_masks_too_intricate_for_lists_of_boxes_are_judged_alike(case: Case, multiplicity: int) -> None:
    """With the limit lowered, every mask that is no box is eroded instead."""
    family, arrays = case
    assume(not family.is_void)
    expected = verify(plain_set(arrays), family.regions, multiplicity=multiplicity)
    with pytest.MonkeyPatch.context() as patch:
        inscribed._maximal_boxes.cache_clear()
        patch.setattr(inscribed, "_MOST_CELLS", 1)
        report = verify(plain_set(arrays), family.regions, multiplicity=multiplicity)
    inscribed._maximal_boxes.cache_clear()
    assert report.covers == expected.covers
    missed = definitions.scarce(masks_of(arrays), family.attacks, multiplicity)
    assert report.covers == (not missed)
    assert report.witness is None or is_missed(report.witness, missed, family)
