"""Votes: each view of the image votes for a class, or for several, and the class with most votes is the answer.

Vote theorem. A view is untouched by a region exactly when its mask contains the region. Let U be the views that a
region leaves untouched, and A all others. The answer is y on every image that an attack within the region makes if, for
each class c other than y, the votes of U for y less those for c are at least |A|, and more than |A| where c < y.

Proof. After the attack y still has its votes of U, and c has at most its votes of U and one of each view of A. So the
votes for y are at least those for c, and more where a tie would go to c. ∎

A larger U never makes the condition harder: only the smallest sets of untouched views matter, the minimal signatures.
The condition is necessary too where views vote freely for one class each: an attack can turn all of A to c.

Source: de-randomised smoothing (Levine and Feizi 2020), whose rule compares with twice the number of touched views; the
same certificate stands behind Smoothed ViT (Salman et al. 2022) and BagCert (Metzen and Yatsura 2021).
"""

from __future__ import annotations

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED
from maskcover.covering.containment import Containment
from maskcover.defense.answers import Case, Defended
from maskcover.defense.certificates import Certificate, checked_label
from maskcover.errors import InvalidInput, NotCovering


def vote(votes: IntArray) -> Defended:
    """The class with most votes, ties to the smallest; no label if nobody votes.

    Args:
        votes: 0 or 1 for each view and class, int64 (views, classes).

    >>> print(vote(np.array([[0, 1], [1, 0], [0, 1]])))
    1 (votes)
    """
    totals = checked_votes(votes).sum(axis=0)
    return Defended(int(totals.argmax()), Case.VOTES) if totals.any() else Defended(UNDECIDED, Case.NO_VOTES)


def vote_certificate(votes: IntArray, reliable: BoolArray, label: int, covers: Containment) -> Certificate:
    """The certificate of voting: certified exactly when the vote theorem holds for every region.

    Args:
        votes: Of the clean image: 0 or 1 for each view and class, int64 (views, classes).
        reliable: Whether the votes of a view can be relied on, bool (views,); others count as touched by every region.
        label: The true label y.
        covers: The masks of the views, and the regions.

    Returns:
        The certificate; no single masks certify, so `certifying` is empty.
    """
    votes = checked_votes(votes)
    if checked_label(label) >= votes.shape[1]:
        raise InvalidInput(f"the label {label} is none of {votes.shape[1]} classes")
    relied = np.where(reliable[:, None], votes, 0)
    rivals = _rivals(votes, label)
    totals = covers.totals(np.column_stack([relied[:, label], reliable, relied[:, rivals]]).astype(np.int64))
    if totals is None:
        return _certificate(certified=False)  # too many sets of untouched views to list: nothing is claimed
    own, untouched, others = totals[:, :1], totals[:, 1:2], totals[:, 2:]
    ahead = own - others - (rivals < label)
    # Without any region nothing was compared, and nothing is claimed.
    certified = bool(len(totals) and (own > 0).all() and (ahead >= len(votes) - untouched).all())
    return _certificate(certified=certified)


def expect_possible(covers: Containment) -> None:
    """Raise `NotCovering` if no image can be certified with these views, whatever the model says of it.

    That is so where some region touches more than half of the views: they outvote the others.
    """
    totals = covers.totals(np.ones((len(covers.masks), 1), dtype=np.int64))
    least = 0 if totals is None or not len(totals) else int(totals.min())
    views = len(covers.masks)
    if totals is not None and 2 * least < views:
        raise NotCovering(
            f"no image can be certified by votes of these views against {covers.regions}: some region touches "
            f"{views - least:,} of {views:,} views, and may outvote the others. Use narrower bands, bands along the "
            "other axis, or blocks; or leave out thin regions, as in rectangles(area=0.01, min_side=10)"
        )


def checked_votes(votes: IntArray) -> IntArray:
    """Return votes; raise `InvalidInput` unless they are 0 or 1 for one view or more, and two classes or more."""
    if votes.ndim != 2 or not votes.size or votes.shape[1] < 2 or votes.dtype.kind not in "iu":
        raise InvalidInput(
            f"votes are whole numbers of shape (views, classes), for two classes or more; got {votes.dtype} "
            f"{votes.shape}"
        )
    if not ((votes == 0) | (votes == 1)).all():
        raise InvalidInput(f"a view has 0 or 1 vote for each class; got {int(votes.min())} to {int(votes.max())}")
    return votes


def _rivals(votes: IntArray, label: int) -> IntArray:
    """The classes that matter besides the label: those with votes, and the first of those without."""
    voted = votes.any(axis=0)
    silent = np.flatnonzero(~voted & (np.arange(votes.shape[1]) != label))[:1]
    return np.sort(np.concatenate([np.setdiff1d(np.flatnonzero(voted), [label]), silent])).astype(np.int64)


def _certificate(*, certified: bool) -> Certificate:
    return Certificate(certified, (), None, complete=True)
