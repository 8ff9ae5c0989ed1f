"""The engine asks for just what decisions wait for, in batches of one size, and records answers where they belong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, MaskedClassifier, MaskSet
from maskcover.classifiers import UNDECIDED, UNSEEN, evaluator_of
from maskcover.classifiers.evaluation import HostEvaluator
from maskcover.defense import Pending
from maskcover.defense.table import NO_MASK, Decide, PredictionTable
from maskcover.engine.queue import run_queries
from tests.defense.naive import BoolArray, IntArray, Looked, Looker, image_of, singles, symmetric
from tests.laws import examples

# Unions of these coincide: the second mask is inside the first, the last two are the same.
REDUNDANT = MaskSet.from_boxes(
    [(0, 0, 2, 3), (0, 0, 1, 2), (2, 0, 1, 4), (1, 3, 3, 1), (1, 3, 3, 1)], image_size=(4, 5)
)
SETS = {"redundant": REDUNDANT, "all unions distinct": singles(3)}
BATCH_SIZES = [1, 2, 3, 5, 8, 64]
EVERYTHING = pytest.mark.parametrize("batch_size", BATCH_SIZES)


def images_for(masks: MaskSet, count: int) -> list[Looked]:
    """Images with a label of their own for every union, and for the bare image."""
    rng = np.random.default_rng(31)
    images = []
    for _ in range(count):
        table = rng.integers(UNDECIDED, 3, size=len(masks.unions))
        images.append(image_of(table[masks.unions.ids], masks, bare=int(rng.integers(UNDECIDED, 3))))
    return images


Filled = tuple[IntArray, int, int]  # the table, the label of the bare image, the evaluations


def ask_all(_: int, table: PredictionTable) -> Filled | Pending:
    """Wait for the whole table and the bare image, all at once."""
    if (table.labels == UNSEEN).any():
        return Pending(np.array([*np.argwhere(table.matrix == UNSEEN).tolist(), [NO_MASK, NO_MASK]]))
    return table.matrix, table.undefended, table.evaluations


def ask_in_turn(_: int, table: PredictionTable) -> Filled | Pending:
    """Wait for the whole table and the bare image, one pair after the other."""
    if table.undefended == UNSEEN:
        return Pending(np.array([[NO_MASK, NO_MASK]]))
    unseen = np.argwhere(table.matrix == UNSEEN)
    return Pending(unseen[-1:]) if len(unseen) else (table.matrix, table.undefended, table.evaluations)


def truth(image: Looked, masks: MaskSet) -> tuple[IntArray, int]:
    """The table and the label of the bare image, straight from the bitmaps."""
    hidden = np.asarray(masks)
    table = np.array([[image[(a | b).tobytes()] for b in hidden] for a in hidden])
    return table, image[np.zeros(masks.grid.shape, dtype=np.bool_).tobytes()]


@EVERYTHING
@pytest.mark.parametrize("decide", [ask_all, ask_in_turn])
@pytest.mark.parametrize("masks", SETS.values(), ids=SETS)
def test_every_label_lands_at_the_pairs_it_was_asked_for(
    masks: MaskSet, decide: Decide[Filled], batch_size: int
) -> None:
    images = images_for(masks, 4)
    found = dict(run_queries(evaluator_of(Looker(batch_size), masks), images, decide))
    assert sorted(found) == list(range(4))
    for number, (table, bare, evaluations) in found.items():
        expected, expected_bare = truth(images[number], masks)
        assert table.tolist() == expected.tolist()
        assert bare == expected_bare
        assert evaluations == masks.evaluations + 1


@EVERYTHING
def test_every_batch_has_the_same_size_and_the_last_is_filled_with_repetitions(batch_size: int) -> None:
    images = images_for(REDUNDANT, 3)
    classifier = Looker(batch_size)
    list(run_queries(evaluator_of(classifier, REDUNDANT), images, ask_all))
    rows = 3 * (REDUNDANT.evaluations + 1)
    assert len(classifier.batches) == -(-rows // batch_size)
    for batch, hidden in classifier.batches:
        assert len(batch) == batch_size
        assert hidden.shape == (batch_size, *REDUNDANT.grid.shape)
        assert hidden.dtype == np.bool_
    batch, hidden = classifier.batches[-1]
    used = rows - (len(classifier.batches) - 1) * batch_size
    assert all(image is batch[used - 1] for image in batch[used:])
    assert (hidden[used:] == hidden[used - 1]).all()


@EVERYTHING
def test_each_union_is_evaluated_once_for_each_image(batch_size: int) -> None:
    images = images_for(REDUNDANT, 2)
    classifier = Looker(batch_size)
    list(run_queries(evaluator_of(classifier, REDUNDANT), images, ask_all))
    asked = Counter(
        (id(image), hide.tobytes())
        for batch, hidden in classifier.batches
        for image, hide in zip(batch, hidden, strict=True)
    )
    assert len(asked) == 2 * (REDUNDANT.evaluations + 1)
    # Only the padding of the last batch repeats.
    assert sum(asked.values()) - len(asked) < batch_size


def ask_two_and_say_the_rest(_: int, table: PredictionTable) -> Filled | Pending:
    """Wait for two predictions at a time, and name all others as those that come later."""
    unseen = np.argwhere(np.triu(table.matrix == UNSEEN))
    if len(unseen):
        return Pending(unseen[:2], later=unseen[2:])
    return table.matrix, table.undefended, table.evaluations


def ask_two(number: int, table: PredictionTable) -> Filled | Pending:
    """The same, without a word about the others."""
    decision = ask_two_and_say_the_rest(number, table)
    return replace(decision, later=None) if isinstance(decision, Pending) else decision


@EVERYTHING
@pytest.mark.parametrize("masks", SETS.values(), ids=SETS)
def test_room_in_a_batch_is_for_what_comes_later_which_changes_no_decision_and_no_count(
    masks: MaskSet, batch_size: int
) -> None:
    images = images_for(masks, 3)
    calls = []
    for decide in (ask_two, ask_two_and_say_the_rest):
        classifier = Looker(batch_size)
        found = dict(run_queries(evaluator_of(classifier, masks), images, decide))
        for number, (table, _, evaluations) in found.items():
            assert table.tolist() == truth(images[number], masks)[0].tolist()
            assert evaluations == masks.evaluations
        calls.append(len(classifier.batches))
    assert calls[1] <= calls[0]
    # Every row is used, so that only the last batch has room left.
    assert calls[1] == -(-3 * masks.evaluations // batch_size)


def test_an_image_alone_is_decided_by_what_came_ahead() -> None:
    masks, stops = singles(4), []

    def decide(_: int, table: PredictionTable) -> int | Pending:
        unseen = np.argwhere(np.triu(table.matrix == UNSEEN))
        if table.evaluations == 3:
            stops.append((table.labels != UNSEEN).sum())
            return table.evaluations
        return Pending(unseen[:1], later=unseen[1:])

    classifier = Looker(8)
    assert list(run_queries(evaluator_of(classifier, masks), images_for(masks, 1), decide)) == [(0, 3)]
    assert (stops, len(classifier.batches)) == ([3], 1)


def test_an_evaluator_that_fills_its_batches_itself_gets_no_rows_ahead() -> None:
    class Filling(HostEvaluator):
        def filling(self, count: int) -> None:
            counts.append(count)

    counts: list[int] = []
    masks = singles(3)
    evaluator = Filling(Looker(4), masks)
    found = dict(run_queries(evaluator, images_for(masks, 1), ask_two_and_say_the_rest))
    assert found[0][2] == masks.evaluations
    assert counts == [2, 2, 2]


@dataclass
class Counted(Sequence[Looked]):
    """A sequence that counts how often each image is fetched."""

    images: list[Looked]
    fetched: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> Looked:  # type: ignore[override]  # the engine takes single images only
        self.fetched.append(number)
        return self.images[number]


@EVERYTHING
def test_images_are_fetched_once_in_order_and_only_when_there_is_room(batch_size: int) -> None:
    images = Counted(images_for(REDUNDANT, 12))
    waiting = 0
    for decided, _ in enumerate(run_queries(evaluator_of(Looker(batch_size), REDUNDANT), images, ask_all), start=1):
        waiting = max(waiting, len(images.fetched) - decided)
    assert images.fetched == list(range(12))
    assert waiting <= batch_size


def test_an_image_that_needs_nothing_is_decided_without_a_call() -> None:
    classifier = Looker(4)
    found = list(
        run_queries(evaluator_of(classifier, REDUNDANT), images_for(REDUNDANT, 3), lambda number, _: number * 10)
    )
    assert found == [(0, 0), (1, 10), (2, 20)]
    assert classifier.batches == []


def test_no_images_need_no_call() -> None:
    classifier = Looker(4)
    assert list(run_queries(evaluator_of(classifier, REDUNDANT), [], ask_all)) == []
    assert classifier.batches == []


@examples(40)
@given(st.data())
def test_decisions_do_not_depend_on_the_batch_size_or_on_other_images(data: st.DataObject) -> None:
    masks = singles(3)
    entries = st.lists(st.integers(UNDECIDED, 2), min_size=6, max_size=6)
    tables = data.draw(st.lists(entries, min_size=1, max_size=4))
    images = [image_of(symmetric(3, table), masks) for table in tables]
    alone = [next(run_queries(evaluator_of(Looker(1), masks), [image], ask_in_turn))[1][0].tolist() for image in images]
    decide = data.draw(st.sampled_from([ask_all, ask_in_turn]))
    together = dict(run_queries(evaluator_of(Looker(data.draw(st.integers(1, 9))), masks), images, decide))
    assert [together[number][0].tolist() for number in range(len(images))] == alone


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, "4", None, True])
def test_a_batch_size_that_is_no_number_of_rows_is_refused(batch_size: object) -> None:
    classifier = Looker()
    classifier.batch_size = batch_size  # type: ignore[assignment]  # the error under test
    with pytest.raises(InvalidInput, match="batch_size"):
        list(run_queries(evaluator_of(classifier, REDUNDANT), images_for(REDUNDANT, 1), ask_all))


def test_a_classifier_may_spoil_the_arrays_that_it_is_handed() -> None:
    class Spoiler(Looker):
        def scores(self, images: Sequence[Looked], hidden: BoolArray) -> npt.NDArray[np.float64]:
            scores = super().scores(images, hidden)
            hidden[:] = ~hidden
            return scores

    images = [image_of(symmetric(3, [0, 1, 2, 2, 1, 0]), singles(3))]
    [(_, (table, _, _))] = run_queries(evaluator_of(Spoiler(2), singles(3)), images, ask_all)
    assert table.tolist() == symmetric(3, [0, 1, 2, 2, 1, 0]).tolist()


def test_the_protocol_is_batch_size_and_scores() -> None:
    assert isinstance(Looker(), MaskedClassifier)
    assert not isinstance(object(), MaskedClassifier)


def test_decisions_come_as_they_fall() -> None:
    masks = singles(3)
    images = images_for(masks, 3)
    slow_first: Iterator[tuple[int, str]] = run_queries(evaluator_of(Looker(64), masks), images, _slow_first)
    assert [number for number, _ in slow_first] == [1, 2, 0]


def _slow_first(number: int, table: PredictionTable) -> str | Pending:
    one_mask = table.matrix.diagonal()
    needed = 3 if number == 0 else 1
    unseen = np.flatnonzero(one_mask[:needed] == UNSEEN)[:1]
    return Pending(np.stack([unseen, unseen], axis=1)) if len(unseen) else "decided"


class Shaped(HostEvaluator):
    """An evaluator that computes in three shapes, and keeps the pairs of every batch."""

    def __init__(self, classifier: MaskedClassifier, masks: MaskSet) -> None:
        super().__init__(classifier, masks)
        self.asked = list[IntArray]()

    def shapes(self, pairs: IntArray) -> IntArray:
        return 7 + np.asarray(pairs.sum(axis=1) % 3, dtype=np.int64)

    def scores(self, images: Sequence[object], pairs: IntArray) -> npt.NDArray[np.generic]:
        self.asked.append(pairs)
        return super().scores(images, pairs)

    def filling(self, count: int) -> None:
        raise AssertionError(f"{count} rows of other shapes were to fill a batch")


@EVERYTHING
@pytest.mark.parametrize("decide", [ask_all, ask_in_turn])
@pytest.mark.parametrize("masks", SETS.values(), ids=SETS)
def test_each_batch_has_rows_of_one_shape(masks: MaskSet, decide: Decide[Filled], batch_size: int) -> None:
    images = images_for(masks, 6)
    evaluator = Shaped(Looker(batch_size), masks)
    decided = dict(run_queries(evaluator, images, decide))
    assert sorted(decided) == list(range(6))
    for number, (table, bare, evaluations) in decided.items():
        expected, expected_bare = truth(images[number], masks)
        assert (table.tolist(), bare) == (expected.tolist(), expected_bare)
        assert evaluations == masks.evaluations + 1
    for asked in evaluator.asked:
        assert len(asked) == batch_size
        assert len(set(evaluator.shapes(asked).tolist())) == 1


def test_batches_of_each_shape_are_full_while_images_wait() -> None:
    count, evaluator = 40, Shaped(Looker(8), REDUNDANT)
    list(run_queries(evaluator, images_for(REDUNDANT, count), ask_all))
    rows = count * (REDUNDANT.evaluations + 1)
    # At most one batch of each of the three shapes, the last, has rows that nobody waits for.
    assert len(evaluator.asked) <= -(-rows // 8) + 3
