"""Reference scores: made again in any process, compared to the bit or to within half a margin (threats.md, 39)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from maskcover import FingerprintMismatch, MaskcoverWarning, certify, cover, defend, predict, squares
from maskcover.certification import Certified
from maskcover.classifiers import evaluator_of
from maskcover.engine.reference import NoiseKind, Reference, RowScores, pairs, reference
from tests.defense.naive import BoolArray, Looker, image_of, singles, symmetric

MASKS = cover(squares(size=2), image_size=6, grid=(2, 2))
IMAGES = [np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8) for seed in range(4)]


@dataclass
class Plain:
    """A classifier that says nothing of what it computes with."""

    weight: float = 1.0
    batch_size: int = 4
    turned: bool = False
    calls: int = 0
    refused: type[Exception] | None = None  # what is raised for any image that is not one of `IMAGES`

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """Brightness of what is shown, in whole numbers, and the opposite."""
        self.calls += 1
        if self.refused and any(not any(np.array_equal(image, one) for one in IMAGES) for image in images):
            raise self.refused
        sums = [float(image[~hide].astype(np.int64).sum()) for image, hide in zip(images, hidden, strict=True)]
        bright = np.array(sums) - 4000.0
        scores = np.stack([-bright, self.weight * bright, np.full(len(sums), 500.0)], axis=1)
        return np.roll(scores, self.turned, axis=1)


def certified(classifier: Any, images: Any = IMAGES, **options: Any) -> Any:
    labels = [max(0, one.label) for one in predict(classifier, images, MASKS)]
    return certify(classifier, images, labels, MASKS, **options)


KINDS: dict[str, Callable[[], npt.NDArray[Any]]] = {
    "bytes": lambda: IMAGES[0],
    "floats": lambda: np.linspace(-2, 3, 12, dtype=np.float32).reshape(3, 4),
    "doubles": lambda: np.linspace(-2, 3, 12).reshape(2, 3, 2),
    "halves": lambda: np.linspace(-2, 3, 12, dtype=np.float16),
    "one value": lambda: np.full((2, 3), 7, np.int32),
    "all bytes full": lambda: np.full((2, 3), 255, np.uint8),
    "not finite": lambda: np.array([[np.nan, 3.0]]),
    "enormous": lambda: np.array([[-1.7e308, 1.7e308, 0.0]]),
}


@pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)
def test_noise_has_the_shape_dtype_and_range_of_the_image(made: Callable[[], npt.NDArray[Any]]) -> None:
    image = made()
    kind = NoiseKind.of(image)
    assert kind is not None
    noise = kind.noise()
    assert (noise.shape, noise.dtype) == (image.shape, image.dtype)
    assert np.isfinite(noise).all()
    assert noise.min() != noise.max()
    if np.isfinite(image).all() and image.min() != image.max():
        assert image.min() <= noise.min()
        assert noise.max() <= image.max()
    assert NoiseKind.read(kind.document()) == kind
    assert (kind.noise() == noise).all()


def test_noise_is_the_same_for_ever() -> None:
    """Of other processes and versions too: it is made of a hash, not by a generator of random numbers."""
    noise = NoiseKind((4, 5), "|u1", 0.0, 255.0).noise()
    assert noise[0].tolist() == list(hashlib.shake_256(b"maskcover").digest(5)) == [48, 61, 47, 51, 73]


@pytest.mark.parametrize("image", ["a text", None, {}, np.array(["a"]), np.empty((0, 3)), np.array([2**62, 0])])
def test_of_other_images_nobody_makes_noise(image: Any) -> None:
    assert NoiseKind.of(image) is None


@pytest.mark.parametrize("batch_size", [1, 3, 4, 7])
def test_the_same_classifier_scores_the_same_and_another_does_not(batch_size: int) -> None:
    known = reference(evaluator_of(Plain(batch_size=batch_size), MASKS), IMAGES[0], 0.0)
    assert known is not None
    asked = evaluator_of(Plain(batch_size=batch_size), MASKS)
    assert known.again(asked, IMAGES[0]) == known
    assert known.differences(known.again(asked, IMAGES[0])) == ()
    assert known.again(asked, IMAGES[1]).example is None  # another image says nothing
    other = evaluator_of(Plain(1 + 2**-50, batch_size), MASKS)
    told = known.differences(known.again(other, IMAGES[0]))
    assert [text.partition(": ")[0] for text in told] == [
        "scores of the reference batch, noise",
        "scores of the reference batch, the first image",
    ]


@pytest.mark.parametrize("tolerance", [0.0, 1e-3])
def test_what_is_read_again_says_the_same(tolerance: float) -> None:
    asked = evaluator_of(Plain(), MASKS)
    known = reference(asked, IMAGES[0], tolerance)
    assert known is not None
    read = Reference.read(known.document())
    assert read.document() == known.document()
    assert read.differences(read.again(asked, IMAGES[0])) == ()
    assert len(read.differences(read.again(evaluator_of(Plain(turned=True), MASKS), IMAGES[0]))) == 2
    little = read.differences(read.again(evaluator_of(Plain(1 + 1e-4), MASKS), IMAGES[0]))
    assert bool(little) == (tolerance == 0)


def test_under_a_margin_scores_may_move_by_half_of_it_and_no_more() -> None:
    result = certified(Plain(), min_margin=0.01)
    under = replace(result, start=replace(result.start, reference=reference(result.start.evaluator, IMAGES[0], 0.005)))
    for change, served in ((0.0049, True), (0.0051, False), (-0.0049, True), (-0.0051, False)):
        other = Plain(1 - change)
        if served:
            assert defend(other, under)(IMAGES) == result.defended.tolist()
        else:
            with pytest.raises(FingerprintMismatch, match=r"changed by 5\.1e-03 of the largest"):
                defend(other, under)
        with pytest.raises(FingerprintMismatch, match="scores of the reference batch"):
            defend(other, result)  # the probes found no bit changed: every bit counts


def test_scores_that_are_no_numbers_are_compared_as_well() -> None:
    one, other = np.array([[np.nan, 1.0, -0.0]]), np.array([[np.nan, 1.0, 0.0]])
    assert RowScores.of(one) == RowScores.of(one.copy())
    assert RowScores.of(one).digest == RowScores.of(other).digest
    for wrong in (np.array([[0.0, 1.0, 0.0]]), np.array([[np.nan, np.inf, 0.0]]), np.array([[np.nan, 1.0]])):
        for tolerance in (0.0, 0.5):
            assert RowScores.of(one).difference(RowScores.of(wrong), tolerance)
            assert RowScores.of(wrong).difference(RowScores.of(one), tolerance)
    assert not RowScores.of(one).difference(RowScores.of(other), 0.5)
    assert RowScores.of(one.astype(np.float32)).digest != RowScores.of(one).digest


def test_every_bit_of_every_row_counts_where_bits_count() -> None:
    """Of a batch the first rows are kept as numbers, and the digest of all."""
    scores = np.arange(24, dtype=np.float32).reshape(8, 3)
    for row in range(8):
        other = scores.copy()
        other[row, 1] = np.nextafter(other[row, 1], np.float32(99))
        assert RowScores.of(scores).difference(RowScores.of(other), 0.0), row
    assert not RowScores.of(scores).difference(RowScores.of(scores.copy()), 0.0)


def test_what_refuses_noise_must_refuse_it_again() -> None:
    result = certified(Plain(refused=KeyError))
    assert result.start.reference.noise.digest == "refused (KeyError)"
    assert defend(Plain(refused=KeyError), result)(IMAGES) == result.defended.tolist()
    for other in (Plain(), Plain(refused=OSError)):
        with pytest.raises(FingerprintMismatch, match=r"noise: .*not refused \(KeyError\)"):
            defend(other, result)


def test_images_that_nobody_can_make_are_compared_by_the_one_at_hand() -> None:
    """Lookups: no noise, but the image that was probed comes with the result."""
    masks, image = singles(3), image_of(symmetric(3, [1] * 6), singles(3), bare=1)
    result = certify(Looker(2), [image], [1], masks)
    assert (result.start.reference.kind, result.start.reference.pixels) == (None, "")  # type: ignore[union-attr]
    served = defend(Looker(2), result)
    assert served([image, image]) == [1, 1]

    class Turned(Looker):
        def scores(self, images: Any, hidden: BoolArray) -> Any:
            return np.roll(super().scores(images, hidden), 1, axis=1)

    Turned.__module__, Turned.__qualname__ = Looker.__module__, Looker.__qualname__
    with pytest.raises(FingerprintMismatch, match="the first image"):
        defend(Turned(2), result)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 5, 9])
def test_threat_40_a_plain_classifier_that_is_changed_is_not_served_at_the_next_call(batch_size: int) -> None:
    classifier = Plain(batch_size=batch_size)
    result = certified(classifier)
    served = defend(classifier, result)
    for count in (1, 2, 4, 0):
        assert served(IMAGES[:count]) == result.defended.tolist()[:count]
    classifier.weight = 1 + 2**-40
    for count in (1, 2, 4):
        with pytest.raises(FingerprintMismatch, match="call defend again"):
            served(IMAGES[:count])
    classifier.weight = 1.0
    assert served(IMAGES) == result.defended.tolist()


def test_a_call_costs_at_most_one_batch_more_and_mostly_none() -> None:
    """Of images whose four masks agree, four predictions each: whole batches need one more, others have room."""
    for count, batch_size, more in ((4, 4, 1), (1, 4, 1), (4, 16, 1), (4, 5, 0), (1, 3, 0), (3, 16, 0), (4, 1, 1)):
        bound, bare = Plain(batch_size=batch_size), Plain(batch_size=batch_size)
        served = defend(bound, certified(Plain(batch_size=batch_size)))
        bound.calls = 0
        assert served(IMAGES[:count]) == defend(bare, MASKS)(IMAGES[:count])
        assert bound.calls == bare.calls + more


class Rounding(Plain):
    """Scores a row by its place in the batch, a little, which a margin allows."""

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """The scores, less by a share that grows along the batch."""
        return super().scores(images, hidden) * (1 - 1e-4 * np.arange(len(images))[:, None] / len(images))


def test_rounding_that_the_margin_allows_is_no_change() -> None:
    result = certified(Rounding(), min_margin=0.01)
    assert result.numerics == "margin"
    served = defend(Rounding(), result)
    for count in (4, 3, 1):
        assert served(IMAGES[:count]) == result.defended.tolist()[:count]
    served.classifier.turned = True
    with pytest.raises(FingerprintMismatch, match="scores of the reference batch"):
        served(IMAGES)


def test_what_kept_no_reference_scores_is_served_with_a_warning() -> None:
    result = certified(Plain())
    old = replace(Certified.of(result), reference=None)
    for call in (defend, lambda model, known: predict(model, IMAGES, known)):
        with pytest.warns(MaskcoverWarning, match="kept no reference scores"):
            call(Plain(), old)


def test_pairs_are_spread_and_different_as_far_as_there_are_masks() -> None:
    assert pairs(1, 4).tolist() == [[-1, -1], [0, 0]] * 2
    for masks in (2, 3, 36):
        found = pairs(masks, 4)
        assert len(np.unique(found, axis=0)) == 4
        assert found.max() == masks - 1


@dataclass
class Peeking(Plain):
    """Can be told to let one row of a batch decide another, or to change what it makes of the first image alone."""

    leaking: bool = False
    spoilt: bool = False

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """The scores, of the row before where rows of several images leak."""
        scores = super().scores(images, hidden)
        if self.spoilt:
            first = [np.array_equal(image, IMAGES[0]) for image in images]
            scores = np.where(np.array(first)[:, None], scores[:, ::-1], scores)
        unlike = any(not np.array_equal(image, images[0]) for image in images)
        return np.roll(scores, 1, axis=0) if self.leaking and unlike else scores


def test_a_change_that_only_the_first_image_shows_is_noticed_at_each_call() -> None:
    model = Peeking()
    served = defend(model, certified(model))
    served(IMAGES)
    model.spoilt = True
    with pytest.raises(FingerprintMismatch, match="the first image"):
        served(IMAGES)


def test_threat_20_rows_that_begin_to_influence_each_other_are_noticed() -> None:
    result = certified(Peeking())
    with pytest.raises(FingerprintMismatch, match="side by side"):
        defend(Peeking(leaking=True), result)


def test_what_nobody_can_score_again_is_said() -> None:
    """Images that are opaque, without the one that was probed at hand: as of a run in another process."""
    masks, image = singles(3), image_of(symmetric(3, [1] * 6), singles(3), bare=1)
    known = replace(Certified.of(certify(Looker(2), [image], [1], masks)), example=None)
    with pytest.warns(MaskcoverWarning, match="can be scored again here"):
        defend(Looker(2), known)
