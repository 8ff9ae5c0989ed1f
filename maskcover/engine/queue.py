"""The engine: a queue of (image, union) over many images, evaluated in full batches of one fixed size.

Images are opaque here: the engine hands them to an evaluator and never looks inside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, Protocol, TypeVar, overload, runtime_checkable

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.evaluation import Answers, Evaluator, FloatArray, Images, has_shapes, shapes_of
from maskcover.defense.table import NO_MASK, Decide, Pending, PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import Views

T = TypeVar("T")
Fill = Callable[[int, PredictionTable], None]
"""A function that puts earlier predictions into the empty table of an image."""


@runtime_checkable
class Fills(Protocol):
    """Optional protocol: an evaluator that fills the rows at the end of a batch that no image waits for."""

    def filling(self, count: int) -> tuple[list[Any], IntArray] | None:
        """`count` loaded images and pairs for the end of the next batch; None for repetitions."""
        ...


@dataclass(frozen=True, slots=True)
class Failed:
    """An image without a decision, and the error: it could not be loaded, or the evaluator failed on it."""

    error: Exception
    evaluating: bool

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"


@overload
def run_queries(
    evaluator: Evaluator,
    images: Images,
    decide: Decide[T],
    *,
    isolate: Literal[False] = ...,
    views: Views = ...,
    fill: Fill | None = ...,
) -> Iterator[tuple[int, T]]: ...
@overload
def run_queries(
    evaluator: Evaluator,
    images: Images,
    decide: Decide[T],
    *,
    isolate: Literal[True],
    views: Views = ...,
    fill: Fill | None = ...,
) -> Iterator[tuple[int, T | Failed]]: ...
def run_queries(
    evaluator: Evaluator,
    images: Images,
    decide: Decide[T],
    *,
    isolate: bool = False,
    views: Views = Views.PAIRS,
    fill: Fill | None = None,
) -> Iterator[tuple[int, T | Failed]]:
    """Yield (image number, decision) for every image, as decisions are made, with only the predictions they need.

    Args:
        evaluator: The evaluator that makes the predictions.
        images: The images; each is fetched once, and dropped when it is decided.
        decide: A decision procedure on (image number, table): its result, or `Pending` with the predictions that it
            needs first. It is called again when all of these are in the table, so the predictions made for an image
            depend on that image alone.
        isolate: An image that cannot be loaded or evaluated yields `Failed`, and the others go on: a batch that fails
            is evaluated again, image by image, in the same shape. Otherwise an exception ends the run, and
            `InvalidInput` of the evaluator always does: no image is the cause of it.
        views: The masked predictions that `decide` may ask for.
        fill: Called with the number of each image, once it is fetched, and its empty table, to put predictions into
            it that were made before: see `PredictionTable.restore`. Only what is missing then is asked for.

    Every batch takes the rows that the first open images wait for; further images are opened while there is room. If
    the evaluator computes in several shapes, each batch has rows of one shape: see `shapes_of`. What is left of a batch
    is filled with predictions that open images will probably ask for next (`Pending.later`). They are kept aside, and
    count as made when a decision asks for them. No decision uses predictions that were not made.
    """
    run = Queue(evaluator, images, iter(range(len(images))), decide, isolate, views, fill)
    while True:
        yield from run.opened()
        if run.submitted():
            continue  # another batch may be submitted before this one is answered
        if not run.in_flight:
            return
        yield from run.collected()


_Row = tuple[int, float, float, FloatArray | None]
"""Label, margin, confidence and observed numbers of one prediction."""


def _no_numbers() -> IntArray:
    return np.empty(0, np.int64)


@dataclass(slots=True, eq=False)
class _OpenImage:
    """An image whose decision waits for predictions: unions still to be submitted, and answers still to come.

    `later` are unions that it will probably wait for next, and `ahead` the answers, one row each, that came before they
    were asked for.
    """

    number: int
    image: Any
    table: PredictionTable
    missing: IntArray
    coming: int = 0
    later: IntArray = field(default_factory=_no_numbers)
    ahead: dict[int, _Row] = field(default_factory=dict)

    def ask(self, pending: Pending) -> None:
        """Wait for predictions; those that came ahead are recorded at once."""
        numbers = self.table.missing(pending)
        came = np.array([number in self.ahead for number in numbers.tolist()], dtype=np.bool_)
        rows = [self.ahead.pop(number) for number in numbers[came].tolist()]
        if rows:
            labels, margins, confidences, observed = zip(*rows, strict=True)
            extra = None if observed[0] is None else np.stack(observed)
            self.table.record(numbers[came], np.array(labels), np.array(margins), np.array(confidences), extra)
        self.missing = numbers[~came]
        later = _no_numbers() if pending.later is None else self.table.missing(Pending(pending.later))
        self.later = later[~np.isin(later, [*self.ahead, *self.missing.tolist()])]


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """Some rows of a batch: unions of one image, which it waits for, or, if `ahead`, may ask for later."""

    item: _OpenImage
    unions: IntArray
    ahead: bool = False

    def record(self, answers: Answers, rows: slice, classes: int | None) -> None:
        """Put the answers in these rows of the batch where they belong."""
        self.item.table.classes = classes
        if self.ahead:
            parts = answers.rows(rows)
            observed = [None] * len(self.unions) if parts[3] is None else parts[3]
            self.item.ahead.update(zip(self.unions.tolist(), zip(*parts[:3], observed, strict=True), strict=True))
            return
        self.item.table.record(self.unions, *answers.rows(rows))
        self.item.coming -= len(self.unions)


class Fetches(Protocol):
    """Protocol: anything that gives the image of a number."""

    def __getitem__(self, number: int, /) -> Any: ...


class Queue(Generic[T]):
    """The open images of one run, and the batches under way.

    Args:
        evaluator, decide, isolate, views, fill: As for `run_queries`.
        images: The images by number.
        numbers: The numbers of the images in the order in which they are opened. Where it ends, no image is opened; it
            is asked again when there is room, and may then go on.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        images: Fetches,
        numbers: Iterator[int],
        decide: Decide[T],
        isolate: bool,
        views: Views,
        fill: Fill | None,
    ) -> None:
        self.in_flight: deque[tuple[list[_Chunk], Callable[[], Answers]]] = deque()
        self._evaluator, self._images, self._decide, self._isolate = evaluator, images, decide, isolate
        self._views, self._fill = evaluator.masks.views(views), fill
        pairs = np.concatenate([self._views.pairs, [[NO_MASK, NO_MASK]]])
        _, self._shapes = np.unique(shapes_of(evaluator, pairs), return_inverse=True)
        self._has_shapes = has_shapes(evaluator)
        self._unopened = numbers
        self._open: list[_OpenImage] = []

    def opened(self) -> Iterator[tuple[int, T | Failed]]:
        """Open images until a batch is full, if one may be submitted; decide images that need none at once."""
        if len(self.in_flight) >= self._evaluator.depth:
            return
        while (
            self._waiting_rows().max() < self._evaluator.batch_size
            and (number := next(self._unopened, None)) is not None
        ):
            try:
                image = self._evaluator.load(self._images[number])
            except Exception as error:
                if not self._isolate:
                    raise
                yield number, Failed(error, evaluating=False)
                continue
            table = PredictionTable(self._views, self._evaluator.classes, self._evaluator.masks)
            if self._fill is not None:
                self._fill(number, table)
            item = _OpenImage(number, image, table, np.empty(0, np.int64))
            self._open.append(item)
            yield from self._decided([item])

    def submitted(self) -> bool:
        """Submit a batch, if one more may be under way; one that is not full only if no other one is."""
        size, rows = self._evaluator.batch_size, self._waiting_rows()
        shape, waiting = int(rows.argmax()), int(rows.max())
        if len(self.in_flight) >= self._evaluator.depth or not waiting or (waiting < size and self.in_flight):
            return False
        chunks = self._chunks(size, shape)
        for chunk in chunks:
            chunk.item.missing = chunk.item.missing[~np.isin(chunk.item.missing, chunk.unions)]
            chunk.item.coming += len(chunk.unions)
        chunks += self._chunks_ahead(size - sum(len(chunk.unions) for chunk in chunks), shape)
        self.in_flight.append((chunks, self._submitted(chunks)))
        return True

    def collected(self) -> Iterator[tuple[int, T | Failed]]:
        """Record the answers of the oldest batch, and decide the images that now can be decided."""
        chunks, fetch = self.in_flight.popleft()
        failures: dict[_OpenImage, Failed] = {}
        try:
            self._record(chunks, fetch())
        except InvalidInput:
            raise
        except Exception:
            if not self._isolate:
                raise
            failures = self._apart(chunks)
        for item in failures:
            self._open = [other for other in self._open if other is not item]
            yield item.number, failures[item]
        yield from self._decided([chunk.item for chunk in chunks if not chunk.ahead and chunk.item in self._open])

    def _waiting_rows(self) -> IntArray:
        """The rows that open images wait for, by shape."""
        missing = [np.empty(0, np.int64), *(item.missing for item in self._open)]
        return np.bincount(self._shapes[np.concatenate(missing)], minlength=int(self._shapes.max()) + 1)

    def _decided(self, items: list[_OpenImage]) -> Iterator[tuple[int, T]]:
        for item in items:
            while not len(item.missing) and not item.coming:
                decision = self._decide(item.number, item.table)
                if not isinstance(decision, Pending):
                    self._open = [other for other in self._open if other is not item]
                    yield item.number, decision
                    break
                item.ask(decision)

    def _chunks(self, size: int, shape: int) -> list[_Chunk]:
        """The rows of the next batch, all of one shape, from the first open images."""
        chunks: list[_Chunk] = []
        for item in self._open:
            unions = self._of_shape(item.missing, shape)[:size]
            if len(unions):
                chunks.append(_Chunk(item, unions))
                size -= len(unions)
        return chunks

    def _chunks_ahead(self, room: int, shape: int) -> list[_Chunk]:
        """Rows of a shape that no image waits for yet; none for an evaluator that fills batches itself."""
        chunks: list[_Chunk] = []
        if isinstance(self._evaluator, Fills):
            return chunks
        for item in self._open:
            unions = self._of_shape(item.later, shape)[:room]
            if len(unions):
                chunks.append(_Chunk(item, unions, ahead=True))
                item.later = item.later[~np.isin(item.later, unions)]
                room -= len(unions)
        return chunks

    def _of_shape(self, unions: IntArray, shape: int) -> IntArray:
        """The unions that are computed in a shape, in their order."""
        chosen: IntArray = unions[self._shapes[unions] == shape]
        return chosen

    def _submitted(self, chunks: list[_Chunk]) -> Callable[[], Answers]:
        """Submit one batch, filled up with repetitions or known rows: all have the same shape (threats.md, 21)."""
        pairs = np.concatenate([chunk.item.table.pairs(chunk.unions) for chunk in chunks])
        images = [chunk.item.image for chunk in chunks for _ in chunk.unions]
        missing = self._evaluator.batch_size - len(pairs)
        # Rows of other shapes would not fill this batch, but need further ones.
        fills = missing and not self._has_shapes and isinstance(self._evaluator, Fills)
        rows = self._evaluator.filling(missing) if fills else None  # type: ignore[attr-defined]  # it is one
        filling_images, filling_pairs = rows or (images[-1:] * missing, np.repeat(pairs[-1:], missing, axis=0))
        try:
            return self._evaluator.submit(images + filling_images, np.concatenate([pairs, filling_pairs]))
        except InvalidInput:
            raise
        except Exception as error:
            # Raised when the answers are fetched, where failures are dealt with.
            return partial(_raised, error)

    def _record(self, chunks: list[_Chunk], answers: Answers) -> None:
        if len(answers.labels) != self._evaluator.batch_size:
            raise InvalidInput(
                f"expected one answer for each of the {self._evaluator.batch_size} rows of a batch; "
                f"got {len(answers.labels)}"
            )
        first = 0
        for chunk in chunks:
            rows = slice(first, first + len(chunk.unions))
            chunk.record(answers, rows, self._evaluator.classes)
            first += len(chunk.unions)

    def _apart(self, chunks: list[_Chunk]) -> dict[_OpenImage, Failed]:
        """Evaluate the rows once more, image by image, each in a batch of the same shape; give those that fail again.

        An image that has failed in an earlier batch, while this one was under way, is not evaluated again.
        """
        failures = {}
        for chunk in [chunk for chunk in chunks if not chunk.ahead and chunk.item in self._open]:
            try:
                self._record([chunk], self._submitted([chunk])())
            except InvalidInput:
                raise
            except Exception as error:
                failures[chunk.item] = Failed(error, evaluating=True)
        return failures


def _raised(error: Exception) -> Answers:
    raise error
