"""The engine: asks a classifier for exactly the masked predictions that open decisions wait for, in full batches.

Images are opaque here: the engine hands them to the classifier and never looks inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray
from maskcover.defense.labels import leads, top_labels
from maskcover.defense.table import Pending, PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet

T = TypeVar("T")
Decide = Callable[[int, PredictionTable], "T | Pending"]


class Images(Protocol):
    """Anything with a length and an index: a list, an array, a tensor, a data set."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Any: ...


@runtime_checkable
class MaskedClassifier(Protocol):
    """All that the defence needs of a classifier: scores of images with some pixels hidden.

    `scores` must be a function of each (image, hidden) row alone: the other rows of a batch may hold the patch.
    It is always called with exactly `batch_size` rows, so that certifying and serving run the same computation.
    It may have a `margin`, the default of `certify`'s: the least lead that survives the rounding of its scores.
    """

    batch_size: int

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.ArrayLike:
        """Scores of shape (batch_size, classes) for images whose cells are hidden where `hidden[row]` is True.

        Args:
            images: `batch_size` images, the same object where an image comes more than once.
            hidden: bool, shape (batch_size, height, width).
        """
        ...


@dataclass(slots=True, eq=False)
class _Open:
    """An image whose decision waits for predictions."""

    number: int
    image: Any
    table: PredictionTable
    wanted: list[int]
    waits: bool = False
    """Nothing was recorded since the last look, so another look would find the same."""


def settle(classifier: MaskedClassifier, images: Images, masks: MaskSet, decide: Decide[T]) -> Iterator[tuple[int, T]]:
    """Yield (image number, decision) for every image, as decisions fall, filling tables only as far as they ask.

    Args:
        classifier: Whom to ask.
        images: The images; each is fetched once, and let go when it is decided.
        masks: The mask set of all tables.
        decide: A decision procedure on (image number, table): its result, or `Pending` with what it must see first.

    Every batch takes from the first open images what they wait for, and opens further ones while there is room.
    An exception of the classifier ends the run: no verdict is made of what was not seen.
    """
    if not isinstance(masks, MaskSet) or not len(masks):
        raise InvalidInput("expected a MaskSet of at least one mask, such as cover(squares(size=32))")
    ask = _Batches(classifier, masks)
    waiting = iter(range(len(images)))
    open_images: list[_Open] = []
    while True:
        room = classifier.batch_size - sum(len(item.wanted) for item in open_images)
        while room > 0 and (number := next(waiting, None)) is not None:
            item = _Open(number, images[number], PredictionTable(masks.unions), [])
            decision = _update(item, decide)
            if isinstance(decision, Pending):
                open_images.append(item)
                room -= len(item.wanted)
            else:
                yield number, decision
        if not open_images:
            return
        ask.next_batch(open_images)
        still_open = []
        for item in open_images:
            if item.waits or isinstance(decision := _update(item, decide), Pending):
                still_open.append(item)
            else:
                yield item.number, decision
        open_images = still_open


def _update(item: _Open, decide: Decide[T]) -> T | Pending:
    decision = decide(item.number, item.table)
    if isinstance(decision, Pending):
        item.wanted = item.table.missing(decision).tolist()
        item.waits = True
    return decision


class _Batches:
    """Makes batches of one fixed size and checks what comes back."""

    def __init__(self, classifier: MaskedClassifier, masks: MaskSet) -> None:
        if type(classifier.batch_size) is not int or classifier.batch_size < 1:
            raise InvalidInput(f"batch_size must be a whole number of at least 1; got {classifier.batch_size!r}")
        self._classifier = classifier
        # One row more, hiding nothing: number NO_MASK (-1) picks it.
        self._hidden = np.concatenate([np.asarray(masks), np.zeros((1, *masks.grid.shape), dtype=np.bool_)])
        self._classes: int | None = None

    def next_batch(self, open_images: Sequence[_Open]) -> None:
        """Evaluate the next full batch and record its labels."""
        size = self._classifier.batch_size
        wanted = ((item, union) for item in open_images for union in item.wanted)
        rows = list(islice(wanted, size))
        # The last batch is filled up with repetitions: every call has the same shape (threats.md, 21).
        padded = rows + rows[-1:] * (size - len(rows))
        first, second = np.array([item.table.pair(union) for item, union in padded]).T
        hidden = self._hidden[first] | self._hidden[second]
        scores = np.asarray(self._classifier.scores([item.image for item, _ in padded], hidden))
        self._check(scores.shape)
        found = zip(top_labels(scores).tolist(), leads(scores).tolist(), strict=True)
        for (item, union), (label, lead) in zip(rows, found, strict=False):
            item.table.record(union, label, lead)
            item.table.classes = self._classes
            item.waits = False

    def _check(self, shape: tuple[int, ...]) -> None:
        rows, classes = self._classifier.batch_size, self._classes
        if len(shape) != 2 or shape[0] != rows or classes not in (None, shape[1]):
            raise InvalidInput(
                f"the classifier must give scores of shape ({rows}, {classes or 'classes'}); got {shape}"
            )
        self._classes = shape[1]
