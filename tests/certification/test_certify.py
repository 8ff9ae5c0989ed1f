"""`certify` and `predict` end to end: verdicts are those of the naive algorithms on every image, in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from maskcover import MaskSet, NotCovering, certify, parse_regions, predict, squares
from maskcover.certification import CertificationResult
from maskcover.classifiers import UNDECIDED
from maskcover.defense import Rule
from tests.defense.naive import (
    IntArray,
    Looked,
    Looker,
    algorithm_1,
    algorithm_2,
    good_rows,
    image_of,
    of_table,
    singles,
    symmetric,
)

# On a line of eight cells the first three masks cover every two neighbours; the fourth is one more.
MASKS = MaskSet.from_boxes([(0, 4), (2, 4), (4, 4), (3, 3)], image_size=(8,), regions="squares(size=2)")
COVERING = frozenset({0, 1, 2})
RULES: tuple[Rule, ...] = ("rows", "all-pairs")


def tables(count: int) -> list[IntArray]:
    """Tables that suit `MASKS`: right for label 1 but for one single mask, or for a few random entries."""
    rng = np.random.default_rng(5)
    made = [np.where(MASKS.unions.ids == MASKS.unions.ids[mask, mask], 2, 1) for mask in (1, 3, 2)]
    for number in range(count):
        labels = np.where(rng.random(len(MASKS.unions)) < 0.06 * (number % 4), rng.integers(UNDECIDED, 3), 1)
        made.append(labels[MASKS.unions.ids])
    return made


TABLES = tables(40)
BARE = [int(label) for label in np.random.default_rng(6).integers(UNDECIDED, 3, size=len(TABLES))]
LABELS = [2 if number % 7 == 3 else 1 for number in range(len(TABLES))]
IMAGES = [image_of(table, MASKS, bare) for table, bare in zip(TABLES, BARE, strict=True)]


def expected(table: IntArray, label: int, rule: Rule) -> bool:
    """The certificate by its definition."""
    if rule == "all-pairs":
        return algorithm_2(*of_table(table), label, covering=True)
    return set(good_rows(table, label)) >= COVERING


@pytest.mark.parametrize("batch_size", [1, 4, 50])
@pytest.mark.parametrize("rule", RULES)
def test_verdicts_are_those_of_the_naive_algorithms(rule: Rule, batch_size: int) -> None:
    found = certify(Looker(batch_size), IMAGES, LABELS, MASKS, rule=rule)
    judged = [expected(table, label, rule) for table, label in zip(TABLES, LABELS, strict=True)]
    assert found.certified.tolist() == judged
    assert found.defended.tolist() == [algorithm_1(*of_table(table))[0] for table in TABLES]
    assert found.undefended.tolist() == BARE
    assert found.labels.tolist() == LABELS
    assert 3 < sum(judged) < len(judged) - 3


def test_rows_certify_what_all_pairs_certify_and_more() -> None:
    rows, pairs = (certify(Looker(), IMAGES, LABELS, MASKS, rule=rule).certified for rule in RULES)
    assert (rows >= pairs).all()
    assert rows.sum() > pairs.sum()


@pytest.mark.parametrize("batch_size", [1, 4, 50])
def test_predictions_are_those_of_the_naive_algorithm_case_by_case(batch_size: int) -> None:
    found = predict(Looker(batch_size), IMAGES, MASKS)
    assert [(one.label, one.case.value) for one in found] == [algorithm_1(*of_table(table)) for table in TABLES]
    assert len({one.case for one in found}) == 3


def test_certified_images_are_served_their_label() -> None:
    found = certify(Looker(), IMAGES, LABELS, MASKS)
    assert (found.defended[found.certified] == found.labels[found.certified]).all()


def test_certifying_and_serving_agree_on_every_image() -> None:
    served = [one.label for one in predict(Looker(), IMAGES, MASKS)]
    for rule in RULES:
        assert certify(Looker(), IMAGES, LABELS, MASKS, rule=rule).defended.tolist() == served


def test_exhaustive_finds_every_good_row_and_the_same_certificates() -> None:
    found = certify(Looker(), IMAGES, LABELS, MASKS, exhaustive=True)
    for verdict, table in zip(found.verdicts, TABLES, strict=True):
        assert verdict.certificate.complete
        assert verdict.certificate.certifying == good_rows(table, verdict.label)
    assert found.certified.tolist() == certify(Looker(), IMAGES, LABELS, MASKS).certified.tolist()


def test_evaluations_are_what_was_asked_for_and_never_more_than_all_unions_and_the_bare_image() -> None:
    for rule, exhaustive in (("rows", False), ("rows", True), ("all-pairs", False)):
        classifier = Looker(1)
        found = certify(classifier, IMAGES, LABELS, MASKS, rule=rule, exhaustive=exhaustive, probes=False)
        references = 4  # rows of the first image that are kept for comparison
        assert found.evaluations == len(classifier.batches) - references
        assert all(1 + len(MASKS) <= verdict.evaluations <= 1 + MASKS.evaluations for verdict in found.verdicts)
        certified = [
            verdict.evaluations for verdict in found.verdicts if verdict.certificate.certifying == (0, 1, 2, 3)
        ]
        assert set(certified) <= {1 + MASKS.evaluations}


def test_an_image_wrong_under_every_mask_costs_one_round() -> None:
    table = symmetric(4, [0] * 10)
    found = certify(Looker(), [image_of(table, singles(4))], [1], singles(4))
    assert found.evaluations == 5
    assert not found.certified.any()


@pytest.mark.parametrize("rule", RULES)
def test_masks_that_do_not_cover_are_refused_with_a_region_that_they_miss(rule: Rule) -> None:
    with pytest.raises(NotCovering, match="no mask contains 2 at cells 3–4"):
        certify(Looker(), IMAGES, LABELS, MASKS[::2], rule=rule)
    with pytest.raises(NotCovering, match="no mask contains 4 at cells 1–4"):
        certify(Looker(), IMAGES, LABELS, MASKS, regions=squares(size=4), rule=rule)


@pytest.mark.parametrize("regions", [None, "squares(size=2)", squares(size=2)], ids=["claimed", "text", "value"])
def test_the_regions_are_those_named_or_else_those_claimed(regions: str | None) -> None:
    found = certify(Looker(), IMAGES[:3], LABELS[:3], MASKS, regions=regions)
    assert found.regions == parse_regions("squares(size=2)")
    assert found.masks == MASKS


def test_a_smaller_attacker_is_certified_at_least_as_often() -> None:
    small = certify(Looker(), IMAGES, LABELS, MASKS, regions="squares(size=1)").certified
    large = certify(Looker(), IMAGES, LABELS, MASKS, regions="squares(size=2)").certified
    assert (small >= large).all()
    assert small.sum() > large.sum()


def test_labels_may_be_any_sequence_or_array_of_whole_numbers() -> None:
    forms: list[npt.ArrayLike] = [LABELS, tuple(LABELS), np.array(LABELS, dtype=np.uint8), np.array(LABELS)]
    found = [certify(Looker(), IMAGES, labels, MASKS).certified.tolist() for labels in forms]
    assert found == [found[0]] * len(forms)


def test_no_images_give_an_empty_result() -> None:
    found = certify(Looker(), [], [], MASKS)
    assert (len(found), found.certified.shape, found.defended.shape) == (0, (0,), (0,))
    assert predict(Looker(), [], MASKS) == []


def test_progress_goes_to_stderr_and_only_when_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = certify(Looker(), IMAGES, LABELS, MASKS)
    assert capsys.readouterr() == ("", "")
    shown = certify(Looker(), IMAGES, LABELS, MASKS, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "certifying: 100%" in err
    assert shown == quiet


@pytest.mark.parametrize("order", ["reversed", "rotated"])
def test_reordered_images_give_reordered_verdicts(order: str) -> None:
    numbers = list(range(len(IMAGES)))
    numbers = numbers[::-1] if order == "reversed" else numbers[9:] + numbers[:9]
    straight = certify(Looker(), IMAGES, LABELS, MASKS)
    moved = certify(Looker(), [IMAGES[n] for n in numbers], [LABELS[n] for n in numbers], MASKS)
    assert moved.verdicts == tuple(straight.verdicts[n] for n in numbers)


def test_masks_in_another_order_certify_the_same_images() -> None:
    order = [3, 1, 0, 2]
    masks = MaskSet(MASKS.grid, tuple(MASKS[number] for number in order), MASKS.regions)
    for rule in RULES:
        found = certify(Looker(), IMAGES, LABELS, masks, rule=rule)
        assert found.certified.tolist() == certify(Looker(), IMAGES, LABELS, MASKS, rule=rule).certified.tolist()


class Scaled(Looker):
    """The same labels from scores of another scale and dtype."""

    def scores(self, images: Sequence[Looked], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        return np.asarray(super().scores(images, hidden) * 1e-3 - 7).astype(np.float32)


def test_only_the_order_of_the_scores_matters() -> None:
    def arrays(result: CertificationResult) -> list[list[int]]:
        return [result.certified.tolist(), result.defended.tolist(), result.undefended.tolist()]

    assert arrays(certify(Scaled(), IMAGES, LABELS, MASKS)) == arrays(certify(Looker(), IMAGES, LABELS, MASKS))
