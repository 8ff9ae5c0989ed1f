"""Bad arguments are refused, each with a sentence that names what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from maskcover import InvalidInput, certify, defend, predict
from maskcover.certification import exact_interval
from maskcover.classifiers import UNSEEN
from maskcover.defense import all_pairs, double_masking, row_certificate
from tests.defense.naive import Looker, image_of, singles, symmetric

MASKS = singles(3)
IMAGES = [image_of(symmetric(3, [1] * 6), MASKS)]
GOOD: dict[str, Any] = {"images": IMAGES, "labels": [1], "masks": MASKS}


def certified(**changed: Any) -> Callable[[], object]:
    """A certification with some arguments changed."""
    return lambda: certify(**{"model": Looker(), **GOOD, **changed})


def predicted(**changed: Any) -> Callable[[], object]:
    """A prediction with some arguments changed."""
    return lambda: predict(**{"model": Looker(), "images": IMAGES, "masks": MASKS, **changed})


BITMAPS = np.asarray(MASKS)
CALLS: dict[str, tuple[Callable[[], object], str]] = {
    "certify: no model": (certified(model=None), "NoneType"),
    "certify: a function": (certified(model=len), "arrays of numbers"),
    "certify: a class for an instance": (certified(model=Looker), "type|class|instance"),
    "certify: bitmaps for masks": (certified(masks=BITMAPS), "MaskSet"),
    "certify: no masks": (certified(masks=None), "MaskSet"),
    "certify: masks that claim nothing, no regions": (certified(masks=singles(3).from_array(BITMAPS)), "region set"),
    "certify: a broken region text": (certified(regions="squares("), "squares"),
    "certify: an unknown region": (certified(regions="circles(size=1)"), "circles"),
    "certify: a number for regions": (certified(regions=1), "region set"),
    "certify: regions that do not fit": (certified(regions="squares(size=4)"), "no place"),
    "certify: an unknown rule": (certified(rule="row"), "rule"),
    "certify: no rule": (certified(rule=""), "rule"),
    "certify: a rule in a list": (certified(rule=["rows"]), "rule"),
    "certify: exhaustive with all pairs": (certified(rule="all-pairs", exhaustive=True), "exhaustive"),
    "certify: no labels": (certified(labels=None), "label"),
    "certify: no images": (certified(images=None), "images"),
    "certify: images that can be read once only": (certified(images=iter(IMAGES)), "images"),
    "certify: an unknown option": (certified(size=3), "size"),
    "predict: no model": (predicted(model=None), "NoneType"),
    "predict: no masks": (predicted(masks=None), "MaskSet"),
    "predict: an empty mask set": (predicted(masks=MASKS[:0]), "mask"),
    "predict: bitmaps for masks": (predicted(masks=BITMAPS), "MaskSet"),
    "predict: no images": (predicted(images=None), "images"),
    "predict: an unknown option": (predicted(size=3), "size"),
    "defend: no model": (lambda: defend(None, MASKS), "NoneType"),
    "defend: no masks": (lambda: defend(Looker(), None), "MaskSet"),  # type: ignore[arg-type]  # the error under test
    "defend: an empty mask set": (lambda: defend(Looker(), MASKS[:0]), "mask"),
    "defend: bitmaps for masks": (lambda: defend(Looker(), BITMAPS), "MaskSet"),  # type: ignore[arg-type]  # likewise
    "defend: an unknown option": (lambda: defend(Looker(), MASKS, size=3), "size"),
    "exact_interval: more successes than trials": (lambda: exact_interval(11, 10), "10"),
    "exact_interval: successes without trials": (lambda: exact_interval(1, 0), "0"),
    "exact_interval: negative successes": (lambda: exact_interval(-1, 10), "-1"),
    "exact_interval: negative trials": (lambda: exact_interval(0, -1), "-1"),
    "exact_interval: confidence above one": (lambda: exact_interval(1, 3, 1.5), "confidence"),
    "exact_interval: confidence in per cent": (lambda: exact_interval(1, 3, 95), "confidence"),
}


@pytest.mark.parametrize(("call", "named"), CALLS.values(), ids=CALLS)
def test_a_bad_argument_is_refused_with_what_is_wrong(call: Callable[[], object], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        call()


SQUARE = symmetric(3, [1] * 6)
TABLES: dict[str, Any] = {
    "one axis": np.ones(3, dtype=np.int64),
    "not square": np.ones((2, 3), dtype=np.int64),
    "three axes": np.ones((3, 3, 3), dtype=np.int64),
    "not symmetric": np.array([[1, 1], [0, 1]]),
    "a gap on one side": np.array([[1, 1], [UNSEEN, 1]]),
}
PROCEDURES: dict[str, Callable[[Any], object]] = {
    "double_masking": double_masking,
    "row_certificate": lambda table: row_certificate(table, 1, lambda _: True),
    "all_pairs": lambda table: all_pairs(table, 1, covering=True),
}


@pytest.mark.parametrize("procedure", PROCEDURES.values(), ids=PROCEDURES)
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_is_no_prediction_table_is_refused(table: Any, procedure: Callable[[Any], object]) -> None:
    with pytest.raises(InvalidInput, match="table"):
        procedure(table)


def test_algorithm_1_has_no_answer_without_masks() -> None:
    with pytest.raises(InvalidInput, match="mask"):
        double_masking(np.zeros((0, 0), dtype=np.int64))


@pytest.mark.parametrize("label", [-1, -2, -100, np.int64(-1)])
def test_a_certificate_is_about_a_true_label(label: int) -> None:
    with pytest.raises(InvalidInput, match="label"):
        row_certificate(SQUARE, label, lambda _: True)
    with pytest.raises(InvalidInput, match="label"):
        all_pairs(SQUARE, label, covering=True)


def test_what_the_tables_call_bad_is_bad_only_for_what_was_changed() -> None:
    assert certify(Looker(), **GOOD).certified.tolist() == [True]
    assert len(predict(Looker(), IMAGES, MASKS)) == 1
    assert all(procedure(SQUARE) for procedure in PROCEDURES.values())
