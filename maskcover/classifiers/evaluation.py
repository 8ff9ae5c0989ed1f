"""What the engine asks a classifier: labels, leads and confidences of images under unions of two masks.

Any `MaskedClassifier` can be asked through bitmaps; one that brings an `evaluator` of its own keeps images and masks
where it computes, and only the answers come back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.arrays import expect_alike, plain_array
from maskcover.classifiers.labels import checked_scores, confidences, margins, top_labels
from maskcover.classifiers.observations import Observation, TopLabel
from maskcover.classifiers.vocabulary import class_name
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.masks import Drawing, MaskSet

FloatArray = npt.NDArray[np.float64]
TOP_LABEL = TopLabel()
Identity = dict[str, str]
"""What a classifier is, in words: part of the fingerprint."""


class Images(Protocol):
    """Anything with a length and an index: a list, an array, a tensor, a data set.

    An image stays open while others are fetched, so what was fetched must not change: numpy arrays, and tensors of a
    torch model, are copied; images of other kinds must not share a buffer.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any: ...


@runtime_checkable
class MaskedClassifier(Protocol):
    """All that the defence needs of a classifier: scores of images with some pixels hidden.

    `scores` must be a function of each (image, hidden) row alone: the other rows of a batch may hold the patch.
    It is always called with exactly `batch_size` rows, so that certifying and serving run the same computation.
    It may have a `margin`: the least lead that survives the rounding of its scores, a suggestion to users; and an
    `identity`, a dict of texts (weights digest, library, device) for the fingerprint; and a `preprocessing`, a
    `maskcover.data.Preprocessing`, where it is known what images must have gone through before; and `class_names`, a
    tuple of texts in the order of its outputs, where it is known what its classes are called; and a method
    `loaded(image, size)`, which gives an image of that size as it takes it, or raises: that image is then an error.

    >>> class Dark:
    ...     '''Calls an image 1 when most of what it sees is dark.'''
    ...     batch_size = 4
    ...     def scores(self, images, hidden):
    ...         dark = np.array([(image < 0.5)[~hide].mean() for image, hide in zip(images, hidden)])
    ...         return np.stack([0.5 - dark, dark - 0.5], axis=1)
    >>> isinstance(Dark(), MaskedClassifier)
    True
    """

    @property
    def batch_size(self) -> int | None:
        """Rows of every batch; None for a classifier that brings an evaluator, which then finds one."""
        ...

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.ArrayLike:
        """Scores of shape (batch_size, classes) for images whose cells are hidden where `hidden[row]` is True.

        Args:
            images: `batch_size` images, the same object where an image comes more than once.
            hidden: bool, shape (batch_size, height, width).
        """
        ...


def names_of(classifier: object) -> tuple[str, ...] | None:
    """What a classifier calls its classes, in the order of its outputs: its `class_names`, if it has any.

    >>> names_of(object()) is None
    True
    """
    found = getattr(classifier, "class_names", None)
    if found is None:
        return None
    if isinstance(found, str) or not isinstance(found, Sequence) or not all(isinstance(one, str) for one in found):
        raise InvalidInput(f"class_names of a classifier are texts, one for each of its outputs; got {found!r:.60}")
    return tuple(found) or None


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one batch says, one entry a row: labels int64, leads and confidences float64 (see `maskcover.defense`)."""

    labels: IntArray
    margins: FloatArray
    confidences: FloatArray
    observed: FloatArray | None = None
    """What the observation keeps besides, float64 (rows, width); None if that is nothing."""

    def rows(self, rows: slice) -> tuple[IntArray, FloatArray, FloatArray, FloatArray | None]:
        """Labels, leads, confidences and what was observed, of some rows."""
        observed = None if self.observed is None else self.observed[rows]
        return self.labels[rows], self.margins[rows], self.confidences[rows], observed

    @classmethod
    def of(cls, scores: npt.ArrayLike, least_scale: float = 0.0, observation: Observation = TOP_LABEL) -> Answers:
        """The answers of scores (rows, classes); for `least_scale` see `margins`."""
        labels, sure = top_labels(scores), confidences(scores)
        finite = np.where(np.isnan(sure)[:, None], 0.0, np.asarray(scores, dtype=np.float64))
        return cls(labels, margins(scores, least_scale), sure, observation.reduced(finite, np))


class Evaluator(Protocol):
    """A classifier that was given its masks: it answers for pairs of an image and a pair of mask numbers."""

    masks: MaskSet
    batch_size: int
    depth: int
    """Batches that may be asked for before the first is answered: 2 keeps a GPU busy."""
    classes: int | None
    """Number of classes, known after the first batch."""
    observation: Observation
    """What is kept of scores besides: `TopLabel`, or what the procedure of a run needs, set before it."""
    least_scale: float
    """What leads are at least measured by, see `margins`: 0, or set before a run that stands on a margin."""

    def load(self, image: Any) -> Any:
        """The image as it is kept while its decision is open; checks it."""
        ...

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """Ask for one batch of loaded images, `batch_size` of them, under pairs int64 (batch_size, 2) of mask numbers.

        The number −1 hides nothing. The answers are fetched by calling what is returned.
        """
        ...

    def scores(self, images: Sequence[Any], pairs: IntArray) -> npt.NDArray[np.generic]:
        """The scores themselves, for probes."""
        ...

    def overwritten(self, image: Any, hidden: BoolArray | None, value: float | None) -> Any | None:
        """A loaded image with the cells of `hidden` (None: all cells) overwritten by a value, or by noise for None.

        None if an image of this kind, or this value, cannot be written.
        """
        ...

    def identity(self) -> Identity:
        """What is evaluated, and how: for the fingerprint."""
        ...


@runtime_checkable
class BringsEvaluator(Protocol):
    """A classifier that applies masks where it computes."""

    def evaluator(self, masks: MaskSet, example: Any, batch_size: int | None) -> Evaluator:
        """The classifier with these masks.

        Where it has no batch size of its own it takes the one given, else a fixed one, or one that suits `example`, an
        image to come.
        """
        ...


@runtime_checkable
class HasChoices(Protocol):
    """A classifier that leaves open how it computes: in batches of what size, and the like."""

    def choices(self, masks: MaskSet, example: Any, most: int) -> Sequence[MaskedClassifier]:
        """The same classifier with nothing left open, in some ways, the fastest for `example` first.

        Batches of more than `most` rows only after all others: their probes would cost too much. Empty if nothing is
        open.
        """
        ...

    def as_certified(self, entries: Mapping[str, str]) -> MaskedClassifier:
        """The same classifier; what it leaves open is as the entries of a fingerprint say it was."""
        ...


def as_certified(classifier: MaskedClassifier, entries: Mapping[str, str]) -> MaskedClassifier:
    """A classifier that computes as these entries of a fingerprint say, where it leaves that open."""
    if isinstance(classifier, HasChoices):
        return classifier.as_certified(entries)
    resized: Callable[[int], MaskedClassifier] | None = getattr(classifier, "of_batch_size", None)
    if resized is None or classifier.batch_size is not None or "batch_size" not in entries:
        return classifier
    return resized(int(entries["batch_size"]))


def observe(evaluator: Evaluator, observation: Observation) -> None:
    """Let an evaluator keep of its scores what a procedure needs.

    Raises:
        InvalidInput: it keeps top labels only.
    """
    if hasattr(evaluator, "observation"):
        evaluator.observation = observation
    elif observation != TOP_LABEL:
        raise InvalidInput(
            f"the procedure needs {observation} of each prediction; {type(evaluator).__name__} has no `observation`"
        )


def evaluator_of(
    classifier: MaskedClassifier, masks: MaskSet, example: Any = None, batch_size: int | None = None
) -> Evaluator:
    """A classifier with its masks: its own evaluator if it brings one, else one that hands it bitmaps."""
    if not isinstance(masks, MaskSet) or not len(masks):
        raise InvalidInput("expected a MaskSet of at least one mask, such as cover(squares(size=32))")
    if isinstance(classifier, BringsEvaluator):
        return _of_now(classifier.evaluator(masks, example, batch_size))
    return HostEvaluator(classifier, masks)


def _of_now(evaluator: Evaluator) -> Evaluator:
    """An evaluator whose `overwritten` is still called `altered`, as up to version 0.1, with its name of now."""
    earlier = getattr(evaluator, "altered", None)
    if earlier is not None and not hasattr(evaluator, "overwritten"):
        warnings.warn(f"{type(evaluator).__name__}.altered is now overwritten", MaskcoverWarning, stacklevel=3)
        evaluator.overwritten = earlier  # type: ignore[method-assign]  # it has none
    return evaluator


class HostEvaluator:
    """A `MaskedClassifier` asked through bitmaps: images go to it as they are, with what to hide of each."""

    depth = 1

    def __init__(self, classifier: MaskedClassifier, masks: MaskSet) -> None:
        size = classifier.batch_size
        if type(size) is not int or size < 1:
            raise InvalidInput(f"batch_size must be a whole number of at least 1; got {size!r}")
        self.masks, self.batch_size = masks, size
        self.classes: int | None = None
        self.least_scale = 0.0
        self.observation: Observation = TOP_LABEL
        self._classifier = classifier
        self._first: npt.NDArray[Any] | None = None
        self._drawing = Drawing(masks)

    def load(self, image: Any) -> Any:
        """The image, as the classifier's own `loaded` has it if there is one; else it is opaque here.

        An array is copied, since its owner may write the next image into it, and is an array of its values alone, of
        the dtype and the shape of the first: of arrays that are stacked one decides the dtype of all (threats.md, 42).
        """
        check = getattr(self._classifier, "loaded", None)
        found = image if check is None else check(image, self.masks.grid.shape)
        if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
            return found.copy(order="K") if isinstance(found, np.ndarray) else found
        plain = plain_array(found).copy()
        self._first = plain if self._first is None else self._first
        expect_alike(plain, self._first)
        return plain

    def pin(self, shape: tuple[int, ...], dtype: str) -> None:
        """Take images of this shape and dtype only, as if the first one had been so."""
        self._first = np.empty(shape, np.dtype(dtype))

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """See `Evaluator`."""
        answers = Answers.of(self.scores(images, pairs), self.least_scale, self.observation)
        return lambda: answers

    def scores(self, images: Sequence[Any], pairs: IntArray) -> npt.NDArray[np.generic]:
        """See `Evaluator`."""
        found = np.asarray(self._classifier.scores(list(images), self._drawing.hidden(pairs)))
        self.classes = checked_classes(found.shape, self.batch_size, self.classes)
        return checked_scores(found)

    def overwritten(self, image: Any, hidden: BoolArray | None, value: float | None) -> Any | None:
        """See `Evaluator`; for arrays (height, width), with channels before or behind."""
        if not isinstance(image, np.ndarray) or image.dtype.kind not in "fiu":
            return None
        grid = self.masks.grid.shape
        behind, before = image.shape[: len(grid)] == grid, image.shape[max(0, image.ndim - len(grid)) :] == grid
        if behind == before and image.shape != grid:
            return None
        where = np.ones(grid, np.bool_) if hidden is None else hidden
        channels = image.ndim - len(grid)
        spread = where.reshape((1,) * channels + grid) if before else where.reshape(grid + (1,) * channels)
        if value is None:
            noise = np.random.default_rng(0).permutation(image.ravel()).reshape(image.shape)
            return np.where(spread, noise, image)
        if np.isnan(value) and image.dtype.kind != "f":
            return None  # an int has no NaN
        largest = float(np.finfo(image.dtype).max) if image.dtype.kind == "f" else int(np.iinfo(image.dtype).max)
        return np.where(spread, np.array(largest if value > largest else value, image.dtype), image)

    def mixed(self, one: Any, other: Any, share: float) -> Any | None:
        """A loaded image of a share of one and the rest of another; None if images of this kind cannot be mixed."""
        arrays = [image for image in (one, other) if isinstance(image, np.ndarray) and image.dtype.kind in "fiu"]
        if len(arrays) < 2 or arrays[0].shape != arrays[1].shape or arrays[0].dtype != arrays[1].dtype:
            return None
        blend = share * arrays[0].astype(np.float64) + (1 - share) * arrays[1].astype(np.float64)
        return (blend if arrays[0].dtype.kind == "f" else blend.round()).astype(arrays[0].dtype)

    def identity(self) -> Identity:
        """The classifier's own words, and its class and precision."""
        own = dict(getattr(self._classifier, "identity", {}))
        return own | {"classifier": class_name(type(self._classifier)), "batch_size": str(self.batch_size)}


def checked_classes(shape: tuple[int, ...], rows: int, classes: int | None) -> int:
    """The number of classes of scores of this shape, if they are for so many rows and as many classes as before."""
    if len(shape) != 2 or shape[0] != rows or classes not in (None, shape[1]):
        raise InvalidInput(f"the classifier must give scores of shape ({rows}, {classes or 'classes'}); got {shape}")
    return shape[1]
