"""Results say what was found, in arrays, shares and one sentence, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, MaskSet, certify, cover, patches, squares
from maskcover.certification import CertificationResult, exact_interval
from maskcover.defense import Rule
from tests.defense.naive import BoolArray, Looked, Looker, image_of, one_hot, singles, symmetric
from tests.laws import examples

Scores = npt.NDArray[np.float64]
MASKS = singles(3)
TABLES = {"right": [1] * 6, "one mask wrong": [1, 1, 1, 1, 1, 0], "no label": [-1] * 6}
IMAGES = [image_of(symmetric(3, entries), MASKS, bare=2 - number) for number, entries in enumerate(TABLES.values())]


def result(rule: Rule = "rows", *, exhaustive: bool = False) -> CertificationResult:
    """Of one image that is certified, one that is in part, one without a label."""
    return certify(Looker(), IMAGES, [1, 1, 1], MASKS, rule=rule, exhaustive=exhaustive)


def test_the_arrays_have_one_entry_an_image_and_the_dtypes_that_they_promise() -> None:
    found = result()
    for array, dtype, values in (
        (found.certified, np.bool_, [True, False, False]),
        (found.defended, np.int64, [1, 1, -1]),
        (found.undefended, np.int64, [2, 1, 0]),
        (found.labels, np.int64, [1, 1, 1]),
    ):
        assert array.dtype == dtype
        assert array.tolist() == values
    assert len(found) == len(found.verdicts) == 3
    assert found.evaluations == sum(verdict.evaluations for verdict in found.verdicts)


def test_the_sentence_holds_the_counts_the_claim_the_interval_and_the_cost() -> None:
    found = result()
    low, high = exact_interval(1, 3)
    assert str(found) == (
        f"1 of 3 images certified against squares(size=1) on 3 (95 % interval {low:.1%} to {high:.1%}); "
        f"right as they are: 2 defended, 1 undefended. 3 masks, double masking, rule rows, "
        f"predictions repeat to the bit (in part not probed); {found.evaluations} masked predictions"
    )


def test_the_sentence_counts_errors_which_are_neither_right_nor_certified() -> None:
    class Broken(Looker):
        """No finite scores of the first image where something is hidden."""

        def scores(self, images: Sequence[Looked], hidden: BoolArray) -> Scores:
            found = np.array(super().scores(images, hidden), np.float64)
            lost = [image is IMAGES[1] and bool(hide.any()) for image, hide in zip(images, hidden, strict=True)]
            found[lost] = np.nan
            return found

    found = certify(Broken(), IMAGES[1:2] * 2 + IMAGES[:1], [1, 1, 1], MASKS)
    assert found.undefended.tolist() == [1, 1, 2]
    assert "1 of 3 images certified" in str(found)
    assert ", 2 errors (non-finite scores); right as they are: 1 defended, 0 undefended. " in str(found)


@pytest.mark.parametrize("regions", ["squares(size=1)", "union(squares(size=1), rectangle(height=1, width=2))"])
def test_the_claim_is_written_from_the_region_set_that_was_checked(regions: str) -> None:
    class Sure(Looker):
        def scores(self, images: Sequence[Looked], hidden: BoolArray) -> Scores:
            return one_hot([len(image) for image, _ in zip(images, hidden, strict=True)], 3)

    masks = MaskSet.from_boxes([(0, 0, 4, 3), (0, 2, 4, 3), (0, 4, 4, 3)], image_size=(4, 7), regions="squares(size=2)")
    found = certify(Sure(), [{b"": 1}], [1], masks, regions=regions)
    assert found.certified.all()
    assert f"certified against {regions} on 4×7" in str(found)
    assert "squares(size=2)" not in str(found)


def test_the_share_is_one_for_certified_images_and_below_for_others() -> None:
    # Not exhaustive: the rows that were not needed to fail the second image were left unseen.
    assert [result().certified_fraction(number) for number in range(3)] == [1, 0, 0]
    assert [result(exhaustive=True).certified_fraction(number) for number in range(3)] == [1, Fraction(2, 3), 0]


def test_the_map_marks_the_placements_inside_good_masks() -> None:
    marked = [
        [covered[allowed].tolist() for _, allowed, covered in result(exhaustive=True).map(number).placements()]
        for number in range(3)
    ]
    assert marked == [[[True, True, True]], [[True, True, False]], [[False, False, False]]]
    assert [result(exhaustive=True).map(number).fraction for number in range(3)] == [1, Fraction(2, 3), 0]


class Dark:
    """Says 1 when all that it sees is dark, else 0; images of brightness."""

    batch_size = 8

    def scores(self, images: Sequence[BoolArray], hidden: BoolArray) -> Scores:
        return one_hot([int(not (image & ~hide).any()) for image, hide in zip(images, hidden, strict=True)], 2)


TWO = cover(patches(squares(size=1), k=2), image_size=(8,), grid=(4,))
BRIGHT, BLACK = np.ones(8, dtype=np.bool_), np.zeros(8, dtype=np.bool_)


def test_the_share_of_two_patches_counts_pairs_of_placements() -> None:
    found = certify(Dark(), [BLACK], [1], TWO)
    assert found.certified.tolist() == [True]
    assert found.certified_fraction(0) == 1


def test_the_share_of_an_image_without_a_good_mask_is_nothing_also_for_two_patches() -> None:
    found = certify(Dark(), [BRIGHT], [1], TWO)
    assert found.verdicts[0].certificate.certifying == ()
    assert found.certified_fraction(0) == 0


def test_there_is_no_map_of_several_patches() -> None:
    with pytest.raises(InvalidInput, match="one patch"):
        certify(Dark(), [BLACK], [1], TWO).map(0)


def tail(successes: int, total: int, share: float) -> float:
    """The probability of at least so many successes."""
    return sum(comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(successes, total + 1))


@examples(60)
@given(st.integers(1, 60).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_is_exact_by_the_tails_of_the_binomial(counts: tuple[int, int]) -> None:
    successes, total = counts
    low, high = exact_interval(successes, total)
    assert 0 <= low <= successes / total <= high <= 1
    assert low == 0 if successes == 0 else tail(successes, total, low) == pytest.approx(0.025, abs=1e-7)
    assert high == 1 if successes == total else 1 - tail(successes + 1, total, high) == pytest.approx(0.025, abs=1e-7)


def test_more_confidence_is_a_wider_interval_and_more_images_a_narrower_one() -> None:
    widths = [high - low for low, high in (exact_interval(9, 10, 0.99), exact_interval(9, 10), exact_interval(90, 100))]
    assert widths == sorted(widths, reverse=True)


def test_nothing_seen_is_nothing_known() -> None:
    assert exact_interval(0, 0) == (0.0, 1.0)
