"""`ClassifierContract`: tests of all that a certificate assumes about a classifier, for any adapter.

Subclass it in a test module, of maskcover or of your own distribution. It imports pytest; nothing imports it.
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

    It tests threats 15, 17, 20, 21 and 26 to 29 of docs/threats.md.

    A subclass, whose name must begin with ``Test``, gives:

    - `classes`, the number of classes, and `image_size`, (height, width);
    - a fixture `classifier`: the classifier to test, made anew for each test;
    - a fixture `images`: at least two different images as the classifier takes them;
    - a fixture `broken`: the same kind of classifier, around a model whose scores are NaN.

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
        """The same kind of classifier, around a model whose scores are NaN."""
        raise NotImplementedError("a ClassifierContract needs the fixture `broken`")

    @pytest.fixture
    def masks(self) -> MaskSet:
        """A few masks of the classifier's image size."""
        return cover(squares(size=max(1, min(self.image_size) // 8)), self.image_size, grid=(2, 2))

    @pytest.fixture
    def evaluator(self, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]) -> Evaluator:
        """The evaluator of the classifier with the masks."""
        return evaluator_of(classifier, masks, images[0], batch_size=4)

    def test_it_is_a_masked_classifier(self, classifier: MaskedClassifier) -> None:
        """It has a method `scores`, and a batch size, or None if it finds one itself."""
        assert isinstance(classifier, MaskedClassifier)
        assert classifier.batch_size is None or classifier.batch_size >= 1

    def test_scores_are_real_numbers_one_row_an_image_and_one_column_a_class(
        self, evaluator: Evaluator, images: Sequence[Any]
    ) -> None:
        """Outputs that are not scores are unwrapped or refused, never guessed at (threats.md, 27)."""
        scores = _scores(evaluator, images[0], _pairs(evaluator))
        assert scores.shape == (evaluator.batch_size, self.classes)
        assert scores.dtype.kind == "f"
        assert np.isfinite(scores).all()
        assert evaluator.classes == self.classes

    def test_different_images_have_different_scores(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """A classifier that ignores the image would pass every other test."""
        first, second = (_scores(evaluator, image, _repeated(evaluator, NOTHING)) for image in images[:2])
        assert not np.array_equal(first, second)

    def test_masks_hide(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """Each mask changes the scores of some image; otherwise nothing would be hidden at all."""
        for mask in range(len(evaluator.masks)):
            bare = [_scores(evaluator, image, _repeated(evaluator, NOTHING)) for image in images]
            masked = [_scores(evaluator, image, _repeated(evaluator, mask)) for image in images]
            assert any(not np.array_equal(*pair) for pair in zip(bare, masked, strict=True)), mask

    def test_a_pair_of_masks_is_its_union(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """The order of two masks changes no bit; one mask given twice is the same as that mask alone."""
        last = len(evaluator.masks) - 1
        forward, backward = ([[0, last]], [[last, 0]])
        assert _same(
            _scores(evaluator, images[0], _filled(evaluator, forward)),
            _scores(evaluator, images[0], _filled(evaluator, backward)),
        )
        once, twice = ([[0, NOTHING]], [[0, 0]])
        assert _same(
            _scores(evaluator, images[0], _filled(evaluator, once)),
            _scores(evaluator, images[0], _filled(evaluator, twice)),
        )

    def test_the_same_question_has_the_same_answer(
        self, evaluator: Evaluator, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """Scores are the same again after other batches, and from a new evaluator (threats.md, 22 and 28)."""
        pairs = _pairs(evaluator)
        before = _scores(evaluator, images[0], pairs)
        _scores(evaluator, images[1], pairs[::-1].copy())
        assert _same(before, _scores(evaluator, images[0], pairs))
        anew = evaluator_of(classifier, masks, images[0], evaluator.batch_size)
        assert _same(before, _scores(anew, images[0], pairs))

    def test_the_place_in_the_batch_does_not_matter(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """Rows keep their scores, to the bit, when they change places (threats.md, 21)."""
        pairs = _pairs(evaluator)
        before = _scores(evaluator, images[0], pairs)
        for shift in range(1, evaluator.batch_size):
            assert _same(np.roll(_scores(evaluator, images[0], np.roll(pairs, shift, axis=0)), -shift, axis=0), before)

    def test_other_rows_do_not_matter(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """A row keeps its scores, to the bit, whatever the other rows hold (threats.md, 20)."""
        size, image = evaluator.batch_size, evaluator.load(images[0])
        alone = evaluator.scores([image] * size, _repeated(evaluator, 0)).copy()
        for value in (0.0, 1.0, None, 1e30, float("nan")):
            other = evaluator.overwritten(image, None, value)
            rows = (
                None if other is None else _accepted(evaluator, [image] + [other] * (size - 1), _repeated(evaluator, 0))
            )
            assert rows is None or _same(rows[:1], alone[:1]), value

    def test_hidden_pixels_do_not_matter(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """Hidden pixels may have any value, NaN included (threats.md, 15 and 17)."""
        image, grid, tried = evaluator.load(images[0]), evaluator.masks.grid, 0
        for number, value in product(range(len(evaluator.masks)), (0.0, 1.0, None, 1e30, float("nan"))):
            hidden = evaluator.masks[number].to_array(grid)
            other = evaluator.overwritten(image, hidden, value)
            if other is not None:
                tried += 1
                before = evaluator.scores([image] * evaluator.batch_size, _repeated(evaluator, number)).copy()
                after = evaluator.scores([other] * evaluator.batch_size, _repeated(evaluator, number))
                assert _same(before, after), (number, value)
        assert tried, "images of this kind cannot be overwritten, so nothing was tested"

    def test_the_probes_before_a_run_find_nothing(self, evaluator: Evaluator, images: Sequence[Any]) -> None:
        """The probes that start every certification find that predictions repeat to the bit."""
        report = probe(evaluator, evaluator.load(images[0]))
        assert report.findings
        assert report.bitwise, str(report.worst)

    def test_it_says_what_it_is(
        self, evaluator: Evaluator, broken: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """Its identity consists of texts that stay the same, and differ for another model (threats.md, 28 and 29)."""
        before = evaluator.identity()
        _scores(evaluator, images[0], _pairs(evaluator))
        assert evaluator.identity() == before
        assert all(isinstance(word, str) for item in before.items() for word in item)
        assert evaluator_of(broken, masks, images[0], batch_size=4).identity() != before

    def test_scores_that_are_not_finite_have_no_label(
        self, broken: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """Scores of NaN give no label, and never class 0, which is the argmax of NaN (threats.md, 26)."""
        answers = predict_with(evaluator_of(broken, masks), images)
        assert [answer.label for answer in answers] == [UNDECIDED] * len(images)
        assert not certify(broken, images, [0] * len(images), masks, probes=False).certified.any()

    def test_what_is_certified_is_served(
        self, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """The served model has the fingerprint and the predictions of the certified one (threats.md, 29)."""
        result = certify(classifier, images, predict_labels(classifier, images, masks), masks)
        assert result.numerics == "bitwise"
        assert defend(classifier, result).fingerprint == result.fingerprint
        again = certify(classifier, images, predict_labels(classifier, images, masks), masks)
        assert again.defended.tolist() == result.defended.tolist()

    def test_a_label_that_the_classifier_does_not_have_is_refused(
        self, classifier: MaskedClassifier, masks: MaskSet, images: Sequence[Any]
    ) -> None:
        """The error names the number of classes."""
        with pytest.raises(InvalidInput, match=str(self.classes)):
            certify(classifier, images, [self.classes] * len(images), masks)

    def test_masks_of_another_size_are_refused(self, classifier: MaskedClassifier, images: Sequence[Any]) -> None:
        """The error names both sizes (threats.md, 11)."""
        height, width = self.image_size
        masks = cover(squares(size=1), (height + 8, width), grid=(2, 2))
        with pytest.raises(InvalidInput, match=rf"{height + 8}[\s\S]*{height}"):
            certify(classifier, images, [0] * len(images), masks)

    def test_what_is_no_image_is_refused(self, classifier: MaskedClassifier, masks: MaskSet) -> None:
        """The error names the type of the value."""
        for strange, named in (("photo.png", "str"), (np.array(["a"]), "<U1"), (None, "NoneType")):
            with pytest.raises(InvalidInput, match=named):
                certify(classifier, [strange], [0], masks)


def predict_labels(classifier: MaskedClassifier, images: Sequence[Any], masks: MaskSet) -> list[int]:
    """The defended labels of images; 0 where there is none."""
    return [max(0, answer.label) for answer in predict_with(evaluator_of(classifier, masks), images)]


def _pairs(evaluator: Evaluator) -> IntArray:
    """One batch of different pairs of masks; they are repeated if the batch has more rows than there are pairs."""
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
    """The scores, or None if the model refuses such images, since then no label can change."""
    try:
        return evaluator.scores(images, pairs)
    except ValueError:
        return None


def _same(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> bool:
    return first.tobytes() == second.tobytes()
