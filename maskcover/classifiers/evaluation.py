"""Evaluators: they give the engine labels, margins and confidences of images under unions of two masks.

Any `MaskedClassifier` can be evaluated with bitmaps of hidden cells; one with an `evaluator` of its own keeps images
and masks on the device where it computes, and only the answers come back.
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
"""The entries of a classifier in the fingerprint: texts by name."""
CERTAIN_LABELS = "certain_labels"
"""The entry in the identity of a classifier whose masked predictions are certain labels; its text names the pixels.

Such a classifier gives a label to a masked image only if it gives it to the image with any content of the hidden
pixels, within an interval that `loaded` holds all images to."""


class Images(Protocol):
    """Anything with a length and an index: a list, an array, a tensor, a data set.

    An image stays open while others are fetched, so an image that was fetched must not change: numpy arrays, and
    tensors of a torch model, are copied; images of other kinds must not share a buffer.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any: ...


@runtime_checkable
class MaskedClassifier(Protocol):
    """Protocol: a classifier that scores images with some pixels hidden, which is all that a defence needs.

    `scores` must be a function of each (image, hidden) row alone: the other rows of a batch may hold the patch.
    It is always called with exactly `batch_size` rows, so that certifying and serving run the same computation.
    It may have a `margin`, the least margin that survives the rounding of its scores, as a suggestion to users; an
    `identity`, a dict of texts (weights digest, library, device) for the fingerprint, with `CERTAIN_LABELS` if hidden
    pixels are bounded and not filled; a `preprocessing`, a
    `maskcover.data.Preprocessing`, if that of its images is known; `class_names`, a tuple of texts in the order of its
    outputs, if the names of its classes are known; and a method `loaded(image, size)`, which gives an image of that
    size as the classifier takes it, or raises: that image is then an error.

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
        """Rows of every batch; None for a classifier with an evaluator of its own that finds a batch size."""
        ...

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.ArrayLike:
        """Scores of shape (batch_size, classes) for images whose cells are hidden where `hidden[row]` is True.

        Args:
            images: `batch_size` images, the same object where an image comes more than once.
            hidden: bool, shape (batch_size, height, width).
        """
        ...


def names_of(classifier: object) -> tuple[str, ...] | None:
    """The names of a classifier's classes, in the order of its outputs; None if it has no `class_names`.

    >>> names_of(object()) is None
    True
    """
    names = getattr(classifier, "class_names", None)
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f"class_names of a classifier must be texts, one for each output; got {names!r:.60}")
    return tuple(names) or None


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers for one batch, one entry for each row: labels int64, margins and confidences float64."""

    labels: IntArray
    margins: FloatArray
    confidences: FloatArray
    observed: FloatArray | None = None
    """Further numbers of the observation, float64 (rows, width); None if it has none."""

    @property
    def leads(self) -> FloatArray:
        """The name of `margins` up to version 0.1."""
        warnings.warn("Answers.leads is now Answers.margins", MaskcoverWarning, stacklevel=2)
        return self.margins

    def rows(self, rows: slice) -> tuple[IntArray, FloatArray, FloatArray, FloatArray | None]:
        """Labels, margins, confidences and observed numbers of some rows."""
        observed = None if self.observed is None else self.observed[rows]
        return self.labels[rows], self.margins[rows], self.confidences[rows], observed

    @classmethod
    def of(cls, scores: npt.ArrayLike, least_scale: float = 0.0, observation: Observation = TOP_LABEL) -> Answers:
        """The answers that follow from scores (rows, classes); for `least_scale` see `margins`."""
        labels, certainty = top_labels(scores), confidences(scores)
        finite = np.where(np.isnan(certainty)[:, None], 0.0, np.asarray(scores, dtype=np.float64))
        return cls(labels, margins(scores, least_scale), certainty, observation.reduced(finite, np))


class Evaluator(Protocol):
    """Protocol: a classifier with its masks, which answers for pairs of an image and a pair of mask numbers."""

    masks: MaskSet
    batch_size: int
    depth: int
    """Batches that may be submitted before the first is answered: 2 keeps a GPU busy."""
    classes: int | None
    """Number of classes, known after the first batch."""
    observation: Observation
    """The observation made of scores: `TopLabel`, or that of the procedure of a run, set before it."""
    least_scale: float
    """The least number by which margins are measured, see `margins`: 0, or set before a run with a margin."""

    def load(self, image: Any) -> Any:
        """Check an image, and return it in the form that is kept until its decision."""
        ...

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """Submit one batch of `batch_size` loaded images under pairs int64 (batch_size, 2) of mask numbers.

        The number −1 hides nothing. Call the function that is returned to fetch the answers.
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
        """The entries of the model and of its computation in the fingerprint."""
        ...


@runtime_checkable
class BringsEvaluator(Protocol):
    """Optional protocol: a classifier with an evaluator of its own, which applies masks on its device."""

    def evaluator(self, masks: MaskSet, example: Any, batch_size: int | None) -> Evaluator:
        """The classifier with these masks.

        If it has no batch size of its own it uses `batch_size`, else a fixed one, or one that suits `example`, which is
        an image of the data.
        """
        ...


def shapes_of(evaluator: object, pairs: IntArray) -> IntArray:
    """A number for the shape in which an evaluator computes each pair of masks: int64 (pairs,), 0 where it has one.

    An evaluator may have a method `shapes` that gives them. The engine and the probes then put only pairs of one shape
    into a batch, so that all batches of a shape are alike.

    >>> shapes_of(object(), np.array([[0, 1], [2, 2]])).tolist()
    [0, 0]
    """
    shapes: Callable[[IntArray], IntArray] | None = getattr(evaluator, "shapes", None)
    return np.zeros(len(pairs), dtype=np.int64) if shapes is None else shapes(pairs)


def has_shapes(evaluator: object) -> bool:
    """Whether an evaluator computes different masks in different shapes; see `shapes_of`."""
    return hasattr(evaluator, "shapes")


@runtime_checkable
class HasChoices(Protocol):
    """Optional protocol: a classifier that can compute in several settings, such as batch sizes."""

    def choices(self, masks: MaskSet, example: Any, most: int) -> Sequence[MaskedClassifier]:
        """The same classifier in several settings, the fastest for `example` first.

        Batches of more than `most` rows come after all others, since their probes would cost too much. Empty if all
        settings are fixed.
        """
        ...

    def as_certified(self, entries: Mapping[str, str]) -> MaskedClassifier:
        """The same classifier with the settings in the entries of a fingerprint."""
        ...


@runtime_checkable
class ExpectsRegions(Protocol):
    """Optional protocol: a classifier that can tell whether regions are drawn in the frame of its masks."""

    def expect_regions(self, regions: Any, example: Any) -> None:
        """Raise `InvalidInput` if a certificate against these regions would not hold for images like the example.

        Args:
            regions: The `maskcover.regions.RegionSet` of a certification.
            example: An image that its evaluator loaded; None if there are no images.
        """
        ...


@runtime_checkable
class HidesCells(Protocol):
    """Optional protocol: a classifier whose masks hide cells of a grid of its own, instead of pixels."""

    def cells(self, size: Any) -> tuple[int, int]:
        """(rows, columns) of the grid for images of a size, (height, width)."""
        ...

    def regions(self, regions: Any, size: Any) -> Any:
        """The cells that regions of pixels can change, as a region set of the grid."""
        ...


def expect_regions(classifier: object, regions: Any, example: Any) -> None:
    """Raise `InvalidInput` if the classifier itself finds that regions are not in the frame of its masks."""
    if isinstance(classifier, ExpectsRegions):
        classifier.expect_regions(regions, example)


@runtime_checkable
class HasBounds(Protocol):
    """Optional protocol: a classifier that can give certain labels under masks, in place of filling hidden pixels."""

    def bounded(self, pixels: Any) -> MaskedClassifier:
        """The same model with `CERTAIN_LABELS` in its identity, for pixels within an interval (least, greatest)."""
        ...


def as_certified(classifier: MaskedClassifier, entries: Mapping[str, str]) -> MaskedClassifier:
    """The classifier with the settings in these entries of a fingerprint, unless its own are fixed."""
    if isinstance(classifier, HasChoices):
        return classifier.as_certified(entries)
    resized: Callable[[int], MaskedClassifier] | None = getattr(classifier, "of_batch_size", None)
    if resized is None or classifier.batch_size is not None or "batch_size" not in entries:
        return classifier
    return resized(int(entries["batch_size"]))


def observe(evaluator: Evaluator, observation: Observation) -> None:
    """Make an evaluator keep the observation that a procedure needs.

    Raises:
        InvalidInput: the evaluator keeps top labels only.
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
    """The evaluator of a classifier with masks: its own if it has one, else a `HostEvaluator`."""
    if not isinstance(masks, MaskSet) or not len(masks):
        raise InvalidInput("expected a MaskSet of at least one mask, such as cover(squares(size=32))")
    if isinstance(classifier, BringsEvaluator):
        return _of_now(classifier.evaluator(masks, example, batch_size))
    return HostEvaluator(classifier, masks)


def _of_now(evaluator: Evaluator) -> Evaluator:
    """The evaluator, with its method `altered` of version 0.1 also under the present name `overwritten`."""
    earlier = getattr(evaluator, "altered", None)
    if earlier is not None and not hasattr(evaluator, "overwritten"):
        warnings.warn(f"{type(evaluator).__name__}.altered is now overwritten", MaskcoverWarning, stacklevel=3)
        evaluator.overwritten = earlier  # type: ignore[method-assign]  # it has none
    return evaluator


class HostEvaluator:
    """The evaluator of a `MaskedClassifier`: it passes on images as they are, with bitmaps of their hidden cells."""

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
        """The image as the classifier's own `loaded` returns it, or unchanged if there is no such method.

        An array is copied, since its owner may write the next image into it. It must have the dtype and the shape of
        the first, since one array decides the dtype of all that are stacked with it (threats.md, 42).
        """
        check = getattr(self._classifier, "loaded", None)
        loaded = image if check is None else check(image, self.masks.grid.shape)
        if not isinstance(loaded, np.ndarray) or loaded.dtype.kind not in "fiu":
            return loaded.copy(order="K") if isinstance(loaded, np.ndarray) else loaded
        plain = plain_array(loaded).copy()
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
        scores = np.asarray(self._classifier.scores(list(images), self._drawing.hidden(pairs)))
        self.classes = checked_classes(scores.shape, self.batch_size, self.classes)
        return checked_scores(scores)

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
        everywhere = where.reshape((1,) * channels + grid) if before else where.reshape(grid + (1,) * channels)
        if value is None:
            noise = np.random.default_rng(0).permutation(image.ravel()).reshape(image.shape)
            return np.where(everywhere, noise, image)
        if np.isnan(value) and image.dtype.kind != "f":
            return None  # integers have no NaN
        largest = float(np.finfo(image.dtype).max) if image.dtype.kind == "f" else int(np.iinfo(image.dtype).max)
        return np.where(everywhere, np.array(largest if value > largest else value, image.dtype), image)

    def mixed(self, image: Any, other: Any, fraction: float) -> Any | None:
        """A loaded image that is a mixture of two; None if images of this kind cannot be mixed."""
        arrays = [array for array in (image, other) if isinstance(array, np.ndarray) and array.dtype.kind in "fiu"]
        if len(arrays) < 2 or arrays[0].shape != arrays[1].shape or arrays[0].dtype != arrays[1].dtype:
            return None
        blend = fraction * arrays[0].astype(np.float64) + (1 - fraction) * arrays[1].astype(np.float64)
        return (blend if arrays[0].dtype.kind == "f" else blend.round()).astype(arrays[0].dtype)

    def identity(self) -> Identity:
        """The classifier's own entries, its class and its batch size."""
        own = dict(getattr(self._classifier, "identity", {}))
        return own | {"classifier": class_name(type(self._classifier)), "batch_size": str(self.batch_size)}


def checked_classes(shape: tuple[int, ...], rows: int, classes: int | None) -> int:
    """The number of classes of scores of this shape; raise `InvalidInput` if it or the number of rows is wrong."""
    if len(shape) != 2 or shape[0] != rows or classes not in (None, shape[1]):
        raise InvalidInput(f"the classifier must give scores of shape ({rows}, {classes or 'classes'}); got {shape}")
    return shape[1]
