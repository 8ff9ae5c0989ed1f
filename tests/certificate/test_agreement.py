"""The checker, the verifier and brute force agree, on good certificates and on spoilt ones."""

from __future__ import annotations

import json
import os
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import maskcover as mc
from maskcover.certificate import prove
from maskcover.certificate.check import check
from maskcover.regions import Term
from tests.certificate.helpers import (
    Document,
    at,
    cells_of,
    digested,
    edited,
    is_true,
    is_undecided,
    judged,
    numbers,
    proved,
    written,
)
from tests.certificate.strategies import claims
from tests.laws import examples
from tests.oracles import hidden

# Many drawn claims are of no use to some tests, which say so with `assume`.
MANY = settings(
    examples(int(os.environ.get("CERTIFICATES", "100"))), suppress_health_check=[HealthCheck.filter_too_much]
)
_MOST = 40_000


def reads_back(regions: mc.RegionSet) -> bool:
    """Whether the text of a set means the set: a bitmap of one row is read as one of fewer axes."""
    try:
        return mc.parse_regions(str(regions)) == regions
    except mc.InvalidInput:
        return False


def covers(masks: mc.MaskSet, regions: mc.RegionSet) -> bool:
    """Definition 1 on pixels, for the shapes and places that the library names."""
    rows = [set(map(tuple, zip(*mask.nonzero(), strict=True))) for mask in hidden(masks, masks.grid.shape)]
    return all(_term_covered(rows, term) for term in regions.terms(masks.grid))


def _term_covered(rows: list[set[tuple[int, ...]]], term: Term) -> bool:
    assume(term.placements <= _MOST)
    patches = [[_cells(one.at(place)) for one in slot for place in _cells(one.places)] for slot in term.slots]
    return all(any(set().union(*chosen) <= row for row in rows) for chosen in product(*patches))


def _cells(cells: mc.Cells) -> set[tuple[int, ...]]:
    return {cell for box in cells.boxes for cell in product(*map(range, box.start, box.stop))}


@MANY
@given(claims())
def test_what_verify_accepts_is_proved_and_holds(claim: tuple[mc.MaskSet, mc.RegionSet]) -> None:
    masks, regions = claim
    assume(reads_back(regions))
    try:
        report = mc.verify(masks, regions)
    except mc.InvalidInput:
        return
    if report.covers:
        document = proved(masks, regions)
        assert check(json.dumps(document).encode())[0] == (3 if is_undecided(masks, regions) else 0), document
        assert is_true(document)
        assert covers(masks, regions)
    else:
        assert not covers(masks, regions)
        with pytest.raises(mc.NotCovering, match="no certificate"):
            prove(masks, regions)


@MANY
@given(claims(), claims(), st.data())
def test_evidence_for_one_claim_shows_another_only_if_it_is_true(
    claim: tuple[mc.MaskSet, mc.RegionSet], other: tuple[mc.MaskSet, mc.RegionSet], data: st.DataObject
) -> None:
    masks, regions = claim
    _, stranger = other
    assume(reads_back(regions) and reads_back(stranger))
    try:
        assume(mc.verify(masks, regions).covers)
        truth = mc.verify(masks, stranger).covers
    except mc.InvalidInput:
        return
    code, line = judged(proved(masks, regions) | {"regions": str(stranger)})
    if is_undecided(masks, stranger):
        assert code == 3, line
    else:
        assert code in ({0, 1} if truth else {1}), (line, data)


@MANY
@given(claims(), st.data())
def test_a_spoilt_certificate_holds_only_if_all_it_says_is_still_true(
    claim: tuple[mc.MaskSet, mc.RegionSet], data: st.DataObject
) -> None:
    masks, regions = claim
    assume(reads_back(regions))
    try:
        assume(mc.verify(masks, regions).covers)
    except mc.InvalidInput:
        return
    document = proved(masks, regions)
    for _ in range(8):
        path = data.draw(st.sampled_from(list(numbers(document))))
        spoilt = edited(document, path, max(0, at(document, path) + data.draw(st.sampled_from([-2, -1, 1, 2, 99]))))
        if judged(spoilt)[0] == 0:
            _still_true(spoilt, path)


def _still_true(document: Document, path: tuple[str | int, ...]) -> None:
    assert is_true(document), path
    masks = mc.MaskSet(
        mc.Grid(tuple(document["image_size"])),
        tuple(mc.Mask([mc.Box.at(*_halves(row)) for row in rows], ndim=len(document["image_size"]))
              for rows in document["masks"]),
    )  # fmt: skip
    regions = mc.parse_regions(document["regions"])
    assert mc.verify(masks, regions).covers, path


def _halves(row: list[int]) -> tuple[list[int], list[int]]:
    return row[: len(row) // 2], row[len(row) // 2 :]


@MANY
@given(claims(), st.data())
def test_a_stencil_can_be_left_out_only_if_the_others_hold_all_regions(
    claim: tuple[mc.MaskSet, mc.RegionSet], data: st.DataObject
) -> None:
    masks, regions = claim
    assume(reads_back(regions))
    try:
        assume(mc.verify(masks, regions).covers)
    except mc.InvalidInput:
        return
    document = proved(masks, regions)
    slot = document["terms"][0]["slots"][0]
    assume(len(slot) > 1 and document["terms"][0]["patches"] == [0])
    left = data.draw(st.integers(0, len(slot) - 1))
    fewer = [one for number, one in enumerate(slot) if number != left]
    if judged(edited(document, ("terms", 0, "slots"), [fewer]))[0] == 0:
        axes = masks.grid.ndim
        held = [_moved(one["shape"], place, axes) for one in fewer for place in cells_of(one["places"], axes)]
        for one in regions.terms(masks.grid)[0].slots[0]:
            for place in _cells(one.places):
                assert any(_cells(one.at(place)) <= cells for cells in held), slot[left]


def _moved(shape: list[list[int]], place: tuple[int, ...], axes: int) -> set[tuple[int, ...]]:
    return {tuple(a + b for a, b in zip(place, cell, strict=True)) for cell in cells_of(shape, axes)}


MINIMAL = [
    ([(0, 0, 3, 4)], (3, 4), mc.squares(2)),
    ([(0, 0, 3, 4)], (3, 4), mc.rectangles(6)),
    ([(0, 0, 3, 4)], (3, 4), mc.patches(mc.squares(2), k=2)),
    ([(0, 0, 3, 4)], (3, 4), mc.patches([mc.squares(2), mc.rectangle(1, 4)])),
    ([(0, 0, 3, 3)], (3, 3), mc.bitmap("111/111/111")),
    ([(0, 0, 2, 3)], (2, 3), mc.within(mc.squares(1), np.array([[1, 1, 1], [1, 0, 1]], dtype=bool))),
    ([(0, 0, 3, 4)], (3, 4), mc.avoiding(mc.squares(1), (1, 1, 1, 2))),
    ([(0, 0, 0, 2, 2, 3)], (2, 2, 3), mc.squares(area=7)),
]


@pytest.mark.parametrize(("boxes", "size", "regions"), MINIMAL, ids=lambda one: str(one)[:40])
@pytest.mark.filterwarnings("ignore::maskcover.MaskcoverWarning")
def test_no_number_of_a_minimal_certificate_can_be_changed(
    boxes: list[tuple[int, ...]], size: tuple[int, int], regions: mc.RegionSet
) -> None:
    document = proved(mc.MaskSet.from_boxes(boxes, size), regions)
    assert judged(document)[0] == 0
    for path in numbers(document):
        for value in {*range(6), 99, 2**70} - {at(document, path)}:
            assert judged(edited(document, path, value))[0] != 0, (path, value)


def test_every_accepted_edit_of_a_real_cover_is_still_true() -> None:
    document = proved(mc.cover(mc.rectangles(area=0.1), (20, 24), masks=9))
    accepted = 0
    for path in numbers(document):
        for step in (-1, 1):
            spoilt = edited(document, path, at(document, path) + step)
            if at(spoilt, path) >= 0 and judged(spoilt)[0] == 0:
                assert path[0] == "masks", path
                _still_true(spoilt, path)
                accepted += 1
    assert accepted  # a mask may grow


def test_without_a_new_digest_no_number_can_be_changed() -> None:
    document = proved(mc.cover(mc.patches(mc.squares(2), k=2), 12, grid=(3, 2)))
    for path in numbers(document):
        code, line = check(json.dumps(edited(document, path, at(document, path) + 1)).encode())
        assert (code, "digest" in line) == (2, True), path


def test_the_digest_is_that_of_the_document(tmp_path: object) -> None:
    del tmp_path
    document = written(prove(mc.cover(mc.squares(8), 32)))
    assert digested(document) == document
