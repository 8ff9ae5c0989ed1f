"""`ClassifierContract`: tests of what a certificate takes for granted of a classifier, for every adapter there is.

A leaf that imports pytest: subclass it in a test module, of maskcover or of your own distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from maskcover.cells import IntArray
from maskcover.certification import certify, defend, predict_with
from maskcover.classifiers import UNDECIDED, Evaluator, MaskedClassifier, evaluator_of
from maskcover.covering import cover
from maskcover.engine import probe
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import squares

NOTHING = -1
"""The number of the mask that hides nothing."""


class ClassifierContract:
    """The contract between an adapter and the engine (docs/theory.md, What the theorem needs from software).

    Threats 15, 17, 20, 21 and 26 to 29 of docs/threats.md are tried out.

    A subclass whose name begins with ``Test`` says what is tested:

    - `classes`, the number of classes, and `image_size`, (height, width);
    - a fixture `classifier`, made anew for each test;
    - a fixture `images`: at least two different images as the classifier takes them;
    - a fixture `broken`: the same kind of classifier, around a model that gives NaN.

    >>> class Dark:                                    # calls an image 1 when most of what it sees is dark
    ...     batch_size = 4
    ...     def scores(self, images, hidden):
    ...         dark = np.array([(image < 0.5)[~hide].mean() for image, hide in zip(images, hidden)])
    ...         return np.stack([1 - dark, dark], axis=1)
    >>> class TestDark(ClassifierContract):
    ...     classes, image_size = 2, (12, 12)
    ...     classifier = pytest.fixture(lambda self: Dark())
    ...     images = pytest.fixture(lambda self: np.stack([np.zeros((12, 12)), np.ones((12, 12))]))
    """

    classes: int
    image_size: tuple[int, int]

    @pytest.fixture
    def classifier(self) -> MaskedClassifier:
        """The classifier under test."""
        raise NotImplementedError("a ClassifierContract needs the fixture `classifier`")

    @pytest.fixture
    def images(self) -> Sequence[Any]:
        """At least two different images, as the classifier takes them."""
        raise NotImplementedError("a ClassifierContract needs the fixture `images`")

    @pytest.fixture
    def broken(self) -> MaskedClassifier:
        """The same kind of classifier, around a model that gives NaN."""
        raise NotImplementedError("a ClassifierContract needs the fixture `broken`")

    @pytest.fixture
    def masks(self) -> MaskSet:
        """A few masks of the classifier's image size."""
        return cover(squares(size=max(1, min(self.image_size) // 8)), self.image_size, grid=(2, 2))

    @pytest.fixture
    def evaluator(self, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]) -> Evaluator:
        """The classifier with the masks."""
        return evaluator_of(classifier, masks, images[0], batch_size=4)

    def test_it_is_a_masked_classifier(self, classifier: MaskedClassifier) -> None:
        """It has a batch size, or finds one, and scores."""
        assert isinstance(classifier, MaskedClassifier)
        assert classifier.batch_size is None or classifier.batch_size >= 1

    def test_scores_are_real_numbers_one_row_an_image_and_one_column_a_class(
        self, evaluator: Evaluator, images: Sequence[Any]
    ) -> None:
        """Outputs that are no scores are unwrapped or refused, never guessed at (threats.md, 27)."""
        scores = _scores(evaluator, images[0], _pairs(evaluator))
        assert scores.shape == (evaluator.batch_size, self.classes)
        assert scores.dtype.kind == "f"
        assert np.isfinite(scores).all()
        assert evaluator.classes == self.classes

    def test_different_images_have_different_scores(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """A classifier that looks at nothing would pass every other test."""
        one, other = (_scores(evaluator, image, _repeated(evaluator, NOTHING)) for image in images[:2])
        assert not np.array_equal(one, other)

    def test_masks_hide(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """Each mask changes the scores of some image, or nothing would be hidden at all."""
        for mask in range(len(evaluator.masks)):
            seen = [_scores(evaluator, image, _repeated(evaluator, NOTHING)) for image in images]
            hidden = [_scores(evaluator, image, _repeated(evaluator, mask)) for image in images]
            assert any(not np.array_equal(*pair) for pair in zip(seen, hidden, strict=True)), mask

    def test_a_pair_of_masks_is_its_union(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """The order of the two, or the same one twice, changes no bit."""
        last = len(evaluator.masks) - 1
        one, other = ([[0, last]], [[last, 0]])
        assert _same(
            _scores(evaluator, images[0], _filled(evaluator, one)),
            _scores(evaluator, images[0], _filled(evaluator, other)),
        )
        once, twice = ([[0, NOTHING]], [[0, 0]])
        assert _same(
            _scores(evaluator, images[0], _filled(evaluator, once)),
            _scores(evaluator, images[0], _filled(evaluator, twice)),
        )

    def test_the_same_question_has_the_same_answer(
        self, evaluator: Evaluator, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """Again, after other questions, and of an evaluator made anew (threats.md, 22 and 28)."""
        pairs = _pairs(evaluator)
        before = _scores(evaluator, images[0], pairs)
        _scores(evaluator, images[1], pairs[::-1].copy())
        assert _same(before, _scores(evaluator, images[0], pairs))
        anew = evaluator_of(classifier, masks, images[0], evaluator.batch_size)
        assert _same(before, _scores(anew, images[0], pairs))

    def test_the_place_in_the_batch_does_not_matter(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """Rows that change places keep their bits (threats.md, 21)."""
        pairs = _pairs(evaluator)
        before = _scores(evaluator, images[0], pairs)
        for shift in range(1, evaluator.batch_size):
            assert _same(np.roll(_scores(evaluator, images[0], np.roll(pairs, shift, axis=0)), -shift, axis=0), before)

    def test_other_rows_do_not_matter(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """Whatever stands in the other rows, one row keeps its bits (threats.md, 20)."""
        size, one = evaluator.batch_size, evaluator.load(images[0])
        alone = evaluator.scores([one] * size, _repeated(evaluator, 0)).copy()
        for value in (0.0, 1.0, None, 1e30, float("nan")):
            other = evaluator.overwritten(one, None, value)
            rows = (
                None if other is None else _accepted(evaluator, [one] + [other] * (size - 1), _repeated(evaluator, 0))
            )
            assert rows is None or _same(rows[:1], alone[:1]), value

    def test_hidden_pixels_do_not_matter(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """What is hidden may be anything, NaN included (threats.md, 15 and 17)."""
        one, grid, tried = evaluator.load(images[0]), evaluator.masks.grid, 0
        for number, value in product(range(len(evaluator.masks)), (0.0, 1.0, None, 1e30, float("nan"))):
            hidden = evaluator.masks[number].to_array(grid)
            other = evaluator.overwritten(one, hidden, value)
            if other is not None:
                tried += 1
                before = evaluator.scores([one] * evaluator.batch_size, _repeated(evaluator, number)).copy()
                after = evaluator.scores([other] * evaluator.batch_size, _repeated(evaluator, number))
                assert _same(before, after), (number, value)
        assert tried, "images of this kind cannot be altered, so that nothing was tried"

    def test_the_probes_before_a_run_find_nothing(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """The same that every certification tries out."""
        found = probe(evaluator, evaluator.load(images[0]))
        assert found.findings
        assert found.bitwise, str(found.worst)

    def test_it_says_what_it_is(
        self, evaluator: Evaluator, broken: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """In texts that stay the same, and are others for another model (threats.md, 28 and 29)."""
        before = evaluator.identity()
        _scores(evaluator, images[0], _pairs(evaluator))
        assert evaluator.identity() == before
        assert all(isinstance(word, str) for item in before.items() for word in item)
        assert evaluator_of(broken, masks, images[0], batch_size=4).identity() != before

    def test_scores_that_are_not_finite_have_no_label(
        self, broken: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """Never class 0, which is what argmax makes of NaN (threats.md, 26)."""
        answers = predict_with(evaluator_of(broken, masks), images)
        assert [answer.label for answer in answers] == [UNDECIDED] * len(images)
        assert not certify(broken, images, [0] * len(images), masks, probes=False).certified.any()

    def test_what_is_certified_is_served(
        self, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """Defended predictions are those of the certification, and so is the fingerprint (threats.md, 29)."""
        result = certify(classifier, images, predict_labels(classifier, images, masks), masks)
        assert result.numerics == "bitwise"
        assert defend(classifier, result).fingerprint == result.fingerprint
        again = certify(classifier, images, predict_labels(classifier, images, masks), masks)
        assert again.defended.tolist() == result.defended.tolist()

    def test_a_label_that_the_classifier_does_not_have_is_refused(
        self, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """With the number of classes in the message."""
        with pytest.raises(InvalidInput, match=str(self.classes)):
            certify(classifier, images, [self.classes] * len(images), masks)

    def test_masks_of_another_size_are_refused(self, classifier: MaskedClassifier, images: Sequence[Any]) -> None:
        """With both sizes in the message (threats.md, 11)."""
        height, width = self.image_size
        masks = cover(squares(size=1), (height + 8, width), grid=(2, 2))
        with pytest.raises(InvalidInput, match=rf"{height + 8}[\s\S]*{height}"):
            certify(classifier, images, [0] * len(images), masks)

    def test_what_is_no_image_is_refused(self, classifier: MaskedClassifier, masks: MaskSet) -> None:
        """With what was found in the message."""
        for strange, named in (("photo.png", "str"), (np.array(["a"]), "<U1"), (None, "NoneType")):
            with pytest.raises(InvalidInput, match=named):
                certify(classifier, [strange], [0], masks)


def predict_labels(classifier: MaskedClassifier, images: Sequence[Any], masks: MaskSet) -> list[int]:
    """Defended labels, 0 where there is none."""
    return [max(0, answer.label) for answer in predict_with(evaluator_of(classifier, masks), images)]


def _pairs(evaluator: Evaluator) -> IntArray:
    """One batch of different pairs; pairs are repeated where a batch is larger than their number."""
    count = len(evaluator.masks)
    every = [(first, second) for first in range(NOTHING, count) for second in range(first, count)]
    return np.array(every, dtype=np.int64).take(range(evaluator.batch_size), axis=0, mode="wrap")


def _repeated(evaluator: Evaluator, mask: int) -> IntArray:
    return np.full((evaluator.batch_size, 2), mask, dtype=np.int64)


def _filled(evaluator: Evaluator, pairs: list[list[int]]) -> IntArray:
    return np.repeat(np.array(pairs, dtype=np.int64), evaluator.batch_size, axis=0)


def _scores(evaluator: Evaluator, image: Any, pairs: IntArray) -> npt.NDArray[np.generic]:
    return evaluator.scores([evaluator.load(image)] * evaluator.batch_size, pairs).copy()


def _accepted(evaluator: Evaluator, images: list[Any], pairs: IntArray) -> npt.NDArray[np.generic] | None:
    """Scores, or None where the model refuses such images, which turns no label."""
    try:
        return evaluator.scores(images, pairs)
    except ValueError:
        return None


def _same(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> bool:
    return one.tobytes() == other.tobytes()
