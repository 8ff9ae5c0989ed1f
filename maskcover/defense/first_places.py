"""Votes for the first k labels: the classes with the k largest sums of scores, and when the true label is among them.

Views score classes as in `maskcover.defense.voting`. The answer is the list of the k classes with the largest sums,
the largest first, ties to the smallest class. There is no answer if all sums are 0.

First-places theorem. Let U be the views that a region leaves untouched, A all others, and let each score be from lo to
hi. Suppose that the scores of one view exceed lo by at most B in all, over all classes: by 1 where a view votes for one
class. Let S(c) be the sum of the scores of class c over U. Class c needs d(c) = S(y) - S(c) units from A to overtake
the true label y, and one more where c > y, since a tie goes to the smaller class; never less than 0. Take the k classes
other than y that need least. If some of them needs more than (hi - lo) |A|, or all of them together more than B |A|,
and if not all sums can become 0, then y is among the first k on every image that an attack within the region makes.

Proof. After an attack y has at least S(y) + lo |A|. A class c has S(c) + lo |A| and what A gives it above lo, at most
hi - lo a view. If y is not among the first k, then k classes have overtaken it, so each of them got d(c) units or more:
each at most (hi - lo) |A|, and all of them at most B |A| together. Both then hold for the k classes that need least,
whose largest need and whose sum of needs are the smallest of any k classes. ∎

The condition is necessary too, where views score freely within lo, hi and B: then some attack puts k classes ahead.
Lay the needs of the k classes end to end, and deal their units to the views of A in turn, round and round. The units
of class c are a run of d(c) of them, so that a view gets at most d(c) / |A| of them, rounded up, which is at most
hi - lo; and of all units together at most B. All views of A give y the least. So each of the k classes overtakes y. ∎

So needs add up over classes, because a unit of one view serves one class; the loss of y counts once, not for each of
them. To compare y with each class alone would be wrong in both ways: k classes that could each overtake y alone may not
all do so at once, and one that needs nothing at all, being ahead already, still takes one of the k places.

A larger U never makes the condition harder, since an attack on fewer views is an attack on more of them. So the minimal
signatures decide, as for one label. For k = 1 the theorem is the vote theorem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskcover.cells import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class FirstPlaces:
    """Among how many first labels the true one has to be, and how much one view can give to all classes.

    Args:
        top: k, the number of first labels.
        most_units: B, the most by which the scores of a view can exceed the least score, all classes together; None
            if only the range of each score limits it.
    """

    top: int
    most_units: int | None


FIRST_PLACE = FirstPlaces(1, None)
"""The true label has to be the first one."""


def first_by_votes(scores: IntArray, top: int) -> tuple[int, ...]:
    """The classes with the largest sums of scores, the largest first, ties to the smallest; none if all sums are 0.

    Classes without scores are listed too where there are not enough others.

    Args:
        scores: Whole numbers for each view and class, int64 (views, classes).
        top: The number of labels.

    >>> first_by_votes(np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]]), 2)
    (1, 0)
    """
    totals = scores.sum(axis=0)
    # A stable order leaves classes of equal sums in the order of their numbers.
    return tuple(np.argsort(-totals, kind="stable")[:top].tolist()) if totals.any() else ()


def stays_among_first(
    sums: IntArray, views: int, smaller: BoolArray, low: int, high: int, first: FirstPlaces
) -> BoolArray:
    """Whether the first-places theorem holds for each of several sets of untouched views, bool (sets,).

    Args:
        sums: Over the views of each set, int64 (sets, 2 + rivals): the scores of the label, 1 for each view, and the
            scores of the other classes, `first.top` of them or more.
        views: The number of all views.
        smaller: Which of the other classes are smaller than the label, bool (rivals,): they win ties.
        low, high: The least and the largest score of a view.
        first: The number of first labels, and the limit of what a view can give.

    Two views of three classes voted for class 0, and one view is touched; classes 1 and 2 need 3 votes each:

    >>> sums, smaller = np.array([[2, 2, 0, 0]]), np.zeros(2, dtype=bool)
    >>> stays_among_first(sums, 3, smaller, 0, 1, FirstPlaces(2, 1))
    array([ True])
    """
    own, touched, others = sums[:, :1], views - sums[:, 1:2], sums[:, 2:]
    needs = np.sort(np.maximum(own - others + ~smaller, 0), axis=1)[:, : first.top]
    overtaken = (needs <= (high - low) * touched).all(axis=1)
    if first.most_units is not None:
        overtaken &= needs.sum(axis=1) <= first.most_units * touched[:, 0]
    # Sums that are all 0 give no answer. Whether views may give so much at once is left open, on the safe side.
    every = np.concatenate([own, others], axis=1)
    erased = ((every + low * touched <= 0) & (every + high * touched >= 0)).all(axis=1)
    return np.asarray(~overtaken & ~erased)
