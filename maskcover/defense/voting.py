"""Votes: each view of the image scores the classes, and the class with the largest sum of scores is the answer.

Vote theorem. Each view v gives each class c a score s_v(c), a whole number from lo to hi; a vote is 0 or 1. A view is
untouched by a region exactly when its mask contains the region. Let U be the views that a region leaves untouched, and
A all others. The answer is y on every image that an attack within the region makes if, for each class c other than y,
the sum of s_v(y) - s_v(c) over U is at least (hi - lo) |A|, and more than that where c < y.

Proof. After the attack the scores of U are what they were, and each view of A gives y at least lo and c at most hi. So
the sum of y is at least that of c, and more where a tie would go to c. ∎

A larger U never makes the condition harder: only the smallest sets of untouched views matter, the minimal signatures.
The condition is necessary too where views vote freely for one class each: an attack can turn all of A to c.

Where y has to be among the first k labels only, `maskcover.defense.first_places` has the theorem.

Source: de-randomised smoothing (Levine and Feizi 2020), whose rule compares with twice the number of touched views; the
same certificate stands behind Smoothed ViT (Salman et al. 2022), Clipped BagNet (Zhang et al. 2020) and BagCert (Metzen
and Yatsura 2021).
"""

from __future__ import annotations

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.interned import FIRST_NUMBER
from maskcover.classifiers.labels import UNDECIDED
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap
from maskcover.covering.tallies import whole_product
from maskcover.defense.answers import Case, Defended, checked_top
from maskcover.defense.certificates import Certificate, checked_label
from maskcover.defense.first_places import FIRST_PLACE, FirstPlaces, stays_among_first
from maskcover.errors import InvalidInput, NotCovering


def vote(scores: IntArray) -> Defended:
    """The class with the largest sum of scores, ties to the smallest; no label if all sums are 0.

    Args:
        scores: Whole numbers for each view and class, int64 (views, classes), such as votes, which are 0 or 1.

    >>> print(vote(np.array([[0, 1], [1, 0], [0, 1]])))
    1 (votes)
    """
    totals = whole_scores(scores).sum(axis=0)
    return Defended(int(totals.argmax()), Case.VOTES) if totals.any() else Defended(UNDECIDED, Case.NO_VOTES)


def is_open(labels: IntArray) -> bool:
    """Whether labels are numbers of answers, of which there is no last one (`maskcover.MaskedAnswers`)."""
    return bool((labels >= FIRST_NUMBER).any())


def vote_of_any(labels: IntArray) -> Defended:
    """The label that most views have, ties to the smallest; for numbers of answers, int64 (views,), −1 for none.

    >>> vote_of_any(np.array([FIRST_NUMBER + 5, -1, FIRST_NUMBER, FIRST_NUMBER + 5])).label - FIRST_NUMBER
    5
    """
    values, counts = np.unique(labels[labels >= 0], return_counts=True)
    return Defended(int(values[counts.argmax()]), Case.VOTES) if len(values) else Defended(UNDECIDED, Case.NO_VOTES)


def votes_for_any(labels: IntArray, label: int) -> IntArray:
    """The votes of views for numbers of answers, with a column for each answer that some view gives.

    Whatever the numbers are, the true label is the last column, after one that stands for all answers which no view
    gives: so every other answer counts as one that wins ties.

    Args:
        labels: The label of each view, int64 (views,), −1 for none.
        label: The true label.

    Returns:
        int64 (views, columns), 0 or 1.

    >>> votes_for_any(np.array([FIRST_NUMBER + 9, FIRST_NUMBER + 1, -1]), FIRST_NUMBER + 1).tolist()
    [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    """
    others = np.setdiff1d(labels[labels >= 0], [label])
    columns = [*(labels == other for other in others), np.zeros(len(labels), np.bool_), labels == label]
    return np.stack(columns, axis=1).astype(np.int64)


def vote_certificate(
    scores: IntArray,
    reliable: BoolArray,
    label: int,
    covers: Containment,
    low: int = 0,
    high: int = 1,
    first: FirstPlaces = FIRST_PLACE,
) -> Certificate:
    """The certificate of voting: certified exactly when the vote theorem holds for every region.

    Args:
        scores: Of the clean image: a whole number from low to high for each view and class, int64 (views, classes).
        reliable: Whether the scores of a view can be relied on, bool (views,); others count as touched by every region.
        label: The true label y.
        covers: The masks of the views, and the regions.
        low, high: The least and the largest score that a view can give.
        first: Among how many first labels y has to be; by default it has to be the first one.

    Returns:
        The certificate; no single masks certify, so `certifying` is empty.
    """
    weights, smaller = _weights(checked_scores(scores, low, high), reliable, label, first)
    totals = covers.totals(weights)
    if totals is None:
        return _certificate(certified=False)  # too many sets of untouched views to list: nothing is claimed
    holds = _holds(totals, len(scores), smaller, low, high, first)
    # Without any region nothing was compared, and nothing is claimed.
    return _certificate(certified=len(holds) > 0 and bool(holds.all()))


def vote_map(
    scores: IntArray,
    reliable: BoolArray,
    label: int,
    covers: Containment,
    low: int = 0,
    high: int = 1,
    first: FirstPlaces = FIRST_PLACE,
) -> PlacementMap | None:
    """The map of the placements at which the vote theorem holds; arguments as for `vote_certificate`.

    Returns:
        The map for one patch; None for several patches at once.

    >>> from maskcover import bands, squares
    >>> covers = Containment(bands(width=1, image_size=(1, 5)), squares(size=1))
    >>> votes = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]])
    >>> vote_map(votes, np.ones(5, dtype=bool), 0, covers).fraction
    Fraction(2, 5)
    """
    weights, smaller = _weights(checked_scores(scores, low, high), reliable, label, first)
    return covers.placement_map(
        lambda containing: _holds(whole_product(containing, weights), len(scores), smaller, low, high, first)
    )


def _holds(sums: IntArray, views: int, smaller: BoolArray, low: int, high: int, first: FirstPlaces) -> BoolArray:
    """Whether the theorem about the first label, or about the first labels, holds; arguments as for these."""
    if first.top == 1:
        return theorem_holds(sums, views, smaller, low, high)
    return stays_among_first(sums, views, smaller, low, high, first)


def _weights(scores: IntArray, reliable: BoolArray, label: int, first: FirstPlaces) -> tuple[IntArray, BoolArray]:
    """The numbers that `theorem_holds` adds up, int64 (views, 2 + rivals), and which rivals are smaller."""
    if checked_label(label) >= scores.shape[1]:
        raise InvalidInput(f"the label {label} is none of {scores.shape[1]} classes")
    checked_top(first.top, scores.shape[1])
    relied = np.where(reliable[:, None], scores, 0)
    rivals = _rivals(scores, label, first.top)
    return np.column_stack([relied[:, label], reliable, relied[:, rivals]]).astype(np.int64), rivals < label


def theorem_holds(sums: IntArray, views: int, smaller: BoolArray, low: int, high: int) -> BoolArray:
    """Whether the vote theorem holds for each of several sets of untouched views, bool (sets,).

    Args:
        sums: Over the views of each set, int64 (sets, 2 + rivals): the scores of the label, 1 for each view, and the
            scores of the other classes.
        views: The number of all views.
        smaller: Which of the other classes are smaller than the label, bool (rivals,): they win ties.
        low, high: The least and the largest score of a view.
    """
    own, touched, others = sums[:, :1], views - sums[:, 1:2], sums[:, 2:]
    # The least by which the label can be ahead of each other class after an attack.
    ahead = own - others - (high - low) * touched
    # Sums that are all 0 give no label. If none can fall behind, all are equal only after the attack that is worst for
    # y against each of them, and then only if y leads none.
    answered = (own + low * touched != 0)[:, 0] | (ahead > 0).any(axis=1)
    return np.asarray((ahead >= smaller).all(axis=1) & answered)


def expect_possible(covers: Containment, first: FirstPlaces = FIRST_PLACE) -> None:
    """Raise `NotCovering` if no image can be certified with these views, whatever the model says of it.

    That is so where some region touches more than half of the views, and these outvote the others: for one label, or
    for each of the `first.top` labels that push the true one out of the first places.
    """
    views, totals = len(covers.masks), covers.totals(np.ones((len(covers.masks), 1), dtype=np.int64))
    if totals is None:
        raise NotCovering(
            f"the regions {covers.regions} touch too many different sets of the {views:,} views to list them; use "
            "fewer views, or a region set with fewer shapes or patches"
        )
    least = int(totals.min()) if len(totals) else 0
    outvoted = first.most_units is None or first.top * (least + 1) <= first.most_units * (views - least)
    if 2 * least < views and outvoted:
        raise NotCovering(
            f"no image can be certified by votes of these views against {covers.regions}: some region touches "
            f"{views - least:,} of {views:,} views, and may outvote the others. Use narrower bands, bands along the "
            "other axis, or blocks; or leave out thin regions, as in rectangles(area=0.01, min_side=10)"
        )


def checked_scores(scores: IntArray, low: int, high: int) -> IntArray:
    """Return scores of views; raise `InvalidInput` unless each is a whole number from low to high."""
    if whole_scores(scores).min() < low or scores.max() > high:
        raise InvalidInput(
            f"the scores of a view are from {low} to {high}; got {int(scores.min())} to {int(scores.max())}"
        )
    return scores


def whole_scores(scores: IntArray) -> IntArray:
    """Return scores; raise `InvalidInput` unless they are whole numbers, for a view or more and two classes or more."""
    if scores.ndim != 2 or not scores.size or scores.shape[1] < 2 or scores.dtype.kind not in "iu":
        raise InvalidInput(
            f"scores of views are whole numbers of shape (views, classes), for two classes or more; got {scores.dtype} "
            f"{scores.shape}"
        )
    return scores


def _rivals(scores: IntArray, label: int, silent_ones: int) -> IntArray:
    """The classes that matter besides the label: those with scores, and the first few of those with none but 0.

    Of classes without scores the smallest overtake the label most easily, and no more of them matter than overtake it.
    """
    voted = scores.any(axis=0)
    silent = np.flatnonzero(~voted & (np.arange(scores.shape[1]) != label))[:silent_ones]
    return np.sort(np.concatenate([np.setdiff1d(np.flatnonzero(voted), [label]), silent])).astype(np.int64)


def _certificate(*, certified: bool) -> Certificate:
    return Certificate(certified, (), None, complete=True)
