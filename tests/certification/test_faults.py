"""Whatever a classifier does wrong, at whichever call, no more is certified than without the fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from maskcover import InvalidInput, MaskSet, NotCovering, certify, predict, squares, verify
from maskcover.classifiers import UNDECIDED, MaskedClassifier
from maskcover.defense import Rule
from tests.defense.naive import BoolArray, Looked, Looker, image_of, singles, symmetric

Scores = npt.NDArray[np.float64]
RULES: tuple[Rule, ...] = ("rows", "all-pairs")
BOTH_RULES = pytest.mark.parametrize("rule", RULES)
MASKS = singles(3)
# Three images right throughout, one wrong under one mask, one about another label; six views and the bare image each.
TABLES = [[1] * 6, [0] * 6, [1, 1, 1, 1, 1, 0], [2] * 6, [1] * 6]
LABELS = [1, 0, 1, 2, 0]
IMAGES = [image_of(symmetric(3, entries), MASKS, bare=entries[0]) for entries in TABLES]
CLEAN = [True, True, False, True, False]


@dataclass
class Faulty:
    """A classifier that behaves but for one call."""

    at: int
    fault: Callable[[Scores], npt.ArrayLike]
    batch_size: int = 4
    calls: int = 0
    classes: int = 3

    def scores(self, images: Sequence[Looked], hidden: BoolArray) -> npt.ArrayLike:
        """Scores of the labels looked up, or at call `at` what the fault makes of them."""
        scores = Looker(self.batch_size, self.classes).scores(images, hidden)
        self.calls += 1
        return self.fault(scores) if self.calls - 1 == self.at else scores


def fault_free_calls(rule: Rule) -> int:
    """Calls of the run without a fault."""
    classifier = Faulty(-1, np.asarray)
    assert certify(classifier, IMAGES, LABELS, MASKS, rule=rule, probes=False).certified.tolist() == CLEAN
    return classifier.calls


def with_row(row: int, values: float | Sequence[float]) -> Callable[[Scores], Scores]:
    """Spoil one row."""

    def fault(scores: Scores) -> Scores:
        spoilt = scores.copy()
        spoilt[row] = values
        return spoilt

    return fault


ANSWERS: dict[str, Callable[[Scores], npt.ArrayLike]] = {
    "NaN throughout": lambda scores: np.full_like(scores, np.nan),
    "NaN in the first row": with_row(0, np.nan),
    "NaN in the last row": with_row(-1, np.nan),
    "NaN beside the label": lambda scores: np.where(np.arange(3) == 2, np.nan, scores),
    "infinite throughout": lambda scores: np.full_like(scores, np.inf),
    "infinite at the label": lambda scores: np.where(scores > 0, np.inf, scores),
    "minus infinity": with_row(1, (-np.inf, 1.0, 0.0)),
    "zeros": np.zeros_like,
    "ones": np.ones_like,
    "a tie with the label": lambda scores: np.maximum(scores, np.roll(scores, 1, axis=1)),
    "a wrong label": lambda scores: np.roll(scores, 1, axis=1),
    "overflow": lambda scores: (scores * 1e39).astype(np.float32),
}
REFUSED: dict[str, Callable[[Scores], npt.ArrayLike]] = {
    "fewer rows": lambda scores: scores[1:],
    "more rows": lambda scores: np.concatenate([scores, scores[:1]]),
    "no rows": lambda scores: scores[:0],
    "more classes": lambda scores: np.pad(scores, ((0, 0), (0, 1))),
    "fewer classes": lambda scores: scores[:, :2],
    "one class": lambda scores: scores[:, :1],
    "transposed": lambda scores: scores.T,
    "flat": np.ravel,
    "labels in place of scores": lambda scores: scores.argmax(axis=1),
    "an axis too many": lambda scores: scores[None],
    "nothing": lambda _: np.array(None),
    "a number": lambda _: 1.0,
    "booleans": lambda scores: scores > 0,
    "texts": lambda scores: scores.astype(str),
    "complex": lambda scores: scores.astype(np.complex128),
    "objects": lambda scores: scores.astype(object),
}


@BOTH_RULES
@pytest.mark.parametrize("fault", ANSWERS.values(), ids=ANSWERS)
def test_a_broken_answer_at_any_call_never_certifies_more(fault: Callable[[Scores], npt.ArrayLike], rule: Rule) -> None:
    calls = fault_free_calls(rule)
    lost = 0
    for at in range(calls):
        with np.errstate(over="ignore"):
            found = certify(Faulty(at, fault), IMAGES, LABELS, MASKS, rule=rule, probes=False).certified
        assert (found <= CLEAN).all()
        lost += int(sum(CLEAN) - found.sum())
    assert calls > 5
    assert lost > 0


@BOTH_RULES
@pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED)
def test_an_answer_of_another_form_at_any_call_is_refused(fault: Callable[[Scores], npt.ArrayLike], rule: Rule) -> None:
    for at in range(fault_free_calls(rule)):
        with pytest.raises(InvalidInput, match="scores"):
            certify(Faulty(at, fault), IMAGES, LABELS, MASKS, rule=rule, probes=False)


class Unforeseen(Exception):
    """An error that the library cannot know."""


@BOTH_RULES
@pytest.mark.parametrize(
    "error", [RuntimeError, MemoryError, TimeoutError, StopIteration, KeyboardInterrupt, Unforeseen]
)
def test_an_exception_at_any_call_ends_the_run(error: type[BaseException], rule: Rule) -> None:
    def fault(_: Scores) -> Scores:
        raise error("at this call")

    for at in range(fault_free_calls(rule)):
        classifier = Faulty(at, fault)
        # A StopIteration out of a generator becomes a RuntimeError; it must not end the loop quietly.
        with pytest.raises((error, RuntimeError)):
            certify(classifier, IMAGES, LABELS, MASKS, rule=rule, probes=False)
        # Not tried again, at no other batch size.
        assert classifier.calls == at + 1


@pytest.mark.parametrize("fault", [*ANSWERS.values()], ids=ANSWERS)
def test_a_broken_answer_while_serving_never_goes_unnoticed(fault: Callable[[Scores], npt.ArrayLike]) -> None:
    # Images that are served their label without a fault, every prediction broken: a label, if any, is a wrong one.
    with np.errstate(over="ignore"):
        broken = Faulty(0, fault, batch_size=64)
        labels = [decision.label for decision in predict(broken, IMAGES[:1], MASKS)]
    assert broken.calls == 1 or labels == [1]
    assert labels in ([UNDECIDED], [1], [2])


class Constant(Looker):
    """A classifier of which every row of scores is the same."""

    row: tuple[float, ...] = (np.nan, np.nan, np.nan)

    def scores(self, images: Sequence[Looked], hidden: BoolArray) -> Scores:
        assert len(images) == len(hidden)
        return np.tile(np.array(self.row), (len(images), 1))


BROKEN: dict[str, tuple[float, ...]] = {
    "NaN": (np.nan, np.nan, np.nan),
    "infinite": (np.inf, np.inf, np.inf),
    "infinite for class 0": (np.inf, 0.0, 0.0),
    "NaN but for class 0": (1.0, np.nan, np.nan),
    "tied": (0.5, 0.5, 0.5),
    "tied with class 0": (0.5, 0.5, 0.0),
}


@BOTH_RULES
@pytest.mark.parametrize("row", BROKEN.values(), ids=BROKEN)
def test_a_broken_model_certifies_no_class_not_even_the_first(row: tuple[float, ...], rule: Rule) -> None:
    classifier = Constant()
    classifier.row = row
    found = certify(classifier, IMAGES[:3], [0, 1, 2], MASKS, rule=rule)
    assert not found.certified.any()
    assert found.defended.tolist() == found.undefended.tolist() == [UNDECIDED] * 3
    assert not any(verdict.certificate.certifying for verdict in found.verdicts)


@BOTH_RULES
def test_a_model_that_says_one_class_certifies_that_class_and_no_other(rule: Rule) -> None:
    classifier = Constant()
    classifier.row = (1.0, 0.0, 0.0)
    assert certify(classifier, IMAGES[:3], [0, 1, 2], MASKS, rule=rule).certified.tolist() == [True, False, False]


@BOTH_RULES
@pytest.mark.parametrize("label", [3, 4, 1000, 2**62, 2**64 - 1])
def test_a_label_that_the_classifier_cannot_say_is_never_certified(label: int, rule: Rule) -> None:
    try:
        found = certify(Looker(), IMAGES, np.full(len(IMAGES), label, dtype=np.uint64), MASKS, rule=rule)
    except InvalidInput:
        return
    assert not found.certified.any()


def test_a_label_that_the_classifier_cannot_say_is_refused() -> None:
    with pytest.raises(InvalidInput, match="class"):
        certify(Looker(), IMAGES[:1], [3], MASKS)


PREDICTIONS: dict[str, Any] = {
    "floats": [1.0, 0.0, 1.0, 2.0, 0.0],
    "booleans": [True, False, True, True, False],
    "texts": ["1", "0", "1", "2", "0"],
    "nothing": [None] * 5,
    "None": None,
    "scores": np.eye(5, dtype=np.int64),
    "a single label": 1,
    "too few": [1, 0, 1, 2],
    "too many": [1, 0, 1, 2, 0, 0],
    "none": [],
    "negative": [1, 0, -1, 2, 0],
    "no label": [1, 0, UNDECIDED, 2, 0],
    "a column": np.ones((5, 1), dtype=np.int64),
    "too large for any class": [1, 0, 2**70, 2, 0],
}


@pytest.mark.parametrize("labels", PREDICTIONS.values(), ids=PREDICTIONS)
def test_certificates_demand_true_labels_before_anything_is_computed(labels: Any) -> None:
    classifier = Looker()
    with pytest.raises(InvalidInput, match="label"):
        certify(classifier, IMAGES, labels, MASKS)
    assert classifier.batches == []


@BOTH_RULES
@pytest.mark.parametrize("dropped", range(3))
def test_masks_that_do_not_cover_are_refused_with_the_witness_before_anything_is_computed(
    rule: Rule, dropped: int
) -> None:
    kept = MaskSet(MASKS.grid, tuple(mask for number, mask in enumerate(MASKS) if number != dropped), MASKS.regions)
    witness = verify(kept).witness
    assert witness is not None
    classifier: MaskedClassifier = Looker()
    with pytest.raises(NotCovering, match=f"no mask contains {witness[0]}"):
        certify(classifier, IMAGES, LABELS, kept, rule=rule)
    with pytest.raises(NotCovering, match="no mask contains"):
        certify(classifier, IMAGES, LABELS, MASKS, regions=squares(size=2), rule=rule)
    assert isinstance(classifier, Looker)
    assert classifier.batches == []


@BOTH_RULES
def test_no_masks_cover_nothing(rule: Rule) -> None:
    for regions in ("squares(size=1)", "patches(squares(size=1), k=2)"):
        with pytest.raises(NotCovering):
            certify(Looker(), IMAGES, LABELS, MASKS[:0], regions=regions, rule=rule)


@BOTH_RULES
def test_masks_of_another_size_are_no_masks_for_these_images(rule: Rule) -> None:
    class Strict(Looker):
        """Images of three pixels, as an adapter would check them."""

        def scores(self, images: Sequence[Looked], hidden: BoolArray) -> Scores:
            if hidden.shape[1:] != (3,):
                raise InvalidInput(f"the images have 3 pixels; the masks are for {hidden.shape[1:]}")
            return super().scores(images, hidden)

    assert certify(Strict(), IMAGES, LABELS, MASKS, rule=rule).certified.tolist() == CLEAN
    with pytest.raises(InvalidInput, match="the masks are for"):
        certify(Strict(), IMAGES, LABELS, singles(4), rule=rule)
