"""Answers an endless sequence of images in order: open images share batches, and few of them are open at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from maskcover.classifiers.evaluation import Evaluator
from maskcover.defense.table import Decide
from maskcover.engine.queue import Failed, Queue
from maskcover.errors import InvalidInput
from maskcover.masks import Views

T = TypeVar("T")


def run_stream(
    evaluator: Evaluator,
    images: Iterable[Any],
    decide: Decide[T],
    *,
    open_images: int,
    views: Views = Views.PAIRS,
    confirm: Callable[[], None] = lambda: None,
) -> Iterator[T | Failed]:
    """Yield the decision of each image of an iterable, in order; `Failed` for one that cannot be loaded or evaluated.

    Args:
        evaluator, decide, views: As for `maskcover.engine.queue.run_queries`.
        images: Any iterable, also one without an end. It is asked for an image when there is room.
        open_images: The most images that are fetched and not yet yielded, 1 or more.
        confirm: Called before each decision is yielded; if it raises, the decision is lost.

    Image number k + `open_images` is fetched only after decision k was taken from the generator. Batches take the rows
    of the first open images first, so no later image delays an earlier one by more than the batches that they share. If
    the iterable raises an exception, all images that it gave before are decided and yielded, and then it is raised.
    `InvalidInput` of the evaluator ends the stream at once, since no image is the cause of it.
    """
    if type(open_images) is not int or open_images < 1:
        raise InvalidInput(f"open_images must be a whole number of at least 1; got {open_images!r}")
    window = _Window[T | Failed](iter(images), open_images)
    run: Queue[T] = Queue(evaluator, window, window, decide, True, views, None)
    while True:
        window.decide(run.opened())
        yield from window.ready(confirm)
        if run.submitted():
            continue  # another batch may be submitted before this one is answered
        if run.in_flight:
            window.decide(run.collected())
            yield from window.ready(confirm)
        elif window.ended:
            break
    if window.error is not None:
        raise window.error


class _Window(Iterator[int], Generic[T]):
    """The images of a stream that were fetched and not yet yielded: numbers of those to open, and their decisions."""

    def __init__(self, images: Iterator[Any], most: int) -> None:
        self.error: Exception | None = None
        """The exception that the source raised."""
        self.ended = False
        """Whether the source has no more images."""
        self._images, self._most = images, most
        self._fetched = self._yielded = 0
        self._image: Any = None
        self._decided: dict[int, T] = {}

    def __next__(self) -> int:
        """The number of the next image, which is fetched; no number while there is no room, or if the source ended."""
        if self.ended or self._fetched - self._yielded >= self._most:
            raise StopIteration
        try:
            self._image = next(self._images)
        except StopIteration:
            self.ended = True
            raise
        except Exception as error:
            self.ended, self.error = True, error
            raise StopIteration from None
        self._fetched += 1
        return self._fetched - 1

    def __getitem__(self, number: int) -> Any:
        """The image that was fetched last; it is kept by whoever opens it."""
        image, self._image = self._image, None
        return image

    def decide(self, decisions: Iterator[tuple[int, T]]) -> None:
        """Keep decisions until those before them are yielded."""
        self._decided.update(decisions)

    def ready(self, confirm: Callable[[], None]) -> Iterator[T]:
        """The decisions whose turn it is."""
        while self._yielded in self._decided:
            confirm()
            decision = self._decided.pop(self._yielded)
            self._yielded += 1
            yield decision
