"""Algorithms 1 and 2 of the paper, line by line, and the plainest of classifiers: one that looks its labels up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt

from maskcover import MaskSet
from maskcover.classifiers import UNDECIDED

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
Predict = Callable[[int, int], int]  # F(i, j): the label with masks i and j hidden
TieRule = Callable[[Sequence[int]], int]  # from the labels tied for most frequent to one of them


def lowest(tied: Sequence[int]) -> int:
    """The library's tie rule: the lowest label, none at all only if it has no rival."""
    return min((label for label in tied if label != UNDECIDED), default=UNDECIDED)


def algorithm_1(predict: Predict, masks: Sequence[int], tie: TieRule = lowest) -> tuple[int, str]:
    """DOUBLEMASKING(x, F, M): the label and the case; disagreers are tried in the order of `masks`."""
    majority, disagreers = mask_pred(lambda m: predict(m, m), masks, tie)
    if not disagreers:
        return majority, "agreed"
    for first, label in disagreers:
        _, others = mask_pred(partial(predict, first), masks, tie)
        if not others:
            return label, "disagreer"
    return majority, "majority"


def mask_pred(
    predict: Callable[[int], int], masks: Sequence[int], tie: TieRule = lowest
) -> tuple[int, list[tuple[int, int]]]:
    """MASKPRED(x, F, M): the majority label and the disagreers (mask, label)."""
    predictions = [(mask, predict(mask)) for mask in masks]
    counts = Counter(label for _, label in predictions)
    majority = tie([label for label in counts if counts[label] == max(counts.values())])
    return majority, [(mask, label) for mask, label in predictions if label != majority]


def challenger_games(
    predict: Predict, masks: Sequence[int], tie: TieRule = lowest
) -> tuple[int, str, int | None, list[tuple[int, int]]]:
    """Challenger masking (appendix C): the label, how it was found, the lowest mask left, and the games played."""
    label_of = {mask: predict(mask, mask) for mask in masks}
    majority, disagreers = mask_pred(lambda m: predict(m, m), masks, tie)
    if not disagreers:
        return majority, "agreed", None, []
    alive, games = list(masks), []
    while len({label_of[mask] for mask in alive}) > 1:
        champion = alive[0]
        challenger = next(mask for mask in alive if label_of[mask] != label_of[champion])
        games.append((champion, challenger))
        said = predict(champion, challenger)
        alive = [mask for mask in alive if mask not in games[-1] or label_of[mask] == said]
    if not alive:
        return majority, "majority", None, games
    return label_of[alive[0]], "challenger", alive[0], games


def pairs_first(
    predict: Predict, pairs: Sequence[tuple[int, int]], goes_on: Callable[[], tuple[int, str]]
) -> tuple[int, str]:
    """A first round by pairs of masks: the label and the case; without one label for all pairs another one goes on."""
    labels = {predict(first, second) for first, second in pairs}
    if len(labels) == 1 and UNDECIDED not in labels:
        return labels.pop(), "pairs agreed"
    return goes_on()


@dataclass(frozen=True)
class FirstRound:
    """What detection sees of an image: the bare label, and of each mask a label and its confidence."""

    bare: int
    labels: tuple[int, ...]
    confidences: tuple[float, ...]

    def alarms(self, threshold: float, low: float | None = None) -> list[int]:
        """The masks that speak against the bare label with enough confidence, or have too little, or no label."""
        alarms = []
        for mask, (label, sure) in enumerate(zip(self.labels, self.confidences, strict=True)):
            disagrees = label != self.bare and (label == UNDECIDED or sure >= threshold)
            if disagrees or (low is not None and sure < low):
                alarms.append(mask)
        return alarms

    def answer(self, threshold: float, low: float | None = None) -> tuple[bool, int | None]:
        """Whether there is an alert, and its first mask."""
        alarms = self.alarms(threshold, low)
        return bool(alarms) or self.bare == UNDECIDED, alarms[0] if alarms else None

    def silent(self, label: int, threshold: float, low: float | None = None) -> bool:
        """Whether the answer is this label, and no alert."""
        return self.bare == label and not self.answer(threshold, low)[0]

    def wrong(self, label: int, threshold: float, low: float | None = None) -> bool:
        """Whether the answer is another label than this one, and no alert: what an attacker wants."""
        return self.bare != label and not self.answer(threshold, low)[0]

    def good(self, label: int, threshold: float, low: float | None = None) -> tuple[int, ...]:
        """G of detection, by its definition."""
        good = []
        for mask, (said, sure) in enumerate(zip(self.labels, self.confidences, strict=True)):
            alerts = low is not None and said != UNDECIDED and sure < low
            if (said == label and sure >= threshold) or alerts:
                good.append(mask)
        return tuple(good)


def algorithm_2(predict: Predict, masks: Sequence[int], label: int, covering: bool) -> bool:
    """CERTIFICATION(x, y, F, M, R), line 2 given as `covering`."""
    if not covering:
        return False
    return all(predict(first, second) == label for first, second in product(masks, repeat=2))


def of_table(table: IntArray) -> tuple[Predict, range]:
    """F as a full table gives it, and the numbers of its masks."""
    rows = table.tolist()
    return lambda i, j: int(rows[i][j]), range(len(rows))


def good_rows(table: IntArray, label: int) -> tuple[int, ...]:
    """G of the row theorem, by its definition."""
    return tuple(i for i, row in enumerate(table.tolist()) if all(entry == label for entry in row))


def symmetric(count: int, entries: Iterable[int]) -> IntArray:
    """The symmetric table with these entries on and above the diagonal, row by row."""
    table = np.zeros((count, count), dtype=np.int64)
    upper = np.triu_indices(count)
    table[upper] = list(entries)
    table.T[upper] = table[upper]
    return table


def every_table(count: int, labels: Sequence[int]) -> Iterator[IntArray]:
    """All symmetric tables of so many masks with these labels."""
    return (symmetric(count, entries) for entries in product(labels, repeat=count * (count + 1) // 2))


Looked = Mapping[bytes, int]  # an image that is nothing but its labels, by the bytes of what is hidden


def image_of(table: IntArray, masks: MaskSet, bare: int = 0) -> Looked:
    """The image whose prediction table this is; `bare` is its label with nothing hidden."""
    hidden = np.asarray(masks)
    labels = {np.zeros(masks.grid.shape, dtype=np.bool_).tobytes(): bare}
    for i, j in product(range(len(masks)), repeat=2):
        labels[(hidden[i] | hidden[j]).tobytes()] = int(table[i, j])
    return labels


def singles(count: int) -> MaskSet:
    """On a line of so many cells (two at least) the masks that hide one cell each: no two unions are equal."""
    return MaskSet.from_array(np.eye(count, dtype=np.bool_), regions="squares(size=1)")


MOST_BATCHES = 3000  # far more than any test needs


@dataclass
class Looker:
    """A `MaskedClassifier` of images that are lookups; a label of −1 becomes a tie. It keeps its batches."""

    batch_size: int = 4
    classes: int = 3
    batches: list[tuple[list[Looked], BoolArray]] = field(default_factory=list)

    def scores(self, images: Sequence[Looked], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """One-hot scores of the labels looked up."""
        self.batches.append((list(images), hidden.copy()))
        assert len(self.batches) < MOST_BATCHES, "the engine asks for ever"
        return one_hot([image[hide.tobytes()] for image, hide in zip(images, hidden, strict=True)], self.classes)


def one_hot(labels: Sequence[int], classes: int) -> npt.NDArray[np.float64]:
    """Scores that say these labels: 1 at the label, 0 elsewhere; a row of ties where the label is `UNDECIDED`."""
    column = np.array(labels, dtype=np.int64).reshape(-1, 1)
    return np.where(column == UNDECIDED, 0.0, (np.arange(classes) == column).astype(np.float64))
