"""The engine with `isolate`: one image's failure is its own, and with batches under way nothing is mixed up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, MaskSet
from maskcover.classifiers import UNDECIDED, UNSEEN, Answers, Evaluator, evaluator_of
from maskcover.classifiers.evaluation import HostEvaluator
from maskcover.defense import Pending
from maskcover.defense.table import NO_MASK, PredictionTable
from maskcover.engine import Failed
from maskcover.engine.queue import run_queries
from tests.defense.naive import BoolArray, IntArray, Looked, Looker, image_of, singles
from tests.engine.test_queue import Filled, ask_all, ask_in_turn, images_for, truth

MASKS = singles(3)
VIEWS = MASKS.evaluations + 1


class Fussy(Looker):
    """Fails on a batch in which an image is that it cannot stand."""

    bad: tuple[Looked, ...] = ()
    error: type[BaseException] = RuntimeError

    def scores(self, images: Sequence[Looked], hidden: BoolArray) -> Any:
        if any(image is bad for image in images for bad in self.bad):
            raise self.error("not this one")
        return super().scores(images, hidden)


def correct(found: dict[int, Filled | Failed], images: Sequence[Looked], masks: MaskSet = MASKS) -> list[int]:
    """The numbers of the images that were decided, each with its own table."""
    decided = []
    for number, one in found.items():
        if not isinstance(one, Failed):
            table, bare = truth(images[number], masks)
            assert (one[0].tolist(), one[1], one[2]) == (table.tolist(), bare, VIEWS)
            decided.append(number)
    return sorted(decided)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 8, 64])
@pytest.mark.parametrize("decide", [ask_all, ask_in_turn])
@pytest.mark.parametrize("error", [RuntimeError, MemoryError, ValueError, StopIteration])
def test_an_image_that_cannot_be_evaluated_fails_alone(error: Any, decide: Any, batch_size: int) -> None:
    images = images_for(MASKS, 7)
    fussy = Fussy(batch_size)
    fussy.bad, fussy.error = (images[1], images[4]), error
    found = dict(run_queries(evaluator_of(fussy, MASKS), images, decide, isolate=True))
    assert sorted(found) == list(range(7))
    assert correct(found, images) == [0, 2, 3, 5, 6]
    for number in (1, 4):
        failed = found[number]
        assert isinstance(failed, Failed)
        assert (failed.evaluating, type(failed.error)) == (True, error)
        assert str(failed) == f"{error.__name__}: not this one"
    # Threat 31: what is tried again has the one shape.
    assert {len(batch) for batch, _ in fussy.batches} == {batch_size}


@dataclass
class Unreadable:
    """Images of which some cannot be loaded."""

    images: list[Looked]
    bad: frozenset[int]
    error: type[BaseException] = OSError

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Looked:
        if number in self.bad:
            raise self.error(f"image {number}")
        return self.images[number]


@given(st.sets(st.integers(0, 5)), st.integers(1, 9))
def test_images_that_cannot_be_loaded_fail_and_the_others_go_on(bad: set[int], batch_size: int) -> None:
    images = Unreadable(images_for(MASKS, 6), frozenset(bad))
    found = dict(run_queries(evaluator_of(Looker(batch_size), MASKS), images, ask_all, isolate=True))
    assert sorted(found) == list(range(6))
    assert correct(found, images.images) == sorted({*range(6)} - bad)
    failed = [one for one in found.values() if isinstance(one, Failed)]
    assert sorted(str(one) for one in failed) == [f"OSError: image {number}" for number in sorted(bad)]
    assert not any(one.evaluating for one in failed)


@pytest.mark.parametrize("error", [OSError, InvalidInput])
def test_without_isolation_an_image_that_cannot_be_loaded_ends_the_run(error: Any) -> None:
    with pytest.raises(error, match="image 1"):
        list(
            run_queries(
                evaluator_of(Looker(2), MASKS), Unreadable(images_for(MASKS, 3), frozenset({1}), error), ask_all
            )
        )


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize("error", [InvalidInput, KeyboardInterrupt, SystemExit])
def test_what_is_no_fault_of_an_image_ends_the_run(error: Any, isolate: bool) -> None:
    images = images_for(MASKS, 3)
    fussy = Fussy(4)
    fussy.bad, fussy.error = (images[2],), error
    with pytest.raises(error, match="not this one"):
        list(run_queries(evaluator_of(fussy, MASKS), images, ask_all, isolate=isolate))  # type: ignore[call-overload]  # either
    unreadable = Unreadable(images, frozenset({1}), KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        list(run_queries(evaluator_of(Looker(4), MASKS), unreadable, ask_all, isolate=isolate))  # type: ignore[call-overload]


@dataclass
class Deferred:
    """An evaluator that answers later: it computes at the fetch, and demands that the oldest be fetched first."""

    host: HostEvaluator
    depth: int = 2
    failing: Callable[[int], bool] = lambda _: False
    waiting: deque[int] = field(default_factory=deque)
    most: int = 0
    asked: int = 0
    alone: int = 0  # fetches while no other batch was under way

    @property
    def masks(self) -> MaskSet:
        return self.host.masks

    @property
    def batch_size(self) -> int:
        return self.host.batch_size

    @property
    def classes(self) -> int | None:
        return self.host.classes

    def load(self, image: Looked) -> Looked:
        return image

    def submit(self, images: Sequence[Looked], pairs: IntArray) -> Callable[[], Answers]:
        ticket, self.asked = self.asked, self.asked + 1
        self.waiting.append(ticket)
        self.most = max(self.most, len(self.waiting))

        def fetch() -> Answers:
            if ticket in self.waiting:
                self.waiting.remove(ticket)
            self.alone += not self.waiting
            if self.failing(ticket):
                raise RuntimeError(f"batch {ticket}")
            return self.host.submit(images, pairs)()

        return fetch


def deferred(batch_size: int, depth: int, **options: Any) -> Any:
    host = evaluator_of(Looker(batch_size), MASKS)
    assert isinstance(host, HostEvaluator)
    return Deferred(host, depth, **options)


@pytest.mark.parametrize("depth", [1, 2, 3])
@given(batch_size=st.integers(1, 9), count=st.integers(0, 6), decide=st.sampled_from([ask_all, ask_in_turn]))
def test_batches_under_way_give_the_answers_of_one_at_a_time(
    depth: int, batch_size: int, count: int, decide: Any
) -> None:
    images, asked = images_for(MASKS, count), deferred(batch_size, depth)
    assert correct(dict(run_queries(asked, images, decide)), images) == list(range(count))
    assert asked.most <= depth
    assert not asked.waiting


def test_depth_is_used() -> None:
    asked = deferred(2, 2)
    list(run_queries(asked, images_for(MASKS, 6), ask_all))
    assert asked.most == 2


def test_a_second_batch_is_under_way_as_long_as_there_are_images_to_open() -> None:
    """Small decisions: without further images opened in time, each batch would be waited for alone."""
    asked = deferred(2, 2)
    list(run_queries(asked, images_for(MASKS, 20), lambda _, table: ask_bare(table)))
    assert asked.asked == 10
    assert asked.alone == 1


def ask_bare(table: PredictionTable) -> int | Pending:
    return Pending(np.array([[NO_MASK, NO_MASK]])) if table.undefended == UNSEEN else table.undefended


@given(st.sets(st.integers(0, 30), max_size=6), st.integers(1, 9), st.integers(1, 3))
def test_a_fetch_that_fails_once_loses_nothing(failing: set[int], batch_size: int, depth: int) -> None:
    images = images_for(MASKS, 5)
    asked = deferred(batch_size, depth, failing=lambda ticket: ticket in failing)
    found = dict(run_queries(asked, images, ask_all, isolate=True))
    assert sorted(found) == list(range(5))
    failed = [number for number, one in found.items() if isinstance(one, Failed)]
    assert correct(found, images) == sorted({*range(5)} - set(failed))
    if len(failing) < 2:
        assert not failed  # it was asked for again, alone, and answered


def test_a_fetch_that_fails_ends_the_run_without_isolation() -> None:
    with pytest.raises(RuntimeError, match="batch 1"):
        list(run_queries(deferred(2, 2, failing=lambda ticket: ticket == 1), images_for(MASKS, 4), ask_all))


@pytest.mark.parametrize("rows", [0, 1, 3, 5])
def test_an_evaluator_that_answers_for_another_number_of_rows_is_refused(rows: int) -> None:
    class Short(HostEvaluator):
        def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
            full = np.resize(self.scores(images, pairs), (rows, 3))
            return lambda: Answers.of(full)

    short: Evaluator = Short(Looker(4), MASKS)
    for isolate in (True, False):
        with pytest.raises(InvalidInput, match=f"expected one answer for each of the 4 rows of a batch; got {rows}"):
            list(run_queries(short, images_for(MASKS, 3), ask_all, isolate=isolate))


@given(st.data())
def test_what_is_evaluated_for_an_image_depends_on_it_alone(data: st.DataObject) -> None:
    """Labels and evaluations, whatever the neighbours, the batch size, the depth, and who of them fails."""
    unions = len(MASKS.unions)
    entries = st.lists(st.integers(UNDECIDED, 2), min_size=unions, max_size=unions)
    tables = [np.array(one)[MASKS.unions.ids] for one in data.draw(st.lists(entries, min_size=1, max_size=5))]
    images = [image_of(table, MASKS) for table in tables]
    bad = data.draw(st.sets(st.integers(0, len(images) - 1)))
    fussy = Fussy(data.draw(st.integers(1, 9)))
    fussy.bad = tuple(images[number] for number in bad)
    host = evaluator_of(fussy, MASKS)
    assert isinstance(host, HostEvaluator)
    asked: Any = Deferred(host, data.draw(st.integers(1, 3)))
    found = dict(run_queries(asked, images, ask_in_turn, isolate=True))
    assert correct(found, images) == sorted({*range(len(images))} - bad)


def test_an_image_that_failed_in_an_earlier_batch_is_told_once() -> None:
    """Its rows of the batch that was under way then are not asked for again."""
    asked = deferred(2, 2, failing=lambda _: True)
    found = list(run_queries(asked, images_for(MASKS, 3), ask_all, isolate=True))
    assert sorted(number for number, _ in found) == [0, 1, 2]
    assert all(isinstance(one, Failed) for _, one in found)
