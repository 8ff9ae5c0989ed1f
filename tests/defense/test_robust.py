"""Robust masking: the theorem against every attack, windows of any shape, and evidence that is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover.covering.containment import Containment
from maskcover.defense import PredictionTable, RobustMasking, parse_procedure
from maskcover.defense.robust import masked_scores, robust_answer, robust_certificate, robust_map, windows_of
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import Views
from maskcover.testing import ProcedureContract, World

LINE = mc.bands(width=1, image_size=(1, 6))
PAIRS = windows_of(LINE, "rectangle(1, 2)")
CELLS = windows_of(LINE, "squares(size=1)")
THRESHOLDS = (Fraction(0), Fraction(1, 3), Fraction(3, 4))


class TestRobustMasking(ProcedureContract):
    """On bands and blocks so small that every attack can be tried."""

    procedures = (
        RobustMasking(evidence="clip(0, 20)"),
        RobustMasking(0.5, evidence="confidence"),
    )
    worlds = (
        World(mc.bands(width=2, image_size=(2, 6)), "rectangle(1, 1)"),
        World(mc.blocks(size=2, image_size=(3, 4)), "squares(size=1)"),
        World(mc.receptive_fields(2, image_size=(3, 4)), "squares(size=1)"),
    )
    models = 40


class TestRobustMaskingWithLargerWindows(ProcedureContract):
    """Windows that no region fills."""

    procedures = (RobustMasking(0.25, windows="rectangle(2, 2)", evidence="clip(0, 3)"),)
    worlds = (World(mc.bands(width=1, image_size=(2, 6)), "rectangle(2, 1)"),)


def attacks(evidence: Any, touched: npt.NDArray[np.bool_]) -> Any:
    """The evidence after every attack within the touched views, of some values."""
    cells = np.argwhere(np.repeat(touched[:, None], evidence.shape[1], axis=1))
    for values in product((0, 2, 6), repeat=len(cells)):
        attacked = evidence.copy()
        attacked[tuple(cells.T)] = values
        yield attacked


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize(("windows", "touched"), [(PAIRS, PAIRS), (PAIRS, CELLS), (CELLS, CELLS)])
def test_no_attack_breaks_a_certificate(threshold: Fraction, windows: Any, touched: Any) -> None:
    random = np.random.default_rng(0)
    certified = 0
    for number in range(40):
        evidence: Any = random.integers(0, 4, size=(6, 2)) + np.array([[0, (number % 3) * 8]])
        for label in range(2):
            if robust_certificate(evidence, windows, threshold, label, touched):
                certified += 1
                for region in touched:
                    for attacked in attacks(evidence, region):
                        assert robust_answer(attacked, windows, threshold).label == label
    assert certified


@given(st.data(), st.sampled_from(THRESHOLDS))
def test_the_certificate_is_the_theorem_one_region_at_a_time(data: st.DataObject, threshold: Fraction) -> None:
    """Against a loop in fractions, with more classes and cells than can be attacked in every way."""
    views, classes = data.draw(st.integers(2, 6)), data.draw(st.integers(2, 4))
    numbers = st.lists(st.lists(st.integers(0, 9), min_size=classes, max_size=classes), min_size=views, max_size=views)
    evidence = np.array(data.draw(numbers))
    flags = st.lists(st.lists(st.booleans(), min_size=views, max_size=views), min_size=1, max_size=4)
    windows, touched = np.array(data.draw(flags)), np.array(data.draw(flags))
    label = data.draw(st.integers(0, classes - 1))
    holds = True
    for region in touched:
        inside = any((region <= window).all() for window in windows)
        left = [sum(int(evidence[view, name]) for view in range(views) if not region[view]) for name in range(classes)]
        lost = max(sum(int(evidence[view, label]) for view in range(views) if window[view] and not region[view])
                   for window in windows)  # fmt: skip
        for name in range(classes):
            if name != label:
                bound, most = Fraction(left[label] - lost), left[name] / (1 - threshold)
                holds &= inside and (bound > most or (bound == most and label < name))
    assert robust_certificate(evidence, windows, threshold, label, touched) == holds


@given(st.data(), st.sampled_from(THRESHOLDS))
def test_the_map_is_the_theorem_one_placement_at_a_time(data: st.DataObject, threshold: Fraction) -> None:
    shape = (3, 4)
    array = data.draw(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=2, max_size=5))
    masks = mc.MaskSet(mc.Grid(shape), tuple(map(mc.Mask.from_array, np.array(array).reshape(-1, *shape))))
    windows = np.array(
        data.draw(st.lists(st.lists(st.booleans(), min_size=len(masks), max_size=len(masks)), min_size=1, max_size=3))
    )
    evidence = np.array([data.draw(st.lists(st.integers(0, 9), min_size=3, max_size=3)) for _ in masks])
    placements = robust_map(evidence, windows, threshold, 1, Containment(masks, mc.rectangles(area=2)))
    assert placements is not None
    hidden = np.asarray(masks)
    for stencil, allowed, certified in placements.placements():
        for place in np.argwhere(allowed).tolist():
            cells = stencil.at(tuple(place)).to_array(masks.grid)
            touched: Any = ~(hidden | ~cells).all(axis=(1, 2))
            expected = robust_certificate(evidence, windows, threshold, 1, touched[None])
            assert certified[tuple(place)] == expected


def test_a_window_that_holds_just_the_threshold_stays() -> None:
    evidence = np.array([[1, 3], [3, 1]])
    cells = np.eye(2, dtype=np.bool_)
    assert masked_scores(evidence, cells, Fraction(3, 4)).tolist() == [4, 4]
    assert masked_scores(evidence, cells, Fraction(74, 100)).tolist() == [1, 1]


def test_a_window_beside_the_region_is_allowed_for() -> None:
    """The bound of the label takes out the heaviest window, wherever it lies, also beside the region."""
    evidence = np.array([[0, 0], [0, 9], [0, 0], [3, 2]])
    cells = np.eye(4, dtype=np.bool_)
    region = np.array([[True, False, False, False]])
    # Outside the region class 1 has 11, of which a window beside the region holds 9.
    assert not robust_certificate(evidence, cells, Fraction(0), 1, region)
    assert robust_answer(np.array([[9, 0], [0, 9], [0, 0], [3, 2]]), cells, Fraction(0)).label == 0


def test_a_region_outside_every_window_certifies_nothing() -> None:
    evidence = np.array([[0, 9]] * 6)
    assert robust_certificate(evidence, PAIRS, Fraction(0), 1, CELLS)
    assert not robust_certificate(evidence, CELLS, Fraction(0), 1, PAIRS)
    assert not robust_certificate(evidence, PAIRS, Fraction(0), 1, PAIRS[:0])
    assert not robust_certificate(evidence, CELLS, Fraction(0), 1, np.concatenate([CELLS, PAIRS]))
    views = mc.bands(width=1, image_size=(1, 9))
    with pytest.raises(NotCovering, match="no window holds together"):
        RobustMasking(windows="squares(size=1)").expect_use(Containment(views, mc.rectangle(1, 2)))
    with pytest.raises(NotCovering, match="touches all of them"):
        RobustMasking().expect_use(Containment(views, mc.rectangle(1, 9)))


def test_evidence_must_be_whole_numbers_from_0_on() -> None:
    for evidence in (np.array([[0, -1]]), np.array([[0.0, 1.0]]), np.array([[1], [2]]), np.array([1, 2])):
        with pytest.raises(InvalidInput, match="evidence"):
            masked_scores(evidence, np.eye(len(evidence), dtype=np.bool_), Fraction(0))


@pytest.mark.parametrize("threshold", [1, 1.0, -0.1, float("nan"), True, "0.5"])
def test_thresholds_that_bound_nothing_are_refused(threshold: Any) -> None:
    with pytest.raises(InvalidInput, match="threshold"):
        RobustMasking(threshold)


@pytest.mark.parametrize("threshold", [np.float64(0.5), np.float32(0.5), 0.5])
def test_thresholds_of_numpy_are_numbers(threshold: Any) -> None:
    assert str(RobustMasking(threshold)) == "robust_masking(threshold=0.5)"
    assert RobustMasking(threshold) == parse_procedure("robust_masking(0.5)")


def test_texts_are_read_again() -> None:
    procedure = RobustMasking(0.5, "bands(4)", "squares(size=5)", "confidence")
    assert parse_procedure(str(procedure)) == procedure
    assert "robust masking of bands(width=4) at 0.5" in procedure.words
    with pytest.raises(InvalidInput, match="0 or more"):
        RobustMasking(evidence="tanh(1, 0)")
    with pytest.raises(InvalidInput, match="write it like"):
        RobustMasking(evidence="clip(0, __import__('os'))")


def test_windows_are_those_that_are_certified_unless_they_are_named() -> None:
    regions = mc.squares(size=2)
    assert RobustMasking().against(regions) == RobustMasking(windows="squares(size=2)")
    assert RobustMasking(windows="squares(size=3)").against(regions) == RobustMasking(windows="squares(size=3)")
    table = PredictionTable(LINE.views(Views.SINGLE_MASKS))
    table.labels[:], table.observed = 0, np.zeros((len(table.labels), 2))
    with pytest.raises(InvalidInput, match="windows"):
        RobustMasking().answer(table)


def test_a_margin_certifies_nothing() -> None:
    """Evidence has no margin: the run is refused, and the certificate says no as well."""
    procedure = RobustMasking(windows="squares(size=1)")
    table = PredictionTable(LINE.views(Views.SINGLE_MASKS), 2, LINE)
    table.labels[:], table.observed = 1, np.tile([0.0, 9.0], (len(table.labels), 1))
    outcomes = [procedure.certificate(table, 1, Containment(LINE, mc.squares(size=1)), margin) for margin in (0.0, 0.1)]
    assert [getattr(outcome, "certified", None) for outcome in outcomes] == [True, False]


def test_a_serving_window_larger_than_the_regions_certifies_smaller_regions() -> None:
    """One defence as it is served, certified against other regions than those of its windows."""
    views = mc.receptive_fields(3, image_size=(8, 8))
    images = np.zeros((1, 8, 8))
    model: Any = lambda batch: np.tile([0.0, 5.0], (len(batch), 1))  # noqa: E731
    for regions, windows in (("squares(size=1)", "squares(size=2)"), ("squares(size=2)", "squares(size=2)")):
        procedure = RobustMasking(windows=windows)
        result = mc.certify(model, images, [1], views, regions=regions, procedure=procedure, batch_size=8, fill=0)
        assert result.procedure == procedure
        assert result.certified.all()
