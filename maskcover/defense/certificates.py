"""Certificates: conditions on the prediction table of the clean image under which no attack changes Algorithm 1.

Row theorem (docs/theory.md, The defence). Let G be the masks m with F(x; m, m') = y for all m' in M. If some g in G
contains the region that an attack overwrites, Algorithm 1 returns y on the attacked image: whatever hides g hides the
region, so the row of g is the same on the attacked image and unanimous for y. If all one-mask predictions agree, they
agree with g on y. A disagreer d is returned only if its row is unanimous, and the entry of d with g is y. And if the
majority is not y, then g itself is a disagreer with a unanimous row, so some disagreer is returned. Hence if G is
R-covering the image is certified; in general exactly the regions inside masks of G are.

Algorithm 2 of the paper (section 3.3) is the case G = M, which is its Theorem 1.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense.double import first_round
from maskcover.defense.table import Pending, checked_matrix
from maskcover.errors import InvalidInput, MaskcoverWarning

Covers = Callable[[BoolArray], bool]
"""A test of whether the selected masks, bool of shape (n,), cover all regions."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The outcome of a certification.

    Args:
        certified: Whether no attack within the region set changes the defended label.
        certifying: Numbers of the certifying masks, whose whole row is the label: every region inside one of them is
            certified, whether or not the image is.
        failing: A pair of masks whose two-mask prediction is not the label; None if no such pair was evaluated.
        complete: Whether `certifying` is the whole of G; a decision that stopped early may not have every row.
        by_masks: For a defence with levels (`first_rounds`), whether it would certify without them; else None.
        coarser: Numbers of the masks of levels with the label; none without levels.
    """

    certified: bool
    certifying: tuple[int, ...]
    failing: tuple[int, int] | None
    complete: bool
    by_masks: bool | None = None
    coarser: tuple[int, ...] = ()

    @property
    def good(self) -> tuple[int, ...]:
        """The name of `certifying` up to version 0.1."""
        warnings.warn("Certificate.good is now Certificate.certifying", MaskcoverWarning, stacklevel=2)
        return self.certifying


def row_certificate(table: IntArray, label: int, covers: Covers, *, exhaustive: bool = False) -> Certificate | Pending:
    """The row certificate: certified exactly when the masks whose whole row is the label cover the regions.

    Args:
        table: int64 (n, n), symmetric, of the clean image; may have gaps.
        label: The true label y.
        covers: Exact covering of the regions by some of the masks.
        exhaustive: Continue until every row is decided, so that `certifying` gives all certified placements.

    Returns:
        The certificate as soon as the answer is known, or the pairs to evaluate next.
    """
    present = checked_matrix(table) != UNSEEN
    right = table == checked_label(label)
    hopeful = (right | ~present).all(axis=1)
    certifying = right.all(axis=1)
    complete = bool((hopeful == certifying).all())
    if complete or not exhaustive:
        certified = bool(certifying.any()) and covers(certifying)
        if certified or complete or not covers(hopeful):
            return _certificate(certified, certifying, present & ~right, complete=complete)
    return _missing(table, hopeful, label)


def all_pairs(table: IntArray, label: int, *, covering: bool) -> Certificate | Pending:
    """The paper's Algorithm 2: certified exactly when the whole mask set covers and the label is right for every pair.

    Args:
        table: int64 (n, n), symmetric, of the clean image; may have gaps.
        label: The true label y.
        covering: Whether the mask set covers the regions (Algorithm 2, line 2).
    """
    present = checked_matrix(table) != UNSEEN
    right = table == checked_label(label)
    wrong = present & ~right
    if covering and not wrong.any() and not present.all():
        return _missing(table, np.ones(len(table), dtype=np.bool_), label)
    certifying = right.all(axis=1)
    certified = covering and bool(certifying.all())
    return _certificate(certified, certifying, wrong, complete=bool((certifying | wrong.any(axis=1)).all()))


def checked_label(label: int) -> int:
    """Return a true label; raise `InvalidInput` if it is negative."""
    # A negative label would match the entries that stand for "no label" and certify a broken model.
    if label < 0:
        raise InvalidInput(f"a certificate is about a true label, 0 or more; got {label}")
    return label


def _certificate(certified: bool, certifying: BoolArray, wrong: BoolArray, *, complete: bool) -> Certificate:
    one_mask = np.flatnonzero(wrong.diagonal())
    pairs = np.argwhere(wrong)
    failing: tuple[int, int] | None = None
    if len(one_mask):
        failing = int(one_mask[0]), int(one_mask[0])
    elif len(pairs):
        failing = int(pairs[0, 0]), int(pairs[0, 1])
    return Certificate(certified, tuple(np.flatnonzero(certifying).tolist()), failing, complete)


def _missing(table: IntArray, rows: BoolArray, label: int) -> Pending:
    """The missing predictions: those under one mask first, which decide rows at least cost; then those of the rows."""
    one_mask = table.diagonal()
    if (one_mask == UNSEEN).any():
        return first_round(one_mask)
    return Pending(np.argwhere((table == UNSEEN) & rows[:, None]), wanted_label=label)
