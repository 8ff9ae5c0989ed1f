"""Streams of answers, in order and with bounded latency; a bound stream confirms each answer before it is yielded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, cast, get_args

import numpy as np

from maskcover.cells import IntArray
from maskcover.certification.answering import named
from maskcover.certification.binding import Binding, ReferenceRows, reloaded
from maskcover.classifiers.evaluation import Answers, Evaluator
from maskcover.defense.answers import Answer
from maskcover.defense.procedure import Procedure, answering, equip
from maskcover.defense.stages import Cost
from maskcover.defense.waves import FEW, wave_of
from maskcover.engine.queue import Failed
from maskcover.engine.streaming import run_stream
from maskcover.errors import InvalidInput

Errors = Literal["raise", "yield"]


def streamed(
    evaluator: Evaluator,
    images: Iterable[Any],
    procedure: Procedure,
    *,
    open_images: int | None = None,
    errors: Errors = "raise",
    binding: Binding | None = None,
    preprocessing: str = "none",
) -> Iterator[Answer | Failed]:
    """The answers to the images of an iterable, in order; see `maskcover_torch.DefendedModule.stream`."""
    if errors not in get_args(Errors):
        raise InvalidInput(f'errors must be "raise" or "yield"; got {errors!r}')
    equip(evaluator, procedure)
    if open_images is None:
        open_images = enough_images(cost_of(evaluator, procedure), evaluator.depth)
    confirmed = None
    if binding is not None:
        binding.expect(evaluator, preprocessing)
        confirmed = Confirmed(evaluator, binding, preprocessing)
        evaluator = cast("Evaluator", confirmed)
    alone = evaluator.batch_size if open_images == 1 else FEW
    answers = run_stream(
        evaluator,
        images,
        answering(procedure, wave_of(evaluator.batch_size, open_images), alone),
        open_images=open_images,
        views=procedure.views,
        confirm=(lambda: None) if confirmed is None else confirmed.confirm,
    )
    for answer in answers:
        if isinstance(answer, Failed) and errors == "raise":
            raise answer.error
        yield answer if isinstance(answer, Failed) else named(evaluator, answer)


def cost_of(evaluator: Evaluator, procedure: Procedure) -> Cost:
    """The price of one answer in predictions; see `maskcover_torch.DefendedModule.explain_cost`."""
    return Cost(procedure.words, procedure.stages(evaluator.masks), evaluator.batch_size)


def enough_images(cost: Cost, depth: int) -> int:
    """The number of open images that keeps batches full: one that is being answered, and those that fill batches.

    >>> from maskcover.defense import Stage
    >>> [enough_images(Cost("", (Stage("one mask", n, n, n),), batch_size=16), depth=1) for n in (4, 9, 36)]
    [5, 3, 2]
    """
    return 1 + depth * -(-cost.batch_size // max(cost.agreeing, 1))


class Confirmed:
    """An evaluator for a stream that is bound: one row of each batch is a reference row.

    With batches of one row, which have no room for it, a reference row is a batch of its own before each answer.
    """

    def __init__(self, evaluator: Evaluator, binding: Binding, preprocessing: str) -> None:
        self._evaluator, self._binding, self._preprocessing = evaluator, binding, preprocessing
        self._rows = binding.rows(evaluator)
        self.batch_size = evaluator.batch_size - (self._rows is not None and evaluator.batch_size > 1)
        self._turn = 0
        self._equal: list[bool] = []
        self._unconfirmed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._evaluator, name)

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """See `maskcover.classifiers.Evaluator`; the images are those of a batch less its reference row."""
        if self._rows is None or self.batch_size == self._evaluator.batch_size:
            fetch = self._evaluator.submit(images, pairs)
            return lambda: self._fetched(fetch(), None)
        number, image, pair = self._reference(self._rows)
        fetch = self._evaluator.submit([*images, image], np.concatenate([pairs, pair]))
        return lambda: self._fetched(fetch(), number)

    def confirm(self) -> None:
        """Raise `FingerprintMismatch` unless all batches since the last call came from the certified model."""
        if not self._unconfirmed:
            return
        self._binding.expect(self._evaluator, self._preprocessing)
        if self._rows is not None and not self._equal:
            number, image, pair = self._reference(self._rows)
            self._equal.append(self._rows.same(self._evaluator.submit([image], pair)(), number))
        if not all(self._equal):
            # What differs may be rounding that the contract allows.
            self._binding.expect_all(self._evaluator, self._preprocessing)
        self._equal, self._unconfirmed = [], False

    def _reference(self, rows: ReferenceRows) -> tuple[int, Any, IntArray]:
        """The number, image and pair of the reference row whose turn it is."""
        number = self._turn = (self._turn + 1) % len(rows.pairs)
        return number, reloaded(self._evaluator, rows.images[number]), rows.pairs[number : number + 1]

    def _fetched(self, answers: Answers, number: int | None) -> Answers:
        self._unconfirmed = True
        if number is None or self._rows is None:
            return answers
        self._equal.append(self._rows.same(Answers(*answers.rows(slice(-1, None))), number))
        return Answers(*answers.rows(slice(-1)))
